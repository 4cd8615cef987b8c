package bench

import (
	"context"
	"fmt"
)

// connectScenario connects all clients. Every run begins with it.
func connectScenario() Scenario {
	return Scenario{
		Name:  "connect",
		Short: "connect all clients: rate, handshake latency, CPU a connect",
		Ping:  quiet,
		// Done before the first scenario, see Run.
		run: func(_ context.Context, s *session) (*Outcome, error) { return s.connects, nil },
		figures: func(f *figures) {
			f.sum("clients ready", "ready", Count).Bare = true
			f.sum("failed", "failed", Count).Bare = true
			f.rate("connects a second", "ready", "elapsed").Bare = true
			f.quantile("engine open, p50", "opened", .5)
			f.quantile("engine open, p99", "opened", .99)
			f.quantile("set_connect done, p50", "settled", .5)
			f.quantile("set_connect done, p99", "settled", .99)
			f.per("CPU a connect", "cpu", "ready", Time).AtMost = 1.6
			f.per("memory a client, just connected", "grown", "ready", Bytes)
			f.each("harness: memory a client", "harness_grown", "ready", Bytes).Bare = true
		},
	}
}

// connectAll is the scenario.
func (s *session) connectAll(ctx context.Context) (*Outcome, error) {
	o := newOutcome("connect")
	before, known := s.usage()
	s.progress.phase("connect", s.opts.Clients)
	// The workers share the rate, and what may be under way.
	n := len(s.crew.workers)
	results, err := ask[connectResult](ctx, s.crew, "connect", func(i int) any {
		return connectWith{
			To: s.share[i].n, Rate: s.opts.Rate / float64(n),
			InFlight: max(1, s.opts.InFlight/n),
		}
	})
	if err != nil {
		return nil, err
	}
	after, _ := s.usage()
	for _, r := range results {
		o.Sums["ready"] += float64(r.Ready)
		for cause, n := range r.Failed {
			o.Sums["failed"] += float64(n)
			o.Sums["failed: "+cause.String()] += float64(n)
		}
		o.Peaks["elapsed"] = max(o.Peaks["elapsed"], float64(r.Elapsed))
		o.Sums["harness_grown"] += float64(r.Grown)
		o.record("opened", r.Opened)
		o.record("settled", r.Settled)
	}
	if known {
		o.Server["cpu"] = float64(after.CPU - before.CPU)
		o.Server["empty"] = float64(before.RSS)
		o.Server["empty_anon"] = float64(before.Anon)
		o.Server["grown"] = float64(after.RSS - before.RSS)
	}
	if o.Sums["ready"] == 0 && ctx.Err() == nil {
		return o, fmt.Errorf("bench: no client could connect: %s", failures(results))
	}
	return o, nil
}
