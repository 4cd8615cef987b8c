package engineio

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"outrider/internal/seam"
	"outrider/internal/websocket"
)

// Handler is what a server does with its sessions.
//
// Message and Closed run on the server's worker pool: in order, and never two
// at once for one session. They may block, unless Config.Inline says that
// Message does not; while all workers are busy, the connections whose messages
// wait are not read (backpressure), and nothing is dropped. A panic is
// recovered, logged and counted, and closes the session.
type Handler interface {
	// Opened is called before anything else of the session, on its loop: it
	// must not block. req is valid until it returns.
	Opened(s *Session, req *Request)
	// Message is a message from the client. data is valid until it returns.
	Message(s *Session, data []byte, binary bool)
	// Closed is the last call for the session.
	Closed(s *Session, reason CloseReason)
}

// Config shapes a Server. The zero value of each field is its default, which
// is the official server's unless said otherwise.
type Config struct {
	// Handler is required.
	Handler Handler

	// Paths are the request paths of the engine, each also with anything
	// behind a slash. Default {"/engine.io"}.
	Paths []string
	// PingInterval is the time between heartbeats; default 25 s.
	PingInterval time.Duration
	// PingTimeout is how long a heartbeat may be overdue; default 20 s.
	PingTimeout time.Duration
	// UpgradeTimeout is how long an upgrade may take; default 10 s. After it
	// the WebSocket is closed and the session stays on polling.
	UpgradeTimeout time.Duration
	// MaxPayload bounds a message, and the body of a polling request, in bytes;
	// default 1,000,000. More is answered with 413, or with close code 1009.
	MaxPayload int
	// MaxPackets bounds the packets of one polling request; default 10,000.
	MaxPackets int
	// MaxFragments bounds the frames of one WebSocket message; default 1,024.
	// More are answered with close code 1009.
	MaxFragments int
	// NoUpgrade keeps sessions on the transport that they began with.
	NoUpgrade bool
	// StrictVersion refuses a handshake without the EIO parameter. By default
	// it counts as revision 3, since some clients of that time leave it out.
	// Anything but 3 and 4 is always refused.
	StrictVersion bool

	// AllowRequest, if set, is asked at every handshake, on the loop: it must
	// not block. An error refuses it with 403 and the error's text.
	AllowRequest func(*Request) error
	// Admit, if set, is asked after AllowRequest, on a goroutine of its own: it
	// may block, to look a token up for instance. An error refuses the handshake
	// as AllowRequest's does. ctx ends when the connection has, or AdmitTimeout
	// has passed; Admit should return then.
	Admit func(ctx context.Context, req *Request) error
	// AdmitTimeout is how long Admit's context lasts; default 10 s.
	AdmitTimeout time.Duration
	// MaxAdmitting bounds the handshakes that are with Admit; default 1,024.
	// One more is refused with 403, "Too many handshakes".
	MaxAdmitting int
	// OnRequest, if set, is called for every request that is about to be
	// handled, on the loop: it must not block. req.Session is nil for a
	// handshake, the session for its polls, POSTs and WebSockets. What it puts
	// into header goes with the answer, but for those that say where the answer
	// ends and what it is.
	OnRequest func(req *Request, header http.Header)
	// CORS, if set, allows pages of other origins. Default: none.
	CORS *CORS
	// Cookie, if set, is sent with every handshake's answer, its value the
	// session id. Where it does not say otherwise its name is "io", its path
	// "/" and SameSite Lax, as with the official server, which also sets
	// HttpOnly. Default: none. It is of no use to the server itself.
	Cookie *http.Cookie
	// CompressionThreshold is the size from which the answer to a poll is
	// compressed for clients that accept gzip, in bytes; default 1,024,
	// negative for never.
	CompressionThreshold int

	// Files are served beside the engine, below each of Paths: those of its root
	// whose names end in .js or .map, such as the client bundles in the folder
	// dist of npm's socket.io-client. They are read and compressed by NewServer,
	// at most 64 and 16 MiB, and sent with an ETag, as gzip where that is
	// accepted. Default: none.
	Files fs.FS

	// Answer, if set, is offered the requests that are not for the engine, before
	// Fallback: those with all of their body there, within the 16 KiB that a
	// loop reads at once, by HTTP/1.1 and on a connection that is to be kept. It
	// is called on the loop: it must not block, nor take long, for all
	// connections of the loop wait. It appends the whole answer, head included,
	// to dst. whole is the request as it came, and valid, as req is, until the
	// return. Default: none is offered.
	Answer func(req *Request, dst, whole []byte) (answer []byte, verdict Verdict)
	// Fallback takes the connections whose request is not for the engine, with
	// that request still to be read. It must not block: serve the connection
	// on a goroutine. Default: such requests are answered with 404.
	Fallback func(net.Conn)

	// Inline says that Handler.Message never blocks, nor what Opened gives to
	// Post. They are then called on the loop that has read the message, or the
	// handshake, unless something of the session is before them: that saves
	// copying the message and waking a worker. All connections of the loop wait
	// for the return. Default: workers make the calls.
	Inline bool
	// Loops is the number of event loops; default GOMAXPROCS.
	Loops int
	// Workers bounds the goroutines that run the Handler; default 256.
	Workers int
	// MaxConns bounds the connections; default 0: the file limit does.
	MaxConns int
	// MaxQueue bounds the bytes that wait for one session; default 256 KiB. A
	// single packet may wait whatever its size. A session over it is closed.
	MaxQueue int
	// MaxQueued bounds the bytes that wait for all sessions; default 256 MiB.
	MaxQueued int64

	// HeadTimeout is the time for a request's head, from the accept or from its
	// first byte; default 10 s.
	HeadTimeout time.Duration
	// BodyTimeout is the time for a request's body; default 30 s.
	BodyTimeout time.Duration
	// KeepAlive is how long a connection may idle between requests; default
	// 75 s.
	KeepAlive time.Duration

	// OpenDelay holds the open packet of a WebSocket handshake back. It is for
	// test suites that attach their listener late; default 0.
	OpenDelay time.Duration

	// Logger receives what an operator must know; default none.
	Logger *slog.Logger

	// network is what the server runs on; default the kernel. See package seam.
	network seam.Network
}

// CORS says which pages may talk to the server.
type CORS struct {
	// Origins lists the origins that are allowed, as browsers send them; empty
	// means every one. The request's own origin is answered, never "*", which
	// browsers refuse for requests with credentials.
	Origins []string
	// Credentials allows requests with cookies. Clients of revision 3 send
	// their polling requests so, unasked.
	Credentials bool
}

// closeGrace is how long a closed polling session is kept, so that its client
// is told at its next poll.
const closeGrace = 30 * time.Second

// farewell is how long a polling session that its client has closed waits for
// the poll that the client may have sent at the same time.
const farewell = 20 * time.Millisecond

// probeNoop is the pause between two noops that release the polls of a
// session which is being upgraded.
const probeNoop = 100 * time.Millisecond

// withDefaults returns the configuration that is run with, checked.
func (cfg Config) withDefaults() (Config, error) {
	if cfg.Handler == nil {
		return cfg, errors.New("engineio: Config.Handler is required")
	}
	cfg.Paths = append([]string(nil), cfg.Paths...)
	if len(cfg.Paths) == 0 {
		cfg.Paths = []string{"/engine.io"}
	}
	for i, p := range cfg.Paths {
		if !strings.HasPrefix(p, "/") || strings.ContainsAny(p, "?# ") {
			return cfg, errors.New("engineio: Config.Paths: " + p + " is not an absolute path")
		}
		cfg.Paths[i] = strings.TrimRight(p, "/")
	}
	cfg.PingInterval = orDefault(cfg.PingInterval, 25*time.Second)
	cfg.PingTimeout = orDefault(cfg.PingTimeout, 20*time.Second)
	cfg.UpgradeTimeout = orDefault(cfg.UpgradeTimeout, 10*time.Second)
	cfg.HeadTimeout = orDefault(cfg.HeadTimeout, 10*time.Second)
	cfg.BodyTimeout = orDefault(cfg.BodyTimeout, 30*time.Second)
	cfg.KeepAlive = orDefault(cfg.KeepAlive, 75*time.Second)
	cfg.MaxPayload = orDefault(cfg.MaxPayload, 1_000_000)
	cfg.MaxPackets = orDefault(cfg.MaxPackets, 10_000)
	cfg.MaxFragments = orDefault(cfg.MaxFragments, websocket.DefaultMaxFragments)
	cfg.AdmitTimeout = orDefault(cfg.AdmitTimeout, 10*time.Second)
	cfg.MaxAdmitting = orDefault(cfg.MaxAdmitting, 1024)
	cfg.Workers = orDefault(cfg.Workers, 256)
	cfg.MaxQueue = orDefault(cfg.MaxQueue, 256<<10)
	if cfg.CompressionThreshold == 0 {
		cfg.CompressionThreshold = 1024
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Cookie != nil {
		cookie := *cfg.Cookie
		cookie.Name = orDefault(cookie.Name, "io")
		cookie.Path = orDefault(cookie.Path, "/")
		cookie.SameSite = orDefault(cookie.SameSite, http.SameSiteLaxMode)
		cfg.Cookie = &cookie
	}
	return cfg, cfg.check()
}

// check reports what cannot be run with.
func (cfg *Config) check() error {
	for _, d := range []time.Duration{cfg.PingInterval, cfg.PingTimeout, cfg.UpgradeTimeout, cfg.HeadTimeout, cfg.BodyTimeout, cfg.KeepAlive, cfg.OpenDelay, cfg.AdmitTimeout} {
		if d < 0 {
			return errors.New("engineio: a duration in Config is negative")
		}
	}
	for _, n := range []int{cfg.MaxPayload, cfg.MaxPackets, cfg.MaxFragments, cfg.Workers, cfg.MaxQueue, cfg.MaxConns, cfg.Loops, cfg.MaxAdmitting} {
		if n < 0 {
			return errors.New("engineio: a bound in Config is negative")
		}
	}
	if cfg.Cookie != nil {
		if err := cfg.Cookie.Valid(); err != nil {
			return fmt.Errorf("engineio: Config.Cookie: %w", err)
		}
	}
	return nil
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// tick is the resolution of the timers: fine enough for the shortest of the
// periods, and not finer than needed.
func (cfg *Config) tick() time.Duration {
	shortest := min(cfg.PingInterval, cfg.PingTimeout, cfg.UpgradeTimeout)
	return min(max(shortest/20, 5*time.Millisecond), probeNoop)
}

// limits are those of a WebSocket's reader.
func (cfg *Config) limits() websocket.Limits {
	return websocket.Limits{MaxMessage: cfg.MaxPayload, MaxFragments: cfg.MaxFragments}
}
