package engineio

import (
	"bytes"
	"errors"
	"net/http"
	"net/netip"
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
	reading   bool  // a body is under way
	since     int64 // when the head's or body's first byte came; 0 while idle
	body      httpwire.Body
	upload    upload         // what the body is for
	session   *Session       // whose request is in work
	poll      *polling       // the session's transport at that time
	admission *admission     // the handshake that Config.Admit is asked about
	peer      netip.AddrPort // once Config.Answer has asked for it
	home      *http.Server   // whose the connection was, and will be; see ServeHTTP

	// of the request in work: written by the loop while the turn is the
	// client's, read by whoever answers
	keepAlive bool
	headOnly  bool // the method is HEAD: an answer has no body
	gzip      bool
	ie        bool   // an Internet Explorer, which wants X-XSS-Protection
	cors      []byte // header lines
	extra     []byte // header lines, of Config.OnRequest and Config.Cookie

	// atomic
	active atomic.Int64 // when the last answer was written
	used   atomic.Bool  // one was
	eof    atomic.Bool  // the client sends no more: answer, then close
}

// newHTTPConn returns the handler of a new connection.
func (sh *shard) newHTTPConn(c *loop.Conn) *httpConn {
	n := len(sh.spare)
	if n == 0 {
		return &httpConn{shard: sh, conn: c}
	}
	h := sh.spare[n-1]
	sh.spare[n-1] = nil
	sh.spare = sh.spare[:n-1]
	*h = httpConn{shard: sh, conn: c, cors: h.cors[:0], extra: h.extra[:0]}
	return h
}

// recycle keeps h, whose connection has become a WebSocket with its first
// request: nobody else knows it. Data has yet to return from it.
func (sh *shard) recycle(h *httpConn) {
	if !h.used.Load() && !h.eof.Load() && sh.srv.cfg.Admit == nil && len(sh.spare) < maxSpare {
		h.conn = nil
		sh.spare = append(sh.spare, h)
	}
}

// turn tells who may act on an httpConn.
type turn struct{ v atomic.Uint32 }

const (
	turnClient  = iota // the next request may be read
	turnServer         // a request is being answered
	turnWaiting        // so it is, and the loop has left bytes that wait for it
	turnResumed        // it is answered, and the loop is about to present those bytes
)

// take gives the turn to the server.
func (t *turn) take() { t.v.Store(turnServer) }

// wait is called with bytes to be read. It reports whether a request is being
// answered, and if so makes pass return true.
func (t *turn) wait() bool {
	if t.v.CompareAndSwap(turnServer, turnWaiting) {
		return true
	}
	t.v.CompareAndSwap(turnResumed, turnClient)
	return t.v.Load() != turnClient
}

// pass gives the turn to the client, and reports whether bytes wait: the
// caller must have the loop present them. Until it has, the connection is not
// taken to be between requests.
func (t *turn) pass() bool {
	if t.v.CompareAndSwap(turnServer, turnClient) {
		return false
	}
	t.v.Store(turnResumed)
	return true
}

// Data implements loop.Handler.
func (h *httpConn) Data(c *loop.Conn, p []byte) int {
	if h.turn.wait() {
		return 0
	}
	n := h.read(c, p)
	if h.eof.Load() && (n == 0 || h.reading && n == len(p)) {
		h.EOF(c) // these bytes waited, and what they begin will never be complete
	}
	return n
}

// read takes a head, or a part of a body, from the beginning of p.
func (h *httpConn) read(c *loop.Conn, p []byte) int {
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
	if !h.shard.srv.Serves(head.Path) {
		return h.elsewhere(p, n)
	}
	return h.shard.serve(h, p[:n])
}

// Serves reports whether requests for the path are the engine's: it is one of
// Config.Paths, as it is or with something behind a slash.
func (srv *Server) Serves(path []byte) bool {
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

// EOF implements loop.Handler. A request that came whole is still answered:
// who half-closes behind it may wait for that. A poll is not, or a client
// that went away would be noticed by its heartbeat only; nor is a handshake for
// a WebSocket that Config.Admit is asked about: its client could not say a
// thing.
func (h *httpConn) EOF(c *loop.Conn) {
	lost := h.session != nil && h.session.requestLost(h)
	if lost || h.admission != nil && h.admission.query.transport == WebSocket {
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

// Closed implements loop.Handler. When the server closes it is not the client
// that went away: Server.Close tells the sessions.
func (h *httpConn) Closed(_ *loop.Conn, cause loop.Cause) {
	if h.admission != nil {
		h.admission.cancel()
		h.admission = nil
	}
	if h.session != nil && cause != loop.CauseShutdown {
		h.session.requestLost(h)
	}
}

// begin notes, for the answer, what the head of a request says. A body that
// nobody reads would be taken for the next request, so that the connection
// ends with the answer unless startUpload knows better.
func (h *httpConn) begin(head *httpwire.Head) {
	h.turn.take()
	h.keepAlive = keepsAlive(head) && !head.Chunked && head.ContentLength <= 0
	h.headOnly = string(head.Method) == http.MethodHead
	h.gzip = acceptsGzip(head.Get("Accept-Encoding"))
	agent := head.Get("User-Agent")
	h.ie = bytes.Contains(agent, []byte(";MSIE")) || bytes.Contains(agent, []byte("Trident/"))
	h.cors = h.shard.srv.cfg.CORS.appendHeaders(h.cors[:0], head.Get("Origin"))
	h.extra = h.extra[:0]
	h.session, h.poll = nil, nil
}

// done is called by whoever has written the answer: the connection is the
// client's again.
func (h *httpConn) done() {
	h.used.Store(true)
	h.active.Store(h.conn.Loop().Now())
	if !h.keepAlive || h.shard.srv.draining.Load() {
		h.conn.Finish()
		return
	}
	if h.turn.pass() {
		h.conn.Resume()
		return
	}
	if h.eof.Load() { // after pass: EOF looks at the turn after it has stored
		h.conn.Loop().Post(h.finishIdle) // not before Data has seen all that is there
	}
}

// finishIdle ends the connection if it carries no request. Only on the loop.
func (h *httpConn) finishIdle() {
	if h.turn.v.Load() == turnClient && !h.reading {
		h.conn.Finish()
	}
}

// keepsAlive reports whether the connection may carry another request.
// HTTP/1.0 wants to be told when it may; that is not worth it.
func keepsAlive(head *httpwire.Head) bool { return head.KeepAlive && head.Proto == 1 }
