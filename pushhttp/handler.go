package pushhttp

import (
	"bytes"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// Handler answers the requests of the push API. It is safe for concurrent use.
type Handler struct {
	cfg       Config
	ids       *idSource
	scratch   sync.Pool // of *scratch
	exchanges sync.Pool // of *exchange
}

// New returns a Handler for cfg; the error wraps ErrConfig.
func New(cfg Config) (*Handler, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	h := &Handler{cfg: cfg, ids: newIDSource(time.Now)}
	h.scratch.New = func() any { return newScratch() }
	h.exchanges.New = func() any { return newExchange() }
	return h, nil
}

// ServeHTTP handles one request; it is a fasthttp.RequestHandler. It is made
// for a server of NewServer, which hands requests over before their bodies
// have arrived, and works with any other.
func (h *Handler) ServeHTTP(ctx *fasthttp.RequestCtx) {
	defer func() { h.recoverPanic(ctx, recover()) }()
	a, r := h.admit(ctx)
	switch {
	case r != nil:
		h.refuse(ctx, r)
	case a.take != nil:
		giveBack(ctx, a.take)
	case a.push == nil:
		h.fallback(ctx)
	default:
		h.push(ctx, a)
	}
}

// admission is what the header of a request was found to ask for.
type admission struct {
	push *endpoint // nil: the request is for Config.GiveBack or Fallback
	body bodyKind
	key  string // name of the API key
	take func(c net.Conn, read []byte)
}

// admit decides from its header whether a request is handled at all. It is
// asked before the body is read, and for a request that expects 100-continue
// once more before that is answered.
func (h *Handler) admit(ctx *fasthttp.RequestCtx) (a admission, r *refusal) {
	header := &ctx.Request.Header
	if r := checkHead(header); r != nil {
		return a, r
	}
	path := requestPath(header.RequestURI())
	a.push = route(path)
	if a.push == nil && h.cfg.GiveBack != nil {
		if a.take = h.cfg.GiveBack(path); a.take != nil {
			return a, nil
		}
	}
	switch {
	case header.IsConnect(), header.IsTrace():
		return a, refuse(CodeMethodNotAllowed, "method: must be POST")
	case a.push == nil && h.cfg.Fallback != nil:
		return a, nil
	case a.push == nil:
		return a, refuse(CodeNotFound, "path: there is nothing at %s", quote(path))
	case !header.IsPost():
		return a, refuse(CodeMethodNotAllowed, "method: must be POST")
	}
	if a.key, r = h.authorise(ctx); r != nil {
		return a, r
	}
	a.body, r = h.checkBody(header)
	return a, r
}

// requestPath is the path of a request target, without its query.
func requestPath(target []byte) []byte {
	if len(target) > 0 && target[0] != '/' { // absolute form, as for a proxy
		if _, rest, ok := bytes.Cut(target, []byte("://")); ok {
			target = rest[indexOrLen(rest, '/'):]
		}
	}
	return target[:indexOrLen(target, '?')]
}

// route finds the endpoint of a path. Paths are compared as they came: what
// is written in another way (%2f, //, ..) is another path.
func route(path []byte) *endpoint {
	path = bytes.TrimPrefix(path, []byte("/socket"))
	path = bytes.TrimSuffix(path, []byte("/"))
	switch string(path) {
	case "/device_push":
		return &devicePush
	case "/topic_push":
		return &topicPush
	case "/client_push":
		return &clientPush
	case "/print_push":
		return &socketPush
	case "/clear_table":
		return &tableClear
	}
	return nil
}

// push reads the body of a push, makes the push and answers. Who may not push
// at present is told before the body is read.
func (h *Handler) push(ctx *fasthttp.RequestCtx, a admission) {
	if r := h.limit(a); r != nil {
		h.refuse(ctx, r)
		return
	}
	s := h.scratch.Get().(*scratch) // not put back after a panic: who knows who still has it
	h.finish(ctx, s, a, h.read(ctx, s, a))
	h.release(s)
}

// settle is push for a body that has been read into s, or refused with r.
func (h *Handler) settle(ctx *fasthttp.RequestCtx, s *scratch, a admission, r *refusal) {
	if over := h.limit(a); over != nil {
		r = over
	}
	h.finish(ctx, s, a, r)
}

// limit refuses a push that may not be made at present.
func (h *Handler) limit(a admission) *refusal {
	if h.cfg.Ready != nil && !h.cfg.Ready() {
		return later(CodeUnavailable, "no pushes are taken at present", time.Second)
	}
	if h.cfg.Limiter != nil {
		if wait, ok := h.cfg.Limiter.Allow(a.key); !ok {
			return later(CodeTooManyRequests, "too many pushes", wait)
		}
	}
	return nil
}

// read reads the body of a push into s, and what its endpoint needs of it.
func (h *Handler) read(ctx *fasthttp.RequestCtx, s *scratch, a admission) (r *refusal) {
	if s.body, r = h.readBody(ctx, s.body[:0]); r != nil {
		return r
	}
	if a.body == formBody && !isJSON(s.body) {
		r = s.decodeForm(s.body, h.cfg.MaxDepth)
	} else {
		r = s.decodeJSON(s.body, h.cfg.MaxDepth)
	}
	if r != nil {
		return r
	}
	return a.push.read(h, s)
}

// finish makes the push that was read into s, unless it was refused, and
// answers.
func (h *Handler) finish(ctx *fasthttp.RequestCtx, s *scratch, a admission, r *refusal) {
	if r != nil {
		h.refuse(ctx, r)
		return
	}
	s.answer.Result.ID = h.ids.next()
	s.answer.Result.set(a.push.publish(h.cfg.Publisher, &s.order))
	h.writeJSON(ctx, &s.writer, fasthttp.StatusOK, &s.answer)
}

// fallback hands a request on with its body read, so that no handler there has to bound it.
func (h *Handler) fallback(ctx *fasthttp.RequestCtx) {
	if ctx.RequestBodyStream() != nil {
		body, r := h.readBody(ctx, nil)
		if r != nil {
			h.refuse(ctx, r)
			return
		}
		ctx.Request.SetBodyRaw(body)
	}
	h.cfg.Fallback(ctx)
}

// recoverPanic answers a request in which v was recovered, and reports whether there was a panic.
func (h *Handler) recoverPanic(ctx *fasthttp.RequestCtx, v any) bool {
	if v == nil {
		return false
	}
	h.cfg.Logger.LogAttrs(ctx, slog.LevelError, "push request panicked",
		slog.Any("err", v), slog.String("path", string(requestPath(ctx.RequestURI()))), slog.String("stack", string(debug.Stack())))
	ctx.Response.Reset()
	h.writeProblem(ctx, hangUp(CodeInternal, "internal error; what was pushed is not known"))
	return true
}
