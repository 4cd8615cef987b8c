package socketio_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"outrider/socketio"
)

// crowd connects clients of both revisions to "/", in rooms: client 0 is in a, 1 in a and b, 2 in b, 3 in none.
func crowd(t testing.TB, cfg socketio.Config) (*socketio.Server, []*client, []*socketio.Socket) {
	t.Helper()
	joined := make(chan *socketio.Socket, 1)
	s, addr := start(t, cfg, func(s *socketio.Server) {
		s.Of("/").OnConnect(func(s *socketio.Socket) { joined <- s })
		s.Of("/").On("sync", syncHandler)
	})
	var clients []*client
	var sockets []*socketio.Socket
	for i, rooms := range [][]string{{"a"}, {"a", "b"}, {"b"}, nil} {
		c := dial(t, addr, []string{"4", "3"}[i%2])
		c.join("/")
		socket := wait(t, joined)
		if err := socket.Join(rooms...); err != nil {
			t.Fatal(err)
		}
		clients, sockets = append(clients, c), append(sockets, socket)
	}
	return s, clients, sockets
}

func TestBroadcast(t *testing.T) {
	s, clients, sockets := crowd(t, socketio.Config{})
	ns := s.Of("/")
	ab := ns.To("a", "b")
	for i, test := range []struct {
		to   socketio.Broadcast
		want string // who receives
	}{
		{ns.To(), "0123"},
		{ns.To("a"), "01"},
		{ns.To("a").To("b"), "012"},
		{ab, "012"},
		{ab.Except("b"), "0"},
		{ab, "012"}, // has not changed
		{ab.To(sockets[3].ID()), "0123"},
		{ns.Except("a"), "23"},
		{ns.Except("a", sockets[2].ID()), "3"},
		{ns.Except("a", sockets[3].ID()), "2"},
		{ns.To("nobody"), ""},
		{ns.To("a\x00"), ""},
		{ns.To(sockets[0].ID()), "0"},
		{ns.To(sockets[1].ID(), "a"), "01"},
		{sockets[0].Broadcast(), "123"},
		{sockets[1].To("a"), "0"},
		{sockets[1].To("a", "b").Except("a"), "2"},
		{sockets[2].Except("a"), "3"},
		{sockets[0].To(sockets[0].ID()), ""},
		{ns.Volatile(), "0123"},
		{sockets[2].Volatile(), "2"},
		{sockets[2].Volatile().To("b"), "1"},
		{sockets[2].Volatile().Except("a"), "3"},
	} {
		event := fmt.Sprint("event", i)
		sent, err := test.to.Emit(event, "é")
		if err != nil || sent != len(test.want) {
			t.Errorf("%d: sent to %d, %v, want %s", i, sent, err, test.want)
		}
		for _, who := range test.want {
			c := clients[who-'0']
			c.expect(fmt.Sprintf(map[string]string{"4": `42["%s","é"]`, "3": `42["%s","\u00e9"]`}[c.eio], event))
		}
		for _, c := range clients {
			c.sync("/")
		}
	}
	if _, err := ns.Emit("connect"); !errors.Is(err, socketio.ErrReserved) {
		t.Errorf("reserved: %v", err)
	}
}

func TestRooms(t *testing.T) {
	s, clients, sockets := crowd(t, socketio.Config{MaxRooms: 3})
	ns, one := s.Of("/"), sockets[1]
	reach := func(room string) int {
		n := 0
		for range ns.To(room).Sockets() {
			n++
		}
		return n
	}
	if err := one.Join("a", "c", one.ID()); !errors.Is(err, socketio.ErrLimit) {
		t.Errorf("a fourth room: %v", err)
	}
	if got := fmt.Sprint(one.Rooms()); got != "[a b c]" {
		t.Errorf("rooms %s", got)
	}
	one.Leave("b")
	one.Leave("nowhere")
	if err := one.Join(one.ID()); err != nil { // no room of its own, and harmless
		t.Error(err)
	}
	if got := fmt.Sprint(one.Rooms()); got != "[a c "+one.ID()+"]" || reach(one.ID()) != 1 || reach("b") != 1 || reach("c") != 1 {
		t.Errorf("rooms %s, %d in b", got, reach("b"))
	}
	if err := s.Of("/other").To("a"); len(collect(err)) != 0 {
		t.Error("rooms of another namespace")
	}
	clients[1].send("41")
	for one.Connected() {
		clients[0].sync("/")
	}
	if reach("a") != 1 || reach("c") != 0 || reach(one.ID()) != 0 {
		t.Error("left behind in rooms")
	}
	one.Leave("a")
	if err := one.Join("a"); !errors.Is(err, socketio.ErrNotConnected) || reach("a") != 1 {
		t.Errorf("joined after the end: %v", err)
	}
}

func collect(b socketio.Broadcast) (all []*socketio.Socket) {
	for s := range b.Sockets() {
		all = append(all, s)
	}
	return all
}

// TestVolatile: without a waiting GET a polling client can take nothing (PROTOCOL.md 2.6).
func TestVolatile(t *testing.T) {
	joined := make(chan *socketio.Socket, 1)
	s, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
		s.Of("/").OnConnect(func(s *socketio.Socket) { joined <- s })
	})
	url := "http://" + addr + "/socket.io/?EIO=4&transport=polling"
	open := request(t, http.MethodGet, url, "")
	url += "&sid=" + open[len(`0{"sid":"`):][:20]
	request(t, http.MethodPost, url, "40")
	socket := wait(t, joined)
	if n, err := socket.Volatile().Emit("lost"); n != 0 || err != nil {
		t.Errorf("sent to %d, %v", n, err)
	}
	if n, err := s.Of("/").Volatile().Emit("lost"); n != 0 || err != nil {
		t.Errorf("sent to %d, %v", n, err)
	}
	if err := socket.Emit("kept"); err != nil {
		t.Error(err)
	}
	if text := request(t, http.MethodGet, url, ""); !strings.HasPrefix(text, `40{"sid":`) || !strings.HasSuffix(text, "}\x1e"+`42["kept"]`) {
		t.Errorf("got %q", text)
	}
}

func request(t *testing.T, method, url, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", resp.Status, text, err)
	}
	return string(text)
}
