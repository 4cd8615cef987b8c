package pushhttp

import (
	"github.com/valyala/fasthttp"
)

// Handler answers the requests of the push API.
type Handler struct {
	cfg Config
}

// New returns a Handler for cfg; the error wraps ErrConfig.
func New(cfg Config) (*Handler, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Handler{cfg: cfg}, nil
}

// ServeHTTP handles one request. It is a fasthttp.RequestHandler.
func (h *Handler) ServeHTTP(ctx *fasthttp.RequestCtx) {
	ctx.Error("not yet", fasthttp.StatusServiceUnavailable)
}
