package engineio_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"outrider/engineio"
)

// TestEcho: one frame is one packet, in the form of the revision.
func TestEcho(t *testing.T) {
	for _, query := range []string{"EIO=4", "EIO=3"} {
		s := serve(t, engineio.Config{}, nil)
		w, _ := s.websocket(query)
		w.say("4hello")
		w.hears("4hello")
		w.say("4é😀世界\x1e4")
		w.hears("4é😀世界\x1e4") // no separator here
		binary := "\x01\x02\x03\x04"
		if query == "EIO=3" {
			binary = "\x04" + binary
		}
		w.send(frame(ws.OpBinary, binary))
		if op, payload, err := w.next(); op != ws.OpBinary || payload != binary || err != nil {
			t.Errorf("read %v %q, %v", op, payload, err)
		}
		for _, ignored := range []string{"0", "5", "6", "5", "6probe"} {
			w.say(ignored)
		}
		w.say("4")
		w.hears("4")
	}
}

// TestWebSocketEnds has the ways in which a session on WebSocket ends, with
// the status that its client sees, and the reason that the handler is told.
func TestWebSocketEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		query  string
		do     func(s *seen, w *socket)
		status ws.StatusCode
		reason engineio.CloseReason
	}{
		"close packet": {"EIO=4", func(_ *seen, w *socket) { w.say("1") }, 0, engineio.ReasonTransportClose},
		"close frame":  {"EIO=4", func(_ *seen, w *socket) { w.send(frame(ws.OpClose, "\x03\xe9bye")) }, 1001, engineio.ReasonTransportClose},
		"empty close":  {"EIO=4", func(_ *seen, w *socket) { w.send(frame(ws.OpClose, "")) }, 0, engineio.ReasonTransportClose},
		"no packet":    {"EIO=4", func(_ *seen, w *socket) { w.say("abc") }, 0, engineio.ReasonParseError},
		"empty text":   {"EIO=4", func(_ *seen, w *socket) { w.say("") }, 0, engineio.ReasonParseError},
		"empty binary": {"EIO=3", func(_ *seen, w *socket) { w.send(frame(ws.OpBinary, "")) }, 0, engineio.ReasonParseError},
		"bad type":     {"EIO=3", func(_ *seen, w *socket) { w.send(frame(ws.OpBinary, "\x09x")) }, 0, engineio.ReasonParseError},
		"too big":      {"EIO=4", func(_ *seen, w *socket) { w.say(strings.Repeat("4", 101)) }, 1009, engineio.ReasonTransportError},
		"unmasked":     {"EIO=4", func(_ *seen, w *socket) { w.send("\x81\x02\x34\x34") }, 1002, engineio.ReasonTransportError},
		"not UTF-8":    {"EIO=4", func(_ *seen, w *socket) { w.say("4\xff") }, 1007, engineio.ReasonTransportError},
		"server":       {"EIO=4", func(s *seen, _ *socket) { s.Close() }, 0, engineio.ReasonForcedClose},
		"failed":       {"EIO=4", func(s *seen, _ *socket) { s.Fail(engineio.ReasonParseError) }, 0, engineio.ReasonParseError},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, engineio.Config{MaxPayload: 100}, nil)
			w, h := s.websocket(tt.query)
			session := s.rec.session(t, 0)
			w.say(strings.Repeat("4", 100))
			w.hears(strings.Repeat("4", 100))
			tt.do(session, w)
			w.closed(tt.status)
			if got := s.rec.ended(t, 0); got != tt.reason {
				t.Errorf("reason %q, want %q", got, tt.reason)
			}
			if err := session.Send(nil, false); !errors.Is(err, engineio.ErrClosed) {
				t.Errorf("Send after the end: %v", err)
			}
			if session.Writable() {
				t.Error("writable after the end")
			}
			s.dial().get("EIO=4&transport=polling&sid="+h.SID).refused(t, 1, "Session ID unknown")
			if n := len(s.rec.got(t, 0, 1)); n != 1 {
				t.Errorf("%d messages", n)
			}
		})
	}
}

// TestWebSocketLost: the connection goes away without a close frame.
func TestWebSocketLost(t *testing.T) {
	for name, drop := range map[string]func(w *socket){
		"FIN": func(w *socket) { _ = w.CloseWrite() }, "close": func(w *socket) { _ = w.Close() }, "RST": func(w *socket) { w.Reset() },
		"half a frame": func(w *socket) { w.send(frame(ws.OpText, "4abc")[:7]); _ = w.CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, engineio.Config{}, &recorder{})
			w, _ := s.websocket("EIO=4")
			w.say("4last")
			s.rec.got(t, 0, 1)
			drop(w)
			want := engineio.ReasonTransportClose
			if name == "RST" {
				want = engineio.ReasonTransportError
			}
			if got := s.rec.ended(t, 0); got != want {
				t.Errorf("reason %q, want %q", got, want)
			}
		})
	}
}

// TestQueuedBeforeClose: what was sent before the end leaves first.
func TestQueuedBeforeClose(t *testing.T) {
	const count = 2000
	s := serve(t, engineio.Config{MaxQueue: 10 << 20}, nil)
	w, _ := s.websocket("EIO=4")
	session := s.rec.session(t, 0)
	for i := range count {
		if err := session.Send(fmt.Appendf(nil, "%d%s", i, strings.Repeat("x", 1000)), false); err != nil {
			t.Fatal(err)
		}
	}
	session.Close()
	for i := range count {
		if got := w.text(); !strings.HasPrefix(got, fmt.Sprintf("4%dx", i)) {
			t.Fatalf("message %d is %.20q", i, got)
		}
	}
	w.closed(0)
}

// TestAfterClose: what comes after a close frame, or a fault, is ignored.
func TestAfterClose(t *testing.T) {
	for _, f := range []string{frame(ws.OpClose, "\x03\xe8"), "\x83\x80\x00\x00\x00\x00"} {
		s := serve(t, engineio.Config{}, nil)
		w, _ := s.websocket("EIO=4")
		w.send(frame(ws.OpText, "4a") + f + frame(ws.OpText, "4b") + frame(ws.OpPing, "x") + f)
		w.hears("4a")
		if op, _, err := w.next(); op != ws.OpClose || err != nil {
			t.Errorf("read %v, %v", op, err)
		}
		_ = w.CloseWrite()
		w.end()
		s.rec.ended(t, 0)
		if n := len(s.rec.got(t, 0, 1)); n != 1 {
			t.Errorf("%d messages", n)
		}
	}
}

// TestSlowReader: the queue of a client that does not read is bounded, and
// then the session ends (RELIABILITY row 110).
func TestSlowReader(t *testing.T) {
	s := serve(t, engineio.Config{MaxQueue: 64 << 10}, nil)
	_, _ = s.websocket("EIO=4")
	session := s.rec.session(t, 0)
	message := make([]byte, 10_000)
	var err error
	most := int64(0)
	for i := 0; err == nil && i < 10_000; i++ {
		err = session.Send(message, true)
		most = max(most, s.Stats().QueuedBytes)
	}
	if !errors.Is(err, engineio.ErrSlow) {
		t.Errorf("Send: %v", err)
	}
	if most == 0 || most > 64<<10 {
		t.Errorf("%d bytes were queued", most)
	}
	if got := s.rec.ended(t, 0); got != engineio.ReasonTransportError {
		t.Errorf("reason %q", got)
	}
	if st := s.Stats(); st.Slow != 1 || st.QueuedBytes != 0 {
		t.Errorf("%d slow sessions, %d bytes queued", st.Slow, st.QueuedBytes)
	}
}

// TestPings: pings of RFC 6455 are answered as long as their sender reads; one
// that does not is cut off at the bound of its queue (RELIABILITY row 85).
func TestPings(t *testing.T) {
	s := serve(t, engineio.Config{MaxQueue: 64 << 10}, nil)
	w, _ := s.websocket("EIO=4")
	ping := frame(ws.OpPing, strings.Repeat("p", 125))
	const batch = 100
	for range 50 {
		w.send(strings.Repeat(ping, batch))
		for range batch {
			if op, payload, err := w.next(); op != ws.OpPong || len(payload) != 125 || err != nil {
				t.Fatalf("read %v, %d bytes, %v", op, len(payload), err)
			}
		}
	}
	w.say("4alive")
	w.hears("4alive")
	for {
		if _, err := io.WriteString(w, strings.Repeat(ping, batch)); err != nil {
			break
		}
	}
	if got := s.rec.ended(t, 0); got != engineio.ReasonTransportError {
		t.Errorf("reason %q", got)
	}
	if n := s.Stats().Slow; n != 1 {
		t.Errorf("%d slow sessions", n)
	}
}

// TestFragmentLimit: Config.MaxFragments and not one more.
func TestFragmentLimit(t *testing.T) {
	message := func(n int) string {
		parts := []string{frame(ws.OpText, "4")}
		for range n - 1 {
			parts = append(parts, frame(ws.OpContinuation, ""))
		}
		var b strings.Builder
		for i, p := range parts {
			if i < n-1 {
				p = string(p[0]&^0x80) + p[1:]
			}
			b.WriteString(p)
		}
		return b.String()
	}
	s := serve(t, engineio.Config{MaxFragments: 10}, nil)
	w, _ := s.websocket("EIO=4")
	w.send(message(10))
	w.hears("4")
	w.send(message(11))
	w.closed(1009)
}

// TestCloseInHandler: the handler may close its session in Message, and hears
// of it by Closed.
func TestCloseInHandler(t *testing.T) {
	s := serve(t, engineio.Config{}, &recorder{message: func(s *engineio.Session, data []byte, binary bool) {
		_ = s.Send(data, binary)
		s.Close()
		s.Close()
		s.Fail(engineio.ReasonParseError)
	}})
	w, _ := s.websocket("EIO=4")
	w.send(frame(ws.OpText, "4a") + frame(ws.OpText, "4b"))
	w.hears("4a")
	w.closed(0)
	if got := s.rec.ended(t, 0); got != engineio.ReasonForcedClose {
		t.Errorf("reason %q", got)
	}
	p := s.poll("EIO=3")
	p.deliver("2:4x")
	if got := p.receive(); got != "2:4x1:1" {
		t.Errorf("poll brought %q", got)
	}
}
