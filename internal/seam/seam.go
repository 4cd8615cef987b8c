// Package seam lets a program of this module run an engine on something else
// than the kernel's sockets: internal/sim holds a million sessions that have
// none.
//
// The engine's loops reach the kernel through poll.Poller alone (docs/adr/0003),
// but engineio.Config has no field for one: that would make a promise of an
// internal interface, and of one that nobody outside could implement. So the
// field is not exported, and package engineio leaves here, when the program
// starts, the one function that sets it. A variable and an init are what
// docs/CONTRIBUTING.md would have us do without; the alternatives are an
// exported field that users may see and not use, or one of type any. The
// variable is written once, before main, and nothing reads it but Use.
package seam

import (
	"fmt"

	"outrider/internal/poll"
)

// Network is what an engine runs on in the kernel's place.
type Network interface {
	// Poller makes the poller of one loop.
	Poller() (poll.Poller, error)
	// Up is called once, when the loops run. adopt hands the engine a
	// descriptor of the network as if it had been accepted.
	Up(adopt func(fd int) error)
}

// Engine sets the network of a configuration and reports whether it is one.
// Package engineio sets it.
var Engine func(config any, n Network) bool

// Use makes the engine that is made of config, an *engineio.Config, run on n.
// It panics on anything else.
func Use(config any, n Network) {
	if Engine == nil || !Engine(config, n) {
		panic(fmt.Sprintf("seam: a %T is not the engine's configuration", config))
	}
}
