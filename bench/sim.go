package bench

import (
	"context"
	"errors"
	"os"
	"time"
)

// simulation is the name of the scenario whose outcome comes from outside: the
// harness loads servers from without and knows nothing of what is in them;
// who can put one together without sockets does, and has Simulate report it.
const simulation = "sim"

// heapGoal is for what a session has alive on the heap.
const heapGoal = 700 // bytes

// simScenario says what the figures of a simulation are.
func simScenario() Scenario {
	return Scenario{
		Name:  simulation,
		Short: "hold sessions without sockets in one process: heap, collector, timers, time of pushes",
		figures: func(f *figures) {
			f.sum("sessions ready", "ready", Count).Bare = true
			f.sum("failed", "failed", Count).Bare = true
			f.sum("lost", "lost", Count).Bare = true
			f.sum("pushes that missed", "missed", Count).Bare = true
			f.rate("connects a second", "ready", "connect elapsed").Bare = true
			f.per("CPU a connect, clients included", "connect cpu", "ready", Time)
			f.per("allocated a connect, what is kept included", "connect allocs", "ready", Bytes)
			simMemory(f)
			simPushes(f)
			simIdle(f)
			simCollector(f)
			f.peak("closing all", "close elapsed", Time)
			f.per("CPU a close, clients included", "close cpu", "ready", Time)
		},
	}
}

func simMemory(f *figures) {
	f.peak("heap, alive", "heap alive", Bytes).Good = heapGoal * f.outcome.Sums["ready"]
	f.per("heap a session, alive", "heap alive", "ready", Bytes)
	f.per("... of that, what the collector reads", "heap scanned", "ready", Bytes)
	f.per("heap a session, just connected", "heap connected", "ready", Bytes)
	f.per("heap a session, after the idle time", "heap rested", "ready", Bytes)
	f.per("Go's memory a session, after the idle time", "runtime rested", "ready", Bytes)
	f.per("resident a session, just connected", "resident connected", "ready", Bytes)
	f.per("resident a session, after the idle time", "resident rested", "ready", Bytes)
	f.per("clients: memory a session, not in the above", "clients", "ready", Bytes).Bare = true
}

func simPushes(f *figures) {
	f.quantile("uid push, p50", "uid push", .5)
	f.quantile("uid push, p99", "uid push", .99)
	f.quantile("uid push through the API's handler, p50", "uid push, API", .5)
	f.quantile("uid push through the API's handler, p99", "uid push, API", .99)
	f.quantile("uid push, several callers, p50", "uid push, callers", .5)
	f.quantile("uid push, several callers, p99", "uid push, callers", .99)
	f.rate("uid pushes a second, several callers", "callers pushes", "callers elapsed")
	f.quantile("system push, median", "system push", .5)
	f.each("system push, a session", "system elapsed", "system messages", Time)
}

func simIdle(f *figures) {
	f.rate("heartbeats a second", "heartbeats", "idle elapsed").Bare = true
	f.peak("CPU when idle, clients included", "idle", Percent)
	f.peak("... the server's", "idle server", Percent)
	f.peak("... timer wheel", "idle wheel", Percent).Good = .05
	f.peak("... clients", "idle clients", Percent).Bare = true
	f.each("CPU a heartbeat, the server's", "idle server cpu", "heartbeats", Time)
}

func simCollector(f *figures) {
	f.sum("collections while connecting", "connect collections", Count).Bare = true
	f.peak("collector's part of that CPU", "connect gc", Percent)
	f.sum("collections when idle", "idle collections", Count).Bare = true
	f.peak("collector when idle, one in 2 minutes at least", "idle gc", Percent).Good = .01
	f.each("CPU of a collection of all", "collections cpu", "collections", Time)
	simPauses(f, "pause with all sessions", "pause")
	simPauses(f, "pause while connecting", "connect pause")
}

// simPauses is how long collections stop everything.
func simPauses(f *figures, name, key string) {
	f.quantile(name+", p50", key, .5)
	f.quantile(name+", p99", key, .99).Good = float64(time.Millisecond)
	f.quantile(name+", longest", key, 1)
	f.quantile("... "+name+", until all stood, p99", key+", stopping", .99)
}

// Watch is told how a simulation goes, and tells who watches.
type Watch struct{ progress *progress }

// Show says what the phase is, how many of its steps are done, and what the
// sessions do. A total of 0 is a phase without steps.
func (w *Watch) Show(phase string, done, total int, c Counts) {
	w.progress.mu.Lock()
	defer w.progress.mu.Unlock()
	if w.progress.name != phase {
		w.progress.written = time.Time{}
	}
	w.progress.name, w.progress.done, w.progress.total, w.progress.seen = phase, done, total, c
	w.progress.show()
}

// Simulate reports what run measures in this process. Of the options only those
// that say who the clients are, and Progress, mean something. The outcome's
// quantities are those that the figures ask for; it may be nil.
//
// When the context ends, run shall return soon, with what it has measured; that
// is no error.
func Simulate(ctx context.Context, o *Options, run func(context.Context, *Watch) (*Outcome, error)) (*Report, error) {
	p := newProgress(o.Progress, o.Terminal)
	defer p.end()
	report := newReport(o)
	s := &session{opts: o, crew: new(crew), progress: p, targets: []*target{{process: process{os.Getpid()}}}}
	samples := s.startSampler(report.began)
	outcome, err := run(ctx, &Watch{p})
	samples.end(report)
	if outcome != nil {
		outcome.Scenario = simulation
	}
	report.add(s, outcome)
	report.Interrupted = ctx.Err() != nil
	if report.Interrupted && errors.Is(err, context.Canceled) {
		err = nil
	}
	return report, err
}
