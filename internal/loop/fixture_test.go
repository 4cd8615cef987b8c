package loop_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"outrider/internal/loop"
	"outrider/internal/poll"
	"outrider/internal/poll/polltest"
)

// fixture is a group on a network in memory, in a synctest bubble: time is
// virtual, and synctest.Wait returns when every loop sleeps. Channels that a
// handler and the test share must be made inside.
type fixture struct {
	*testing.T
	net   *polltest.Net
	group *loop.Group
	conns chan *loop.Conn // in the order in which they were accepted
	// why connections were closed, in that order
	causes chan loop.Cause
}

// bubble runs a test over sockets that take window bytes.
func bubble(t *testing.T, window int, cfg loop.Config, test func(f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{
			T:      t,
			net:    polltest.New(window, 0),
			conns:  make(chan *loop.Conn, 1<<12),
			causes: make(chan loop.Cause, 1<<12),
		}
		accept := cfg.Accept
		cfg.Accept = func(c *loop.Conn) loop.Handler {
			f.conns <- c
			if accept == nil {
				return recorder{script{}, f.causes}
			}
			return recorder{accept(c), f.causes}
		}
		f.group = startOn(t, f.net, cfg)
		test(f)
	})
}

// recorder tells the fixture of Closed.
type recorder struct {
	loop.Handler
	causes chan<- loop.Cause
}

func (r recorder) Closed(c *loop.Conn, cause loop.Cause) {
	r.causes <- cause
	r.Handler.Closed(c, cause)
}

// connect makes a connection and waits until it is accepted.
func (f *fixture) connect() (*polltest.Peer, *loop.Conn) {
	f.Helper()
	p := connect(f.T, f.net, f.group)
	p.SetReadDeadline(time.Now().Add(10 * time.Minute)) // of virtual time
	return p, await(f.T, "a connection", f.conns)
}

// take reads exactly n bytes as the peer.
func (f *fixture) take(p *polltest.Peer, n int) []byte {
	f.Helper()
	b := make([]byte, n)
	if k, err := io.ReadFull(p, b); err != nil {
		f.Fatalf("%d of %d bytes, then %v", k, n, err)
	}
	synctest.Wait()
	return b
}

// wantQueue checks what waits, and invariant 4.
func (f *fixture) wantQueue(c *loop.Conn, p *polltest.Peer, n int) {
	f.Helper()
	synctest.Wait()
	if got := c.Queued(); got != n {
		f.Fatalf("%d bytes wait, want %d", got, n)
	}
	if armed := p.Interest()&poll.Write != 0; armed != (n > 0) {
		f.Fatalf("write interest %v with %d bytes waiting", armed, n)
	}
	if c.Writable() != (n == 0) {
		f.Fatalf("Writable = %v with %d bytes waiting", c.Writable(), n)
	}
}

func (f *fixture) wantClosed(p *polltest.Peer, cause loop.Cause) {
	f.Helper()
	if got := await(f.T, "Closed", f.causes); got != cause {
		f.Fatalf("closed because %v, want %v", got, cause)
	}
	synctest.Wait()
	if !p.Closed() {
		f.Fatal("the descriptor is open")
	}
}
