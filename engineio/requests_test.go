package engineio_test

import (
	"fmt"
	"strings"
	"testing"

	"outrider/engineio"
)

// waits waits until the session's poll has arrived.
func (p *pollClient) waits(session *seen) {
	p.t.Helper()
	p.start()
	if !settles(session.Writable) {
		p.t.Fatal("the GET has not arrived")
	}
}

// TestSecondPoll: a second GET ends the session; the first is told (PROTOCOL
// §1.8).
func TestSecondPoll(t *testing.T) {
	for query, told := range map[string]string{"EIO=4": "1", "EIO=3": "1:1"} {
		s := serve(t, engineio.Config{}, nil)
		p := s.poll(query)
		p.waits(s.rec.session(t, 0))
		c := s.dial()
		c.get(p.query).is(t, 400, "")
		c.end()
		if got := p.finish(); got != told {
			t.Errorf("the first poll brought %q", got)
		}
		if got := s.rec.ended(t, 0); got != engineio.ReasonTransportError {
			t.Errorf("reason %q", got)
		}
		p.gone()
	}
}

// TestSecondPost: a second POST while the first one's body is being read ends
// the session and the first connection.
func TestSecondPost(t *testing.T) {
	s := serve(t, engineio.Config{}, nil)
	p := s.poll("EIO=4")
	first := s.dial()
	post := request("POST", engine(p.query), "4hello", "Expect: 100-continue")
	first.send(post[:len(post)-1])
	if a := first.answer("POST"); a.StatusCode != 100 { // it has arrived
		t.Fatalf("answer %v", a)
	}
	second := s.dial()
	second.post(p.query, "4x").is(t, 400, "")
	second.end()
	first.end()
	if got := s.rec.ended(t, 0); got != engineio.ReasonTransportError {
		t.Errorf("reason %q", got)
	}
	if n := len(s.rec.got(t, 0, 0)); n != 0 {
		t.Errorf("%d messages", n)
	}
	p.gone()
}

// TestAbandonedPoll: a client that drops its poll drops the session.
func TestAbandonedPoll(t *testing.T) {
	for name, drop := range map[string]func(*client){
		"FIN": func(c *client) { _ = c.CloseWrite() }, "close": func(c *client) { _ = c.Close() }, "RST": func(c *client) { c.Reset() },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, engineio.Config{}, nil)
			p := s.poll("EIO=4")
			p.waits(s.rec.session(t, 0))
			drop(p.get)
			if got := s.rec.ended(t, 0); got != engineio.ReasonTransportClose {
				t.Errorf("reason %q", got)
			}
			p.gone()
		})
	}
}

// TestAbandonedPost: so does one that drops a POST in mid-body, or breaks its
// framing. A poll that waits is told.
func TestAbandonedPost(t *testing.T) {
	for name, drop := range map[string]func(*client){
		"FIN": func(c *client) { _ = c.CloseWrite() }, "RST": func(c *client) { c.Reset() },
		"framing": func(c *client) { c.send("zz\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, engineio.Config{}, nil)
			p := s.poll("EIO=4")
			p.waits(s.rec.session(t, 0))
			c := s.dial()
			c.send("POST " + engine(p.query) + " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n4ab\r\n")
			c.answer("POST")
			drop(c)
			if got := s.rec.ended(t, 0); got != engineio.ReasonTransportClose {
				t.Errorf("reason %q", got)
			}
			if got := p.finish(); got != "1" {
				t.Errorf("the poll brought %q", got)
			}
			p.gone()
		})
	}
}

// TestMaxPayload: a body of just the limit passes; a longer one is refused,
// and costs the session nothing.
func TestMaxPayload(t *testing.T) {
	const limit = 1000
	s := serve(t, engineio.Config{MaxPayload: limit}, &recorder{})
	p := s.poll("EIO=4")
	chunked := func(n int) string {
		body := "4" + strings.Repeat("x", n-1)
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n",
			engine(p.query), 10, body[:10], n-10, body[10:])
	}
	whole := func(n int) string { return request("POST", engine(p.query), "4"+strings.Repeat("x", n-1)) }
	for name, write := range map[string]func(n int) string{"whole": whole, "chunked": chunked} {
		t.Run(name, func(t *testing.T) {
			c := s.dial()
			c.send(write(limit))
			c.answer("POST").is(t, 200, "ok")
			c.send(write(limit + 1))
			c.answer("POST").is(t, 413, "")
			c.end()
			c = s.dial()
			c.send(write(20 * limit)) // what is not read does not destroy the answer
			c.answer("POST").is(t, 413, "")
		})
	}
	c := s.dial()
	c.send(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", engine(p.query), limit+1))
	c.answer("POST").is(t, 413, "") // without asking for the body
	p.deliver("4still here")
	if n := len(s.rec.got(t, 0, 3)); n != 3 {
		t.Errorf("%d messages, want 3", n)
	}
}

// TestBodies: bodies in chunks, in segments of one byte, announced, and empty
// ones.
func TestBodies(t *testing.T) {
	s := serve(t, engineio.Config{}, &recorder{})
	p := s.poll("EIO=4")
	c := s.dial()
	head := "POST " + engine(p.query) + " HTTP/1.1\r\nHost: a\r\n"
	c.send(head + "Transfer-Encoding: chunked\r\n\r\n")
	for b := range strings.SplitSeq("2;x=y\r\n4a\r\n1\r\n\x1e\r\n3\r\n4bc\r\n0\r\nX-Trailer: x\r\n\r\n", "") {
		c.send(b)
	}
	c.answer("POST").is(t, 200, "ok")
	c.send(head + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	if a := c.answer("POST"); a.StatusCode != 100 {
		t.Fatalf("answer %v", a)
	}
	c.send("4d")
	c.answer("POST").is(t, 200, "ok")
	comparePackets(t, s.rec.got(t, 0, 3), packets(message("a"), message("bc"), message("d")))

	var b strings.Builder
	b.WriteString(head + "Transfer-Encoding: chunked\r\n\r\n1\r\n4\r\n")
	for range 60_000 {
		b.WriteString("1\r\nx\r\n")
	}
	c.send(b.String() + "0\r\n\r\n")
	c.answer("POST").is(t, 200, "ok")
	if got := s.rec.got(t, 0, 4)[3].Data; len(got) != 60_000 {
		t.Errorf("a body of 60,000 chunks is a message of %d bytes", len(got))
	}

	c.send(head + "\r\n") // neither length nor chunks: the empty packet
	c.answer("POST").is(t, 200, "ok")
	if got := s.rec.ended(t, 0); got != engineio.ReasonParseError {
		t.Errorf("reason %q", got)
	}
}

// TestPostWaits: a POST is answered when the handler has seen its packets.
func TestPostWaits(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s := serve(t, engineio.Config{}, &recorder{message: func(*engineio.Session, []byte, bool) {
		entered <- struct{}{}
		<-leave
	}})
	p := s.poll("EIO=4")
	c := s.dial()
	c.send(request("POST", engine(p.query), "4x"))
	<-entered
	c.send(request("GET", engine(unknownSID), "")) // pipelined
	_ = c.CloseWrite()
	s.dial().get("").refused(t, 0, "Transport unknown") // the loop is not blocked
	close(leave)
	c.answer("POST").is(t, 200, "ok")
	c.answer("GET").refused(t, 0, "Transport unknown")
	c.end()
}

// TestPipeline: requests in one segment are answered in order, also if the
// client shuts its side behind them (RELIABILITY rows 4 and 35).
func TestPipeline(t *testing.T) {
	for _, halfClose := range []bool{false, true} {
		s := serve(t, engineio.Config{}, nil)
		p := s.poll("EIO=4")
		c := s.dial()
		get, post := request("GET", engine(p.query), ""), request("POST", engine(p.query), "4x")
		c.send(post + get + post + get + request("GET", engine("x"), "") + post + "GET /part")
		if halfClose {
			_ = c.CloseWrite()
		}
		for range 2 {
			c.answer("POST").is(t, 200, "ok")
			c.answer("GET").is(t, 200, "4x")
		}
		c.answer("GET").refused(t, 0, "Transport unknown")
		c.answer("POST").is(t, 200, "ok")
		if halfClose {
			c.end()
		}
		if !s.rec.open(0) {
			t.Error("the session has ended")
		}
	}
}

// TestPipelinedBehindPoll: what follows a poll waits for its answer; more than
// the loop keeps is not read.
func TestPipelinedBehindPoll(t *testing.T) {
	s := serve(t, engineio.Config{}, nil)
	p := s.poll("EIO=4")
	session := s.rec.session(t, 0)
	p.waits(session)
	one := request("GET", engine("x"), "", "X: "+strings.Repeat("x", 900))
	go func() {
		for range 200 {
			if _, err := p.get.Write([]byte(one)); err != nil {
				t.Error(err)
			}
		}
	}()
	s.dial().post(p.query, "4x").is(t, 200, "ok")
	if a := p.get.answer("GET"); a.body != "4x" {
		t.Fatalf("poll answered %v", a)
	}
	for range 200 {
		p.get.answer("GET").refused(t, 0, "Transport unknown")
	}
}

// TestHalfClose: a whole request is answered though its client sends no more,
// and then the connection ends (RELIABILITY row 4).
func TestHalfClose(t *testing.T) {
	s := serve(t, engineio.Config{}, nil)
	for _, r := range []string{
		request("GET", engine("EIO=4&transport=polling"), ""),
		request("GET", engine("x"), ""),
		request("GET", "/elsewhere", ""),
		request("POST", engine(s.poll("EIO=4").query), "4x"),
	} {
		c := s.dial()
		c.send(r)
		_ = c.CloseWrite()
		c.answer("GET")
		c.end()
	}
	for _, part := range []string{"", "GET", request("POST", engine("x"), "body")[:40]} {
		c := s.dial()
		c.send(part)
		_ = c.CloseWrite()
		c.end()
	}
	c := s.dial()
	c.send(request("GET", engine("EIO=4&transport=websocket"), "", upgradeHeaders))
	_ = c.CloseWrite()
	if a := c.answer("GET"); a.StatusCode != 101 {
		t.Errorf("answer %v", a)
	}
	(&socket{c}).text()
	if got := s.rec.ended(t, 2); got != engineio.ReasonTransportClose {
		t.Errorf("reason %q", got)
	}
}

// TestConnectionClose: a connection per request is no hindrance to a session.
func TestConnectionClose(t *testing.T) {
	s := serve(t, engineio.Config{}, nil)
	p := s.poll("EIO=4")
	for _, version := range []string{"HTTP/1.1", "HTTP/1.0"} {
		for i := range 3 {
			for _, r := range []string{request("POST", engine(p.query), fmt.Sprint("4", i), "Connection: close"), request("GET", engine(p.query), "", "Connection: close")} {
				c := s.dial()
				c.send(strings.Replace(r, "HTTP/1.1", version, 1))
				a := c.answer("")
				if a.StatusCode != 200 || !a.Close {
					t.Fatalf("%v, Connection: close %t", a, a.Close)
				}
				c.end()
			}
		}
	}
	if !s.rec.open(0) {
		t.Error("the session has ended")
	}
}

// TestUnreadBody: a body that the engine does not want is not taken for the
// next request.
func TestUnreadBody(t *testing.T) {
	s := serve(t, engineio.Config{}, nil)
	p := s.poll("EIO=4")
	p.deliver("4x")
	inner := request("GET", engine("EIO=4&transport=polling"), "")
	for name, r := range map[string]string{
		"handshake": request("GET", engine("EIO=4&transport=polling"), inner),
		"refused":   request("POST", engine("EIO=4&transport=polling"), inner),
		"elsewhere": request("POST", "/elsewhere", inner),
		"stale":     request("POST", engine("transport=polling&"+unknownSID), inner),
		"method":    request("PUT", engine(p.query), inner),
		"poll":      request("GET", engine(p.query), inner),
	} {
		c := s.dial()
		c.send(r)
		if a := c.answer(""); !a.Close {
			t.Errorf("%s: %v keeps the connection", name, a)
		}
		c.end()
	}
	if n := s.Stats().Opened; n != 2 {
		t.Errorf("%d sessions were opened, want 2", n)
	}
}

// TestClientCloses: the close packet ends the session at once, and releases
// the poll that waits with a noop.
func TestClientCloses(t *testing.T) {
	for query, packets := range map[string][2]string{"EIO=4": {"1", "6"}, "EIO=3": {"1:1", "1:6"}} {
		s := serve(t, engineio.Config{}, nil)
		p := s.poll(query)
		p.waits(s.rec.session(t, 0))
		p.deliver(packets[0])
		if got := p.finish(); got != packets[1] {
			t.Errorf("the poll brought %q", got)
		}
		p.gone()

		p = s.poll(query)
		p.deliver(packets[0])
		p.gone() // whoever has the answer finds no session
		for i := range 2 {
			if got := s.rec.ended(t, i); got != engineio.ReasonTransportClose {
				t.Errorf("reason %q", got)
			}
		}
	}
}

// TestCloseInPayload: what stands behind a close packet is not delivered.
func TestCloseInPayload(t *testing.T) {
	s := serve(t, engineio.Config{}, nil)
	p := s.poll("EIO=4")
	p.deliver("4a\x1e1\x1e4b")
	if got := s.rec.ended(t, 0); got != engineio.ReasonTransportClose {
		t.Errorf("reason %q", got)
	}
	comparePackets(t, s.rec.got(t, 0, 1), packets(message("a")))
}

// TestSlowPoller: what waits for a poll is bounded, but for a single packet.
func TestSlowPoller(t *testing.T) {
	const bound = 1000
	frame := func(n int) []byte { return []byte(strings.Repeat("x", n)) }
	const header = 2 + 1 // of a short WebSocket frame, and the digit
	for _, tt := range []struct {
		name  string
		sizes []int
		slow  bool
	}{
		{"at the bound", []int{100 - header, 900 - header - 2}, false},
		{"over the bound", []int{100 - header, 900 - header - 2, 1}, true},
		{"one over", []int{100 - header, 900 - header - 1}, true},
		{"a single one", []int{5000}, false},
		{"a single one and more", []int{5000, 0}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, engineio.Config{MaxQueue: bound}, nil)
			p := s.poll("EIO=4")
			session := s.rec.session(t, 0)
			var want []string
			for i, n := range tt.sizes {
				err := session.Send(frame(n), false)
				if slow := err == engineio.ErrSlow; slow != (tt.slow && i == len(tt.sizes)-1) || err != nil && !slow {
					t.Fatalf("message %d: %v", i, err)
				}
				want = append(want, "4"+string(frame(n)))
			}
			if !tt.slow {
				if got := p.receive(); got != strings.Join(want, "\x1e") {
					t.Errorf("poll brought %d bytes", len(got))
				}
				if n := s.Stats().QueuedBytes; n != 0 {
					t.Errorf("%d bytes are queued", n)
				}
				return
			}
			if err := session.Send(nil, false); err != engineio.ErrClosed {
				t.Errorf("Send after the end: %v", err)
			}
			if got := s.rec.ended(t, 0); got != engineio.ReasonTransportError {
				t.Errorf("reason %q", got)
			}
			p.gone()
			if st := s.Stats(); st.Slow != 1 || st.QueuedBytes != 0 {
				t.Errorf("%d slow sessions, %d bytes queued", st.Slow, st.QueuedBytes)
			}
		})
	}
}

// TestMaxQueued bounds what waits for all sessions together.
func TestMaxQueued(t *testing.T) {
	s := serve(t, engineio.Config{MaxQueued: 1000}, nil)
	s.poll("EIO=4")
	s.poll("EIO=4")
	if err := s.rec.session(t, 0).Send(make([]byte, 900), false); err != nil {
		t.Error(err)
	}
	if err := s.rec.session(t, 1).Send(make([]byte, 200), false); err != engineio.ErrSlow {
		t.Errorf("Send over the bound of all queues: %v", err)
	}
	s.rec.ended(t, 1)
	if st := s.Stats(); st.Sessions != 1 || st.QueuedBytes < 900 || st.QueuedBytes > 1000 {
		t.Errorf("%d sessions, %d bytes queued", st.Sessions, st.QueuedBytes)
	}
}
