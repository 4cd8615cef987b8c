package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"outrider/socketio"
)

// TestBehindHTTPServer has the clients meet a server that is a handler of an http.Server, whose pages are on the same port.
// It is the library's, and not the gateway's, which has its port to itself.
func TestBehindHTTPServer(t *testing.T) {
	t.Parallel()
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ns := server.Of("/")
	ns.OnConnect(func(s *socketio.Socket) { _ = s.Emit("message", "welcome") })
	socketio.OnAck(ns, "add", func(_ *socketio.Event, n int) (int, error) { return n + 1, nil })
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", server)
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a page") })
	web := httptest.NewServer(mux)
	t.Cleanup(func() {
		web.Close()
		_ = server.Close()
	})

	for _, version := range versions {
		for _, tr := range transports {
			t.Run(client{version, tr}.String(), func(t *testing.T) {
				d := shared.drivers[version].start(t)
				notices, upgrades := make(chan notice, 100), make(chan notice, 1) // an upgrade may come amid the others
				number := d.add(func(n notice) {
					if n.Notice == "upgrade" {
						upgrades <- n
						return
					}
					notices <- n
				})
				defer d.remove(number)
				options := map[string]any{"forceNew": true, "reconnection": false}
				if tr != upgrade {
					options["transports"] = []transport{tr}
				}
				mustSend(t, d, order{Order: "open", Client: number, URL: web.URL, Options: options})
				awaitNotice(t, notices, "event", `"welcome"`)
				mustSend(t, d, order{Order: "emit", Client: number, Event: "add", Args: []json.RawMessage{json.RawMessage("41")}, Ack: 1})
				awaitNotice(t, notices, "ack", "42")
				if tr == upgrade {
					awaitNotice(t, upgrades, "upgrade", "")
				}
				mustSend(t, d, order{Order: "close", Client: number})
			})
		}
	}
	res, err := http.Get(web.URL + "/page")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); string(body) != "a page" {
		t.Errorf("the page is %q, %v", body, err)
	}
}

func mustSend(t *testing.T, d *driver, o order) {
	t.Helper()
	if err := d.send(o); err != nil {
		t.Fatal(err)
	}
}

// awaitNotice waits for a notice of the kind, whose first argument, if want has one, must be that.
func awaitNotice(t *testing.T, notices <-chan notice, kind, want string) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case n := <-notices:
			switch {
			case n.Notice == "connect_error":
				t.Fatal(n)
			case n.Notice != kind:
			case want != "" && (len(n.Args) == 0 || string(n.Args[0]) != want):
				t.Fatalf("%v, want %s", n, want)
			default:
				return
			}
		case <-timeout:
			t.Fatalf("no %s", kind)
		}
	}
}
