package engineio

import (
	"bytes"
	"errors"
	"net"
	"os"
	"sync/atomic"

	"outrider/internal/httpwire"
	"outrider/internal/loop"
)

// httpConn is a connection that carries HTTP requests: the handler of every
// new connection, until it becomes a WebSocket or is handed to the fallback.
//
// One request is in work at a time. What the client sends behind it (a
// pipelined request) stays in the loop until the answer is written, which
// may happen on any goroutine: turn says whose turn it is.
type httpConn struct {
	// set at construction
	shard *shard
	conn  *loop.Conn

	turn turn

	// owned by the loop
	since   int64 // when the head's or body's first byte came; 0 while idle
	body    httpwire.Body
	reading bool     // a body is under way
	tooBig  bool     // it is over the limit: 413 has been sent
	upload  upload   // what the body is for
	session *Session // whose request is in work
	poll    *polling // the session's transport at that time

	// of the request in work: written by the loop while the turn is the
	// client's, read by whoever answers
	keepAlive bool
	gzip      bool
	ie        bool   // an Internet Explorer, which wants X-XSS-Protection
	cors      []byte // header lines
	cookie    []byte // header lines, of a handshake

	// atomic
	active atomic.Int64 // when the last answer was written
	eof    atomic.Bool  // the client sends no more: answer, then close
}

// turn tells who may act on an httpConn.
type turn struct{ v atomic.Uint32 }

const (
	turnClient  = iota // the next request may be read
	turnServer         // a request is being answered
	turnWaiting        // so it is, and the loop has left bytes that wait for it
)

// take gives the turn to the server.
func (t *turn) take() { t.v.Store(turnServer) }

// wait reports whether a request is being answered, and if so makes pass
// return true.
func (t *turn) wait() bool {
	return t.v.CompareAndSwap(turnServer, turnWaiting) || t.v.Load() != turnClient
}

// pass gives the turn to the client, and reports whether bytes wait.
func (t *turn) pass() bool { return t.v.Swap(turnClient) == turnWaiting }

// Data implements loop.Handler.
func (h *httpConn) Data(c *loop.Conn, p []byte) int {
	if h.turn.wait() {
		return 0
	}
	if h.since == 0 {
		h.since = c.Loop().Now()
		c.SetDeadline(h.since + int64(h.shard.srv.cfg.HeadTimeout))
	}
	if h.reading {
		return h.readBody(p)
	}
	head := &h.shard.head
	n, err := head.Parse(p, httpwire.Limits{})
	if err != nil {
		h.refuse(err)
		return len(p)
	}
	if n == 0 {
		return 0
	}
	if !h.shard.srv.ownsPath(head.Path) {
		return h.elsewhere(p)
	}
	return h.shard.serve(h, p[:n])
}

// ownsPath reports whether the path is one of the engine's, as it is or with
// something behind a slash.
func (srv *Server) ownsPath(path []byte) bool {
	for _, own := range srv.cfg.Paths {
		if rest, ok := bytes.CutPrefix(path, []byte(own)); ok && (len(rest) == 0 || rest[0] == '/') {
			return true
		}
	}
	return false
}

// refuse answers a request that is none.
func (h *httpConn) refuse(err error) {
	var e *httpwire.Error
	if errors.As(err, &e) {
		h.shard.out = e.AppendResponse(h.shard.out[:0])
		_ = h.conn.SendCopy(h.shard.out)
	}
	h.conn.Finish()
}

// elsewhere hands the connection and the request that p begins with to the
// fallback. A path that is not the engine's ends the engine's interest in
// the connection: the next request on it is the fallback's too.
func (h *httpConn) elsewhere(p []byte) int {
	fallback := h.shard.srv.cfg.Fallback
	if fallback == nil {
		h.keepAlive = false
		h.answer(404, "text/plain", []byte("Not Found"))
		return len(p)
	}
	fd, err := h.conn.Detach()
	if err != nil {
		h.conn.Close(loop.CauseLocal)
		return len(p)
	}
	// FileConn has its own duplicate, in the runtime's poller.
	f := os.NewFile(uintptr(fd), "")
	nc, err := net.FileConn(f)
	_ = f.Close()
	if err != nil {
		return len(p) // no descriptors: the connection is closed
	}
	h.shard.srv.stats.fallbacks.Add(1)
	fallback(httpwire.NewConn(nc, p))
	return len(p)
}

// EOF implements loop.Handler.
func (h *httpConn) EOF(c *loop.Conn) {
	if h.session != nil && h.session.requestLost(h) {
		c.Close(loop.CausePeer)
		return
	}
	h.eof.Store(true)
	if h.turn.v.Load() == turnClient {
		c.Finish() // between requests, or amid one that will never end
	}
}

// Expired implements loop.Handler. While a request is being answered time
// does not run: a poll that waits is the session's affair.
func (h *httpConn) Expired(c *loop.Conn) {
	cfg := &h.shard.srv.cfg
	now := c.Loop().Now()
	due := h.active.Load() + int64(cfg.KeepAlive)
	switch {
	case h.turn.v.Load() != turnClient:
		due = now + int64(cfg.KeepAlive)
	case h.reading:
		due = h.since + int64(cfg.BodyTimeout)
	case h.since != 0:
		due = h.since + int64(cfg.HeadTimeout)
	}
	if due > now {
		c.SetDeadline(due)
		return
	}
	if h.session != nil {
		h.session.requestLost(h)
	}
	c.Close(loop.CauseLocal)
}

// Closed implements loop.Handler.
func (h *httpConn) Closed(*loop.Conn, loop.Cause) {
	if h.session != nil {
		h.session.requestLost(h)
	}
}

// begin notes, for the answer, what the head of a request says.
func (h *httpConn) begin(head *httpwire.Head) {
	h.turn.take()
	// HTTP/1.0 wants to be told when a connection is kept; it is not worth it.
	h.keepAlive = head.KeepAlive && head.Proto == 1 && !h.shard.srv.draining.Load()
	h.gzip = bytes.Contains(head.Get("Accept-Encoding"), []byte("gzip"))
	agent := head.Get("User-Agent")
	h.ie = bytes.Contains(agent, []byte(";MSIE")) || bytes.Contains(agent, []byte("Trident/"))
	h.cors = h.shard.srv.cfg.CORS.appendHeaders(h.cors[:0], head.Get("Origin"))
	h.cookie = h.cookie[:0]
	h.session, h.poll = nil, nil
}

// done is called by whoever has written the answer: the connection is the
// client's again.
func (h *httpConn) done() {
	h.active.Store(h.conn.Loop().Now())
	if !h.keepAlive {
		h.conn.Finish()
		return
	}
	if h.turn.pass() {
		h.conn.Resume()
	}
	if h.eof.Load() { // after pass: EOF looks at the turn after it has stored
		h.conn.Finish()
	}
}
