package pushhttp

import (
	"time"

	"github.com/valyala/fasthttp"
)

// ServerConfig bounds what a connection of the push API may cost.
type ServerConfig struct {
	// MaxHead bounds the request line and header fields, in bytes. Zero: 8 KiB.
	MaxHead int
	// ReadTimeout bounds the time from a request's first byte to its last.
	// Zero: 30 s.
	ReadTimeout time.Duration
	// WriteTimeout bounds the writing of one answer. Zero: 30 s.
	WriteTimeout time.Duration
	// IdleTimeout bounds the wait for the next request. Zero: 75 s.
	IdleTimeout time.Duration
	// MaxConns bounds the connections that are served at once. Zero: 4,096.
	MaxConns int
}

// NewServer returns a server for h, for its own listener (Serve) as for
// single connections that another listener accepted (ServeConn).
func NewServer(h *Handler, cfg ServerConfig) *fasthttp.Server {
	return &fasthttp.Server{Handler: h.ServeHTTP}
}
