package socketio_test

import (
	"testing"

	"outrider/socketio"
)

// TestLazyRoot: a client of revision 3 is told that it is in "/", and has a
// socket there from its first packet to it on, with all that a socket has.
func TestLazyRoot(t *testing.T) {
	events := make(chan string, 8)
	s, addr := start(t, socketio.Config{LazyRoot: true}, func(s *socketio.Server) {
		root := s.Of("/")
		root.OnConnect(func(*socketio.Socket) { events <- "connect" })
		root.On("hello", func(e *socketio.Event) {
			events <- "hello"
			if err := e.Ack("there"); err != nil {
				t.Error(err)
			}
		})
		root.OnDisconnect(func(*socketio.Socket, socketio.DisconnectReason) { events <- "disconnect" })
		s.Of("/chat").On("hello", func(e *socketio.Event) { _ = e.Ack() })
	})
	quiet, loud := dial(t, addr, "3"), dial(t, addr, "3")
	for _, c := range []*client{quiet, loud} {
		c.expect("40")
		c.send("40/chat")
		c.expect("40/chat,")
	}
	if n := s.Of("/").Len(); n != 0 {
		t.Errorf("%d sockets in / before anybody spoke", n)
	}
	loud.send(`420["hello"]`)
	loud.expect(`430["there"]`)
	for _, want := range []string{"connect", "hello"} {
		if got := wait(t, events); got != want {
			t.Errorf("%s happened, want %s", got, want)
		}
	}
	if n := s.Of("/").Len(); n != 1 {
		t.Errorf("%d sockets in /, want 1", n)
	}
	loud.send("41") // it leaves "/", and nothing else
	if got := wait(t, events); got != "disconnect" {
		t.Errorf("%s happened", got)
	}
	for _, c := range []*client{quiet, loud} {
		c.send(`42/chat,0["hello"]`)
		c.expect(`43/chat,0[]`)
	}

	// With an attachment, and as the first thing at all.
	binary := dial(t, addr, "3")
	binary.expect("40")
	binary.send(`451-0["hello",{"_placeholder":true,"num":0}]`)
	binary.sendBinary('x')
	binary.expect(`430["there"]`)
	// A client of protocol 5 asks for "/" and gets it.
	asks := dial(t, addr, "4")
	asks.join("/")
	if n := s.Of("/").Len(); n != 2 {
		t.Errorf("%d sockets in /, want 2", n)
	}
}
