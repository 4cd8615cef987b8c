package socketio_test

import (
	"errors"
	"strings"
	"testing"

	"outrider/socketio"
)

// nursery is a server that makes the namespaces "/child-..." on demand. Its middleware refuses who says so.
func nursery(t *testing.T, keep bool) (s *socketio.Server, addr string, left chan string) {
	t.Helper()
	left = make(chan string, 10)
	s, addr = start(t, socketio.Config{KeepEmptyNamespaces: keep}, func(s *socketio.Server) {
		children := s.OfFunc(func(name string) bool { return strings.HasPrefix(name, "/child-") })
		children.Use(func(s *socketio.Socket) error {
			if strings.Contains(string(s.Auth()), "refuse") {
				return errors.New("not you")
			}
			return nil
		})
		children.OnDisconnect(func(s *socketio.Socket, _ socketio.DisconnectReason) { left <- s.Namespace().Name() })
	})
	return s, addr, left
}

// TestEmptyNamespace: a namespace that was made on demand is forgotten with its last socket, and made again for the
// next; unless it is to be kept.
func TestEmptyNamespace(t *testing.T) {
	for _, keep := range []bool{false, true} {
		s, addr, left := nursery(t, keep)
		c := dial(t, addr, "4")
		for range 2 {
			c.join("/child-a")
			if !s.Has("/child-a") {
				t.Error("not there, with a socket in it")
			}
			c.send("41/child-a,")
			wait(t, left)
			c.join("/child-b") // behind the end of the other
			c.send("41/child-b,")
			wait(t, left)
			if s.Has("/child-a") != keep {
				t.Errorf("is there: %t, with KeepEmptyNamespaces %t", !keep, keep)
			}
		}
	}
}

// TestRefusedChild: so it is with one whose only client was refused, but not if there are others in it.
func TestRefusedChild(t *testing.T) {
	for _, keep := range []bool{false, true} {
		s, addr, left := nursery(t, keep)
		c, other := dial(t, addr, "4"), dial(t, addr, "4")
		refused := func() {
			t.Helper()
			c.send(`40/child-a,{"as":"refuse"}`)
			c.expect(`44/child-a,{"message":"not you"}`)
			c.join("/child-b") // behind the end of the attempt
			c.send("41/child-b,")
			wait(t, left)
		}
		refused()
		if s.Has("/child-a") != keep {
			t.Errorf("is there: %t, with KeepEmptyNamespaces %t", !keep, keep)
		}
		other.join("/child-a")
		refused()
		if !s.Has("/child-a") || s.Of("/child-a").Len() != 1 {
			t.Error("the other one's namespace is gone")
		}
	}
}

// TestOfChild: a namespace that Of makes is none of a template's, though its name would do.
func TestOfChild(t *testing.T) {
	s, addr, left := nursery(t, false)
	s.Of("/child-a")
	c := dial(t, addr, "4")
	c.send(`40/child-a,{"as":"refuse"}`)
	if text := c.read(); !strings.HasPrefix(text, `40/child-a,{"sid":"`) {
		t.Errorf("the template's middleware was asked: %s", text)
	}
	c.send("41/child-a,")
	c.join("/child-b")
	c.send("41/child-b,")
	if name := wait(t, left); name != "/child-b" {
		t.Errorf("the template's handler was told of %s", name)
	}
}

// TestSockets: what is done to many at once is a loop over them, which may change who is in the rooms meanwhile.
func TestSockets(t *testing.T) {
	s, clients, sockets := crowd(t, socketio.Config{})
	ns := s.Of("/")
	for s := range ns.Sockets() {
		if err := s.Join("all"); err != nil {
			t.Error(err)
		}
	}
	for s := range ns.To("a", "b").Sockets() {
		s.Leave("a")
		s.Leave("all")
		if err := s.Join("ab"); err != nil {
			t.Error(err)
		}
	}
	for room, want := range map[string]int{"all": 1, "a": 0, "b": 2, "ab": 3, sockets[0].ID(): 1} {
		if n := len(collect(ns.To(room))); n != want {
			t.Errorf("%d sockets in %s, want %d", n, room, want)
		}
	}
	for s := range ns.To("b").Sockets() {
		s.Disconnect(false)
	}
	clients[1].expect("41")
	clients[2].expect("41")
	if n := len(collect(ns.To("ab"))); n != 1 || ns.Len() != 2 {
		t.Errorf("%d of %d sockets are left in the room", n, ns.Len())
	}
	clients[0].sync("/")
	clients[3].sync("/")
}

// TestGoneInMiddleware: a client that goes while middleware thinks about it is never connected, and leaves nothing.
func TestGoneInMiddleware(t *testing.T) {
	for name, end := range map[string]func(*client){
		"connection": func(c *client) { c.conn.Close() },
		"engine":     func(c *client) { c.send("1") },
	} {
		t.Run(name, func(t *testing.T) {
			asked, closed := make(chan *socketio.Socket), make(chan error)
			s, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
				ns := s.Of("/")
				ns.Use(func(s *socketio.Socket) error {
					asked <- s
					return errors.Join(s.Join("room"), <-closed)
				})
				ns.OnConnect(func(*socketio.Socket) { t.Error("connected") })
				ns.OnDisconnect(func(*socketio.Socket, socketio.DisconnectReason) { t.Error("disconnected") })
			})
			c := dial(t, addr, "4")
			c.send("40")
			socket := wait(t, asked)
			end(c)
			for socket.Session().Send([]byte("0"), false) == nil { // the engine notices beside the handlers
				c.next() //nolint:errcheck // the connection may be gone
			}
			closed <- nil
			s.Close() // all has happened after this
			if n := s.Of("/").Len(); n != 0 || socket.Connected() {
				t.Errorf("%d sockets left", n)
			}
		})
	}
}

// TestBinaryToRooms: an event with attachments comes whole, once, and to the rooms' sockets alone.
func TestBinaryToRooms(t *testing.T) {
	s, clients, sockets := crowd(t, socketio.Config{})
	nested := socketio.WithAttachments{
		Value:       map[string]any{"x": socketio.Placeholder(0)},
		Attachments: [][]byte{{3}},
	}
	for _, to := range []socketio.Broadcast{s.Of("/").To("a", "b"), sockets[3].To("a", "b"), s.Of("/").Except(sockets[3].ID())} {
		if n, err := to.Emit("bin", "é", []byte{1, 2}, nested); n != 3 || err != nil {
			t.Errorf("sent to %d, %v", n, err)
		}
		for _, c := range clients[:3] {
			text := map[string]string{"4": "é", "3": `\u00e9`}[c.eio]
			c.expect(`452-["bin","`+text+`",{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}]`, "b\x01\x02", "b\x03")
		}
	}
	for _, c := range clients {
		c.sync("/")
	}
}

// TestEventsBehindConnect: what a client sends behind CONNECT without waiting for the answer is handled in order, however
// long middleware takes, and beside another namespace.
func TestEventsBehindConnect(t *testing.T) {
	for _, eio := range []string{"3", "4"} {
		var order notes
		open := make(chan struct{})
		_, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
			for _, name := range []string{"/", "/chat"} {
				ns := s.Of(name)
				ns.On("sync", syncHandler)
				ns.On("hi", func(e *socketio.Event) { order.add(name + string(e.Arg(0))) })
			}
			s.Of("/chat").Use(func(*socketio.Socket) error { <-open; return nil })
		})
		c := dial(t, addr, eio)
		c.join("/")
		c.send("40/chat,", `42/chat,["hi",1]`, `42["hi",2]`, `42/chat,["hi",3]`, `420["sync"]`)
		if got := order.String(); got != "" {
			t.Errorf("EIO %s: handled before it was let in: %s", eio, got)
		}
		close(open)
		if text := c.read(); text[:8] != "40/chat," {
			t.Errorf("EIO %s: got %s", eio, text)
		}
		c.expect("430[]")
		if got := order.String(); got != "/chat1, /2, /chat3" {
			t.Errorf("EIO %s: handled %s", eio, got)
		}
	}
}
