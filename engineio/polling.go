package engineio

import (
	"errors"

	"outrider/internal/loop"
)

// polling is the long-polling transport of one session (clause "HTTP
// long-polling"; PROTOCOL §1.8). It is guarded by the session's mu.
type polling struct {
	b64   bool   // the client said at its handshake that it cannot take binary
	jsonp []byte // the handshake's j; nil if it had none

	get    *httpConn // the GET that waits for something to be sent
	post   *httpConn // the POST whose body is read or whose packets are handled
	frames []*Frame  // what waits for a GET
	size   int       // of frames
	probe  *probe    // the WebSocket that wants to take over

	farewell bool      // closed by the client: a poll that comes now gets a noop
	held     *httpConn // the POST that closed it, to be answered when it is gone
}

// sendPolling answers the GET that waits, or keeps the frame for the next.
func (s *Session) sendPolling(f *Frame) error {
	p := s.poll
	if p.get != nil {
		return s.answerWaiting([]*Frame{f})
	}
	srv := s.home.srv
	n := f.size()
	if p.size > 0 && p.size+n > srv.cfg.MaxQueue || !srv.group.Reserve(n) {
		srv.stats.slow.Add(1)
		s.endLocked(ReasonTransportError, abrupt)
		return ErrSlow
	}
	p.frames = append(p.frames, f)
	p.size += n
	return nil
}

// answerWaiting answers the GET that waits. What cannot be sent is lost, and
// an open session ends with it: it would go on with a gap otherwise.
func (s *Session) answerWaiting(frames []*Frame, last ...*Frame) error {
	h := s.poll.get
	s.poll.get = nil
	err := h.answerPoll(s.rev, s.poll, frames, last...)
	if err == nil || s.state != stateOpen {
		return err
	}
	s.endLocked(ReasonTransportError, abrupt)
	if errors.Is(err, loop.ErrSlow) {
		s.home.srv.stats.slow.Add(1)
		return ErrSlow
	}
	return ErrClosed
}

// releaseWaiting answers the GET that waits, if there is one, with a noop: its
// session goes on without it.
func (s *Session) releaseWaiting() {
	if p := s.poll; p != nil && p.get != nil {
		h := p.get
		p.get = nil
		_ = h.answerPoll(s.rev, p, nil, noopFrame)
	}
}

// drop forgets what waits.
func (p *polling) drop(g *loop.Group) {
	g.Release(p.size)
	p.frames, p.size = nil, 0
}

// takeGet gives the transport a GET: it is answered with what waits, or waits
// itself. The caller is the loop.
func (s *Session) takeGet(h *httpConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.poll
	if p == nil || s.state == stateClosed || s.overdue(h.conn.Loop().Now()) {
		h.answerStale(p != nil)
		return
	}
	if p.get != nil {
		// The official server's rule: the client is confused, or there are two.
		h.keepAlive = false
		h.answer(400, "", nil)
		s.endLocked(ReasonTransportError, abrupt)
		return
	}
	h.session, h.poll = s, p
	p.get = h
	switch {
	case p.farewell:
		s.releaseWaiting()
		s.forget()
	case s.state == stateClosing:
		_ = s.answerWaiting(p.frames, closePacket)
		s.forget()
	case len(p.frames) > 0:
		frames := p.frames
		p.drop(s.home.srv.group)
		_ = s.answerWaiting(frames)
	}
}

// answerStale answers a request for a session that is gone, or that has left
// polling.
func (h *httpConn) answerStale(gone bool) {
	code := CodeBadRequest
	if gone {
		code = CodeSessionUnknown
	}
	h.answerError(&RequestError{Code: code})
}

// takePost tells whether the transport takes a POST, whose body is still to
// be read. If not, the request has been answered.
func (s *Session) takePost(h *httpConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.poll
	if p == nil || s.state != stateOpen || s.overdue(h.conn.Loop().Now()) {
		h.answerStale(p != nil)
		return false
	}
	if p.post != nil {
		h.keepAlive = false
		h.answer(400, "", nil)
		p.post.conn.Close(loop.CauseLocal)
		p.post = nil
		s.endLocked(ReasonTransportError, abrupt)
		return false
	}
	h.session, h.poll = s, p
	p.post = h
	return true
}

// finishPost handles a POST's packets. The answer comes when the handler has
// seen them, which holds the client back while the workers are busy.
func (s *Session) finishPost(h *httpConn, body []byte, binary bool) {
	s.mu.Lock()
	current := s.poll != nil && s.poll == h.poll
	s.mu.Unlock()
	if !current {
		h.answerStale(false) // upgraded meanwhile: too late for polling
		return
	}
	s.receivePayload(body, binary)
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.poll; p != nil && p.farewell && s.state == stateClosing {
		p.held = h
		return
	}
	if s.inbox == nil && !s.working {
		s.acceptPost(h)
		return
	}
	s.enqueue(item{kind: itemPosted, post: h}, nil)
}

// receivePayload handles packets up to the first bad one, which ends the
// session; the POST is answered with "ok" all the same.
func (s *Session) receivePayload(body []byte, binary bool) {
	packets := Payload4(body)
	if s.rev == Revision3 {
		packets = Payload3(body, binary)
	}
	n := 0
	for p, err := range packets {
		if n++; err != nil || n > s.home.srv.cfg.MaxPackets {
			s.end(ReasonParseError, abrupt)
			return
		}
		s.receive(p)
	}
}

// acceptPost answers a POST whose packets have been handled.
func (s *Session) acceptPost(h *httpConn) {
	if p := s.poll; p != nil && p.post == h {
		p.post = nil
	}
	b := payloadPool.Get().(*payloads)
	defer b.free()
	b.out = h.appendAnswer(b.out[:0], 200, "text/html", []byte("ok"))
	_ = h.send(b.out)
}

// requestLost tells that h's client has gone or sends no more. It ends the
// session if that leaves a poll unanswered or an upload unfinished (clause
// of the official server: "transport close").
func (s *Session) requestLost(h *httpConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.poll
	if p == nil || s.state == stateClosed {
		return false
	}
	switch {
	case p.get == h:
		p.get = nil
	case p.post == h && h.reading:
		p.post = nil
	default:
		return false
	}
	if s.state == stateOpen {
		s.endLocked(ReasonTransportClose, abrupt)
	}
	return true
}

// endPolling tells the client of the end if a GET waits. Otherwise a graceful
// end keeps the session until the next one, for a while.
func (s *Session) endPolling(how ending) {
	p := s.poll
	switch {
	case p.get != nil:
		_ = s.answerWaiting(p.frames, closePacket)
		s.forget()
	case how == graceful:
		s.due = s.home.loop.Now() + int64(closeGrace)
		s.awaiting = false
		s.rearm()
	default:
		s.forget()
	}
}
