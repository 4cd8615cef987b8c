package loop

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"outrider/internal/poll"
	"outrider/internal/wheel"
)

const (
	// readSize is the most that one event reads. What is left is reported
	// again (level-triggered), after every other connection had its turn.
	readSize = 16 << 10
	// maxRest is how much a handler may leave unconsumed before the
	// connection is not read any more.
	maxRest = 16 << 10
	// batch is the number of events of one turn.
	batch = 256
	// maxTasks is the length up to which the array of a batch of tasks is kept
	// for another one.
	maxTasks = 4 << 10
)

type op uint8

const (
	opFunc     op = iota // run fn
	opAdopt              // take fd in
	opTakeOver           // take fd in, of which somebody else has read
	opClose              // close c
	opResume             // present c's rest again and read on
	opLinger             // c has sent its last: wait until it has left, and for the peer's FIN
)

// task is one entry of a loop's queue. It is a value, so that closing or
// resuming a connection allocates nothing.
type task struct {
	op op
	fd int
	c  *Conn
	fn func()

	history *history // of opTakeOver
}

// Loop owns connections: it alone reads them, closes them and runs their
// timers.
type Loop struct {
	// set at construction
	group  *Group
	index  int
	poller poll.Poller
	data   any
	ended  chan struct{} // closed when it will do nothing any more

	// guarded by mu
	mu      sync.Mutex
	queue   []task
	stopped bool
	asleep  bool // in Wait, or about to: whoever queues a task must wake it

	// atomic
	conns atomic.Int64

	// owned by the loop
	table     Table[Conn]
	acceptors []*acceptor
	timers    *wheel.Wheel
	tasks     []task // the batch that runs now
	closing   []*Conn
	current   *Conn // whom a panic belongs to
	buf       []byte
	iov       [][]byte
	events    []poll.Event
}

func newLoop(g *Group, index int, p poll.Poller) *Loop {
	l := &Loop{
		group:  g,
		index:  index,
		poller: p,
		ended:  make(chan struct{}),
		timers: wheel.New(g.cfg.Tick, g.clock.Now()),
		buf:    make([]byte, MaxRead),
		events: make([]poll.Event, batch),
	}
	l.data = g.cfg.Attach(l)
	return l
}

// Index returns the loop's number in its group.
func (l *Loop) Index() int { return l.index }

// Data returns what Config.Attach made.
func (l *Loop) Data() any { return l.data }

// Each calls fn with every connection and its handler. Only on the loop.
func (l *Loop) Each(fn func(*Conn, Handler)) {
	l.table.All(func(c *Conn) { fn(c, c.handler) })
}

// Now returns the time on the group's clock.
func (l *Loop) Now() int64 { return l.group.clock.Now() }

// Timers returns the loop's wheel, for the layer above to add tokens of its
// own to: those with bit 63 set are given to Config.Timer. Only on the loop.
func (l *Loop) Timers() *wheel.Wheel { return l.timers }

// Post runs fn on the loop, soon. It reports false when the loop has ended.
// It may be called from any goroutine, the loop's own included.
func (l *Loop) Post(fn func()) bool { return l.post(task{op: opFunc, fn: fn}) }

func (l *Loop) post(t task) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return false
	}
	l.queue = append(l.queue, t)
	l.wake()
	return true
}

// wake is called under mu, so that the poller is not closed meanwhile. The
// first caller wakes for all that come before the loop is up, and nobody
// while it is: it looks at the queue before it goes to sleep.
func (l *Loop) wake() {
	if l.asleep {
		l.asleep = false
		_ = l.poller.Wake()
	}
}

func (l *Loop) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	l.wake()
}

func (l *Loop) run() {
	labels := pprof.Labels("outrider", "loop-"+strconv.Itoa(l.index))
	pprof.Do(context.Background(), labels, func(context.Context) {
		for l.turn() {
		}
		l.end()
	})
}

// turn is one round: wait, handle what is ready, run what was posted, fire
// what is due, and only then close what is to be closed (invariant 1).
// A panic ends the round early. Nothing is lost by that: readiness is
// reported again, and the tasks that did not run yet are still in l.tasks.
func (l *Loop) turn() (goOn bool) {
	defer func() {
		if r := recover(); r != nil {
			l.recovered(r)
			goOn = true
		}
	}()
	n, err := l.poller.Wait(l.events, l.timeout())
	if err != nil {
		l.group.cfg.Logger.LogAttrs(context.Background(), slog.LevelError, "poller failed", slog.Any("err", err))
	}
	l.mu.Lock()
	l.asleep = false
	l.mu.Unlock()
	now := l.group.clock.Observe()
	for _, ev := range l.events[:n] {
		if i := ev.Token &^ acceptorBit; i != ev.Token && i < uint64(len(l.acceptors)) {
			l.current = nil
			l.acceptors[i].ready()
		} else if c := l.table.Get(ev.Token); c != nil {
			l.current = c
			l.ready(c, ev.Ready)
		}
	}
	l.current = nil
	stopped := l.runTasks()
	l.timers.Advance(now, l.fire)
	l.closeAll()
	return !stopped
}

// timeout tells how long Wait may sleep, and from here on tasks wake it.
func (l *Loop) timeout() time.Duration {
	if len(l.tasks) > 0 || len(l.closing) > 0 {
		return 0 // left over by a panic
	}
	l.mu.Lock()
	l.asleep = len(l.queue) == 0 && !l.stopped
	asleep := l.asleep
	l.mu.Unlock()
	if !asleep {
		return 0
	}
	if d, ok := l.timers.Wait(l.group.clock.Now()); ok {
		return min(d, maxWait)
	}
	return maxWait
}

func (l *Loop) runTasks() (stopped bool) {
	l.mu.Lock()
	stopped = l.stopped
	if len(l.tasks) == 0 {
		l.tasks, l.queue = l.queue, l.tasks[:0]
	} else {
		l.tasks = append(l.tasks, l.queue...)
		l.queue = l.queue[:0]
	}
	l.mu.Unlock()
	all := l.tasks
	for i := range all {
		t := all[i]
		all[i] = task{}
		l.tasks = all[i+1:]
		l.runTask(t)
	}
	if l.tasks = all[:0]; cap(all) > maxTasks {
		l.tasks = nil
	}
	return stopped
}

func (l *Loop) runTask(t task) {
	l.current = t.c
	switch t.op {
	case opFunc:
		t.fn()
	case opAdopt:
		l.adopt(t.fd)
	case opTakeOver:
		l.takeOver(t.fd, t.history)
	case opClose:
		l.closing = append(l.closing, t.c)
	case opResume:
		l.resume(t.c)
	case opLinger:
		l.linger(t.c)
	}
	l.current = nil
}

// fire is the wheel's callback. It recovers for itself: a panic that left
// Advance would take the rest of the tick with it, whose owners would wait
// for their entries for ever.
func (l *Loop) fire(token uint64) {
	defer func() {
		if r := recover(); r != nil {
			l.recovered(r)
		}
	}()
	if token>>63 != 0 {
		l.group.cfg.Timer(l, token)
		return
	}
	c := l.table.Get(token)
	if c == nil || !c.deadline.Fired(l.timers, token, l.group.clock.Now()) {
		return
	}
	l.current = c
	if c.lingering {
		c.Close(CauseLocal)
	} else if c.active() {
		c.handler.Expired(c)
	}
	l.current = nil
}

// adopt takes a descriptor in. It is watched before Accept is called, which
// may send, pause or detach already. What it does not get from the poller or
// from Accept is closed at the end of the turn like any other.
func (l *Loop) adopt(fd int) {
	c := &Conn{loop: l, fd: int32(fd), interest: poll.Read, handler: unaccepted{}}
	c.token = l.table.Add(c)
	l.current = c
	if err := l.poller.Add(fd, c.token, poll.Read); err != nil {
		c.Close(CauseError)
		return
	}
	c.handler = l.group.cfg.Accept(c)
}

// unaccepted is the handler of a connection that Accept has not given one.
type unaccepted struct{}

func (unaccepted) Data(*Conn, []byte) int { return 0 }
func (unaccepted) EOF(*Conn)              {}
func (unaccepted) Expired(*Conn)          {}
func (unaccepted) Closed(*Conn, Cause)    {}

// closeAll closes what was marked, at the end of the turn.
func (l *Loop) closeAll() {
	for len(l.closing) > 0 {
		last := len(l.closing) - 1
		c := l.closing[last]
		l.closing[last] = nil // or the array would keep the connection alive
		l.closing = l.closing[:last]
		if l.table.Get(c.token) != c {
			continue
		}
		l.table.Remove(c.token)
		c.release()
		l.current = nil // a panic in Closed must not close c again
		c.handler.Closed(c, c.cause)
	}
}

// end closes everything when the loop has been stopped. Nothing can be posted
// any more, so the queue runs empty.
func (l *Loop) end() {
	defer close(l.ended)
	for l.endTurn() {
	}
	for _, a := range l.acceptors {
		a.close()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.poller.Close()
}

func (l *Loop) endTurn() (more bool) {
	defer func() {
		if r := recover(); r != nil {
			l.recovered(r)
			more = true
		}
	}()
	l.runTasks()
	l.table.All(func(c *Conn) {
		c.shut(CauseShutdown)
		l.closing = append(l.closing, c)
	})
	l.closeAll()
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue)+len(l.tasks) > 0 || l.table.Len() > 0
}

func (l *Loop) recovered(r any) {
	l.group.stats.panics.Add(1)
	l.group.cfg.Logger.LogAttrs(context.Background(), slog.LevelError, "panic in a connection's handler",
		slog.String("panic", fmt.Sprint(r)), slog.String("stack", string(debug.Stack())))
	if c := l.current; c != nil {
		l.current = nil
		c.Close(CauseError)
	}
}
