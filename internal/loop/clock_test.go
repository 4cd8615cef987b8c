package loop_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"outrider/internal/loop"
	"outrider/internal/poll/polltest"
)

// TestClockCountsNoStall: whoever looks, before, during or after the Observe
// that ends it, a silence counts as StallAfter at most, and time never goes
// back.
func TestClockCountsNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := loop.NewClock()
		<-time.After(loop.MaxWait)
		c.Observe()
		begin := c.Now()

		<-time.After(loop.StallAfter)
		if now := c.Observe(); now != begin+int64(loop.StallAfter) || c.Stalls() != 0 {
			t.Fatalf("a silence of StallAfter counted as %v, %d stalls", time.Duration(now-begin), c.Stalls())
		}
		begin = c.Now()
		<-time.After(loop.StallAfter + 1)
		if now := c.Now(); now != begin+int64(loop.StallAfter) {
			t.Fatalf("a nanosecond more counted as %v before it is observed", time.Duration(now-begin))
		}
		<-time.After(20 * time.Second)
		if now := c.Now(); now != begin+int64(loop.StallAfter) {
			t.Fatalf("20 s counted as %v before they are observed", time.Duration(now-begin))
		}
		if now := c.Observe(); now != begin+int64(loop.StallAfter) || c.Stalls() != 1 {
			t.Fatalf("20 s counted as %v, %d stalls", time.Duration(now-begin), c.Stalls())
		}
		<-time.After(time.Millisecond)
		if now := c.Now(); now != begin+int64(loop.StallAfter+time.Millisecond) {
			t.Fatalf("after the stall time goes on with %v", time.Duration(now-begin))
		}
	})
}

// TestClockWithManyObservers: a stall that all notice at once is taken out
// once, and nobody's time goes back.
func TestClockWithManyObservers(t *testing.T) {
	const observers, stalls = 16, 50
	synctest.Test(t, func(t *testing.T) {
		c := loop.NewClock()
		for range stalls {
			before := c.Observe()
			<-time.After(20 * time.Second)
			var wg sync.WaitGroup
			for i := range observers {
				wg.Go(func() {
					last := before
					for range 20 {
						now := c.Now()
						if i%2 == 0 {
							now = c.Observe()
						}
						if now < last {
							t.Errorf("time went back by %v", time.Duration(last-now))
						}
						last = now
					}
				})
			}
			wg.Wait()
			if passed := time.Duration(c.Now() - before); passed != loop.StallAfter {
				t.Fatalf("20 s of silence counted as %v", passed)
			}
		}
		if n := c.Stalls(); n != stalls {
			t.Fatalf("%d stalls were counted, want %d", n, stalls)
		}
	})
}

// TestIdleIsNoStall: a group that has nothing to do for an hour, with or
// without connections, has not stood still.
func TestIdleIsNoStall(t *testing.T) {
	bubble(t, 0, loop.Config{}, func(f *fixture) {
		begin := f.group.Now()
		for range 2 {
			<-time.After(time.Hour)
			if n := f.group.Stats().Stalls; n != 0 {
				f.Fatalf("%d stalls in an hour of idleness", n)
			}
			f.connect()
		}
		synctest.Wait()
		if passed := time.Duration(f.group.Now() - begin); passed != 2*time.Hour {
			f.Fatalf("two hours counted as %v", passed)
		}
	})
}

// TestStallEvictsNobody: many loops, many connections whose deadlines the
// peers refresh; the process stands still for ten times the deadline, while
// the peers go on. Nobody expires, and one stall is counted. Who is silent
// from then on expires when the rest of its time is over.
func TestStallEvictsNobody(t *testing.T) {
	const deadline, beat, conns = 2 * time.Second, 300 * time.Millisecond, 40
	synctest.Test(t, func(t *testing.T) {
		expired := make(chan time.Time, conns)
		n := polltest.New(0, 0)
		g := startOn(t, n, loop.Config{Loops: 8, Accept: func(c *loop.Conn) loop.Handler {
			refresh := func(c *loop.Conn, p []byte) int {
				c.SetDeadline(c.Loop().Now() + int64(deadline))
				return len(p)
			}
			refresh(c, nil)
			return script{data: refresh, expired: func(*loop.Conn) { expired <- time.Now() }}
		}})
		var peers []*polltest.Peer
		for range conns {
			peers = append(peers, connect(t, n, g))
		}
		beats := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); <-time.After(beat) {
				for _, p := range peers {
					if _, err := p.Write([]byte("x")); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		beats(5 * time.Second)
		n.Stop()
		beats(10 * deadline)
		n.Continue()
		beats(5 * time.Second)
		if stats := g.Stats(); len(expired) != 0 || stats.Stalls != 1 {
			t.Fatalf("%d expired, %d stalls; want none and one", len(expired), stats.Stalls)
		}

		silent := time.Now()
		<-time.After(beat)
		n.Stop()
		<-time.After(10 * deadline)
		n.Continue()
		for range conns {
			late := await(t, "the deadline of the silent", expired).Sub(silent) - 10*deadline
			if late < deadline-loop.StallAfter-beat || late > deadline+200*time.Millisecond {
				t.Fatalf("expired %v after the last beat, less the stall", late)
			}
		}
	})
}
