package loop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"outrider/internal/poll"
)

// Bounds of the pause after an accept that failed for want of descriptors
// or memory.
const (
	minBackoff = 5 * time.Millisecond
	maxBackoff = time.Second
)

// maxBacklog is how many connections are turned away for one pause: Linux's
// default bound of a listener's backlog.
const maxBacklog = 4096

// maxAccepts is how many connections one event takes. The rest is reported
// again, after every other connection had its turn.
const maxAccepts = 64

// Serve accepts connections until StopAccepting or Close, and then returns
// ErrClosed, at once if that was before. The listener is closed when it
// returns.
//
// One loop watches the listener, like any socket of its own, and deals the
// connections out. A goroutine that accepts would have to be woken for them,
// and would then have to wake each one's loop, its own included.
func (g *Group) Serve(ln net.Listener) error {
	l := g.enter()
	if l == nil {
		_ = ln.Close()
		return ErrClosed
	}
	defer g.wg.Done()
	defer ln.Close()
	fd, err := listenerFD(ln)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	a := acceptor{fd: fd, loop: l}
	failed := make(chan error, 1)
	if !l.Post(func() { failed <- a.open() }) {
		return ErrClosed
	}
	if err := <-failed; err != nil {
		return err
	}
	<-g.stopping
	closed := make(chan struct{})
	if !l.Post(func() { a.close(); close(closed) }) {
		closed = l.ended // it closes what it has
	}
	<-closed
	return ErrClosed
}

// listenerFD returns a descriptor of its own for a listener: one that does not
// block, and that the runtime's poller does not know.
func listenerFD(ln net.Listener) (fd int, err error) {
	sc, ok := ln.(syscall.Conn)
	if !ok {
		return -1, fmt.Errorf("loop: a %T has no descriptor to accept from", ln)
	}
	return duplicate(sc)
}

// enter counts the caller among the goroutines that Close waits for and
// returns a loop for its listener, nil if accepting is over.
func (g *Group) enter() *Loop {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isStopping() {
		return nil
	}
	g.wg.Add(1)
	g.served++
	return g.loops[g.served%len(g.loops)]
}

// acceptor takes connections from one listener. It is owned by its loop.
type acceptor struct {
	loop  *Loop
	fd    int
	token uint64
	// spare is a descriptor kept for the moment when there are none left: it
	// is given up so that the connection which waits can be accepted and
	// closed, instead of waiting in the backlog for nobody.
	spare   int
	backoff time.Duration
	quiet   time.Time // no complaint is logged before
	pause   *time.Timer
	closed  bool
}

// acceptorBit marks the tokens of acceptors in the poller.
const acceptorBit = 1 << 63

func (a *acceptor) open() error {
	l := a.loop
	a.token = acceptorBit | uint64(len(l.acceptors))
	l.acceptors = append(l.acceptors, a)
	a.openSpare()
	if err := l.poller.Add(a.fd, a.token, poll.Read); err != nil {
		a.close()
		return err
	}
	return nil
}

// close stops watching the listener. It may come twice, at the loop's end.
func (a *acceptor) close() {
	if a.closed {
		return
	}
	a.closed = true
	_ = a.loop.poller.Del(a.fd)
	if a.pause != nil {
		a.pause.Stop()
	}
	a.closeSpare()
}

// ready accepts what waits.
func (a *acceptor) ready() {
	for range maxAccepts {
		if a.closed || a.loop.group.isStopping() {
			return
		}
		err := a.accept()
		switch {
		case err == nil:
			a.backoff = 0
		case errors.Is(err, poll.ErrAgain):
			return
		default:
			a.failed(err)
			return
		}
	}
}

// accept takes one connection.
func (a *acceptor) accept() error {
	g := a.loop.group
	fd, err := poll.Accept(a.fd)
	switch {
	case err == nil:
	case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED), errors.Is(err, unix.EPROTO):
		return nil // that one is gone; the next may be fine
	default:
		return err
	}
	g.stats.accepted.Add(1)
	if open := g.open.Add(1); g.cfg.MaxConns > 0 && open > int64(g.cfg.MaxConns) {
		g.open.Add(-1)
		a.refuse(fd)
		return nil
	}
	g.tune(fd)
	l := g.leastLoaded(a.loop)
	if l != a.loop {
		return g.assignTo(l, task{op: opAdopt, fd: fd})
	}
	l.conns.Add(1)
	l.adopt(fd)
	l.current = nil
	return nil
}

// tune sets a socket's options. They are not left to be inherited from the
// listener: one for Multipath TCP, which net.Listen makes where the kernel
// can, takes no user timeout though the plain TCP sockets that it accepts do,
// and connections may have been made before Serve. A socket that does not know
// an option, a Unix one for example, does without.
func (g *Group) tune(fd int) {
	_ = poll.SetTCP(fd, unix.TCP_NODELAY, 1)
	if ms := g.cfg.UserTimeout.Milliseconds(); ms > 0 {
		_ = poll.SetTCP(fd, unix.TCP_USER_TIMEOUT, int(ms))
	}
}

// refuse closes a connection that there is no room for.
func (a *acceptor) refuse(fd int) {
	a.loop.group.stats.refused.Add(1)
	_ = a.loop.poller.CloseFD(fd)
}

// failed handles an accept that found no descriptor or no memory. Those who
// wait are turned away, so that they can try elsewhere or later; then comes a
// pause, so that the processor rests whatever the cause.
func (a *acceptor) failed(err error) {
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
		a.turnAway()
	}
	l := a.loop
	if now := time.Now(); now.After(a.quiet) {
		a.quiet = now.Add(time.Second)
		l.group.cfg.Logger.LogAttrs(context.Background(), slog.LevelError, "accept failed",
			slog.Any("err", err), slog.Int("open", l.group.Open()))
	}
	a.backoff = min(max(2*a.backoff, minBackoff), maxBackoff)
	_ = l.poller.Mod(a.fd, a.token, 0)
	a.pause = time.AfterFunc(a.backoff, func() { l.Post(a.resume) })
}

// resume ends the pause.
func (a *acceptor) resume() {
	if !a.closed {
		_ = a.loop.poller.Mod(a.fd, a.token, poll.Read)
	}
}

// turnAway gives the spare descriptor up for the connections that wait, as
// many as a backlog has at the most, one after the other.
func (a *acceptor) turnAway() {
	a.closeSpare()
	for range maxBacklog {
		fd, err := poll.Accept(a.fd)
		if err != nil {
			break
		}
		a.refuse(fd)
	}
	a.openSpare()
}

func (a *acceptor) openSpare() {
	fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		fd = -1 // tried again after the next failure
	}
	a.spare = fd
}

func (a *acceptor) closeSpare() {
	if a.spare >= 0 {
		_ = unix.Close(a.spare)
		a.spare = -1
	}
}
