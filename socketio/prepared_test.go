package socketio_test

import (
	"encoding/json"
	"testing"

	"outrider/engineio"
	"outrider/socketio"
)

// TestPrepared: one event for namespaces and revisions at once, each encoded once.
func TestPrepared(t *testing.T) {
	p, err := socketio.Prepare("message", "é", json.RawMessage(`{"a":1}`), []byte{7})
	if err != nil {
		t.Fatal(err)
	}
	joined := make(chan *socketio.Socket, 2)
	_, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
		for _, name := range []string{"/rider", "/socket/rider"} {
			s.Of(name).OnConnect(func(s *socketio.Socket) { joined <- s })
		}
	})
	for range 2 {
		for _, name := range []string{"/rider", "/socket/rider"} {
			for eio, text := range map[string]string{"3": `\u00e9`, "4": "é"} {
				c := dial(t, addr, eio)
				if eio == "3" {
					c.expect("40")
				}
				c.join(name)
				if err := wait(t, joined).Send(p); err != nil {
					t.Fatal(err)
				}
				c.expect(`451-`+name+`,["message","`+text+`",{"a":1},{"_placeholder":true,"num":0}]`, "b\x07")
			}
		}
	}
	if n := p.Variants(); n != 4 {
		t.Errorf("encoded %d times", n)
	}
}

func TestPreparedASCII(t *testing.T) {
	p, err := socketio.Prepare("message", "connect success")
	if err != nil {
		t.Fatal(err)
	}
	s, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if p.Frame(s.Of("/"), engineio.Revision3) != p.Frame(s.Of("/"), engineio.Revision4) || p.Variants() != 1 {
		t.Error("encoded twice although the same")
	}
	if p.Frame(s.Of("/"), engineio.Revision3) == p.Frame(s.Of("/a"), engineio.Revision3) {
		t.Error("one frame for two namespaces")
	}
}

// TestPreparedRace: whoever encodes at the same time ends up with one frame.
func TestPreparedRace(t *testing.T) {
	s, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	names := []*socketio.Namespace{s.Of("/"), s.Of("/a"), s.Of("/b")}
	const goroutines = 4
	for range 200 {
		p, err := socketio.Prepare("message", "é")
		if err != nil {
			t.Fatal(err)
		}
		frames := make(chan [3]*engineio.Frame, goroutines)
		for range goroutines {
			go func() {
				var got [3]*engineio.Frame
				for i, ns := range names {
					got[i] = p.Frame(ns, engineio.Revision4)
				}
				frames <- got
			}()
		}
		first := <-frames
		for range goroutines - 1 {
			if <-frames != first {
				t.Fatal("two frames of one variant")
			}
		}
		if p.Variants() != 3 {
			t.Fatalf("%d variants", p.Variants())
		}
	}
}

// TestSendAllocatesNothing, on the socket's side of the path: the engine's is measured there.
func TestSendAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	_, _, sockets := crowd(t, socketio.Config{})
	p, err := socketio.Prepare("message", "é")
	if err != nil {
		t.Fatal(err)
	}
	ns := sockets[0].Namespace()
	p.Frame(ns, engineio.Revision3)
	p.Frame(ns, engineio.Revision4)
	id := sockets[1].ID()
	for name, fn := range map[string]func(){
		"variant": func() { p.Frame(ns, engineio.Revision3) },
		"Send": func() {
			if err := sockets[0].Send(p); err != nil {
				t.Error(err)
			}
		},
		"Socket": func() {
			if ns.Socket(id) == nil {
				t.Error("not found")
			}
		},
	} {
		if n := testing.AllocsPerRun(100, fn); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
