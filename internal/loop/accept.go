package loop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
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

// fileListener is a net.Listener whose descriptor can be had. TCP and Unix
// listeners are; a TLS listener is not.
type fileListener interface {
	net.Listener
	File() (*os.File, error)
}

// Serve accepts connections until StopAccepting or Close, and then returns
// ErrClosed, at once if that was before. The listener is closed when it
// returns.
func (g *Group) Serve(ln net.Listener) error {
	f, err := listenerFile(ln)
	if err != nil {
		_ = ln.Close()
		return err
	}
	if !g.enter(f) {
		_ = f.Close()
		_ = ln.Close()
		return ErrClosed
	}
	defer g.leave(f)
	defer ln.Close()
	defer f.Close()
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	a := acceptor{group: g, raw: raw}
	a.openSpare()
	defer a.closeSpare()
	return a.run()
}

// listenerFile returns a descriptor of the listener that can be waited for in
// the runtime's poller; a net.Listener itself waits only in Accept.
func listenerFile(ln net.Listener) (*os.File, error) {
	fl, ok := ln.(fileListener)
	if !ok {
		return nil, fmt.Errorf("loop: a %T has no descriptor to accept from", ln)
	}
	return fl.File()
}

// enter counts the caller among the goroutines that Close waits for, and its
// listener among those that StopAccepting closes, unless accepting is over.
func (g *Group) enter(f *os.File) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isStopping() {
		return false
	}
	g.listeners[f] = struct{}{}
	g.wg.Add(1)
	return true
}

func (g *Group) leave(f *os.File) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.listeners, f)
	g.wg.Done()
}

// acceptor takes connections from one listener and hands them to loops.
type acceptor struct {
	group *Group
	raw   syscall.RawConn
	// spare is a descriptor kept for the moment when there are none left: it
	// is given up so that the connection which waits can be accepted and
	// closed, instead of waiting in the backlog for nobody.
	spare   int
	backoff time.Duration
	quiet   time.Time // no complaint is logged before
}

// run accepts until the listener is closed. It waits for connections in the
// runtime's own poller, which costs no thread, and calls accept4 itself,
// which spares the runtime's bookkeeping for sockets that are not its own.
func (a *acceptor) run() error {
	for {
		var acceptErr error
		if err := a.raw.Read(func(fd uintptr) (done bool) {
			for {
				acceptErr = a.accept(int(fd))
				if acceptErr == nil {
					a.backoff = 0
					continue
				}
				return !errors.Is(acceptErr, unix.EAGAIN)
			}
		}); err != nil {
			return ErrClosed // the listener is closed
		}
		if errors.Is(acceptErr, ErrClosed) {
			return ErrClosed
		}
		a.failed(acceptErr)
	}
}

// accept takes one connection.
func (a *acceptor) accept(ln int) error {
	g := a.group
	if g.isStopping() {
		return ErrClosed // also while connections keep coming
	}
	fd, _, err := unix.Accept4(ln, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	switch err {
	case nil:
	case unix.EINTR, unix.ECONNABORTED, unix.EPROTO:
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
	return g.assign(fd)
}

// tune sets a socket's options. They are not left to be inherited from the
// listener: one for Multipath TCP, which net.Listen makes where the kernel
// can, takes no user timeout though the plain TCP sockets that it accepts do,
// and connections may have been made before Serve. A socket that does not know
// an option, a Unix one for example, does without.
func (g *Group) tune(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if ms := g.cfg.UserTimeout.Milliseconds(); ms > 0 {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(ms))
	}
}

// refuse closes a connection that there is no room for.
func (a *acceptor) refuse(fd int) {
	a.group.stats.refused.Add(1)
	_ = unix.Close(fd)
}

// failed handles an accept that found no descriptor or no memory. Those who
// wait are turned away, so that they can try elsewhere or later; then comes a
// pause, so that the processor rests whatever the cause.
func (a *acceptor) failed(err error) {
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
		a.turnAway()
	}
	if now := time.Now(); now.After(a.quiet) {
		a.quiet = now.Add(time.Second)
		a.group.cfg.Logger.LogAttrs(context.Background(), slog.LevelError, "accept failed",
			slog.Any("err", err), slog.Int("open", a.group.Open()))
	}
	a.backoff = min(max(2*a.backoff, minBackoff), maxBackoff)
	pause := time.NewTimer(a.backoff)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-a.group.stopping:
	}
}

// turnAway gives the spare descriptor up for the connections that wait, as
// many as a backlog has at the most, one after the other.
func (a *acceptor) turnAway() {
	a.closeSpare()
	_ = a.raw.Control(func(ln uintptr) {
		for range maxBacklog {
			fd, _, err := unix.Accept4(int(ln), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			if err != nil {
				return
			}
			a.refuse(fd)
		}
	})
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
