package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"outrider/engineio"
	"outrider/socketio"
)

// TestDisconnectReasons ends connections in every way, and sees that every socket is told once, and why.
func TestDisconnectReasons(t *testing.T) {
	engine := engineio.Config{PingInterval: 100 * time.Millisecond, PingTimeout: 100 * time.Millisecond}
	for _, test := range []struct {
		want string
		cfg  engineio.Config
		end  func(*socketio.Server, *client)
	}{
		{want: "transport close", end: func(_ *socketio.Server, c *client) { c.conn.Close() }},
		{want: "transport close", end: func(_ *socketio.Server, c *client) { c.send("1") }},
		{want: "transport error", end: func(_ *socketio.Server, c *client) { c.conn.Write([]byte{0xf1, 0x80, 0, 0, 0, 0}) }},
		{want: "ping timeout", cfg: engine, end: func(*socketio.Server, *client) {}},
		{want: "parse error", end: func(_ *socketio.Server, c *client) { c.send("4x") }},
		{want: "forced close", end: func(s *socketio.Server, _ *client) {
			for socket := range s.Of("/").Sockets() {
				socket.Session().Close()
			}
		}},
		{want: "server shutting down", end: func(s *socketio.Server, c *client) { shutdown(t, s, c) }},
		{want: "server namespace disconnect", end: func(s *socketio.Server, _ *client) {
			for socket := range s.Of("/").Sockets() {
				socket.Disconnect(true)
				socket.Disconnect(true)
			}
		}},
	} {
		t.Run(test.want, func(t *testing.T) {
			ends, begun := make(chan string, 10), make(chan struct{}, 2)
			s, addr := start(t, socketio.Config{Engine: test.cfg}, func(s *socketio.Server) {
				for _, name := range []string{"/", "/a"} {
					s.Of(name).OnConnect(func(s *socketio.Socket) {
						s.SetData("data")
						s.Join("x", "y")
						begun <- struct{}{}
					})
					s.Of(name).OnDisconnect(func(s *socketio.Socket, r socketio.DisconnectReason) {
						ends <- fmt.Sprintf("%v, %v %v %v %d", r, s.Connected(), s.Data(), s.Rooms(), s.Namespace().Len())
					})
				}
			})
			c := dial(t, addr, "4")
			c.join("/")
			c.join("/a")
			wait(t, begun)
			wait(t, begun)
			test.end(s, c)
			for range 2 {
				if got, want := wait(t, ends), test.want+", false data [x y] 0"; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
			s.Close() // all has happened after this
			empty(t, ends)
		})
	}
}

func TestDisconnectOfNamespace(t *testing.T) {
	for _, eio := range []string{"3", "4"} {
		ends := make(chan socketio.DisconnectReason, 10)
		sockets := make(chan *socketio.Socket, 2)
		_, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
			ns := s.Of("/a")
			ns.OnConnect(func(s *socketio.Socket) { sockets <- s })
			ns.OnDisconnect(func(_ *socketio.Socket, r socketio.DisconnectReason) { ends <- r })
			ns.On("quit", func(e *socketio.Event) {
				e.Socket().Disconnect(false)
				e.Socket().Disconnect(false)
				for what, err := range map[string]error{
					"Emit": e.Socket().Emit("late"), "Join": e.Socket().Join("room"), "Ack": e.Ack(),
					"EmitWithAck": e.Socket().EmitWithAck(0, "late", nil, nil),
				} {
					if !errors.Is(err, socketio.ErrNotConnected) {
						t.Errorf("%s: %v", what, err)
					}
				}
				empty(t, ends) // in its turn
			})
			s.Of("/").On("sync", syncHandler)
		})
		c := dial(t, addr, eio)
		c.join("/")
		c.join("/a")
		c.send(`42/a,1["quit"]`)
		c.expect("41/a,")
		if r := wait(t, ends); r != socketio.ReasonServerDisconnect {
			t.Errorf("reason %q", r)
		}
		c.join("/a") // the client may come back
		first, second := wait(t, sockets), wait(t, sockets)
		if first == second || first.Connected() || !second.Connected() || eio == "4" && first.ID() == second.ID() {
			t.Error("not a new socket")
		}
		c.send(`41/a,`) // and go, which is not answered
		if r := wait(t, ends); r != socketio.ReasonClientDisconnect {
			t.Errorf("reason %q", r)
		}
		c.sync("/")
		c.join("/a")
		wait(t, sockets).Disconnect(false) // from another goroutine
		c.expect("41/a,")
		wait(t, ends)
		c.sync("/")
		empty(t, ends)
	}
}

// TestDisconnectWhileConnecting: in a middleware there is nothing to leave yet, but the connection can be closed.
func TestDisconnectWhileConnecting(t *testing.T) {
	second := make(chan bool, 1)
	s, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
		s.Of("/a").Use(func(s *socketio.Socket) error {
			s.Disconnect(false)
			return nil
		})
		s.Of("/b").Use(func(s *socketio.Socket) error {
			s.Disconnect(true)
			return s.Join("room")
		})
		for _, name := range []string{"/b", "/d"} {
			s.Of(name).OnConnect(func(*socketio.Socket) { t.Errorf("connected to %s", name) })
			s.Of(name).OnDisconnect(func(*socketio.Socket, socketio.DisconnectReason) { t.Errorf("disconnected from %s", name) })
		}
		s.Of("/c").OnConnect(func(s *socketio.Socket) { s.Disconnect(false) })
		s.Of("/c").OnConnect(func(s *socketio.Socket) { second <- s.Connected() })
		s.Of("/d").Use(func(s *socketio.Socket) error {
			s.Session().Fail(engineio.ReasonTransportError)
			return nil
		})
	})
	c := dial(t, addr, "4")
	c.join("/a")
	c.join("/c")
	c.expect("41/c,")
	if wait(t, second) {
		t.Error("connected although disconnected")
	}
	c.send("40/b")
	c.expect("41/a,")
	c.expectClosed()
	d := dial(t, addr, "4")
	d.send("40/d")
	d.expectClosed()
	s.Close()
	if n := s.Of("/b").Len() + s.Of("/d").Len(); n != 0 {
		t.Errorf("%d sockets left", n)
	}
}

// shutdown shuts the server down under a client that closes its side when it hears of it, as clients do.
func shutdown(t *testing.T, s *socketio.Server, c *client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()
	for {
		if _, err := c.next(); err != nil {
			break
		}
	}
	c.conn.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestShutdownRefuses(t *testing.T) {
	s, addr := start(t, socketio.Config{}, nil)
	c := dial(t, addr, "4")
	c.join("/")
	shutdown(t, s, c)
	if conn, err := net.DialTimeout("tcp", addr, patience); err == nil {
		conn.Close()
		t.Error("still listening")
	}
}
