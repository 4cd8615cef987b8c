// Package mono reads the machine's monotonic clock: nanoseconds that several
// processes of one machine can compare, which is how a push that one process
// sends is timed by the process that receives it.
package mono

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Clock is CLOCK_MONOTONIC. It is read through the runtime, which needs no
// system call for it: the difference between the two is taken once.
type Clock struct {
	base   time.Time
	offset int64 // of base on CLOCK_MONOTONIC
}

// New returns a clock. All clocks of a machine show the same time.
func New() Clock {
	var ts unix.Timespec
	before := time.Now()
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(fmt.Sprintf("mono: every Linux has CLOCK_MONOTONIC: %v", err))
	}
	return Clock{base: before, offset: ts.Nano()}
}

// Now returns the time in nanoseconds.
func (c Clock) Now() int64 { return c.offset + int64(time.Since(c.base)) }
