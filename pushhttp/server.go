package pushhttp

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/valyala/fasthttp"
)

const defaultMaxHead = 8 << 10 // bytes

// ServerConfig bounds what the connections of the push API may cost. The zero
// value is ready for production.
type ServerConfig struct {
	// MaxHead bounds the request line and header fields together, in bytes. Zero: 8 KiB.
	MaxHead int

	// ReadTimeout bounds the time in which a request must arrive, from its
	// first byte to its last; on a new connection it also bounds the wait for
	// the first byte. Zero: 15 s.
	ReadTimeout time.Duration

	// WriteTimeout bounds the time in which an answer must be taken. Zero: 30 s.
	WriteTimeout time.Duration

	// IdleTimeout bounds the wait for the next request on a connection. Zero: 75 s.
	IdleTimeout time.Duration

	// MaxConns bounds the connections that are served at once; more are
	// answered 503. Zero: 4,096.
	MaxConns int
}

func (cfg ServerConfig) withDefaults() ServerConfig {
	setInt := func(v *int, fallback int) {
		if *v <= 0 {
			*v = fallback
		}
	}
	setDuration := func(v *time.Duration, fallback time.Duration) {
		if *v <= 0 {
			*v = fallback
		}
	}
	setInt(&cfg.MaxHead, defaultMaxHead)
	setInt(&cfg.MaxConns, 4096)
	setDuration(&cfg.ReadTimeout, 15*time.Second)
	setDuration(&cfg.WriteTimeout, 30*time.Second)
	setDuration(&cfg.IdleTimeout, 75*time.Second)
	return cfg
}

// NewServer returns a server for h: for listeners (Serve) as for connections
// that somebody else accepted (ServeConn).
//
// It hands requests to h as soon as their header is there, so that h can
// refuse one without its body. Requests that are pipelined are answered in
// order. It says nothing of itself in answers.
func NewServer(h *Handler, cfg ServerConfig) *fasthttp.Server {
	cfg = cfg.withDefaults()
	return &fasthttp.Server{
		Handler:       h.ServeHTTP,
		ErrorHandler:  h.serveError,
		ExpectHandler: h.serveExpect,

		ReadBufferSize: cfg.MaxHead,
		ReadTimeout:    cfg.ReadTimeout,
		WriteTimeout:   cfg.WriteTimeout,
		IdleTimeout:    cfg.IdleTimeout,
		Concurrency:    cfg.MaxConns,
		TCPKeepalive:   true,

		// A streamed body reaches the handler once as much of it is there as
		// this says. The limit of the whole body is the handler's.
		StreamRequestBody:            true,
		MaxRequestBodySize:           1,
		DisablePreParseMultipartForm: true,

		NoDefaultServerHeader: true,
		NoDefaultContentType:  true,
		SecureErrorLogMessage: true,
		CloseOnShutdown:       true,
		LazyRequestTime:       true,
		KeepHijackedConns:     true, // linger closes them
		Logger:                serverLog{h.cfg.Logger},
	}
}

// serveExpect decides whether a body is asked for with 100-continue. Its
// refusals have bodies like all others, which fasthttp sends although its
// documentation has only the status in mind.
func (h *Handler) serveExpect(ctx *fasthttp.RequestCtx) (status int) {
	defer func() {
		if h.recoverPanic(ctx, recover()) {
			status = ctx.Response.StatusCode()
		}
	}()
	if _, r := h.admit(ctx); r != nil {
		h.writeProblem(ctx, r)
		return r.code.Status()
	}
	return fasthttp.StatusContinue
}

// serveError answers a request that fasthttp could not read; the connection is
// closed after it.
func (h *Handler) serveError(ctx *fasthttp.RequestCtx, err error) {
	var small *fasthttp.ErrSmallBuffer
	var r *refusal
	switch {
	case errors.As(err, &small):
		r = hangUp(CodeHeadTooLarge, "header: is too long")
	case isTimeout(err):
		r = hangUp(CodeTimeout, "the request did not arrive in time")
	default:
		r = hangUp(CodeHTTP, "the request is not well-formed HTTP/1.1")
	}
	ctx.Response.Reset()
	h.writeProblem(ctx, r)
}

// serverLog passes on what fasthttp has to say of connections, none of which
// asks for anything to be done.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Printf(format string, args ...any) {
	l.log.Debug("push connection", "err", fmt.Sprintf(format, args...))
}
