package loop

import (
	"sync"
	"sync/atomic"
	"time"
)

// maxWait is the longest that a loop with timers sleeps, so that a longer
// silence of all loops means that the process stood still.
const maxWait = time.Second

// stallAfter is the silence from which on time is taken to have stood still.
const stallAfter = 2 * maxWait

// Clock is monotonic time without the intervals in which the process did not
// run: SIGSTOP, a suspended machine, a long stop of the host. Heartbeat
// deadlines are on it, so that a server which was stopped for twenty seconds
// reads the pongs that wait in its sockets before it judges who is silent.
type Clock struct {
	base    time.Time
	skipped atomic.Int64
	seen    atomic.Int64 // the newest Observe, on the raw clock

	mu     sync.Mutex // held while a stall is taken out
	stalls uint64     // guarded by mu
}

// NewClock returns a clock that starts at 0.
func NewClock() *Clock { return &Clock{base: time.Now()} }

func (c *Clock) raw() int64 { return int64(time.Since(c.base)) }

// Now returns nanoseconds since the start, less the stalls.
func (c *Clock) Now() int64 { return c.raw() - c.skipped.Load() }

// Observe is Now, called by every loop after every wait. It takes a stall
// out of the clock before anybody can see it.
func (c *Clock) Observe() int64 {
	raw := c.raw()
	if raw-c.seen.Load() > int64(stallAfter) {
		c.takeOut(raw)
	} else {
		// Another loop may have stored a newer time meanwhile; going back by
		// that little is harmless.
		c.seen.Store(raw)
	}
	return raw - c.skipped.Load()
}

func (c *Clock) takeOut(raw int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	gap := raw - c.seen.Load()
	if gap <= int64(stallAfter) {
		return // another loop was first
	}
	c.skipped.Add(gap)
	c.seen.Store(raw)
	c.stalls++
}

// Stalls returns how often time was found to have stood still.
func (c *Clock) Stalls() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stalls
}
