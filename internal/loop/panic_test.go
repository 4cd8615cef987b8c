package loop_test

import (
	"testing"
	"testing/synctest"
	"time"

	"outrider/internal/loop"
	"outrider/internal/poll/polltest"
)

// crash is a handler that echoes, and panics in one of its methods if told
// to.
type crash struct{ in string }

func (h crash) now(in string) {
	if h.in == in {
		panic("test: in " + in)
	}
}

func (h crash) Data(c *loop.Conn, p []byte) int {
	h.now("Data")
	return echo{}.Data(c, p)
}
func (h crash) EOF(c *loop.Conn)                      { h.now("EOF"); c.Finish() }
func (h crash) Expired(c *loop.Conn)                  { h.now("Expired"); c.Close(loop.CauseLocal) }
func (h crash) Closed(c *loop.Conn, cause loop.Cause) { h.now("Closed") }

// TestPanicCostsOneConnection: of five connections to which the same thing
// happens in the same turn one panics in one method. It alone is closed, the
// panic is counted, the others go on, and so do the tasks behind it.
func TestPanicCostsOneConnection(t *testing.T) {
	const victim = 2
	for method, test := range map[string]struct {
		happens func(p *polltest.Peer, c *loop.Conn) // on the loop
		others  func(f *fixture, p *polltest.Peer)
	}{
		"Data": {
			happens: func(p *polltest.Peer, _ *loop.Conn) { _, _ = p.Write([]byte("ping")) },
			others:  func(f *fixture, p *polltest.Peer) { f.hears(p, "ping") },
		},
		"EOF": {
			happens: func(p *polltest.Peer, _ *loop.Conn) { _ = p.CloseWrite() },
			others:  (*fixture).isClosed,
		},
		"Expired": {
			happens: func(_ *polltest.Peer, c *loop.Conn) { c.SetDeadline(c.Loop().Now() + int64(time.Second)) },
			others:  (*fixture).isClosed,
		},
		"Closed": {
			happens: func(_ *polltest.Peer, c *loop.Conn) { c.Close(loop.CauseLocal) },
			others:  (*fixture).isClosed,
		},
	} {
		t.Run(method, func(t *testing.T) {
			accepted := 0
			cfg := loop.Config{Accept: func(*loop.Conn) loop.Handler {
				accepted++
				if accepted-1 == victim {
					return crash{in: method}
				}
				return crash{}
			}}
			bubble(t, 0, cfg, func(f *fixture) {
				var peers []*polltest.Peer
				var conns []*loop.Conn
				for range 5 {
					p, c := f.connect()
					peers, conns = append(peers, p), append(conns, c)
				}
				ran := make(chan struct{})
				on(t, conns[0].Loop(), func() {
					for i, p := range peers {
						test.happens(p, conns[i])
					}
					conns[0].Loop().Post(func() { close(ran) })
				})
				await(t, "the task behind it", ran)
				await(t, "the deadlines", time.After(2*time.Second))
				for i, p := range peers {
					if i == victim {
						f.isClosed(p)
					} else {
						test.others(f, p)
					}
				}
				if n := f.group.Stats().Panics; n != 1 {
					f.Fatalf("%d panics are counted", n)
				}
			})
		})
	}
}

func (f *fixture) hears(p *polltest.Peer, want string) {
	f.Helper()
	if got := string(f.take(p, len(want))); got != want {
		f.Fatalf("heard %q, want %q", got, want)
	}
	if p.Closed() {
		f.Fatal("a bystander was closed")
	}
}

func (f *fixture) isClosed(p *polltest.Peer) {
	f.Helper()
	synctest.Wait()
	if !p.Closed() {
		f.Fatal("the descriptor is open")
	}
}

// TestPanicInAccept: the connection that nobody handles is closed.
func TestPanicInAccept(t *testing.T) {
	calls := 0
	cfg := loop.Config{Accept: func(*loop.Conn) loop.Handler {
		if calls++; calls == 2 {
			panic("test: in Accept")
		}
		return echo{}
	}}
	bubble(t, 0, cfg, func(f *fixture) {
		var peers []*polltest.Peer
		begin := make(chan struct{})
		f.group.Loops()[0].Post(func() { <-begin }) // so that all are adopted in one batch
		for range 3 {
			peers = append(peers, connect(f.T, f.net, f.group))
		}
		close(begin)
		f.isClosed(peers[1])
		for _, i := range []int{0, 2} {
			f.say(peers[i], "hello")
			f.hears(peers[i], "hello")
		}
		if s := f.group.Stats(); s.Panics != 1 || s.Conns != 2 {
			f.Fatalf("%+v; want one panic and two connections", s)
		}
	})
}

// TestPanicInATask: those behind it in the batch run, once, in order
// (invariant 6).
func TestPanicInATask(t *testing.T) {
	bubble(t, 0, loop.Config{}, func(f *fixture) {
		l := f.group.Loops()[0]
		var ran []int
		on(t, l, func() {
			for i := range 10 {
				l.Post(func() {
					ran = append(ran, i)
					if i%3 == 0 {
						panic("test: in a task")
					}
				})
			}
		})
		synctest.Wait()
		if len(ran) != 10 || f.group.Stats().Panics != 4 {
			f.Fatalf("ran %v, %d panics", ran, f.group.Stats().Panics)
		}
		for i, n := range ran {
			if i != n {
				f.Fatalf("ran %v", ran)
			}
		}
	})
}

// TestPanicInATimer: the layer above's timers of the same tick fire.
func TestPanicInATimer(t *testing.T) {
	var fired []uint64
	cfg := loop.Config{Timer: func(_ *loop.Loop, token uint64) {
		fired = append(fired, token)
		if token&1 == 0 {
			panic("test: in a timer")
		}
	}}
	bubble(t, 0, cfg, func(f *fixture) {
		l := f.group.Loops()[0]
		on(t, l, func() {
			for i := range uint64(4) {
				l.Timers().Add(1<<63|i, l.Now()+int64(time.Second))
			}
		})
		await(t, "the tick", time.After(2*time.Second))
		if len(fired) != 4 || f.group.Stats().Panics != 2 {
			f.Fatalf("%d fired, %d panics; want 4 and 2", len(fired), f.group.Stats().Panics)
		}
	})
}

// TestPanicWhileClosing: a group whose handlers all panic in Closed closes
// all the same.
func TestPanicWhileClosing(t *testing.T) {
	cfg := loop.Config{Accept: func(*loop.Conn) loop.Handler { return crash{in: "Closed"} }}
	bubble(t, 0, cfg, func(f *fixture) {
		for range 5 {
			f.connect()
		}
		f.group.Close()
		if s := f.group.Stats(); s.Panics != 5 || s.Conns != 0 || f.net.Open() != 0 {
			f.Fatalf("%+v, %d descriptors open", s, f.net.Open())
		}
	})
}
