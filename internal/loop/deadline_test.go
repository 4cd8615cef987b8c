package loop_test

import (
	"testing"
	"testing/synctest"
	"time"

	"outrider/internal/loop"
)

const tick = 10 * time.Millisecond

// timed runs a test with one connection whose deadline the test sets, and
// which tells when it expires.
func timed(t *testing.T, test func(f *fixture, c *loop.Conn, expired <-chan time.Time)) {
	var expired chan time.Time
	cfg := loop.Config{Tick: tick, Accept: func(*loop.Conn) loop.Handler {
		return script{expired: func(*loop.Conn) { expired <- time.Now() }}
	}}
	bubble(t, 0, cfg, func(f *fixture) {
		expired = make(chan time.Time, 10)
		_, c := f.connect()
		test(f, c, expired)
		if n := len(expired); n > 0 {
			f.Fatalf("expired %d times more", n)
		}
	})
}

// setDeadline sets c's deadline d from now; 0 takes it away.
func setDeadline(f *fixture, c *loop.Conn, d time.Duration) {
	f.Helper()
	on(f.T, c.Loop(), func() {
		if d == 0 {
			c.SetDeadline(0)
			return
		}
		c.SetDeadline(c.Loop().Now() + int64(d))
	})
}

// TestDeadlineIsATickLateAtMost: and never early, wherever it lies between
// two ticks and however far off.
func TestDeadlineIsATickLateAtMost(t *testing.T) {
	timed(t, func(f *fixture, c *loop.Conn, expired <-chan time.Time) {
		for _, d := range []time.Duration{
			1, tick - 1, tick, tick + 1, 7*tick + tick/2,
			loop.MaxWait - 1, loop.MaxWait, loop.MaxWait + 1, loop.StallAfter + tick/3,
			25 * time.Second, // beyond the wheel's horizon
		} {
			begin := time.Now()
			setDeadline(f, c, d)
			select {
			case at := <-expired:
				if late := at.Sub(begin) - d; late < 0 || late > tick {
					f.Errorf("a deadline in %v came %v late", d, late)
				}
			case <-time.After(d + time.Second):
				f.Fatalf("a deadline in %v did not come", d)
			}
		}
	})
}

// TestDeadlineMoves: the last one that was set counts.
func TestDeadlineMoves(t *testing.T) {
	const never = 0
	for name, test := range map[string]struct {
		first, second, want time.Duration
	}{
		"later":  {time.Second, 3 * time.Second, 3 * time.Second},
		"nearer": {3 * time.Second, time.Second, time.Second},
		"away":   {time.Second, never, never},
		"same":   {time.Second, time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			timed(t, func(f *fixture, c *loop.Conn, expired <-chan time.Time) {
				begin := time.Now()
				setDeadline(f, c, test.first)
				setDeadline(f, c, test.second)
				<-time.After(10 * time.Second)
				if test.want == never {
					return
				}
				if len(expired) != 1 {
					f.Fatalf("expired %d times", len(expired))
				}
				if late := (<-expired).Sub(begin) - test.want; late < 0 || late > tick {
					f.Fatalf("%v late", late)
				}
			})
		})
	}
}

// TestDeadlineRefreshedForEver is a heartbeat: it never comes while it is
// moved on, and comes when it is not any more.
func TestDeadlineRefreshedForEver(t *testing.T) {
	timed(t, func(f *fixture, c *loop.Conn, expired <-chan time.Time) {
		var last time.Time
		for range 200 {
			last = time.Now()
			setDeadline(f, c, 2*time.Second)
			<-time.After(1999 * time.Millisecond)
			if len(expired) > 0 {
				f.Fatal("expired in spite of the heartbeat")
			}
		}
		if late := await(f.T, "the deadline", expired).Sub(last) - 2*time.Second; late < 0 || late > tick {
			f.Fatalf("%v late", late)
		}
	})
}

// TestDeadlineOfAHeir: a slot's next connection does not expire by the
// deadline of the one before (invariant 2).
func TestDeadlineOfAHeir(t *testing.T) {
	timed(t, func(f *fixture, c *loop.Conn, expired <-chan time.Time) {
		setDeadline(f, c, time.Second)
		c.Close(loop.CauseLocal)
		synctest.Wait()
		_, heir := f.connect()
		if uint32(heir.Token()) != uint32(c.Token()) {
			f.Fatal("the slot was not used again")
		}
		<-time.After(3 * time.Second)
	})
}

// TestExpiredMaySetTheNext: from within.
func TestExpiredMaySetTheNext(t *testing.T) {
	times := 0
	cfg := loop.Config{Tick: tick, Accept: func(c *loop.Conn) loop.Handler {
		c.SetDeadline(c.Loop().Now() + int64(time.Second))
		return script{expired: func(c *loop.Conn) {
			times++
			c.SetDeadline(c.Loop().Now() + int64(time.Second))
		}}
	}}
	bubble(t, 0, cfg, func(f *fixture) {
		f.connect()
		<-time.After(10*time.Second + 20*tick)
		synctest.Wait()
		if times != 10 {
			f.Fatalf("expired %d times in ten seconds", times)
		}
	})
}
