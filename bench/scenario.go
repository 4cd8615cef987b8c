package bench

import (
	"context"
	"time"
)

// Scenario is one kind of load. A new one is a file with its own, and its
// place in Scenarios.
type Scenario struct {
	Name  string
	Short string
	// Ping is the heartbeat of a server that is started for it. Scenarios that
	// want the same share a server.
	Ping time.Duration
	// Kinds is who its clients are, if the options do not say; empty: riders.
	Kinds Mix
	// run drives a session whose clients are connected. When the context ends
	// it returns soon, with what it has measured.
	run func(ctx context.Context, s *session) (*Outcome, error)
	// figures makes lines of an outcome, or of several that were merged.
	figures func(f *figures)
	// commands are what its part of the workers can be asked to do, beyond
	// coreCommands.
	commands map[string]command
}

// quiet is a heartbeat so rare that none falls into a measurement of something
// else.
const quiet = 10 * time.Minute

// Scenarios are all that there are, in the order in which they are run.
func Scenarios() []Scenario {
	return []Scenario{
		connectScenario(), fanOutScenario(), unicastScenario(), idleScenario(),
		stormScenario(), slowScenario(), cityScenario(),
	}
}

// Lookup finds scenarios by their names.
func Lookup(names ...string) ([]Scenario, error) {
	var found []Scenario
next:
	for _, name := range names {
		for _, s := range Scenarios() {
			if s.Name == name {
				found = append(found, s)
				continue next
			}
		}
		return nil, misuse("no scenario %q", name)
	}
	return found, nil
}

// described returns the scenario of an outcome: one of Scenarios, or the
// simulation, which is no load on a server. It is the zero Scenario for one of
// a later version of the harness.
func described(name string) Scenario {
	if name == simulation {
		return simScenario()
	}
	if found, err := Lookup(name); err == nil {
		return found[0]
	}
	return Scenario{}
}

// figuresOf makes the lines of an outcome.
func figuresOf(o *Outcome) []Figure {
	f := &figures{outcome: o}
	if s := described(o.Scenario); s.figures != nil {
		s.figures(f)
	}
	return f.all
}
