package wheel_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"outrider/internal/wheel"
)

const tick = 10 * time.Millisecond

func fired(w *wheel.Wheel, now time.Duration) (tokens []uint64) {
	w.Advance(int64(now), func(t uint64) { tokens = append(tokens, t) })
	return tokens
}

func TestFiresAtItsTime(t *testing.T) {
	for _, at := range []time.Duration{0, 1, tick - 1, tick, tick + 1, 5 * tick, wheel.Slots * tick} {
		w := wheel.New(tick, 0)
		w.Add(7, int64(at))
		// The first tick at or after its time, and never tick 0, which has passed.
		due := max((at+tick-1)/tick*tick, tick)
		if got := fired(w, due-1); len(got) != 0 {
			t.Errorf("at %v: fired %v before %v", at, got, due)
		}
		if got := fired(w, due); len(got) != 1 || got[0] != 7 {
			t.Errorf("at %v: fired %v at %v, want [7]", at, got, due)
		}
		if w.Len() != 0 {
			t.Errorf("at %v: %d left", at, w.Len())
		}
	}
}

func TestBeyondTheHorizonFiresAtTheHorizon(t *testing.T) {
	w := wheel.New(tick, 0)
	w.Add(1, int64(wheel.Slots*tick))   // the last tick inside
	w.Add(2, int64(wheel.Slots*tick)+1) // the first outside
	if got := fired(w, (wheel.Slots-1)*tick); len(got) != 0 {
		t.Fatalf("fired %v a tick early", got)
	}
	if got := fired(w, wheel.Slots*tick); len(got) != 2 {
		t.Fatalf("fired %v at the horizon, want both", got)
	}
}

func TestAGapLongerThanTheWheelFiresEverythingOnce(t *testing.T) {
	w := wheel.New(tick, 0)
	for i := range uint64(wheel.Slots) {
		w.Add(i, int64(time.Duration(i)*tick))
	}
	seen := map[uint64]int{}
	for _, token := range fired(w, 10*wheel.Slots*tick) {
		seen[token]++
	}
	if len(seen) != wheel.Slots {
		t.Fatalf("%d tokens fired, want %d", len(seen), wheel.Slots)
	}
	for token, n := range seen {
		if n != 1 {
			t.Fatalf("token %d fired %d times", token, n)
		}
	}
}

func TestACallbackMayAdd(t *testing.T) {
	w := wheel.New(tick, 0)
	w.Add(1, int64(tick))
	n := 0
	w.Advance(int64(tick), func(token uint64) {
		n++
		w.Add(token, 0) // already due: the next tick, not this one again
	})
	if n != 1 || w.Len() != 1 {
		t.Fatalf("fired %d times, %d wait; want 1 and 1", n, w.Len())
	}
	if d, ok := w.Wait(int64(tick)); !ok || d != tick {
		t.Fatalf("Wait = %v, %v; want %v", d, ok, tick)
	}
}

// TestAgainstASortedList drives the wheel and a plain list with the same
// random deadlines, some of which are moved on as heartbeats move them.
func TestAgainstASortedList(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	w := wheel.New(tick, 0)
	deadlines := map[uint64]int64{} // the owners' own
	now := int64(0)
	for id := range uint64(2000) {
		at := now + rng.Int64N(int64(20*time.Second))
		deadlines[id] = at
		w.Add(id, at)
		if rng.IntN(4) == 0 {
			deadlines[id] += int64(time.Second) // moved on, entry left where it is
		}
		now += rng.Int64N(int64(3 * tick))
		w.Advance(now, func(token uint64) {
			at := deadlines[token]
			if at > now {
				w.Add(token, at)
				return
			}
			if late := now - at; late > int64(5*tick) {
				t.Fatalf("token %d fired %v late", token, time.Duration(late))
			}
			delete(deadlines, token)
		})
		for id, at := range deadlines {
			if now-at > int64(5*tick) {
				t.Fatalf("token %d is %v overdue", id, time.Duration(now-at))
			}
		}
	}
}

// TestDeadlineKeepsOneLiveEntry sets a deadline as a keep-alive connection
// does, thousands of times, and counts what that leaves in the wheel.
func TestDeadlineKeepsOneLiveEntry(t *testing.T) {
	w := wheel.New(tick, 0)
	var d wheel.Deadline
	now := int64(0)
	fires := 0
	for i := range 10_000 {
		d.Set(w, 1, 0)
		d.Set(w, 1, now+int64(time.Second)+int64(i%7)*int64(tick))
		now += int64(tick)
		w.Advance(now, func(uint64) {
			if d.Fired(w, 1, now) {
				fires++
			}
		})
		if w.Len() > 8 {
			t.Fatalf("after %d rounds %d entries wait", i, w.Len())
		}
	}
	if fires != 0 {
		t.Fatalf("fired %d times before its time", fires)
	}
	w.Advance(now+int64(2*time.Second), func(uint64) {
		if d.Fired(w, 1, now+int64(2*time.Second)) {
			fires++
		}
	})
	if fires != 1 || d.At() != 0 {
		t.Fatalf("fired %d times at %d; want once, and no deadline left", fires, d.At())
	}
}

func TestDeadlineComesNearerAndGoesAway(t *testing.T) {
	const far, near = int64(100 * tick), int64(3 * tick)
	w := wheel.New(tick, 0)
	var d wheel.Deadline
	var firedAt []int64
	advance := func(to int64) {
		for now := int64(0); now <= to; now += int64(tick) {
			w.Advance(now, func(uint64) {
				if d.Fired(w, 1, now) {
					firedAt = append(firedAt, now)
				}
			})
		}
	}
	d.Set(w, 1, far)
	d.Set(w, 1, near)
	advance(2 * far)
	if len(firedAt) != 1 || firedAt[0] != near {
		t.Fatalf("fired at %v, want [%d]", firedAt, near)
	}
	d.Set(w, 1, 3*far)
	d.Set(w, 1, 0)
	advance(4 * far)
	if len(firedAt) != 1 {
		t.Fatalf("a deadline that was taken away fired at %v", firedAt[1:])
	}
}

// TestDeadEntriesDoNotBreed: a deadline that comes nearer leaves an entry
// behind, which fires while another one lives, and must not be taken for it.
func TestDeadEntriesDoNotBreed(t *testing.T) {
	w := wheel.New(tick, 0)
	var d wheel.Deadline
	for now := int64(0); now < int64(5000*tick); now += int64(tick) {
		w.Advance(now, func(uint64) {
			if d.Fired(w, 1, now) {
				t.Fatal("fired, though it always moved on")
			}
		})
		if now%int64(5*tick) == 0 {
			d.Set(w, 1, now+int64(2*tick))   // a request has begun
			d.Set(w, 1, now+int64(100*tick)) // it is answered
		}
		if w.Len() > 2*100/5 { // twice those that were left behind, and not come to yet
			t.Fatalf("%d entries wait for one deadline", w.Len())
		}
	}
}

// TestDeadlineBeyondTheHorizon: the entry fires early, the deadline does not.
func TestDeadlineBeyondTheHorizon(t *testing.T) {
	w := wheel.New(tick, 0)
	var d wheel.Deadline
	at := int64(3 * wheel.Slots * tick)
	d.Set(w, 1, at)
	for now := int64(0); now < at; now += int64(tick) {
		w.Advance(now, func(uint64) {
			if d.Fired(w, 1, now) {
				t.Fatalf("fired at %v, want %v", now, at)
			}
		})
	}
	fired := false
	w.Advance(at, func(uint64) { fired = d.Fired(w, 1, at) })
	if !fired {
		t.Fatal("did not fire at its time")
	}
}

func BenchmarkHeartbeats(b *testing.B) {
	// A loop's half of a million sessions: each tick fires its share, and each
	// owner adds itself again 25 s on.
	const sessions = 500_000
	const interval = int64(25 * time.Second)
	w := wheel.New(100*time.Millisecond, 0)
	for i := range uint64(sessions) {
		w.Add(i, int64(i)*interval/sessions)
	}
	now, n := int64(0), 0
	b.ReportAllocs()
	for b.Loop() {
		now += int64(100 * time.Millisecond)
		w.Advance(now, func(token uint64) {
			n++
			w.Add(token, now+interval)
		})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/heartbeat")
}
