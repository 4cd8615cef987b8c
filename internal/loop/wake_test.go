package loop_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"outrider/internal/loop"
	"outrider/internal/poll"
)

// deepSleeper is an epoll whose Wait, unless it is not to sleep at all, ends
// by an event or by Wake and never by the time: a lost wake-up is for ever.
type deepSleeper struct{ *poll.Epoll }

func (p deepSleeper) Wait(events []poll.Event, timeout time.Duration) (int, error) {
	if timeout != 0 {
		timeout = -1
	}
	return p.Epoll.Wait(events, timeout)
}

func sleepDeeply() (poll.Poller, error) {
	p, err := poll.New()
	return deepSleeper{p}, err
}

// TestEveryPostRunsOnce: a million tasks from several goroutines, in bursts
// between which the loop goes to sleep, run once each.
func TestEveryPostRunsOnce(t *testing.T) {
	const posters, each = 4, 250_000
	g := startLoops(t, loop.Config{Loops: 1, NewPoller: sleepDeeply})
	l := g.Loops()[0]
	ran := make([]uint8, posters*each) // owned by the loop
	var wg sync.WaitGroup
	for p := range posters {
		rng := rand.New(rand.NewPCG(1, uint64(p)))
		wg.Go(func() {
			done := make(chan struct{}, 1)
			for at, end := p*each, (p+1)*each; at < end; {
				burst := min(1+rng.IntN(200), end-at)
				for i := at; i < at+burst-1; i++ {
					l.Post(func() { ran[i]++ })
				}
				at += burst
				l.Post(func() { ran[at-1]++; done <- struct{}{} })
				if _, ok := arrives(done); !ok {
					t.Errorf("the last of a burst, task %d, does not run", at-1)
					return
				}
			}
		})
	}
	wg.Wait()
	on(t, l, func() {
		for i, n := range ran {
			if n != 1 {
				t.Errorf("task %d ran %d times", i, n)
				return
			}
		}
	})
}

// TestPostToALoopThatFallsAsleep: each task is posted a moment after the last
// one has run, a random one, so that many come while the loop looks at its
// queue for the last time before it sleeps.
func TestPostToALoopThatFallsAsleep(t *testing.T) {
	const longest = 2000
	g := startLoops(t, loop.Config{Loops: 1, NewPoller: sleepDeeply})
	l := g.Loops()[0]
	rng := rand.New(rand.NewPCG(3, 3))
	var ran atomic.Int64
	task := func() { ran.Add(1) }
	n := int64(0)
	for end := time.Now().Add(time.Second); time.Now().Before(end); n++ {
		l.Post(task)
		if !spinUntil(func() bool { return ran.Load() > n }) {
			t.Fatalf("task %d does not run", n)
		}
		for pause := rng.IntN(longest); pause > 0; pause-- {
			_ = ran.Load()
		}
	}
	t.Logf("%d tasks", n)
}

// spinUntil is within for what takes microseconds.
func spinUntil(cond func() bool) bool {
	for spins := 0; !cond(); spins++ {
		if spins == 1_000_000 {
			return within(20*time.Second, cond)
		}
	}
	return true
}

// TestPostFromTheLoop: a task may post the next one, and does not keep the
// loop from its connections.
func TestPostFromTheLoop(t *testing.T) {
	g, addr := start(t, loop.Config{Loops: 1, Accept: echoConfig().Accept})
	l := g.Loops()[0]
	var stop atomic.Bool
	ended := make(chan int, 1)
	n := 0
	var again func()
	again = func() {
		if n++; stop.Load() {
			ended <- n
			return
		}
		l.Post(again)
	}
	l.Post(again)
	c := dial(t, addr)
	for range 100 {
		speak(t, c, "hello")
	}
	stop.Store(true)
	if n := await(t, "the end", ended); n < 100 {
		t.Fatalf("ran %d times", n)
	}
}

// TestPostAtTheEnd: what Post accepted runs, also when the group is closed
// meanwhile; what it refused does not (invariant 6).
func TestPostAtTheEnd(t *testing.T) {
	for range 50 {
		g, err := loop.Start(loop.Config{Loops: 1, NewPoller: sleepDeeply})
		if err != nil {
			t.Fatal(err)
		}
		l := g.Loops()[0]
		accepted, ran := 0, 0
		begun := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			for l.Post(func() { ran++ }) {
				if accepted++; accepted == 100 {
					close(begun)
				}
			}
		})
		<-begun
		g.Close()
		wg.Wait()
		if ran != accepted {
			t.Fatalf("%d tasks were accepted and %d ran", accepted, ran)
		}
		g.Close() // twice is once
	}
}
