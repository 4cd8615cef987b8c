package engineio_test

import (
	"encoding/base64"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"

	"outrider/engineio"
)

// takeover is the query of the WebSocket that is to take over.
func (p *pollClient) takeover() string { return strings.TrimPrefix(p.query, "transport=polling&") }

// TestUpgrade walks through the protocol suites' upgrade (PROTOCOL §1.11).
func TestUpgrade(t *testing.T) {
	for query, noop := range map[string]string{"EIO=4": "6", "EIO=3": "1:6"} {
		s := serve(t, engineio.Config{}, nil)
		p := s.poll(query)
		session := s.rec.session(t, 0)
		w := p.probe()
		if got := p.receive(); got != noop {
			t.Errorf("the poll during the upgrade brought %q", got)
		}
		if got := session.Transport(); got != engineio.Polling {
			t.Errorf("transport %v before the upgrade packet", got)
		}
		w.send(frame(ws.OpText, "5") + frame(ws.OpText, "4hello")) // one segment
		w.hears("4hello")
		if got := session.Transport(); got != engineio.WebSocket {
			t.Errorf("transport %v after the upgrade packet", got)
		}
		s.dial().get(p.query).refused(t, 3, "Bad request")
		s.dial().post(p.query, "4x").refused(t, 3, "Bad request")

		second := s.upgrade(p.takeover())
		second.closed(0)
		second = s.upgrade(p.takeover())
		second.say("2probe")
		second.say("5")
		second.say("4x")
		second.closed(0)
		w.say("4still here")
		w.hears("4still here")
		if n := s.Stats().Opened; n != 1 {
			t.Errorf("%d sessions", n)
		}
	}
}

// TestUpgradeSegment: everything in the segment of the request itself.
func TestUpgradeSegment(t *testing.T) {
	s := serve(t, engineio.Config{}, nil)
	p := s.poll("EIO=4")
	for name, tt := range map[string]struct {
		query  string
		frames []string
	}{
		"handshake": {"EIO=4&transport=websocket", []string{"4a", "4b"}},
		"upgrade":   {"transport=websocket&" + p.takeover(), []string{"2probe", "5", "4a", "4b"}},
	} {
		c := s.dial()
		var r strings.Builder
		r.WriteString(request("GET", engine(tt.query), "", upgradeHeaders))
		for _, f := range tt.frames {
			r.WriteString(frame(ws.OpText, f))
		}
		c.send(r.String())
		if a := c.answer("GET"); a.StatusCode != 101 {
			t.Fatalf("%s: %v", name, a)
		}
		w := &socket{c}
		w.text() // the open packet, or the probe's answer
		w.hears("4a", "4b")
	}
}

// TestBadFrameInSegment: so is a bad one (CVE-2022-21676).
func TestBadFrameInSegment(t *testing.T) {
	s := serve(t, engineio.Config{}, nil)
	p := s.poll("EIO=4")
	for _, query := range []string{"EIO=4&transport=websocket", "transport=websocket&" + p.takeover()} {
		c := s.dial()
		c.send(request("GET", engine(query), "", upgradeHeaders) + "\xf1\x81\x00\x00\x00\x004")
		if a := c.answer("GET"); a.StatusCode != 101 {
			t.Fatal(a)
		}
		w := &socket{c}
		if strings.HasPrefix(query, "EIO") {
			w.text()
		}
		w.closed(ws.StatusProtocolError)
	}
	p.deliver("4unharmed")
	if got := p.receive(); got != "4unharmed" {
		t.Errorf("poll brought %q", got)
	}
}

// TestUpgradeWithoutProbe is accepted, as by the official server.
func TestUpgradeWithoutProbe(t *testing.T) {
	for _, query := range []string{"EIO=4", "EIO=3"} {
		s := serve(t, engineio.Config{}, nil)
		p := s.poll(query)
		p.waits(s.rec.session(t, 0))
		w := s.upgrade(p.takeover())
		w.say("5")
		if got := strings.TrimPrefix(p.finish(), "1:"); got != "6" {
			t.Errorf("the waiting poll brought %q", got)
		}
		w.say("4x")
		w.hears("4x")
	}
}

// TestNoUpgrade: what is no upgrade closes the WebSocket and leaves the
// session alone; another WebSocket may try at once. What stands behind it in
// the same segment counts for nothing.
func TestNoUpgrade(t *testing.T) {
	s := serve(t, engineio.Config{MaxPayload: 100}, &recorder{})
	p := s.poll("EIO=4")
	upgrade := frame(ws.OpText, "5")
	for name, tt := range map[string]struct {
		frames string
		status ws.StatusCode
	}{
		"message":        {frame(ws.OpText, "4x"), 0},
		"other ping":     {frame(ws.OpText, "2"), 0},
		"binary":         {frame(ws.OpBinary, "5"), 0},
		"no packet":      {frame(ws.OpText, "xyz"), 0},
		"empty":          {frame(ws.OpText, ""), 0},
		"behind a probe": {frame(ws.OpText, "2probe") + frame(ws.OpText, "4x"), 0},
		"too big":        {frame(ws.OpText, strings.Repeat("4", 101)), 1009},
		"not UTF-8":      {frame(ws.OpText, "\xff"), 1007},
		"bad frame":      {"\x83\x80\x00\x00\x00\x00", 1002},
		"closing":        {frame(ws.OpClose, "\x03\xe8"), 1000},
	} {
		t.Run(name, func(t *testing.T) {
			w := s.upgrade(p.takeover())
			w.send(tt.frames + upgrade + frame(ws.OpText, "4lost"))
			if name == "behind a probe" {
				w.hears("3probe")
			}
			op, payload, err := w.next()
			if status, _ := ws.ParseCloseFrameData([]byte(payload)); err != nil || op != ws.OpClose || status != tt.status && tt.status != 0 {
				t.Fatalf("read %v %q, %v", op, payload, err)
			}
			// Without waiting for the first one's end:
			w = p.probe()
			w.say("4x")
			w.closed(0)
		})
	}
	w := s.upgrade(p.takeover())
	w.send(frame(ws.OpPing, "control frames are no packets"))
	if op, payload, err := w.next(); op != ws.OpPong || payload != "control frames are no packets" || err != nil {
		t.Errorf("read %v %q, %v", op, payload, err)
	}
	p.deliver("4unharmed")
	comparePackets(t, s.rec.got(t, 0, 1), packets(message("unharmed")))
	_ = w.Close() // abandoned
	s.rec.session(t, 0).Close()
}

// TestSecondUpgrade: one WebSocket at a time may try.
func TestSecondUpgrade(t *testing.T) {
	s := serve(t, engineio.Config{}, nil)
	p := s.poll("EIO=4")
	first := p.probe()
	second := s.upgrade(p.takeover())
	second.say("2probe")
	second.say("5")
	second.closed(0)
	first.say("5")
	first.say("4x")
	first.hears("4x")

	fixed := serve(t, engineio.Config{NoUpgrade: true}, nil)
	p = fixed.poll("EIO=4")
	fixed.upgrade(p.takeover()).closed(0)
	p.deliver("4x")
}

// TestAbandonedUpgrade: the WebSocket goes away after its probe.
func TestAbandonedUpgrade(t *testing.T) {
	for name, drop := range map[string]func(*socket){
		"close": func(w *socket) { _ = w.Close() }, "RST": func(w *socket) { w.Reset() }, "FIN": func(w *socket) { _ = w.CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, engineio.Config{}, nil)
			p := s.poll("EIO=4")
			for range 3 {
				w := p.probe()
				drop(w)
				// Until the server has noticed, it takes no other.
				if !settles(func() bool { return s.Stats().Conns == 0 }) {
					t.Fatal("the WebSocket is still there")
				}
			}
			p.deliver("4x")
			if got := p.receive(); got != "4x" {
				t.Errorf("poll brought %q", got)
			}
		})
	}
}

// TestCloseDuringUpgrade: a session that is closed meanwhile closes the
// WebSocket too; what was sent comes first, whichever way the client takes.
func TestCloseDuringUpgrade(t *testing.T) {
	begin := func(t *testing.T) (*server, *pollClient, *seen, *socket) {
		s := serve(t, engineio.Config{}, nil)
		p := s.poll("EIO=4")
		return s, p, s.rec.session(t, 0), p.probe()
	}
	t.Run("upgraded", func(t *testing.T) {
		s, p, session, w := begin(t)
		_ = session.Send([]byte("a"), false)
		_ = session.Send([]byte("b"), true)
		session.Close()
		w.say("5")
		w.hears("4a")
		if op, payload, err := w.next(); op != ws.OpBinary || payload != "b" || err != nil {
			t.Errorf("read %v %q, %v", op, payload, err)
		}
		w.closed(0)
		p.gone()
		if got := s.rec.ended(t, 0); got != engineio.ReasonForcedClose {
			t.Errorf("reason %q", got)
		}
	})
	t.Run("polled", func(t *testing.T) {
		_, p, session, w := begin(t)
		_ = session.Send([]byte("a"), false)
		session.Close()
		if got := p.receive(); got != "4a\x1e1" {
			t.Errorf("poll brought %q", got)
		}
		w.closed(0)
	})
	t.Run("by the client", func(t *testing.T) {
		_, p, _, w := begin(t)
		p.deliver("1")
		w.closed(0)
		p.gone()
	})
	t.Run("by a fault", func(t *testing.T) {
		_, p, _, w := begin(t)
		p.deliver("xyz")
		w.closed(0)
		p.gone()
	})
}

// TestPostDuringUpgrade: a POST that came whole before the upgrade packet is
// delivered and answered; of one that did not, nothing is.
func TestPostDuringUpgrade(t *testing.T) {
	g := newGate()
	s := serve(t, engineio.Config{}, &recorder{message: func(*engineio.Session, []byte, bool) { g.hold() }})
	begin := func() (*pollClient, *client, *socket) {
		p := s.poll("EIO=4")
		return p, s.dial(), p.probe()
	}
	p, whole, w := begin()
	whole.send(request("POST", engine(p.query), "4a\x1e4b"))
	<-g.entered
	w.send(frame(ws.OpText, "5") + frame(ws.OpText, "4c"))
	w.send(frame(ws.OpPing, "upgraded?"))
	if op, _, err := w.next(); op != ws.OpPong || err != nil {
		t.Fatalf("read %v, %v", op, err)
	}
	close(g.open)
	whole.answer("POST").is(t, 200, "ok")
	comparePackets(t, s.rec.got(t, 0, 3), packets(message("a"), message("b"), message("c")))

	p, part, w := begin()
	part.send("POST " + engine(p.query) + " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	part.answer("POST") // it has arrived
	w.send(frame(ws.OpText, "5") + frame(ws.OpText, "4c"))
	s.rec.got(t, 1, 1)
	part.send("4a")
	part.answer("POST").refused(t, 3, "Bad request")
	comparePackets(t, s.rec.got(t, 1, 1), packets(message("c")))
}

// TestBinary64: a WebSocket whose own query says b64 gets binary as base64.
func TestBinary64(t *testing.T) {
	for query, want := range map[string]struct {
		op      ws.OpCode
		payload string
	}{
		"EIO=4": {ws.OpBinary, "\x01\x02"}, "EIO=4&b64=1": {ws.OpText, "bAQI="},
		"EIO=3": {ws.OpBinary, "\x04\x01\x02"}, "EIO=3&b64=1": {ws.OpText, "b4AQI="},
	} {
		s := serve(t, engineio.Config{}, nil)
		w, _ := s.websocket(query)
		s.rec.session(t, 0)
		p := s.poll(query)
		upgraded := p.probe()
		upgraded.say("5")
		binary := "\x01\x02"
		if strings.HasPrefix(query, "EIO=3") {
			binary = "\x04" + binary
		}
		for i, w := range []*socket{w, upgraded} {
			w.send(frame(ws.OpBinary, binary))
			if op, payload, err := w.next(); op != want.op || payload != want.payload || err != nil {
				t.Errorf("%s: read %v %q, %v", query, op, payload, err)
			}
			w.say("b" + map[bool]string{true: "4"}[strings.HasPrefix(query, "EIO=3")] + "AQI=")
			if op, payload, err := w.next(); op != want.op || payload != want.payload || err != nil {
				t.Errorf("%s: read %v %q, %v", query, op, payload, err)
			}
			comparePackets(t, s.rec.got(t, i, 2), packets(blob(1, 2), blob(1, 2)))
		}
	}
}

// TestUpgradeUnderFire: a server that never stops sending, and a client that
// never stops either, lose nothing over an upgrade and get all in order.
func TestUpgradeUnderFire(t *testing.T) {
	const count = 500 // that the WebSocket brings
	for _, query := range []string{"EIO=4", "EIO=3", "EIO=3&b64=1"} {
		for round := range 4 {
			t.Run(fmt.Sprintf("%s/%d", query, round), func(t *testing.T) {
				s := serve(t, engineio.Config{MaxQueue: 10 << 20}, &recorder{})
				p := s.poll(query)
				session := s.rec.session(t, 0)
				stop := make(chan struct{})
				var sender sync.WaitGroup
				sender.Go(func() {
					for i := 0; ; i++ {
						select {
						case <-stop:
							return
						default:
						}
						if err := session.Send([]byte(strconv.Itoa(i)), i%5 == 0); err != nil {
							t.Errorf("message %d: %v", i, err)
							return
						}
						runtime.Gosched()
					}
				})
				f := &fire{t: t, rev: session.Revision()}
				for range round {
					f.payload(p.receive())
				}
				p.start()
				w := s.upgrade(p.takeover())
				w.say("2probe")
				f.upload(p)
				w.hears("3probe")
				f.upload(p)
				f.payload(p.finish())
				w.say("5")
				for until := f.heard + count; f.heard < until; {
					f.said++
					w.say("4" + strconv.Itoa(f.said))
					op, payload, err := w.next()
					if err != nil {
						t.Fatal(err)
					}
					f.frame(op, payload)
				}
				close(stop)
				sender.Wait()
				for i, m := range s.rec.got(t, 0, f.said) {
					if string(m.Data) != strconv.Itoa(i+1) {
						t.Fatalf("the server's message %d is %q", i+1, m.Data)
					}
				}
			})
		}
	}
}

// fire is the client's side of it.
type fire struct {
	t     *testing.T
	rev   engineio.Revision
	heard int
	said  int
}

func (f *fire) hear(m engineio.Packet) {
	f.t.Helper()
	if m.Type == engineio.Noop {
		return
	}
	if m.Type != engineio.Message || string(m.Data) != strconv.Itoa(f.heard) || m.Binary != (f.heard%5 == 0) {
		f.t.Fatalf("message %d is %s", f.heard, show(packets(m)))
	}
	f.heard++
}

// payload reads a poll's answer.
func (f *fire) payload(body string) {
	f.t.Helper()
	seq := engineio.Payload4([]byte(body))
	if f.rev == engineio.Revision3 {
		seq = engineio.Payload3([]byte(body), body[0] < 2)
	}
	for m, err := range seq {
		if err != nil {
			f.t.Fatalf("payload %q: %v", body, err)
		}
		f.hear(m)
	}
}

func (f *fire) frame(op ws.OpCode, payload string) {
	f.t.Helper()
	if text, ok := strings.CutPrefix(payload, "b4"); ok && op == ws.OpText {
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			f.t.Fatal(err)
		}
		f.hear(blob(data...))
		return
	}
	m, err := engineio.ParseWebSocket(f.rev, []byte(payload), op == ws.OpBinary)
	if err != nil {
		f.t.Fatal(err)
	}
	f.hear(m)
}

// upload posts a message.
func (f *fire) upload(p *pollClient) {
	f.t.Helper()
	f.said++
	packet := "4" + strconv.Itoa(f.said)
	if f.rev == engineio.Revision3 {
		packet = strconv.Itoa(len(packet)) + ":" + packet
	}
	p.deliver(packet)
}
