package bench

import (
	"cmp"
	"context"
	"slices"
	"time"

	"outrider/bench/internal/fleet"
)

// fanOutScenario pushes to a topic in which all clients are, time after time.
func fanOutScenario() Scenario {
	return Scenario{
		Name:  "fanout",
		Short: "push to the topic of all: first, p50, p99 and last arrival, CPU a message",
		Ping:  quiet,
		run:   runFanOut,
		figures: func(f *figures) {
			f.sum("fan-outs", "pushes", Count).Bare = true
			f.sum("refused", "refused", Count).Bare = true
			f.sum("messages", "messages", Count).Bare = true
			f.sum("lost", "lost", Count).Bare = true
			f.quantile("first arrival (median of fan-outs)", "first", .5)
			f.quantile("arrivals, p50", "arrivals", .5)
			f.quantile("arrivals, p99", "arrivals", .99)
			f.quantile("last arrival (median of fan-outs)", "last", .5).AtMost = 1.15
			f.quantile("last arrival (worst)", "last", 1)
			f.per("CPU a message", "cpu", "messages", Time).AtMost = 1.15
		},
	}
}

// Between two fan-outs the servers come to rest, and one is given up when
// nobody has got it for so long.
const (
	fanOutPause   = 50 * time.Millisecond
	fanOutTimeout = 20 * time.Second
)

// fanOut is the scenario under way.
type fanOut struct {
	*session
	outcome *Outcome
	kind    fleet.Kind
	pushers []*pusher
	apis    []*pushAPI
}

func runFanOut(ctx context.Context, s *session) (*Outcome, error) {
	f := &fanOut{session: s, outcome: newOutcome("fanout")}
	f.outcome.Sums["refused"] = 0
	defer func() {
		for _, p := range f.pushers {
			p.close()
		}
	}()
	var err error
	if f.kind, err = s.profiles.topical(); err != nil {
		return nil, err
	}
	for i := range s.targets {
		p, api, err := s.pusher(i, 1)
		if err != nil {
			return nil, err
		}
		f.pushers, f.apis = append(f.pushers, p), append(f.apis, api)
	}
	s.progress.phase("fanout", s.opts.FanOuts)
	s.settle(ctx)
	with := watchWith{From: s.pushed + 1, Each: true}
	if _, err := ask[struct{}](context.WithoutCancel(ctx), s.crew, "watch", same(with)); err != nil {
		return nil, err
	}
	before, known := s.usage()
	for n := 0; n < s.opts.FanOuts && ctx.Err() == nil; n++ {
		if err := f.one(ctx, uint64(n%s.opts.Topics)); err != nil {
			return f.outcome, err
		}
		s.progress.step(n + 1)
		_ = sleep(ctx, fanOutPause)
	}
	after, _ := s.usage()
	if known {
		f.outcome.Server["cpu"] = float64(after.CPU - before.CPU)
	}
	return f.outcome, f.collect(ctx)
}

// topical is the kind that most clients are whose kind has topics.
func (p profiles) topical() (fleet.Kind, error) {
	shares := slices.Clone(p.Kind)
	slices.SortStableFunc(shares, func(a, b Share) int { return cmp.Compare(b.Weight, a.Weight) })
	for _, share := range shares {
		if kind, err := fleet.ParseKind(share.Name); err == nil && kind.Topical() {
			return kind, nil
		}
	}
	return 0, misuse("fanout: no clients of a kind that has topics")
}

// one pushes once, to every target, and waits until all have it.
func (f *fanOut) one(ctx context.Context, topic uint64) error {
	number := f.numbers(1)
	refused := 0
	for i, p := range f.pushers {
		job := pushJob{Count: 1, First: number, Append: func(dst []byte, st stamp) []byte {
			return f.apis[i].topic(dst, f.kind, topic, st)
		}}
		result, err := p.run(ctx, job)
		if err != nil {
			return err
		}
		refused += 1 - result.OK
	}
	if refused > 0 {
		f.outcome.Sums["refused"]++
		return nil
	}
	f.outcome.Sums["pushes"]++
	with := awaitWith{Push: number, Kind: f.kind, Topic: topic, Timeout: fanOutTimeout}
	results, err := ask[receiptsSummary](ctx, f.crew, "await", same(with))
	for _, r := range results {
		f.outcome.Sums["lost"] += float64(r.Missing)
	}
	return err
}

// collect takes the workers' counts.
func (f *fanOut) collect(ctx context.Context) error {
	results, err := ask[receiptsResult](context.WithoutCancel(ctx), f.crew, "receipts", nothing)
	if err != nil {
		return err
	}
	all := map[uint64]*arrivals{}
	for _, r := range results {
		f.outcome.Sums["messages"] += float64(r.Total)
		f.outcome.record("arrivals", r.Sent)
		for number, a := range r.Pushes {
			if b := all[number]; b != nil {
				a.First, a.Last = min(a.First, b.First), max(a.Last, b.Last)
			}
			all[number] = a
		}
	}
	for _, name := range []string{"first", "last"} {
		f.outcome.record(name, nil)
	}
	for _, a := range all {
		f.outcome.Histograms["first"].Record(a.First)
		f.outcome.Histograms["last"].Record(a.Last)
	}
	return nil
}
