// Package loop is the connection engine: event loops that own sockets.
//
// A [Group] runs one [Loop] per processor, each a goroutine with its own
// poller. A listener is watched by one of them. A [Conn] belongs to one loop
// for life. An idle connection costs its Conn and nothing else: no
// goroutine, no buffer, no runtime timer, no channel, no closure.
//
// # Invariants
//
//  1. A descriptor is closed only by the loop that owns it, after the batch
//     of events in which that was decided. Within a batch a token therefore
//     means the connection that it meant when the batch was fetched.
//  2. A token carries the generation of its slot. An event or a timer whose
//     generation is not the slot's is passed over.
//  3. Whoever makes a system call on a descriptor off the loop holds the
//     connection's mu and has seen that it is not closed. The loop sets the
//     closed bit under mu before it closes the descriptor, so no byte is ever
//     written to a number that was reused.
//  4. The write interest is armed exactly while the connection's queue is not
//     empty, and the connection not corked; bytes leave in the order in which
//     Send took them.
//  5. Bytes that the handler did not consume are presented again, in front of
//     what arrives later, and are never dropped while the connection lives.
//  6. A task that Post accepted runs.
package loop

import (
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"outrider/internal/poll"
)

// Errors of this package.
var (
	// ErrClosed: the connection, loop or group is closed or closing.
	ErrClosed = errors.New("loop: closed")
	// ErrSlow: the peer does not read; its connection was closed because its
	// queue, or all queues together, reached their bound.
	ErrSlow = errors.New("loop: write queue over its bound")
)

// Handler is what a connection's bytes are for. Its methods run on the
// connection's loop and must not block.
type Handler interface {
	// Data is given what has arrived and was not consumed before, and returns
	// how much of it is consumed now. It is called again while it consumes
	// something. p belongs to the loop: what is kept must be copied, but it
	// may be changed in place.
	Data(c *Conn, p []byte) int
	// EOF tells that the peer has shut its side: nothing more arrives. The
	// connection stays open for writing until Close or Finish.
	EOF(c *Conn)
	// Expired tells that the deadline which was set has passed.
	Expired(c *Conn)
	// Closed is the last call: the descriptor is about to be closed.
	Closed(c *Conn, cause Cause)
}

// Config shapes a Group. The zero value of each field is its default.
type Config struct {
	// Loops is the number of event loops; default GOMAXPROCS.
	Loops int
	// NewPoller makes a loop's poller; default an epoll instance.
	NewPoller func() (poll.Poller, error)
	// Tick is the timers' resolution; default 100 ms.
	Tick time.Duration
	// Attach makes what the layer above keeps for a loop (Loop.Data), before
	// the loop runs; default nothing.
	Attach func(l *Loop) any
	// Accept returns the handler of a new connection. It runs on the loop
	// that the connection belongs to. Required.
	Accept func(c *Conn) Handler
	// Timer is given the tokens of Loop.AddTimer when they are due.
	Timer func(l *Loop, token uint64)
	// MaxConns bounds the open connections of the group; one more is closed
	// at once. Default 0: the file limit is the bound.
	MaxConns int
	// MaxQueue bounds the bytes that wait for one connection; default 256 KiB.
	// A single buffer may wait whatever its size.
	MaxQueue int
	// MaxQueued bounds the bytes that wait for all together; default 256 MiB.
	MaxQueued int64
	// Linger is how long Finish waits for the peer's FIN; default 5 s.
	Linger time.Duration
	// UserTimeout is how long the kernel keeps trying to deliver bytes that the
	// peer does not acknowledge (TCP_USER_TIMEOUT); default 0: the kernel's own.
	UserTimeout time.Duration
	// Logger receives what an operator must know; default none.
	Logger *slog.Logger
}

func (cfg Config) withDefaults() Config {
	if cfg.Loops <= 0 {
		cfg.Loops = runtime.GOMAXPROCS(0)
	}
	if cfg.NewPoller == nil {
		cfg.NewPoller = func() (poll.Poller, error) { return poll.New() }
	}
	if cfg.Attach == nil {
		cfg.Attach = func(*Loop) any { return nil }
	}
	if cfg.Timer == nil {
		cfg.Timer = func(*Loop, uint64) {}
	}
	if cfg.MaxQueue <= 0 {
		cfg.MaxQueue = 256 << 10
	}
	if cfg.MaxQueued <= 0 {
		cfg.MaxQueued = 256 << 20
	}
	if cfg.Linger <= 0 {
		cfg.Linger = 5 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// Group is a set of loops that share listeners and limits.
type Group struct {
	// set at construction
	cfg   Config
	loops []*Loop
	clock *Clock
	// closed, under mu, when accepting is over
	stopping chan struct{}

	wg sync.WaitGroup // loops, and calls of Serve

	// guarded by mu
	mu     sync.Mutex
	served int // listeners so far

	// atomic
	open   atomic.Int64 // connections, from accept to close(2)
	queued atomic.Int64 // bytes in all queues
	stats  counters
}

// Start makes the loops and runs them.
func Start(cfg Config) (*Group, error) {
	cfg = cfg.withDefaults()
	g := &Group{
		cfg:      cfg,
		clock:    NewClock(),
		stopping: make(chan struct{}),
	}
	for i := range cfg.Loops {
		p, err := cfg.NewPoller()
		if err != nil {
			for _, l := range g.loops {
				_ = l.poller.Close()
			}
			return nil, err
		}
		g.loops = append(g.loops, newLoop(g, i, p))
	}
	for _, l := range g.loops {
		g.wg.Go(l.run)
	}
	return g, nil
}

// Loops returns the loops. The slice must not be changed.
func (g *Group) Loops() []*Loop { return g.loops }

// Now returns the time on the clock that all deadlines of the group are on.
func (g *Group) Now() int64 { return g.clock.Now() }

// Adopt hands a connected, non-blocking descriptor to the least loaded loop,
// which owns it from now on, also when an error is returned.
func (g *Group) Adopt(fd int) error {
	g.open.Add(1)
	return g.assign(fd)
}

// assign is Adopt for a connection that open counts already.
func (g *Group) assign(fd int) error {
	return g.assignTo(g.leastLoaded(g.loops[0]), task{op: opAdopt, fd: fd})
}

// leastLoaded returns the loop with the fewest connections, the given one if
// no other has fewer.
func (g *Group) leastLoaded(target *Loop) *Loop {
	for _, l := range g.loops {
		if l.conns.Load() < target.conns.Load() {
			target = l
		}
	}
	return target
}

// assignTo posts the task by which a loop takes a descriptor in.
func (g *Group) assignTo(l *Loop, t task) error {
	l.conns.Add(1)
	if !l.post(t) {
		l.conns.Add(-1)
		g.open.Add(-1)
		_ = l.poller.CloseFD(t.fd)
		return ErrClosed
	}
	return nil
}

// Reserve counts n bytes that the layer above keeps for later sending, and
// reports false, counting nothing, when all queues together would be over
// MaxQueued. Release takes them back.
func (g *Group) Reserve(n int) bool {
	if g.queued.Add(int64(n)) > g.cfg.MaxQueued {
		g.queued.Add(-int64(n))
		return false
	}
	return true
}

// Release takes back what Reserve counted.
func (g *Group) Release(n int) { g.queued.Add(-int64(n)) }

// StopAccepting makes Serve close its listener and return, now and in the
// future. Connections live on.
func (g *Group) StopAccepting() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.isStopping() {
		close(g.stopping)
	}
}

func (g *Group) isStopping() bool {
	select {
	case <-g.stopping:
		return true
	default:
		return false
	}
}

// Close closes the listeners and every connection at once, and returns when
// all goroutines of the group have ended, those in Serve included. It must not
// be called on a loop.
func (g *Group) Close() {
	g.StopAccepting()
	for _, l := range g.loops {
		l.stop()
	}
	g.wg.Wait()
}

// Open returns the number of connections that hold a descriptor.
func (g *Group) Open() int { return int(g.open.Load()) }

// Stats is a snapshot of the group's counters.
type Stats struct {
	Conns    int   // open now
	Queued   int64 // bytes waiting in write queues now
	Accepted uint64
	Refused  uint64 // closed at accept: over MaxConns, or no descriptors
	Slow     uint64 // closed because a queue reached its bound
	Panics   uint64 // recovered in a handler
	Stalls   uint64 // times the process was found to have stood still
}

type counters struct {
	accepted, refused, slow, panics atomic.Uint64
}

// Stats returns a snapshot of the counters.
func (g *Group) Stats() Stats {
	return Stats{
		Conns:    int(g.open.Load()),
		Queued:   g.queued.Load(),
		Accepted: g.stats.accepted.Load(),
		Refused:  g.stats.refused.Load(),
		Slow:     g.stats.slow.Load(),
		Panics:   g.stats.panics.Load(),
		Stalls:   g.clock.Stalls(),
	}
}
