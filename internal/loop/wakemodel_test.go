package loop_test

import "testing"

// The wake-up protocol as a machine that is small enough to go through every
// interleaving of one loop and two posters. A step is what happens under the
// loop's mu, or one system call.

// What the loop does next.
const (
	toLook  = iota // is the queue empty? then asleep, and to Wait
	toTell         // of the careless variant: asleep, after the look
	toSleep        // Wait, which blocks until the eventfd is readable
	toWake         // asleep = false
	toTake         // runTasks
)

type wakeState struct {
	loop     int
	asleep   bool
	readable bool   // the eventfd
	queue    int    // tasks that nobody has taken
	posts    [2]int // that each poster has yet to make
}

// next returns the states that can follow. careless is the variant that looks
// at the queue in one step and says that it sleeps in another.
func (s wakeState) next(careless bool) (out []wakeState) {
	n := s
	switch s.loop {
	case toLook:
		switch {
		case s.queue > 0:
			n.loop = toWake // Wait with time-out 0
		case careless:
			n.loop = toTell
		default:
			n.asleep, n.loop = true, toSleep
		}
	case toTell:
		n.asleep, n.loop = true, toSleep
	case toSleep:
		if s.readable {
			n.readable, n.loop = false, toWake
		}
	case toWake:
		n.asleep, n.loop = false, toTake
	case toTake:
		n.queue, n.loop = 0, toLook
	}
	if n != s {
		out = append(out, n)
	}
	for i, left := range s.posts {
		if left == 0 {
			continue
		}
		n := s
		n.posts[i]--
		n.queue++
		if n.asleep {
			n.asleep, n.readable = false, true
		}
		out = append(out, n)
	}
	return out
}

// lost reports whether some interleaving ends with a task that nobody takes,
// and how many states there are.
func lost(careless bool) (found bool, states int) {
	first := wakeState{loop: toLook, posts: [2]int{4, 4}}
	seen := map[wakeState]bool{first: true}
	for todo := []wakeState{first}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		next := s.next(careless)
		if len(next) == 0 && s.queue > 0 {
			found = true
		}
		for _, n := range next {
			if !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	return found, len(seen)
}

func TestNoInterleavingLosesAWakeUp(t *testing.T) {
	found, states := lost(false)
	if found {
		t.Error("a task can be left behind while the loop sleeps")
	}
	if states < 100 {
		t.Errorf("only %d states were looked at", states)
	}
	if found, _ := lost(true); !found {
		t.Error("the model does not see the classic mistake")
	}
}
