package engineio

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"outrider/internal/httpwire"
	"outrider/internal/loop"
	"outrider/internal/poll"
)

// Server serves Engine.IO on any number of listeners.
type Server struct {
	// set at construction
	cfg      Config
	group    *loop.Group
	sessions *sessions
	workers  *workers
	files    map[string]*file // of Config.Files, by name

	stats    counters
	draining atomic.Bool // no more handshakes
	stopping atomic.Bool // no more requests: who is connected is to go

	admitting atomic.Int64 // handshakes that Config.Admit is asked about
}

// shard is the server's part of one loop. All of it is owned by the loop.
type shard struct {
	srv      *Server
	loop     *loop.Loop
	sessions loop.Table[Session]
	head     httpwire.Head
	req      Request
	out      []byte // where answers are put together
	scratch  [64]byte
	spare    []*httpConn // whose connections became WebSockets
}

// maxSpare is how many of them are kept: a loop accepts fewer at once.
const maxSpare = 64

// NewServer returns a server that is running, though without a listener.
func NewServer(cfg Config) (*Server, error) {
	if cfg.network == nil {
		return newServer(cfg, nil)
	}
	srv, err := newServer(cfg, cfg.network.Poller)
	if err == nil {
		cfg.network.Up(srv.group.Adopt)
	}
	return srv, err
}

// newServer is NewServer on other pollers than the system's.
func newServer(cfg Config, newPoller func() (poll.Poller, error)) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	srv := &Server{cfg: cfg, sessions: newSessions()}
	if srv.files, err = loadFiles(cfg.Files); err != nil {
		return nil, err
	}
	if srv.workers, err = newWorkers(srv, cfg.Workers); err != nil {
		return nil, err
	}
	srv.group, err = loop.Start(loop.Config{
		Loops:       cfg.Loops,
		NewPoller:   newPoller,
		Tick:        cfg.tick(),
		Attach:      func(l *loop.Loop) any { return &shard{srv: srv, loop: l} },
		Accept:      srv.accept,
		Timer:       srv.timer,
		MaxConns:    cfg.MaxConns,
		MaxQueue:    cfg.MaxQueue,
		MaxQueued:   cfg.MaxQueued,
		UserTimeout: cfg.PingInterval + cfg.PingTimeout,
		Logger:      cfg.Logger,
	})
	if err != nil {
		srv.workers.release()
		return nil, err
	}
	return srv, nil
}

// shardOf returns the server's part of a loop.
func shardOf(l *loop.Loop) *shard { return l.Data().(*shard) }

// Serve accepts connections from ln until Shutdown or Close, and returns
// ErrServerClosed then. The listener must be one of net's TCP or Unix
// listeners; it is closed when Serve returns.
func (srv *Server) Serve(ln net.Listener) error {
	err := srv.group.Serve(ln)
	if errors.Is(err, loop.ErrClosed) {
		return ErrServerClosed
	}
	return err
}

// TakeOver serves a connection that another server has served so far: one that
// Config.Fallback was given, for instance, whose next request is for the
// engine. read is what has been read of that request. c is closed and its
// descriptor taken over; an error means that it is only closed.
func (srv *Server) TakeOver(c net.Conn, read []byte) error { return srv.takeOver(c, read, nil) }

// takeOver is TakeOver, and calls tell with the connection's handler on its
// loop before the handler is given anything.
func (srv *Server) takeOver(c net.Conn, read []byte, tell func(loop.Handler)) error {
	if c, ok := c.(*httpwire.Conn); ok { // was a loop's before, which had read more than its reader has asked for
		read = append(read[:len(read):len(read)], c.Rest()...)
	}
	err := srv.group.AdoptConn(c, read, tell)
	if errors.Is(err, loop.ErrClosed) {
		return ErrServerClosed
	}
	return err
}

// Session returns the session with the id, or nil. It is one that
// Handler.Opened has seen, and may have ended already.
func (srv *Server) Session(id ID) *Session { return srv.sessions.get(id) }

// drainPolls is how long Shutdown waits for polling clients to fetch what has
// been sent to them, until when it accepts connections: some clients make one
// for every poll. They are between two polls for a round trip at most.
const drainPolls = 2 * time.Second

// Shutdown refuses handshakes, closes every session with
// ReasonServerShuttingDown after what waits for it has been sent, stops
// accepting, and returns when all connections are closed. When ctx ends first
// it closes the rest at once, and returns the context's error.
func (srv *Server) Shutdown(ctx context.Context) error {
	srv.draining.Store(true)
	srv.sessions.each(func(s *Session) { s.end(ReasonServerShuttingDown, graceful) })
	polls, cancel := context.WithTimeout(ctx, drainPolls)
	_ = await(polls, func() bool { return srv.sessions.len() == 0 })
	cancel()
	srv.stopping.Store(true)
	srv.group.StopAccepting()
	srv.finishIdle()
	err := await(ctx, func() bool { return srv.group.Open() == 0 && srv.workers.active.Load() == 0 })
	_ = srv.Close()
	return err
}

// await returns nil when done is true, or the error of the context that ended
// before.
func await(ctx context.Context, done func() bool) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}

// finishIdle closes the connections that carry no request. Those that do are
// closed with their answer.
func (srv *Server) finishIdle() {
	for _, l := range srv.group.Loops() {
		l.Post(func() {
			l.Each(func(_ *loop.Conn, h loop.Handler) {
				if h, ok := h.(*httpConn); ok {
					h.finishIdle()
				}
			})
		})
	}
}

// Close closes the listeners, the sessions and their connections at once. It
// returns when the server's goroutines have ended.
func (srv *Server) Close() error {
	srv.draining.Store(true)
	end := func(s *Session) { s.end(ReasonServerShuttingDown, abrupt) }
	srv.sessions.each(end) // while there are loops that can tell the clients
	srv.group.Close()
	srv.sessions.each(end) // those that were being opened
	srv.awaitAdmissions()
	srv.workers.release()
	return nil
}

// accept makes the handler of a new connection.
func (srv *Server) accept(c *loop.Conn) loop.Handler {
	h := shardOf(c.Loop()).newHTTPConn(c)
	due := c.Loop().Now() + int64(srv.cfg.HeadTimeout)
	h.active.Store(due - int64(srv.cfg.KeepAlive)) // the first request has less time to begin
	c.SetDeadline(due)
	if srv.stopping.Load() { // accepted just before the listener was closed
		c.Finish()
	}
	return h
}

// timer is called for the tokens of sessions.
func (srv *Server) timer(l *loop.Loop, token uint64) {
	sh := shardOf(l)
	if s := sh.sessions.Get(token); s != nil {
		s.wake(l.Now())
	}
}
