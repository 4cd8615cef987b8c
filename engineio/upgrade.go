package engineio

import (
	"bytes"

	"github.com/gobwas/ws"

	"outrider/internal/loop"
	"outrider/internal/websocket"
)

// probe is a WebSocket that asks to take over a session which is on polling
// (clause "Upgrade"; PROTOCOL §1.11). Until its upgrade packet the session is
// polling's, and whatever is wrong here costs the session nothing.
//
// All of it is owned by the WebSocket's loop, but that the session points to
// it under its mu.
type probe struct {
	session *Session
	conn    *loop.Conn
	reader  websocket.Reader
	since   int64
	b64     bool
	probed  bool // the ping "probe" has been answered
	over    bool // refused: no packet counts any more
}

// startProbe gives the session a WebSocket that wants to take over. A session
// that is being upgraded, or has been, refuses it by closing it, and does not
// notice.
func (s *Session) startProbe(c *loop.Conn, b64 bool) {
	pr := &probe{session: s, conn: c, since: c.Loop().Now(), b64: b64}
	c.SetHandler(pr)
	c.SetDeadline(pr.since + int64(s.home.srv.cfg.UpgradeTimeout))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateClosed || s.poll == nil || s.poll.probe != nil || s.home.srv.cfg.NoUpgrade {
		pr.over = true
		pr.close(closeFrame)
		return
	}
	s.poll.probe = pr
}

// close ends the WebSocket in an orderly way.
func (pr *probe) close(farewell []byte) {
	_ = pr.conn.Send(farewell)
	pr.conn.Finish()
}

// Data implements loop.Handler.
func (pr *probe) Data(c *loop.Conn, p []byte) int {
	lim := pr.session.home.srv.cfg.limits()
	consumed := 0
	for consumed < len(p) && !pr.over {
		m, n, ok, err := pr.reader.Next(p[consumed:], lim)
		consumed += n
		if err != nil {
			pr.refuse(closeFault(err))
			return len(p)
		}
		if !ok {
			break
		}
		switch m.Op {
		case ws.OpText, ws.OpBinary:
			if pr.receive(m) {
				return consumed // the rest is the session's
			}
		case ws.OpPing:
			answerPing(c, m.Data)
		case ws.OpClose:
			pr.refuse(closeAnswer(m.Data))
			return len(p)
		}
	}
	if pr.over {
		return len(p)
	}
	return consumed
}

// receive handles one packet, and reports whether the session has moved.
func (pr *probe) receive(m websocket.Message) bool {
	p, err := parseWebSocket(pr.session.rev, m.Data, m.Op == ws.OpBinary)
	switch {
	case err == nil && p.Type == Ping && bytes.Equal(p.Data, []byte("probe")):
		pr.probed = true
		_ = pr.conn.Send(probePongFrame.websocket(pr.session.rev, pr.b64))
		pr.release()
		pr.conn.SetDeadline(pr.nextDeadline())
		return false
	case err == nil && p.Type == Upgrade:
		if pr.session.moveTo(pr) {
			return true
		}
	}
	pr.refuse(closeFrame)
	return false
}

// refuse ends what was no upgrade with a close frame. The session is polling's
// as before, and may be upgraded by another WebSocket.
func (pr *probe) refuse(farewell []byte) {
	pr.over = true
	pr.leave()
	pr.close(farewell)
}

// release answers a poll that waits with a noop, so that the client can stop
// polling. Polls that come later are released by the next deadline.
func (pr *probe) release() {
	s := pr.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateOpen && s.poll != nil && s.poll.probe == pr && s.poll.get != nil {
		_ = s.answerWaiting(nil, noopFrame)
	}
}

func (pr *probe) nextDeadline() int64 {
	end := pr.since + int64(pr.session.home.srv.cfg.UpgradeTimeout)
	if !pr.probed {
		return end
	}
	// A tick less, since that is how late it may be.
	return min(end, pr.conn.Loop().Now()+int64(probeNoop-pr.session.home.srv.cfg.tick()))
}

// Expired implements loop.Handler.
func (pr *probe) Expired(c *loop.Conn) {
	if c.Loop().Now() >= pr.since+int64(pr.session.home.srv.cfg.UpgradeTimeout) {
		pr.refuse(closeFrame)
		return
	}
	pr.release()
	c.SetDeadline(pr.nextDeadline())
}

// EOF implements loop.Handler.
func (pr *probe) EOF(c *loop.Conn) { c.Close(loop.CausePeer) }

// Closed implements loop.Handler.
func (pr *probe) Closed(*loop.Conn, loop.Cause) { pr.leave() }

// leave lets another WebSocket try.
func (pr *probe) leave() {
	s := pr.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll != nil && s.poll.probe == pr {
		s.poll.probe = nil
	}
}

// moveTo makes the WebSocket the session's transport: a poll that still waits
// is answered, and what waited for one leaves, in order, before anything that
// is sent from now on. It reports whether the session has moved.
func (s *Session) moveTo(pr *probe) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.poll
	if s.state == stateClosed || p == nil || p.probe != pr {
		return false
	}
	if h := p.get; h != nil && pr.probed {
		// It came after the probe's answer, which released the one before, and
		// is as late as one that would come now.
		p.get = nil
		h.answerLate()
	} else {
		s.releaseWaiting()
	}
	c := pr.conn
	frames := p.frames
	p.drop(s.home.srv.group)
	for _, f := range frames {
		_ = c.Send(f.websocket(s.rev, pr.b64)) // an error has closed c, which Closed hears of
	}
	if s.state == stateClosing {
		s.forget() // which closes pr, now that it has the rest
		return false
	}
	p.probe = nil
	s.conn, s.poll = c, nil
	s.b64 = pr.b64
	s.reader = pr.reader
	c.SetDeadline(0)
	c.SetHandler((*wsTransport)(s))
	return true
}
