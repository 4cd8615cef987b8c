package bench

import (
	"context"
	"fmt"
)

// Run does scenarios one after the other and reports what they measured. A
// server that it starts is a new one for each heartbeat that they want.
//
// When the context ends the run ends soon, and the report says so and has what
// was measured by then; that is no error. After an error the report has what
// came before it.
func Run(ctx context.Context, o *Options, scenarios []Scenario) (*Report, error) {
	o = o.suit(scenarios)
	if err := o.validate(); err != nil {
		return nil, err
	}
	report := newReport(o)
	progress := newProgress(o.Progress, o.Terminal)
	defer progress.end()
	for _, group := range o.groups(scenarios) {
		err := report.run(ctx, o, group, progress)
		if ctx.Err() != nil {
			report.Interrupted = true
			return report, nil
		}
		if err != nil {
			return report, err
		}
	}
	return report, nil
}

// groups puts those scenarios together that can share a server, in their
// order.
func (o *Options) groups(scenarios []Scenario) (groups [][]Scenario) {
	started := false
	for _, name := range o.Targets {
		started = started || startsServer(name)
	}
	for _, s := range scenarios {
		last := len(groups) - 1
		if last >= 0 && (!started || o.PingInterval > 0 || groups[last][0].Ping == s.Ping) {
			groups[last] = append(groups[last], s)
		} else {
			groups = append(groups, []Scenario{s})
		}
	}
	return groups
}

// run does scenarios against one server.
func (r *Report) run(ctx context.Context, o *Options, scenarios []Scenario, p *progress) (err error) {
	ping := o.PingInterval
	if ping == 0 {
		ping = scenarios[0].Ping
	}
	p.phase("start", 0)
	s, err := openSession(ctx, o, ping, p)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.warm(ctx); err != nil {
		return err
	}
	defer s.startSampler(r.began).end(r)
	s.connects, err = s.connectAll(ctx)
	if !r.has("connect") {
		r.add(s, s.connects)
	}
	if err != nil {
		return err
	}
	for _, scenario := range scenarios {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if scenario.Name == "connect" {
			continue
		}
		outcome, err := scenario.run(ctx, s)
		r.add(s, outcome)
		if err != nil {
			return fmt.Errorf("%s: %w", scenario.Name, err)
		}
	}
	return nil
}

// Merge makes one report of several that were made at the same time, by
// harnesses with clients of their own each: sums add up, distributions become
// one.
func Merge(reports ...*Report) (*Report, error) {
	if len(reports) < 2 {
		return nil, misuse("merge: takes two reports or more, got %d", len(reports))
	}
	merged := *reports[0]
	merged.Outcomes = nil
	var outcomes []*Outcome
	servers := map[string]bool{}
	for i, r := range reports {
		same := i > 0 && len(r.Servers) > 0
		for _, server := range r.Servers {
			same = same && servers[server]
		}
		for _, server := range r.Servers {
			servers[server] = true
		}
		for _, o := range r.Outcomes {
			into := find(outcomes, o.Scenario)
			if into == nil {
				into = newOutcome(o.Scenario)
				outcomes = append(outcomes, into)
			}
			into.merge(o, same)
		}
		merged.Interrupted = merged.Interrupted || r.Interrupted
		if i > 0 {
			merged.Merged = append(merged.Merged, r.Machine)
			merged.Options.Clients += r.Options.Clients
		}
	}
	merged.Outcomes = outcomes
	merged.Servers = nil
	for server := range servers {
		merged.Servers = append(merged.Servers, server)
	}
	return &merged, nil
}

func find(outcomes []*Outcome, scenario string) *Outcome {
	for _, o := range outcomes {
		if o.Scenario == scenario {
			return o
		}
	}
	return nil
}
