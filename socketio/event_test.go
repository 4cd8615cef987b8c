package socketio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"outrider/engineio"
	"outrider/socketio"
)

func unmarshal(raw json.RawMessage, v any) error { return json.Unmarshal(raw, v) }

// TestEcho has the frames of the protocol's suite.
func TestEcho(t *testing.T) {
	for _, eio := range []string{"3", "4"} {
		_, addr := start(t, socketio.Config{}, echo)
		c := dial(t, addr, eio)
		c.join("/")
		c.expect(`42["auth",{}]`)
		c.send(`42["message",1,"2",{"3":[true]}]`)
		c.expect(`42["message-back",1,"2",{"3":[true]}]`)
		c.send(`452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
		c.sendBinary(1, 2, 3)
		c.sendBinary(4, 5, 6)
		c.expect(`452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "b\x01\x02\x03", "b\x04\x05\x06")
		c.send(`42456["message-with-ack",1,"2",{"3":[false]}]`)
		c.expect(`43456[1,"2",{"3":[false]}]`)
		c.send(`452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
		c.sendBinary(1, 2, 3)
		c.sendBinary()
		c.expect(`462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "b\x01\x02\x03", "b")
		c.send(`450-["message","plain"]`, `42["message"]`)
		c.expect(`42["message-back","plain"]`, `42["message-back"]`)
		c.join("/custom")
		c.expect(`42/custom,["auth",{}]`)
		c.send("41/custom,", `42/custom,["message"]`)
		c.expectClosed()
	}
}

func TestEventHandlers(t *testing.T) {
	var order notes
	_, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
		ns := s.Of("/")
		note := func(where string) func(*socketio.Event) {
			return func(e *socketio.Event) { order.add(fmt.Sprintf("%s %s %d %v", where, e.Name(), e.Len(), e.WantsAck())) }
		}
		ns.On("a", note("on"))
		ns.OnAny(note("any"))
		ns.On("a", note("on again"))
		ns.On("1", note("number"))
		ns.On("quit", func(e *socketio.Event) { e.Socket().Disconnect(false) })
		ns.On("quit", note("too late"))
		ns.On("sync", syncHandler)
	})
	c := dial(t, addr, "4")
	c.join("/")
	c.send("42", "4217", `42["a",1,2]`, `42[1,"x"]`, `420["error",{"a":1}]`, `42["quit"]`, `42["a"]`, `41`)
	c.expect("41")
	c.join("/")
	c.sync("/")
	want := "any a 2 false, on a 2 false, on again a 2 false, any 1 1 false, number 1 1 false, any error 1 true, any quit 0 false, any sync 0 true"
	if got := order.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestHandlersAddedLater hold from the next event on.
func TestHandlersAddedLater(t *testing.T) {
	_, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
		s.Of("/").On("more", func(e *socketio.Event) {
			e.Socket().Namespace().On("a", func(e *socketio.Event) { e.Ack("here") })
			e.Ack()
		})
	})
	c := dial(t, addr, "4")
	c.join("/")
	c.send(`420["a"]`, `421["more"]`, `422["a"]`)
	c.expect(`431[]`, `432["here"]`)
}

func TestAckOnce(t *testing.T) {
	late := make(chan *socketio.Event, 1)
	_, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
		ns := s.Of("/")
		ns.On("a", func(e *socketio.Event) {
			if err := e.Ack(func() {}); !errors.Is(err, socketio.ErrArgument) || !e.WantsAck() {
				t.Errorf("a function: %v", err)
			}
			if err := e.Ack("é", []byte{1}); err != nil {
				t.Error(err)
			}
			if err := e.Ack(); !errors.Is(err, socketio.ErrNoAck) {
				t.Errorf("twice: %v", err)
			}
		})
		ns.On("none", func(e *socketio.Event) {
			if err := e.Ack(); !errors.Is(err, socketio.ErrNoAck) {
				t.Errorf("unasked: %v", err)
			}
		})
		ns.On("late", func(e *socketio.Event) { late <- e })
		ns.OnDisconnect(func(*socketio.Socket, socketio.DisconnectReason) { late <- nil })
	})
	c := dial(t, addr, "3")
	c.join("/")
	c.send(`42["none"]`, `420["a"]`, `421["late"]`)
	c.expect(`461-0["\u00e9",{"_placeholder":true,"num":0}]`, "b\x01")
	if err := wait(t, late).Ack(1); err != nil {
		t.Error(err)
	}
	c.expect(`431[1]`)
	c.send(`422["late"]`, "41")
	e := wait(t, late)
	wait(t, late)
	if err := e.Ack(); !errors.Is(err, socketio.ErrNotConnected) {
		t.Errorf("after the end: %v", err)
	}
}

func TestPanic(t *testing.T) {
	for _, test := range []struct {
		name  string
		setup func(*socketio.Namespace)
		send  []string
	}{
		{"middleware", func(ns *socketio.Namespace) {
			ns.Use(func(s *socketio.Socket) error { s.Join("room"); panic("ouch") })
		}, []string{"40"}},
		{"OnConnect", func(ns *socketio.Namespace) { ns.OnConnect(func(*socketio.Socket) { panic("ouch") }) }, []string{"40"}},
		{"event", func(ns *socketio.Namespace) { ns.On("a", func(*socketio.Event) { panic("ouch") }) }, []string{"40", `42["a"]`, `42["a"]`}},
		{"OnDisconnect", func(ns *socketio.Namespace) {
			ns.OnDisconnect(func(*socketio.Socket, socketio.DisconnectReason) { panic("ouch") })
		}, []string{"40", "41"}},
		{"ack", func(ns *socketio.Namespace) {
			ns.OnConnect(func(s *socketio.Socket) {
				s.EmitWithAck(0, "a", nil, func(*socketio.Args, error) { panic("ouch") })
			})
		}, []string{"40", "430[]"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log logBuffer
			reasons := make(chan socketio.DisconnectReason, 1)
			s, addr := start(t, socketio.Config{Logger: log.logger()}, func(s *socketio.Server) {
				test.setup(s.Of("/"))
				s.Of("/other").OnDisconnect(func(_ *socketio.Socket, r socketio.DisconnectReason) { reasons <- r })
				s.Of("/other").On("sync", syncHandler)
			})
			bystander := dial(t, addr, "4")
			bystander.join("/other")
			c := dial(t, addr, "4")
			c.join("/other")
			c.send(test.send...)
			for {
				if _, err := c.next(); err != nil {
					break
				}
			}
			if r := wait(t, reasons); r != socketio.ReasonForcedServerClose {
				t.Errorf("the connection's other socket was told %q", r)
			}
			bystander.sync("/other")
			if st := s.Stats(); st.Panics != 1 || st.Sockets != 1 {
				t.Errorf("stats %+v", st)
			}
			if text := log.String(); strings.Count(text, "ouch") == 0 || !strings.Contains(text, "event_test.go") {
				t.Errorf("log %s", text)
			}
			if n := s.Of("/").Len(); n != 0 {
				t.Errorf("%d sockets left", n)
			}
		})
	}
}

// TestAttachmentBytes tries the bound of what a connection may make the server hold, and one byte more.
func TestAttachmentBytes(t *testing.T) {
	_, addr := start(t, socketio.Config{MaxAttachmentBytes: 5}, func(s *socketio.Server) {
		s.Of("/").On("a", func(e *socketio.Event) { e.Ack(len(e.Attachment(0)) + len(e.Attachment(1))) })
	})
	c := dial(t, addr, "4")
	c.join("/")
	for range 2 {
		c.send(`452-1["a"]`)
		c.sendBinary(1, 2, 3)
		c.sendBinary(4, 5)
		c.expect(`431[5]`)
	}
	c.send(`452-1["a"]`)
	c.sendBinary(1, 2, 3)
	c.sendBinary(4, 5, 6)
	c.expectClosed()

	c = dial(t, addr, "4")
	c.join("/")
	c.sendBinary(1) // not announced
	c.expectClosed()
}

func TestNoAttachments(t *testing.T) {
	_, addr := start(t, socketio.Config{MaxAttachments: -1}, echo)
	c := dial(t, addr, "4")
	c.join("/")
	c.expect(`42["auth",{}]`)
	c.send(`450-["message"]`)
	c.expect(`42["message-back"]`)
	c.send(`451-["message"]`)
	c.expectClosed()
}

// TestAttachmentsAfterTheEnd belong to a packet that came too late, and are no error.
func TestAttachmentsAfterTheEnd(t *testing.T) {
	_, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
		s.Of("/a").On("quit", func(e *socketio.Event) { e.Socket().Disconnect(false) })
		s.Of("/a").On("late", func(*socketio.Event) { t.Error("an event after the end") })
		s.Of("/").On("sync", syncHandler)
	})
	c := dial(t, addr, "4")
	c.join("/")
	c.join("/a")
	c.send(`42/a,["quit"]`, `451-/a,["late",{"_placeholder":true,"num":0}]`)
	c.sendBinary(1)
	c.expect("41/a,")
	c.send(`42/a,["late"]`, `41/a,`, `43/a,0[]`)
	c.sync("/")
}

// TestParserFailureKeepsTheOthers: the clause is the connection, not the process.
func TestBystander(t *testing.T) {
	_, addr := start(t, socketio.Config{}, echo)
	bystander := dial(t, addr, "4")
	bystander.join("/")
	bystander.expect(`42["auth",{}]`)
	for _, text := range malformed {
		if len(text) > 100_000 {
			continue
		}
		c := dial(t, addr, "4")
		c.join("/")
		c.expect(`42["auth",{}]`)
		c.send("4" + strings.ToValidUTF8(text, "?"))
		if strings.ToValidUTF8(text, "?") == text {
			c.expectClosed()
		}
	}
	bystander.sync("/")
}

func TestReasons(t *testing.T) {
	for r, want := range map[socketio.DisconnectReason]string{
		socketio.ReasonTransportError: "transport error", socketio.ReasonTransportClose: "transport close",
		socketio.ReasonForcedClose: "forced close", socketio.ReasonPingTimeout: "ping timeout",
		socketio.ReasonParseError: "parse error", socketio.ReasonServerShuttingDown: "server shutting down",
		socketio.ReasonForcedServerClose: "forced server close", socketio.ReasonClientDisconnect: "client namespace disconnect",
		socketio.ReasonServerDisconnect: "server namespace disconnect", 99: "reason 99",
	} {
		if r.String() != want {
			t.Errorf("%d is %q, want %q", r, r, want)
		}
	}
	if socketio.DisconnectReason(engineio.ReasonParseError) != socketio.ReasonParseError {
		t.Error("the engine's reasons have other values")
	}
}
