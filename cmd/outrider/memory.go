package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// gcPercent is how much garbage may pile up before it is collected, in percent
// of what is alive. Go's 100 lets the process grow to twice what its clients
// take; a gateway makes little garbage, so that collecting it more often costs
// next to nothing once the clients are there. docs/adr/0006-memory.md and
// 0010-on-the-loop.md have the figures.
const gcPercent = 35

// tuneMemory chooses the garbage collector's settings, unless GOGC is in the
// environment, and saves the memory profile's own memory where nobody can ask
// for the profile. It must be called early: objects that were sampled before
// stay in the profile.
func tuneMemory(profiled bool) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if !profiled {
		runtime.MemProfileRate = 0
	}
}
