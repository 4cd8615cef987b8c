package engineio

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"outrider/internal/httpwire"
	"outrider/internal/loop"
)

// serve handles one request for the engine, whose head p is, and returns how
// much of the input it has consumed: the head.
func (sh *shard) serve(h *httpConn, p []byte) int {
	head := &sh.head
	h.since = 0
	h.begin(head)
	sh.req = Request{head: head, conn: h.conn}
	if string(head.Method) == http.MethodOptions && sh.srv.cfg.CORS != nil {
		h.preflight(head)
		return len(p)
	}
	if f := sh.srv.fileOf(head); f != nil {
		h.answerFile(f, head)
		return len(p)
	}
	q := parseQuery(head.RawQuery, sh.scratch[:0])
	s, refused := sh.verify(&q, head)
	switch {
	case refused != nil:
		h.answerRefusal(refused, head.Upgrade)
	case s == nil && sh.srv.cfg.Admit != nil:
		sh.admit(h, &q, p)
	default:
		sh.handle(h, &q, s, p)
	}
	return len(p)
}

// handle does what the request in sh.req asks for, which nothing speaks
// against. p is its head, as bytes.
func (sh *shard) handle(h *httpConn, q *query, s *Session, p []byte) {
	sh.callOnRequest(h, s)
	switch {
	case q.transport == WebSocket:
		sh.upgrade(h, q, s, p)
	case s == nil:
		sh.open(h, q)
	default:
		sh.poll(h, s, sh.req.head)
	}
}

// ownHeaders are those of an answer that say where it ends and what it is.
var ownHeaders = []string{
	"Connection", "Content-Encoding", "Content-Length", "Content-Type", "Sec-Websocket-Accept",
	"Sec-Websocket-Extensions", "Sec-Websocket-Protocol", "Transfer-Encoding", "Upgrade",
}

// callOnRequest shows a request to Config.OnRequest, and keeps for the answer
// what that puts into the header.
func (sh *shard) callOnRequest(h *httpConn, s *Session) {
	if sh.srv.cfg.OnRequest == nil {
		return
	}
	sh.req.session = s
	header := make(http.Header)
	sh.srv.cfg.OnRequest(&sh.req, header)
	maps.DeleteFunc(header, func(name string, _ []string) bool {
		return slices.Contains(ownHeaders, http.CanonicalHeaderKey(name))
	})
	lines := bytes.NewBuffer(h.extra)
	_ = header.Write(lines) // into memory: it cannot fail
	h.extra = lines.Bytes()
}

// verify checks a request in the official server's order and returns the
// session that it names, nil for a handshake (PROTOCOL §1.2).
func (sh *shard) verify(q *query, head *httpwire.Head) (*Session, *RequestError) {
	if q.transport == 0 {
		return nil, &RequestError{Code: CodeTransportUnknown}
	}
	if q.hasSID {
		return sh.verifySession(q, head)
	}
	if string(head.Method) != http.MethodGet {
		return nil, &RequestError{Code: CodeBadHandshake}
	}
	if (q.transport == WebSocket) != head.Upgrade {
		return nil, &RequestError{Code: CodeBadRequest}
	}
	cfg := &sh.srv.cfg
	if sh.srv.draining.Load() {
		return nil, errShuttingDown
	}
	if allow := cfg.AllowRequest; allow != nil {
		if err := allow(&sh.req); err != nil {
			return nil, forbidden(err)
		}
	}
	if !q.hasEIO && !cfg.StrictVersion {
		q.revision = Revision3
	}
	if q.revision == 0 {
		return nil, &RequestError{Code: CodeUnsupportedVersion}
	}
	return nil, nil
}

var errShuttingDown = &RequestError{Code: CodeForbidden, Message: "Server shutting down"}

// forbidden is the refusal of a hook that has returned err.
func forbidden(err error) *RequestError {
	return &RequestError{Code: CodeForbidden, Message: err.Error()}
}

func (sh *shard) verifySession(q *query, head *httpwire.Head) (*Session, *RequestError) {
	s := sh.srv.sessions.get(q.sid)
	if s == nil || !q.validSID {
		return nil, &RequestError{Code: CodeSessionUnknown}
	}
	if (q.transport == WebSocket) != head.Upgrade {
		return nil, &RequestError{Code: CodeBadRequest}
	}
	if q.transport == Polling && s.Transport() != Polling {
		return nil, &RequestError{Code: CodeBadRequest}
	}
	return s, nil
}

// poll handles a request of a session on polling.
func (sh *shard) poll(h *httpConn, s *Session, head *httpwire.Head) {
	switch string(head.Method) {
	case http.MethodGet:
		s.takeGet(h)
	case http.MethodPost:
		if s.takePost(h) {
			h.startUpload(head)
		}
	default:
		h.answer(405, "", nil)
	}
}

// newSession makes a session with this shard as its home.
func (sh *shard) newSession(rev Revision) *Session {
	s := &Session{home: sh, id: NewID(), rev: rev, working: true} // until opened has told the handler
	s.token = sh.sessions.Add(s) | sessionBit
	return s
}

// opened tells the handler of a new session, and makes the session known.
// What Opened asked a worker for, the end of the session included, runs after
// it has returned.
func (sh *shard) opened(s *Session) {
	srv := sh.srv
	srv.stats.opened.Add(1)
	sh.callOpened(s)
	s.mu.Lock()
	if s.state != stateClosed {
		srv.sessions.add(s)
	}
	s.working = s.inbox != nil
	inline := s.working && srv.cfg.Inline
	if s.working && !inline {
		srv.workers.submit(s)
	}
	s.mu.Unlock()
	if inline && s.drain() {
		s.submit()
	}
	if srv.draining.Load() { // after add: Shutdown looks for sessions after it has stored
		s.end(ReasonServerShuttingDown, graceful)
	}
}

func (sh *shard) callOpened(s *Session) {
	defer func() {
		if r := recover(); r != nil {
			s.recovered(r)
		}
	}()
	sh.srv.cfg.Handler.Opened(s, &sh.req)
}

// sessionBit marks the timer tokens of sessions.
const sessionBit = 1 << 63

// open handles the handshake of a session on polling.
func (sh *shard) open(h *httpConn, q *query) {
	s := sh.newSession(q.revision)
	p := &polling{b64: q.b64, jsonp: q.jsonp}
	s.mu.Lock()
	s.poll = p
	s.startHeartbeat(sh.loop.Now())
	s.mu.Unlock()
	sh.opened(s) // before the client knows the id
	h.extra = sh.srv.appendCookie(h.extra, s.id)
	// The open packet is alone in its answer; what Opened has sent waits for
	// the next poll.
	_ = h.answerPoll(q.revision, p, []*Frame{s.openFrame(!sh.srv.cfg.NoUpgrade)})
}

// openFrame makes the open packet, which offers an upgrade or not.
func (s *Session) openFrame(upgrade bool) *Frame {
	return newTextFrame(Open, s.appendHandshake(make([]byte, FramePrefix, 160), upgrade))
}

// appendHandshake appends the text of the open packet (clause "Handshake").
func (s *Session) appendHandshake(buf []byte, upgrade bool) []byte {
	cfg := &s.home.srv.cfg
	buf = append(buf, `{"sid":"`...)
	buf, _ = s.id.AppendText(buf)
	if upgrade {
		buf = append(buf, `","upgrades":["websocket"],"pingInterval":`...)
	} else {
		buf = append(buf, `","upgrades":[],"pingInterval":`...)
	}
	buf = strconv.AppendInt(buf, cfg.PingInterval.Milliseconds(), 10)
	buf = append(buf, `,"pingTimeout":`...)
	buf = strconv.AppendInt(buf, cfg.PingTimeout.Milliseconds(), 10)
	buf = append(buf, `,"maxPayload":`...)
	buf = strconv.AppendInt(buf, int64(cfg.MaxPayload), 10)
	return append(buf, '}')
}

// appendCookie appends the header line of Config.Cookie.
func (srv *Server) appendCookie(dst []byte, id ID) []byte {
	if srv.cfg.Cookie == nil {
		return dst
	}
	c := *srv.cfg.Cookie
	c.Value = id.String()
	return httpwire.AppendHeader(dst, "Set-Cookie", c.String())
}

var _ loop.Handler = (*httpConn)(nil)
