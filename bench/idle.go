package bench

import (
	"context"
	"time"

	"outrider/bench/internal/fleet"
)

// idleScenario leaves the clients alone with their heartbeats.
func idleScenario() Scenario {
	return Scenario{
		Name:  "idle",
		Short: "leave the clients alone: memory a client, CPU a heartbeat, unexpected closes",
		Ping:  5 * time.Second,
		run:   runIdle,
		figures: func(f *figures) {
			f.per("memory a client", "grown", "clients", Bytes).Good = memoryGoal(f.outcome)
			f.per("... not backed by a file", "grown_anon", "clients", Bytes)
			f.sum("heartbeats", "heartbeats", Count).Bare = true
			f.per("CPU a heartbeat", "cpu", "heartbeats", Time).AtMost = 1.3
			f.sum("unexpected closes", "lost", Count).Bare = true
			f.peak("server, empty", "empty", Bytes).Bare = true
			f.peak("server, at the end", "rss", Bytes).Bare = true
			f.peak("server, at most", "peak", Bytes).Bare = true
		},
	}
}

// memoryGoal is for clients that are all of one sort.
func memoryGoal(o *Outcome) float64 {
	switch o.Sums["polling"] {
	case 0:
		return 1000
	case o.Sums["clients"]:
		return 16 << 10
	}
	return 0
}

func runIdle(ctx context.Context, s *session) (*Outcome, error) {
	o := newOutcome("idle")
	s.progress.phase("idle", 0)
	s.settle(ctx)
	count := context.WithoutCancel(ctx) // also what was measured until Ctrl-C counts
	before, known := s.usage()
	earlier, err := ask[statsResult](count, s.crew, "stats", nothing)
	if err != nil {
		return nil, err
	}
	_ = sleep(ctx, s.opts.Idle)
	after, _ := s.usage()
	later, err := ask[statsResult](count, s.crew, "stats", nothing)
	if err != nil {
		return nil, err
	}
	for number := s.opts.FirstUID; number < s.opts.FirstUID+uint64(s.opts.Clients); number++ {
		if s.profiles.of(number).Transport == fleet.Polling {
			o.Sums["polling"]++
		}
	}
	for i := range later {
		o.Sums["clients"] += float64(later[i].Stats.ReadyNow)
		o.Sums["heartbeats"] += float64(later[i].Stats.Heartbeats - earlier[i].Stats.Heartbeats)
		for cause := fleet.CauseLocal + 1; cause < fleet.Causes; cause++ {
			n := float64(later[i].Stats.Lost[cause] - earlier[i].Stats.Lost[cause])
			o.Sums["lost"] += n
			if n > 0 {
				o.Sums["lost: "+cause.String()] += n
			}
		}
	}
	if known {
		o.Server["cpu"] = float64(after.CPU - before.CPU)
		o.Server["grown"] = float64(after.RSS) - s.connects.Server["empty"]
		o.Server["grown_anon"] = float64(after.Anon) - s.connects.Server["empty_anon"]
		o.Peaks["empty"] = s.connects.Server["empty"]
		o.Peaks["rss"] = float64(after.RSS)
		o.Peaks["peak"] = float64(after.Peak)
	}
	return o, nil
}
