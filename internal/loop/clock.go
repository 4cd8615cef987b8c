package loop

import (
	"sync"
	"sync/atomic"
	"time"
)

// maxWait is the longest that a loop sleeps, so that a longer silence of all
// loops means that the process stood still.
const maxWait = 500 * time.Millisecond

// stallAfter is the longest silence that counts as time.
const stallAfter = 2 * maxWait

// Clock is monotonic time without the intervals in which the process did not
// run: SIGSTOP, a suspended machine, a long stop of the host. Heartbeat
// deadlines are on it, so that a server which was stopped for twenty seconds
// reads the pongs that wait in its sockets before it judges who is silent.
//
// Every loop calls Observe at least once in maxWait. From stallAfter behind
// the last Observe on the clock stands still, for every reader, and the next
// Observe makes it go on from there. So it never goes back, and no silence,
// however long, moves it by more than stallAfter.
type Clock struct {
	base time.Time

	// atomic. Changed together, a stall's end stores skipped first; so seen
	// is loaded first, and the time itself last.
	skipped atomic.Int64 // what was taken out
	seen    atomic.Int64 // the newest Observe

	mu     sync.Mutex // held while a stall is taken out
	stalls uint64     // guarded by mu
}

// NewClock returns a clock that starts at 0.
func NewClock() *Clock { return &Clock{base: time.Now()} }

// Now returns nanoseconds since the start, less the stalls.
func (c *Clock) Now() int64 {
	seen := c.seen.Load()
	skipped := c.skipped.Load()
	return min(int64(time.Since(c.base))-skipped, seen+int64(stallAfter))
}

// Observe is Now, called by every loop after every wait. It ends a stall.
func (c *Clock) Observe() int64 {
	seen := c.seen.Load()
	skipped := c.skipped.Load()
	now := int64(time.Since(c.base)) - skipped
	switch {
	case now-seen > int64(stallAfter):
		c.takeOut()
		return c.Now()
	case now > seen:
		// A swap that fails lost to a newer time.
		c.seen.CompareAndSwap(seen, now)
	}
	return now
}

func (c *Clock) takeOut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen.Load()
	gap := int64(time.Since(c.base)) - c.skipped.Load() - seen
	if gap <= int64(stallAfter) {
		return // another loop was first
	}
	c.skipped.Add(gap - int64(stallAfter))
	c.seen.Store(seen + int64(stallAfter))
	c.stalls++
}

// Stalls returns how often time was found to have stood still.
func (c *Clock) Stalls() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stalls
}
