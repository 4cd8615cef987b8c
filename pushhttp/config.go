package pushhttp

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/valyala/fasthttp"
)

// Defaults and bounds of Config.
const (
	DefaultMaxBody    = 1 << 20   // bytes
	DefaultMaxData    = 480 << 10 // bytes
	DefaultMaxDepth   = 512       // levels
	DefaultMaxUIDs    = 100_000   // entries
	DefaultMaxClients = 100       // entries

	// HighestDepth is the largest Config.MaxDepth.
	HighestDepth = 1024
)

// ErrConfig is wrapped by the errors that New returns for a wrong Config.
var ErrConfig = errors.New("pushhttp: invalid config")

// Config says how a Handler behaves. Only Publisher has to be set.
type Config struct {
	// Publisher handles the pushes. Required.
	Publisher Publisher

	// Keys are the API keys, any of which lets a request in. With none only
	// programs on this machine are served, by the rules in the package
	// documentation; say so when the gateway starts.
	Keys []Key

	// Limiter is asked before each push. Nil: pushes are not limited.
	Limiter Limiter

	// Ready reports whether pushes are taken at present; while it does not,
	// they are answered 503. It is called once for each push, by many
	// goroutines. Nil: always.
	Ready func() bool

	// Fallback handles requests for other paths, with a body of at most MaxBody
	// bytes, already read. It does its own authorisation. Nil: 404.
	Fallback fasthttp.RequestHandler

	// GiveBack, if set, shares connections with the server that accepted them:
	// the engine, which hands over those whose first request is not its own,
	// and whose paths a browser or a proxy may ask for next on the same
	// connection. It is called with each path that is not an endpoint's. If it
	// returns a function the request is not answered here: the function is
	// given the connection, with no deadline set, and what was read of the
	// request and behind it.
	GiveBack func(path []byte) (take func(c net.Conn, read []byte))

	// MaxBody bounds the body of a request, in bytes, white space and all. A
	// longer one is refused with 413 before it is read to its end.
	// Zero: DefaultMaxBody.
	MaxBody int

	// MaxData bounds the JSON text of data after its white space was removed,
	// in bytes. The text travels as a JSON string, so that each quote and
	// backslash in it takes two bytes: DefaultMaxData keeps the packet under
	// Engine.IO's customary million even if every byte is escaped. Zero: DefaultMaxData.
	MaxData int

	// MaxDepth bounds how deep arrays and objects are nested in a body and in
	// the names of a form's fields. Zero: DefaultMaxDepth. At most HighestDepth.
	MaxDepth int

	// MaxUIDs bounds the uids named in one device_push, repeated ones included.
	// Zero: DefaultMaxUIDs.
	MaxUIDs int

	// MaxClients bounds the clients named in one client_push, repeated ones
	// included. Zero: DefaultMaxClients.
	MaxClients int

	// Logger is told of panics in Publisher and Fallback. Nil: nobody is.
	Logger *slog.Logger
}

// Limiter decides how often pushes are taken. It is the place for a token
// bucket by key; the package brings none.
type Limiter interface {
	// Allow reports whether the holder of the key of that name (empty where no
	// keys are configured) may push now and, if not, after how long it may try
	// again. It must not block. It is called by many goroutines.
	Allow(key string) (retryAfter time.Duration, ok bool)
}

// withDefaults returns a validated copy of cfg in which every limit is set.
func (cfg Config) withDefaults() (Config, error) {
	if cfg.Publisher == nil {
		return cfg, fmt.Errorf("%w: Publisher is nil", ErrConfig)
	}
	limits := []struct {
		name              string
		value             *int
		fallback, highest int
	}{
		{"MaxBody", &cfg.MaxBody, DefaultMaxBody, 1 << 30},
		{"MaxData", &cfg.MaxData, DefaultMaxData, 1 << 30},
		{"MaxDepth", &cfg.MaxDepth, DefaultMaxDepth, HighestDepth},
		{"MaxUIDs", &cfg.MaxUIDs, DefaultMaxUIDs, 1 << 30},
		{"MaxClients", &cfg.MaxClients, DefaultMaxClients, 1 << 30},
	}
	for _, l := range limits {
		if *l.value == 0 {
			*l.value = l.fallback
		}
		if *l.value < 0 || *l.value > l.highest {
			return cfg, fmt.Errorf("%w: %s is %d, want 1 to %d", ErrConfig, l.name, *l.value, l.highest)
		}
	}
	for i, k := range cfg.Keys {
		if k.isZero() {
			return cfg, fmt.Errorf("%w: Keys[%d] (%q) is empty", ErrConfig, i, k.Name)
		}
	}
	cfg.Keys = slices.Clone(cfg.Keys)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg, nil
}
