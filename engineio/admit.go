package engineio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"runtime/pprof"

	"outrider/internal/httpwire"
)

// admission is a handshake that Config.Admit is asked about. Its connection
// waits: it is the server's turn, so that what the client sends meanwhile stays
// in the loop.
type admission struct {
	// set at construction
	conn   *httpConn
	query  query
	text   []byte // the request's head, as bytes
	head   httpwire.Head
	cancel context.CancelFunc
}

var errTooManyHandshakes = &RequestError{Code: CodeForbidden, Message: "Too many handshakes"}

// admit asks Config.Admit about a handshake, on a goroutine that ends when it
// has the answer.
func (sh *shard) admit(h *httpConn, q *query, p []byte) {
	srv := sh.srv
	if srv.admitting.Add(1) > int64(srv.cfg.MaxAdmitting) {
		srv.admitting.Add(-1)
		h.answerRefusal(errTooManyHandshakes, sh.head.Upgrade)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), srv.cfg.AdmitTimeout)
	a := &admission{conn: h, query: *q, text: bytes.Clone(p), cancel: cancel}
	_, _ = a.head.Parse(a.text, httpwire.Limits{}) // as it was parsed before
	h.admission = a
	go pprof.Do(ctx, pprof.Labels("outrider", "admit"), func(ctx context.Context) {
		err := a.ask(ctx, srv)
		sh.loop.Post(func() { sh.admitted(a, err) })
	})
}

// ask calls Config.Admit. A panic there is a refusal.
func (a *admission) ask(ctx context.Context, srv *Server) (err error) {
	defer srv.admitting.Add(-1)
	defer a.cancel()
	defer func() {
		if r := recover(); r != nil {
			srv.stats.panics.Add(1)
			srv.cfg.Logger.LogAttrs(context.Background(), slog.LevelError, "panic in Config.Admit",
				slog.String("panic", fmt.Sprint(r)), slog.String("stack", string(debug.Stack())))
			err = errors.New(CodeForbidden.String())
		}
	}()
	return srv.cfg.Admit(ctx, &Request{head: &a.head, conn: a.conn.conn})
}

// admitted goes on with a handshake, unless the client has gone meanwhile.
func (sh *shard) admitted(a *admission, err error) {
	h := a.conn
	if h.admission != a {
		return
	}
	h.admission = nil
	if refused := sh.refusal(err); refused != nil {
		h.answerRefusal(refused, a.head.Upgrade)
		return
	}
	sh.req = Request{head: &a.head, conn: h.conn}
	sh.handle(h, &a.query, nil, a.text)
	if a.query.transport == WebSocket {
		h.conn.Resume() // frames that came behind the handshake have waited too
	}
}

// refusal returns what a handshake is refused with after Config.Admit.
func (sh *shard) refusal(err error) *RequestError {
	switch {
	case sh.srv.draining.Load():
		return errShuttingDown
	case err != nil:
		return forbidden(err)
	}
	return nil
}

// awaitAdmissions returns when nothing is with Config.Admit any more, whose
// contexts have ended with the connections, or after a while: an Admit that
// never returns cannot be helped.
func (srv *Server) awaitAdmissions() {
	ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
	defer cancel()
	_ = await(ctx, func() bool { return srv.admitting.Load() == 0 })
}
