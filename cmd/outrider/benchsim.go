package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"outrider/bench"
	"outrider/internal/sim"
)

// simCommand runs the gateway without sockets, as serve configures it.
func simCommand() *cobra.Command {
	cfg := sim.DefaultConfig()
	settings := defaultConfig()
	var output string
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Hold sessions without sockets in one process: heap, collector, timers, time of pushes",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			tuneMemory(cfg.HeapProfile != "")
			if err := settings.validate(); err != nil {
				return usageError{fmt.Errorf("bench sim: %w", err)}
			}
			d := &daemon{cfg: settings, log: slog.New(slog.DiscardHandler)}
			cfg.IO, cfg.Gateway = d.clients(), d.gateway()
			report, err := simulate(cmd, cfg)
			if errors.Is(err, sim.ErrConfig) {
				return usageError{fmt.Errorf("bench %w", err)}
			}
			return errors.Join(err, writeReport(cmd, report, report == nil, output))
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.IntVarP(&cfg.Sessions, "sessions", "n", cfg.Sessions, "how many")
	f.IntVar(&cfg.Revision, "eio", cfg.Revision, "revision of Engine.IO: 4 or 3")
	f.IntVar(&cfg.Topics, "topics", cfg.Topics, "topics that the sessions are spread over")
	f.IntVar(&cfg.AtOnce, "in-flight", cfg.AtOnce, "connects under way at once")
	f.DurationVar(&settings.PingInterval, "ping-interval", settings.PingInterval, "time between heartbeats")
	f.DurationVar(&cfg.Idle, "idle", cfg.Idle, "how long nothing but heartbeats goes on; best a multiple of --ping-interval")
	f.IntVar(&cfg.UIDPushes, "uid-pushes", cfg.UIDPushes, "pushes to one user each; three times: plain, through the API's handler, by several callers")
	f.IntVar(&cfg.Callers, "callers", cfg.Callers, "how many callers those are")
	f.IntVar(&cfg.SystemPushes, "system-pushes", cfg.SystemPushes, "pushes to all")
	f.IntVar(&cfg.Collections, "collections", cfg.Collections, "garbage collections that are asked for at the end")
	f.StringVar(&cfg.HeapProfile, "heap-profile", "", "`file` to write a profile of the heap with all sessions to; it takes memory itself")
	f.StringVar(&cfg.CPUProfile, "cpu-profile", "", "`file` to write the profile of the idle time to")
	f.StringVarP(&output, "output", "o", "", "`file` to write the report to, as JSON")
	return cmd
}

// simulate runs a simulation and makes it a report of the harness. There is
// none if the configuration is wrong.
func simulate(cmd *cobra.Command, cfg sim.Config) (*bench.Report, error) {
	o := &bench.Options{
		Targets: []string{"without sockets"}, Path: cfg.IO.Engine.Paths[0],
		Clients: cfg.Sessions, FirstUID: 1, Topics: cfg.Topics,
		EIO:       bench.Mix{{Name: strconv.Itoa(cfg.Revision), Weight: 1}},
		Transport: bench.Mix{{Name: "websocket", Weight: 1}}, Kind: bench.Mix{{Name: "rider", Weight: 1}},
		InFlight: cfg.AtOnce, PingInterval: cfg.IO.Engine.PingInterval, Idle: cfg.Idle,
	}
	benchHere(cmd, o)
	refused := false
	report, err := bench.Simulate(cmd.Context(), o, func(ctx context.Context, w *bench.Watch) (*bench.Outcome, error) {
		cfg.Progress = func(p sim.Progress) {
			w.Show(p.Phase, p.Done, p.Total, bench.Counts{
				Ready: p.Ready, Failed: uint64(p.Failed), Lost: uint64(p.Lost),
				Heartbeats: uint64(p.Heartbeats), Messages: uint64(p.Messages),
			})
		}
		result, err := sim.Run(ctx, cfg)
		if result == nil {
			refused = true
			return nil, err
		}
		return simOutcome(result), err
	})
	if refused {
		return nil, err
	}
	return report, err
}

// periodicCollection is how often the runtime collects garbage in a process
// that makes none.
const periodicCollection = 2 * time.Minute

// simOutcome names what was measured as the harness's figures ask for it, and
// leaves out what was not.
func simOutcome(r *sim.Result) *bench.Outcome {
	o := &bench.Outcome{
		Sums: map[string]float64{
			"ready": float64(r.Sessions), "failed": float64(r.Failed), "lost": float64(r.Lost), "odd": float64(r.Odd),
		},
		Server: map[string]float64{}, Peaks: map[string]float64{}, Histograms: map[string]*bench.Histogram{},
	}
	o.Server["clients"] = float64(r.ClientSize)
	o.Server["connect cpu"] = float64(r.Connect.CPU)
	o.Server["connect allocs"] = float64(r.Connect.Allocs)
	o.Peaks["connect elapsed"] = float64(r.Connect.Elapsed)
	o.Sums["connect collections"] = float64(r.Connect.Cycles)
	o.Peaks["connect gc"] = float64(r.Connect.GC) / float64(max(r.Connect.CPU, 1))
	o.Server["heap connected"], o.Server["resident connected"] = float64(r.Connected.Heap), float64(r.Connected.Resident)
	if r.Alive.Heap != 0 {
		o.Server["heap alive"], o.Peaks["heap alive"] = float64(r.Alive.Heap), float64(r.Alive.Heap)
		o.Server["heap scanned"] = float64(r.Alive.Scan)
	}
	simPushes(o, r)
	if r.Idle.Elapsed > 0 {
		simIdle(o, r)
	}
	record(o, "connect pause", r.Connect.Pauses)
	record(o, "connect pause, stopping", r.Connect.Stopping)
	for _, p := range []sim.Period{r.Idle, r.Collections} {
		record(o, "pause", p.Pauses)
		record(o, "pause, stopping", p.Stopping)
	}
	if r.Close.Elapsed > 0 {
		o.Peaks["close elapsed"], o.Server["close cpu"] = float64(r.Close.Elapsed), float64(r.Close.CPU)
	}
	return o
}

func simPushes(o *bench.Outcome, r *sim.Result) {
	record(o, "uid push", r.UIDPush.Took)
	record(o, "uid push, API", r.PostedPush.Took)
	record(o, "uid push, callers", r.CallersPush.Took)
	record(o, "system push", r.SystemPush.Took)
	missed := 0
	for _, p := range []sim.Pushes{r.UIDPush, r.PostedPush, r.CallersPush, r.SystemPush} {
		missed += p.Missed
	}
	o.Sums["missed"] = float64(missed)
	if n := len(r.CallersPush.Took); n > 0 {
		o.Sums["callers pushes"], o.Peaks["callers elapsed"] = float64(n), float64(r.CallersPush.Elapsed)
	}
	if n := len(r.SystemPush.Took); n > 0 {
		o.Sums["system messages"], o.Sums["system elapsed"] = float64(n*r.Sessions), float64(r.SystemPush.Elapsed)
	}
}

// simIdle has the idle time's CPU as the operating system counts it, shared out
// as the profile saw it, whose samples are a hundredth of a second each.
func simIdle(o *bench.Outcome, r *sim.Result) {
	elapsed := float64(r.Idle.Elapsed)
	sampled := max(1, sum(r.Parts))
	of := func(part string) float64 { return float64(r.Parts[part]) / float64(sampled) * float64(r.Idle.CPU) }
	clients := of("internal/sim")
	server := float64(r.Idle.CPU) - clients
	o.Peaks["idle"], o.Peaks["idle server"] = float64(r.Idle.CPU)/elapsed, server/elapsed
	o.Peaks["idle wheel"], o.Peaks["idle clients"] = of("internal/wheel")/elapsed, clients/elapsed
	o.Sums["idle server cpu"] = server
	o.Sums["heartbeats"], o.Peaks["idle elapsed"] = float64(r.Heartbeats), elapsed
	for part := range r.Parts {
		o.Server["idle: "+part] = of(part)
	}
	o.Server["heap rested"], o.Server["runtime rested"] = float64(r.Rested.Heap), float64(r.Rested.Runtime)
	o.Server["resident rested"] = float64(r.Rested.Resident)
	o.Sums["idle collections"] = float64(r.Idle.Cycles)
	if r.Collections.Cycles > 0 {
		o.Sums["collections"], o.Sums["collections cpu"] = float64(r.Collections.Cycles), float64(r.Collections.GC)
		each := float64(r.Collections.GC) / float64(r.Collections.Cycles)
		o.Peaks["idle gc"] = max(float64(r.Idle.GC)/elapsed, each/float64(periodicCollection))
	}
}

func sum(parts map[string]time.Duration) (all time.Duration) {
	for _, d := range parts {
		all += d
	}
	return all
}

// record adds values to a histogram; none is made for none.
func record(o *bench.Outcome, name string, values []time.Duration) {
	if len(values) == 0 {
		return
	}
	if o.Histograms[name] == nil {
		o.Histograms[name] = bench.NewHistogram()
	}
	for _, v := range values {
		o.Histograms[name].Record(int64(v))
	}
}
