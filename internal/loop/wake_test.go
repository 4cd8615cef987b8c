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

// TestPostWakesALoopThatSleeps: ping-pong, so that the loop is asleep or
// about to be at every Post.
func TestPostWakesALoopThatSleeps(t *testing.T) {
	const rounds = 20_000
	g := startLoops(t, loop.Config{Loops: 2, NewPoller: sleepDeeply})
	a, b := g.Loops()[0], g.Loops()[1]
	done := make(chan struct{})
	var hit func(n int) // posts itself from one loop to the other
	hit = func(n int) {
		if n == rounds {
			close(done)
			return
		}
		to := a
		if n%2 == 0 {
			to = b
		}
		to.Post(func() { hit(n + 1) })
	}
	a.Post(func() { hit(0) })
	await(t, "the last round", done)
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
