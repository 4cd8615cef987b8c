package engineio_test

import (
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"

	"outrider/engineio"
)

// gate is a handler that can be held.
type gate struct {
	entered chan struct{} // a message has come to the gate
	open    chan struct{}
	once    sync.Once
}

func newGate() *gate { return &gate{entered: make(chan struct{}), open: make(chan struct{})} }

// hold blocks the first who comes, and everybody until the gate is opened.
func (g *gate) hold() {
	g.once.Do(func() { close(g.entered) })
	<-g.open
}

// TestOverload: with its one worker held, the server takes what its bounds
// allow and no more. Nothing is lost of what the clients sent, and each
// session's messages stay in order (RELIABILITY §3, "Pool overload").
func TestOverload(t *testing.T) {
	const sessions, count = 8, 4000
	g := newGate()
	s := serve(t, engineio.Config{Workers: 1}, &recorder{message: func(*engineio.Session, []byte, bool) { g.hold() }})
	body := strings.Repeat("x", 500)
	var clients sync.WaitGroup
	for i := range sessions {
		w, _ := s.websocket("EIO=4")
		s.rec.session(t, i)
		clients.Go(func() {
			for k := range count {
				if _, err := io.WriteString(w, frame(ws.OpText, "4"+strconv.Itoa(k)+" "+body)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	<-g.entered
	paused := func() bool {
		for i := range sessions {
			items, bytes, paused := s.rec.session(t, i).Inbox()
			if items > engineio.MaxInboxItems || bytes > engineio.MaxInboxBytes+len(body)+10 {
				t.Fatalf("%d items of %d bytes wait for one session", items, bytes)
			}
			if !paused {
				return false
			}
		}
		return true
	}
	if !settles(paused) {
		t.Error("the connections are still read")
	}
	st := s.Stats()
	if st.Overloads == 0 {
		t.Error("no overload was counted")
	}
	close(g.open)
	clients.Wait()
	for i := range sessions {
		for k, m := range s.rec.got(t, i, count) {
			if number, _, _ := strings.Cut(string(m.Data), " "); number != strconv.Itoa(k) {
				t.Fatalf("session %d: message %d is %s", i, k, number)
			}
		}
	}
}

// TestOverloadSmall: so it is with many messages in one segment, whose number
// is the bound.
func TestOverloadSmall(t *testing.T) {
	const count = 20_000
	g := newGate()
	s := serve(t, engineio.Config{Workers: 1}, &recorder{message: func(*engineio.Session, []byte, bool) { g.hold() }})
	w, _ := s.websocket("EIO=4")
	var client sync.WaitGroup
	client.Go(func() { _, _ = io.WriteString(w, strings.Repeat(frame(ws.OpText, "4"), count)) })
	<-g.entered
	session := s.rec.session(t, 0)
	if !settles(func() bool {
		items, _, paused := session.Inbox()
		if items > engineio.MaxInboxItems {
			t.Fatalf("%d items wait", items)
		}
		return paused
	}) {
		t.Error("the connection is still read")
	}
	// Others than the connection may add to it, and must not make it be read.
	for range 1000 {
		session.Post(func() {})
	}
	close(g.open)
	client.Wait()
	s.rec.got(t, 0, count)
}

// TestOverloadPolling: a POST is answered when its turn has come.
func TestOverloadPolling(t *testing.T) {
	const sessions, rounds = 6, 20
	g := newGate()
	s := serve(t, engineio.Config{Workers: 1}, &recorder{message: func(*engineio.Session, []byte, bool) { g.hold() }})
	var clients []*client
	for i := range sessions {
		p := s.poll("EIO=4")
		s.rec.session(t, i)
		c := s.dial()
		clients = append(clients, c)
		for k := range rounds {
			packets := make([]string, 50)
			for n := range packets {
				packets[n] = "4" + strconv.Itoa(k*50+n)
			}
			c.send(request("POST", engine(p.query), strings.Join(packets, "\x1e")))
		}
	}
	<-g.entered
	for i := range sessions {
		if items, _, _ := s.rec.session(t, i).Inbox(); items > 51 { // with the answer
			t.Errorf("%d items wait for one session", items)
		}
	}
	close(g.open)
	for i, c := range clients {
		for range rounds {
			c.answer("POST").is(t, 200, "ok")
		}
		for k, m := range s.rec.got(t, i, rounds*50) {
			if string(m.Data) != strconv.Itoa(k) {
				t.Fatalf("session %d: message %d is %s", i, k, m.Data)
			}
		}
	}
}

// TestFairness: a client that never stops does not keep a worker from the
// others (RELIABILITY row 109).
func TestFairness(t *testing.T) {
	flooding := newGate()
	s := serve(t, engineio.Config{Workers: 1}, &recorder{forget: true, message: func(s *engineio.Session, data []byte, binary bool) {
		if binary {
			flooding.once.Do(func() { close(flooding.entered) })
			return
		}
		_ = s.Send(data, false)
	}})
	flood, _ := s.websocket("EIO=4")
	var flooder sync.WaitGroup
	defer flooder.Wait()
	defer flood.Close()
	flooder.Go(func() {
		burst := strings.Repeat(frame(ws.OpBinary, "flood"), 1000)
		for {
			if _, err := io.WriteString(flood, burst); err != nil {
				return
			}
		}
	})
	<-flooding.entered
	w, _ := s.websocket("EIO=4")
	for i := range 100 {
		text := fmt.Sprint("4", i)
		w.say(text)
		w.hears(text)
	}
	p := s.poll("EIO=4")
	p.deliver("4x")
	if got := p.receive(); got != "4x" {
		t.Errorf("poll brought %q", got)
	}
}

// TestPanics: a panic of the handler's costs its session and nobody else.
func TestPanics(t *testing.T) {
	boom := func(s *engineio.Session, when string) {
		if why, _ := s.Data().(*seen); why != nil && why.Revision() == engineio.Revision3 {
			panic(when)
		}
	}
	for _, when := range []string{"Opened", "Message", "Closed", "Post"} {
		for _, transport := range []string{"polling", "websocket"} {
			t.Run(when+"/"+transport, func(t *testing.T) {
				rec := &recorder{message: echo}
				switch when {
				case "Opened":
					rec.opened = func(s *engineio.Session, _ *engineio.Request) { boom(s, when) }
				case "Message":
					rec.message = func(s *engineio.Session, data []byte, binary bool) {
						boom(s, when)
						echo(s, data, binary)
					}
				case "Closed":
					rec.closed = func(s *engineio.Session, _ engineio.CloseReason) { boom(s, when) }
					rec.panics = 1
				case "Post":
					rec.opened = func(s *engineio.Session, _ *engineio.Request) { s.Post(func() { boom(s, when) }) }
				}
				s := serve(t, engineio.Config{Loops: 1, Workers: 1}, rec)
				other, _ := s.websocket("EIO=4")
				s.rec.session(t, 0)
				if transport == "polling" {
					p := s.poll("EIO=3")
					switch when {
					case "Message":
						p.deliver("2:4x")
					case "Closed":
						p.deliver("1:1")
					}
					if !settles(func() bool { st := s.Stats(); return st.Panics == 1 && st.Sessions == 1 }) {
						t.Error("no panic was counted, or it has not ended the session")
					}
					p.gone()
				} else {
					w := s.upgrade("EIO=3")
					w.text()
					switch when {
					case "Message":
						w.say("4x")
					case "Closed":
						w.say("1")
					}
					w.closed(0)
				}
				other.say("4alive")
				other.hears("4alive")
				if when != "Closed" {
					if got := s.rec.ended(t, 1); got != engineio.ReasonTransportError {
						t.Errorf("reason %q", got)
					}
				}
				if !settles(func() bool { return s.Stats().Panics == 1 }) {
					t.Errorf("%d panics were counted", s.Stats().Panics)
				}
				if n := s.Stats().Sessions; n != 1 {
					t.Errorf("%d sessions", n)
				}
			})
		}
	}
}

// TestNoGoroutinePerSession: sessions cost no goroutines, on either transport.
func TestNoGoroutinePerSession(t *testing.T) {
	s := serve(t, engineio.Config{Workers: 4}, nil)
	first, _ := s.websocket("EIO=4")
	first.say("4x")
	first.hears("4x")
	before := runtime.NumGoroutine()
	for range 100 {
		w, _ := s.websocket("EIO=4")
		w.say("4x")
		w.hears("4x")
		s.poll("EIO=4").start()
	}
	if after := runtime.NumGoroutine(); after > before+4 {
		t.Errorf("%d goroutines became %d with 200 sessions", before, after)
	}
}
