package socketio_test

import (
	"net/http"
	"strings"
	"testing"

	"outrider/socketio"
)

// TestVolatileWebSocket: a connection that keeps up gets every volatile event, complete with attachments, and between
// others in order. (The official server drops one that follows another in the same turn.)
func TestVolatileWebSocket(t *testing.T) {
	for _, eio := range []string{"3", "4"} {
		joined := make(chan *socketio.Socket, 1)
		s, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
			s.Of("/").OnConnect(func(s *socketio.Socket) { joined <- s })
		})
		c := dial(t, addr, eio)
		c.join("/")
		socket := wait(t, joined)
		for i, to := range []socketio.Broadcast{socket.Volatile(), s.Of("/").Volatile()} {
			if err := socket.Emit("before", i); err != nil {
				t.Fatal(err)
			}
			c.read()
			for _, data := range []string{"xyz", ""} {
				if n, err := to.Emit("v", []byte(data)); n != 1 || err != nil {
					t.Fatalf("sent to %d, %v", n, err)
				}
			}
			if err := socket.Emit("behind"); err != nil {
				t.Fatal(err)
			}
			const head = `451-["v",{"_placeholder":true,"num":0}]`
			c.expect(head, "bxyz", head, "b", `42["behind"]`)
		}
	}
}

// TestVolatilePolling: a waiting GET takes one volatile event, and what is sent until the next comes is dropped if it is
// volatile and kept if not.
func TestVolatilePolling(t *testing.T) {
	joined := make(chan *socketio.Socket, 1)
	s, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
		s.Of("/").OnConnect(func(s *socketio.Socket) { joined <- s })
	})
	url := "http://" + addr + "/socket.io/?EIO=4&transport=polling"
	url += "&sid=" + request(t, http.MethodGet, url, "")[len(`0{"sid":"`):][:20]
	request(t, http.MethodPost, url, "40")
	socket := wait(t, joined)
	for _, to := range []socketio.Broadcast{socket.Volatile(), s.Of("/").Volatile()} {
		if err := socket.Emit("kept", 1); err != nil {
			t.Fatal(err)
		}
		if n, _ := to.Emit("dropped"); n != 0 { // behind one that waits
			t.Errorf("sent to %d", n)
		}
		if err := socket.Emit("kept", 2); err != nil {
			t.Fatal(err)
		}
		got := request(t, http.MethodGet, url, "")
		if !strings.HasSuffix(got, `42["kept",1]`+"\x1e"+`42["kept",2]`) {
			t.Errorf("the poll brought %q", got)
		}
		answers := make(chan string, 1)
		go func() { answers <- request(t, http.MethodGet, url, "") }()
		for !socket.Session().Writable() { // the GET is on its way
			request(t, http.MethodPost, url, `42["nobody handles this"]`)
		}
		if n, _ := to.Emit("v", 1); n != 1 {
			t.Errorf("sent to %d", n)
		}
		if n, _ := to.Emit("v", 2); n != 0 {
			t.Errorf("sent to %d without a GET", n)
		}
		if got := wait(t, answers); got != `42["v",1]` {
			t.Errorf("the poll brought %q", got)
		}
	}
}
