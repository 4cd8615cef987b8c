package engineio

import (
	"bytes"
	"errors"
	"net/http"

	"github.com/gobwas/ws"

	"outrider/internal/httpwire"
	"outrider/internal/loop"
	"outrider/internal/websocket"
)

// wsTransport is a Session seen as the handler of its WebSocket, so that a
// connection has no object between the two.
type wsTransport Session

// closeFrame is the close frame without status that ends a session.
var closeFrame = websocket.AppendClose(nil, ws.StatusNoStatusRcvd, "")

// Data implements loop.Handler.
func (t *wsTransport) Data(c *loop.Conn, p []byte) int {
	s := (*Session)(t)
	lim := s.home.srv.cfg.limits()
	consumed := 0
	for consumed < len(p) {
		m, n, ok, err := s.reader.Next(p[consumed:], lim)
		consumed += n
		if err != nil {
			s.endWebSocket(closeFault(err), ReasonTransportError)
			return len(p)
		}
		if !ok {
			break
		}
		if !s.receiveFrame(c, m) {
			break // the loop keeps the rest until the handler has caught up
		}
	}
	return consumed
}

// receiveFrame handles one WebSocket message, which is one packet, and reports
// whether the next may come.
func (s *Session) receiveFrame(c *loop.Conn, m websocket.Message) (goOn bool) {
	switch m.Op {
	case ws.OpText, ws.OpBinary:
		p, err := parseWebSocket(s.rev, m.Data, m.Op == ws.OpBinary)
		if err != nil {
			s.end(ReasonParseError, abrupt)
			return true
		}
		return s.receive(p)
	case ws.OpPing:
		answerPing(c, m.Data)
	case ws.OpClose:
		s.endWebSocket(closeAnswer(m.Data), ReasonTransportClose)
	}
	return true
}

// answerPing sends the pong of RFC 6455 §5.5.3, which has nothing to do with
// the protocol's own.
func answerPing(c *loop.Conn, payload []byte) {
	sh := shardOf(c.Loop())
	sh.out = websocket.AppendPong(sh.out[:0], payload)
	_ = c.SendCopy(sh.out)
}

// closeAnswer returns the close frame that answers the peer's, with the same
// status (RFC 6455 §5.5.1).
func closeAnswer(payload []byte) []byte {
	code, _, err := websocket.ParseClose(payload)
	if err != nil {
		code = ws.StatusNoStatusRcvd
	}
	return websocket.AppendClose(nil, code, "")
}

// closeFault returns the close frame for a peer that broke RFC 6455. It has no
// words behind the status, as the official server's has none.
func closeFault(err error) []byte {
	var e *websocket.Error
	if !errors.As(err, &e) {
		return closeFrame
	}
	return websocket.AppendClose(nil, e.Code, "")
}

// endWebSocket ends a session whose peer has closed the WebSocket, or broken
// its rules, with the close frame that says so. What the handler answers to
// the messages before that leaves first.
func (s *Session) endWebSocket(farewell []byte, reason CloseReason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpen || !s.working {
		s.endWith(reason, abrupt, farewell)
		return
	}
	s.enqueue(item{kind: itemFunc, fn: func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.endWith(reason, abrupt, farewell)
	}}, nil)
}

// EOF implements loop.Handler: the peer is gone without a close frame.
func (t *wsTransport) EOF(c *loop.Conn) {
	(*Session)(t).end(ReasonTransportClose, abrupt)
	c.Close(loop.CausePeer)
}

// Expired implements loop.Handler. A WebSocket has no deadline of its own.
func (t *wsTransport) Expired(*loop.Conn) {}

// Closed implements loop.Handler.
func (t *wsTransport) Closed(_ *loop.Conn, cause loop.Cause) {
	s := (*Session)(t)
	s.reader = websocket.Reader{}
	reason := ReasonTransportClose
	switch cause {
	case loop.CauseError:
		reason = ReasonTransportError
	case loop.CauseSlow:
		s.home.srv.stats.slow.Add(1)
		reason = ReasonTransportError
	case loop.CauseShutdown:
		reason = ReasonServerShuttingDown
	}
	s.end(reason, abrupt)
}

// switchProtocols answers the handshake in head, with the header lines of h.
// It reports false if the client's handshake is at fault; it has been
// answered then.
func (h *httpConn) switchProtocols(head []byte) bool {
	parsed := &h.shard.head
	out, ok := h.shard.out[:0], false
	if string(parsed.Method) == http.MethodGet && parsed.Count("Sec-WebSocket-Key") == 1 && parsed.Count("Sec-WebSocket-Version") == 1 {
		out, ok = websocket.AppendSwitch(out, parsed.Get("Sec-WebSocket-Version"), parsed.Get("Sec-WebSocket-Key"))
	}
	if !ok {
		return h.refuseSwitch(head)
	}
	out = append(append(out, h.cors...), h.extra...)
	h.shard.out = httpwire.AppendEnd(out)
	_ = h.conn.SendCopy(h.shard.out)
	return true
}

// refuseSwitch has gobwas/ws look at a handshake that is not quite as usual,
// and say what is wrong with it, if anything.
func (h *httpConn) refuseSwitch(head []byte) (ok bool) {
	hs := wsHandshake{in: *bytes.NewReader(head)}
	u := ws.Upgrader{}
	if len(h.cors)+len(h.extra) > 0 {
		u.Header = ws.HandshakeHeaderBytes(append(append([]byte(nil), h.cors...), h.extra...))
	}
	_, err := u.Upgrade(&hs)
	_ = h.conn.Send(hs.out)
	if err != nil {
		h.conn.Finish()
	}
	return err == nil
}

// wsHandshake is the two ends of a WebSocket handshake, for gobwas/ws, over
// bytes that are there already.
type wsHandshake struct {
	in  bytes.Reader
	out []byte
}

func (w *wsHandshake) Read(p []byte) (int, error) { return w.in.Read(p) }

func (w *wsHandshake) Write(p []byte) (int, error) {
	w.out = append(w.out, p...)
	return len(p), nil
}

// upgrade handles a request for a WebSocket: the handshake of a session, or
// the beginning of a session's upgrade. head is the request's head.
func (sh *shard) upgrade(h *httpConn, q *query, s *Session, head []byte) {
	if s == nil {
		s = sh.newSession(q.revision)
		h.extra = sh.srv.appendCookie(h.extra, s.id)
		if !h.switchProtocols(head) {
			sh.sessions.Remove(s.token)
			return
		}
		if delay := sh.srv.cfg.OpenDelay; delay > 0 {
			h.conn.SetHandler(&delayedOpen{session: s, query: *q, head: append([]byte(nil), head...)})
			h.conn.SetDeadline(sh.loop.Now() + int64(delay))
			return
		}
		sh.openWebSocket(h.conn, s, q)
		sh.recycle(h)
		return
	}
	if !h.switchProtocols(head) {
		return
	}
	s.startProbe(h.conn, q.b64)
}

// openWebSocket starts a session whose handshake has been answered.
func (sh *shard) openWebSocket(c *loop.Conn, s *Session, q *query) {
	c.SetDeadline(0)
	c.SetHandler((*wsTransport)(s))
	s.mu.Lock()
	s.conn = c
	s.b64 = q.b64
	s.startHeartbeat(sh.loop.Now())
	s.mu.Unlock()
	// Not in one segment with the 101: some clients attach their listener
	// when they have seen that (PROTOCOL §1.13). But with what Opened sends,
	// which in revision 3 is always something.
	if s.rev == Revision3 {
		c.Cork()
		defer c.Uncork()
	}
	sh.out = s.appendHandshake(append(sh.out[:0], framePrefix[:]...), false)
	_ = c.SendCopy(sealText(Open, sh.out))
	sh.opened(s)
}

// delayedOpen holds the open packet back (Config.OpenDelay). What the client
// sends meanwhile stays in the loop.
type delayedOpen struct {
	session *Session
	query   query
	head    []byte
}

// Data implements loop.Handler.
func (d *delayedOpen) Data(*loop.Conn, []byte) int { return 0 }

// EOF implements loop.Handler.
func (d *delayedOpen) EOF(c *loop.Conn) { c.Close(loop.CausePeer) }

// Expired implements loop.Handler.
func (d *delayedOpen) Expired(c *loop.Conn) {
	sh := d.session.home
	if _, err := sh.head.Parse(d.head, httpwire.Limits{}); err != nil {
		c.Close(loop.CauseError)
		return
	}
	sh.req = Request{head: &sh.head, conn: c}
	sh.openWebSocket(c, d.session, &d.query)
	c.Resume()
}

// Closed implements loop.Handler.
func (d *delayedOpen) Closed(*loop.Conn, loop.Cause) {
	d.session.home.sessions.Remove(d.session.token)
}
