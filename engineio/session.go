package engineio

import (
	"net/netip"
	"sync"

	"outrider/internal/loop"
	"outrider/internal/websocket"
	"outrider/internal/wheel"
)

// Session is one client's connection in the sense of the protocol: it has an
// ID, a revision, and one transport at a time. Its methods may be called from
// any goroutine.
//
// It is a state machine without I/O of its own: packets come in through
// receive, time through wake, and what goes out is handed to the transport it
// has. Its home is the loop on which it was opened, whose wheel keeps its
// time; its WebSocket may belong to another loop.
type Session struct {
	// set at construction
	home  *shard
	token uint64 // in the home's table of sessions, with sessionBit
	id    ID
	rev   Revision

	// the layer above's
	data any

	// owned by the home's loop
	timer wheel.Deadline

	// owned by the WebSocket's loop
	reader websocket.Reader

	// guarded by mu
	mu       sync.Mutex
	state    sessionState
	b64      bool // the WebSocket's client cannot take binary frames
	awaiting bool // revision 4: a ping is out
	working  bool // a worker has the session, or will
	paused   bool // conn is not read until the worker has caught up
	due      int64
	conn     *loop.Conn // the WebSocket, once it is the transport
	poll     *polling   // the polling transport, until then
	inbox    *inbox     // what the handler has yet to see; nil when nothing
	alarms   *Alarm     // the first of After's
}

type sessionState uint8

const (
	stateOpen sessionState = iota
	// stateClosing: closed for the application, but a polling client has yet
	// to be told what was sent before.
	stateClosing
	stateClosed
)

// ID returns the session's id, the sid of its requests.
func (s *Session) ID() ID { return s.id }

// Revision returns the revision of the protocol that the client speaks.
func (s *Session) Revision() Revision { return s.rev }

// Data returns what SetData set.
func (s *Session) Data() any { return s.data }

// SetData sets the one value that the layer above keeps with the session. It
// may be called in Handler.Opened only, so that no lock is needed later.
func (s *Session) SetData(v any) { s.data = v }

// Transport returns how packets travel at present.
func (s *Session) Transport() Transport {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll != nil {
		return Polling
	}
	return WebSocket
}

// RemoteAddr returns the address at the other end of the WebSocket: the
// client's, or a proxy's. It is the zero AddrPort for a session on polling,
// which has an address for each of its requests, and after the end.
func (s *Session) RemoteAddr() netip.AddrPort {
	s.mu.Lock()
	c := s.conn
	s.mu.Unlock()
	if c == nil {
		return netip.AddrPort{}
	}
	return c.RemoteAddr()
}

// Send sends one message, of which it makes a copy. See SendFrame.
func (s *Session) Send(data []byte, binary bool) error {
	if binary {
		return s.SendFrame(BinaryFrame(append([]byte(nil), data...)))
	}
	buf := make([]byte, FramePrefix+len(data))
	copy(buf[FramePrefix:], data)
	return s.SendFrame(MessageFrame(buf))
}

// SendFrame sends a frame. It returns nil when all of it was handed to the
// kernel or queued, in order after what was sent before; ErrClosed when the
// session is closed; ErrSlow when the queue is at its bound, which closes the
// session.
func (s *Session) SendFrame(f *Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpen {
		return ErrClosed
	}
	return s.send(f)
}

// SendTogether sends frames with one write, or in one answer to a poll, as
// JoinFrames does for frames that are sent many times. It keeps none of them.
// Errors are those of SendFrame; after one, none of the frames counts as sent.
func (s *Session) SendTogether(frames ...*Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state != stateOpen:
		return ErrClosed
	case s.poll == nil:
		return s.sendJoined(frames)
	case s.poll.get != nil:
		return s.answerWaiting(frames)
	}
	for _, f := range frames {
		if err := s.sendPolling(f); err != nil {
			return err
		}
	}
	return nil
}

// sendJoined writes frames to the WebSocket. The caller holds mu.
func (s *Session) sendJoined(frames []*Frame) error {
	b := payloadPool.Get().(*payloads)
	defer b.free()
	b.out = b.out[:0]
	for _, f := range frames {
		b.out = append(b.out, f.websocket(s.rev, s.b64)...)
	}
	return sendError(s.conn.SendCopy(b.out))
}

// send hands a frame to the transport. The caller holds mu.
func (s *Session) send(f *Frame) error {
	if s.poll != nil {
		return s.sendPolling(f)
	}
	return sendError(s.conn.Send(f.websocket(s.rev, s.b64)))
}

// sendError is a connection's error as SendFrame returns it.
func sendError(err error) error {
	switch err {
	case nil:
		return nil
	case loop.ErrSlow:
		return ErrSlow
	default:
		return ErrClosed
	}
}

// Writable reports whether a frame sent now would go to the kernel at once:
// on polling a request waits, on WebSocket nothing is queued. What may be
// lost (a volatile event) is not sent otherwise.
func (s *Session) Writable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state != stateOpen:
		return false
	case s.poll != nil:
		return s.poll.get != nil
	}
	return s.conn.Writable()
}

// Close ends the session with ReasonForcedClose when what was sent before
// has left.
func (s *Session) Close() { s.end(ReasonForcedClose, graceful) }

// Fail ends the session because of what its peer did; what waits to be sent
// is still sent as far as the peer takes it.
func (s *Session) Fail(reason CloseReason) { s.end(reason, graceful) }

// receive handles one packet from the client. It runs on the loop of the
// connection that brought it. It reports whether the next packet may come: the
// handler is not far behind.
func (s *Session) receive(p Packet) (goOn bool) {
	if p.Type == Message {
		return s.receiveMessage(p)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpen {
		return true
	}
	switch p.Type {
	case Ping:
		s.receivePing()
	case Pong:
		s.receivePong()
	case Close:
		s.closedByPeer()
	}
	// Open, Upgrade and Noop mean nothing here and are ignored, as the
	// official server does.
	return !s.paused
}

// closedByPeer handles the close packet. A poll that waits is released with a
// noop. If none does, one may well be on its way: clients send both at once,
// on two connections. So the session is kept for a moment, and the answer to
// the close packet's POST held back as long: once the client has that, the
// session is gone.
func (s *Session) closedByPeer() {
	p := s.poll
	if p == nil || p.get != nil {
		s.releaseWaiting()
		s.endLocked(ReasonTransportClose, abrupt)
		return
	}
	p.drop(s.home.srv.group)
	p.farewell = true
	s.endLocked(ReasonTransportClose, graceful)
	s.due = s.home.loop.Now() + int64(farewell)
}

// ending says what happens to what was sent and has not left.
type ending uint8

const (
	// graceful: it leaves first.
	graceful ending = iota
	// abrupt: it is dropped; the peer is told of the end if that can be done
	// at once.
	abrupt
)

func (s *Session) end(reason CloseReason, how ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(reason, how)
}

// endLocked is end for who holds mu. The close frame of a WebSocket has no
// status: clients see 1005, as with the official server.
func (s *Session) endLocked(reason CloseReason, how ending) { s.endWith(reason, how, closeFrame) }

// endWith ends the session, once, with the given close frame if it is on
// WebSocket. The caller holds mu.
func (s *Session) endWith(reason CloseReason, how ending, farewell []byte) {
	if s.state != stateOpen {
		if s.state == stateClosing && how == abrupt {
			s.forget()
		}
		return
	}
	s.state = stateClosing // until forgotten, which what follows may do at once
	s.enqueue(item{kind: itemClosed, reason: reason}, nil)
	s.alarms = nil
	s.home.srv.stats.closed(reason)
	if s.poll != nil {
		s.endPolling(how)
		return
	}
	s.forget()
	_ = s.conn.Send(farewell) // after what is queued, or not at all
	s.conn.Finish()
}

// forget makes the session id unknown. A WebSocket that wants to take over
// has nothing left to wait for.
func (s *Session) forget() {
	s.state = stateClosed
	s.home.srv.sessions.remove(s.id)
	if p := s.poll; p != nil {
		p.drop(s.home.srv.group)
		if p.probe != nil {
			p.probe.close(closeFrame)
			p.probe = nil
		}
		if h := p.held; h != nil {
			p.held = nil
			s.acceptPost(h)
		}
	}
	token := s.token
	home := s.home
	home.loop.Post(func() { home.sessions.Remove(token) })
}
