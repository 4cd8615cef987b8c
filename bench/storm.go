package bench

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/spf13/pflag"
)

// stormScenario cuts all clients at once, which then come back as
// socket.io-client does.
func stormScenario() Scenario {
	return Scenario{
		Name:  "storm",
		Short: "cut all clients at once, which come back by themselves: time until they are back, peak memory",
		Ping:  quiet,
		run:   runStorm,
		figures: func(f *figures) {
			f.sum("clients cut", "cut", Count).Bare = true
			f.share("50 % are back", "returned", "cut", .5).Bare = true
			f.share("90 % are back", "returned", "cut", .9).Bare = true
			f.share("99 % are back", "returned", "cut", .99).good(float64(15 * time.Second))
			f.share("all are back", "returned", "cut", 1).Bare = true
			f.none("not back in time", "away")
			f.sum("failed attempts", "failed", Count).Bare = true
			f.sum("lost again", "lost", Count).Bare = true
			f.quantile("dial until set_connect done, p50", "settled", .5)
			f.quantile("dial until set_connect done, p99", "settled", .99)
			f.per("CPU a reconnect", "cpu", "back", Time)
			f.server("server, before", "steady").Bare = true
			f.server("server, at most", "peak").Bare = true
			f.server("server, afterwards", "after").Bare = true
			f.growth("at most, of before", "peak", "steady").good(1.5)
			f.sum("topic pushes afterwards", "pushes", Count).Bare = true
			f.none("... refused or unanswered", "refused")
			f.none("... messages lost", "unreached")
		},
		commands: map[string]command{"storm": does(weatherStorm)},
	}
}

// StormOptions are what storm can be told.
type StormOptions struct {
	// Cut is how connections end: fin, rst, or both in turn.
	Cut string `json:"cut"`
	// Within is how long clients have to come back.
	Within time.Duration `json:"within"`
}

// The ways to cut a connection.
const (
	cutFIN  = "fin"
	cutRST  = "rst"
	cutBoth = "both"
)

func defaultStorm() StormOptions { return StormOptions{Cut: cutBoth, Within: time.Minute} }

func (o *StormOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.Cut, "cut", o.Cut, "storm: how connections end: fin, rst, or both in turn")
	f.DurationVar(&o.Within, "storm-within", o.Within, "storm: how long clients have to come back")
}

func (o *StormOptions) validate() error {
	switch {
	case !slices.Contains([]string{cutFIN, cutRST, cutBoth}, o.Cut):
		return misuse("cut: must be fin, rst or both, is %q", o.Cut)
	case o.Within <= 0 || o.Within > longestStorm:
		return misuse("storm-within: must be more than 0 and at most %v, is %v", longestStorm, o.Within)
	}
	return nil
}

// longestStorm is the longest time that a histogram tells apart.
const longestStorm = time.Duration(longest)

// stormWith is what a worker is to do, and stormResult what came of it.
type stormWith struct {
	StormOptions
	Timeout time.Duration `json:"timeout"` // of an attempt
}

type stormResult struct {
	Cut      int            `json:"cut"`
	Back     int            `json:"back"`    // at the end
	Topical  int64          `json:"topical"` // of these, who have a topic
	Lost     int            `json:"lost"`    // who were back, and were not left so
	Failed   map[string]int `json:"failed"`  // attempts, by cause
	Returned *Histogram     `json:"returned"`
	Settled  *Histogram     `json:"settled"`
}

func runStorm(ctx context.Context, s *session) (*Outcome, error) {
	o := newOutcome("storm")
	topics, topicless := s.everyTopic()
	s.progress.phase("storm", s.opts.Clients)
	s.settle(ctx)
	before, known := s.usage()
	memory := s.startPeak()
	results, err := ask[stormResult](ctx, s.crew, "storm", same(stormWith{
		StormOptions: s.opts.Storm, Timeout: min(s.opts.Timeout, reconnectTimeout),
	}))
	after, _ := s.usage()
	peak := memory.end(before, after)
	if err != nil {
		return o, err
	}
	want := make([]int64, len(results))
	for i, r := range results {
		want[i] = r.Topical
		o.addStorm(r)
	}
	if ctx.Err() != nil {
		delete(o.Sums, "away") // they had no time
	}
	if known {
		o.Server["cpu"] = float64(after.CPU - before.CPU)
		o.Server["steady"], o.Server["peak"] = float64(before.RSS), peak
		s.settle(ctx)
		rested, _ := s.usage()
		o.Server["after"] = float64(rested.RSS)
	}
	if ctx.Err() != nil || topicless != nil {
		return o, nil
	}
	return o, s.reach(ctx, o, topics, want)
}

func (o *Outcome) addStorm(r stormResult) {
	for name, n := range map[string]int{"cut": r.Cut, "back": r.Back, "away": r.Cut - r.Back, "lost": r.Lost} {
		o.Sums[name] += float64(n)
	}
	o.Sums["failed"] += 0
	for _, cause := range slices.Sorted(maps.Keys(r.Failed)) {
		o.Sums["failed"] += float64(r.Failed[cause])
		o.Sums["failed: "+cause] += float64(r.Failed[cause])
	}
	o.record("returned", r.Returned)
	o.record("settled", r.Settled)
}

// reach pushes to every topic once and counts who does not get it, of as many
// clients of each worker as are wanted.
func (s *session) reach(ctx context.Context, o *Outcome, topics everyTopic, want []int64) error {
	s.progress.phase("storm: push to all", 0)
	watch := same(watchWith{From: s.pushed + 1})
	if _, err := ask[struct{}](context.WithoutCancel(ctx), s.crew, "watch", watch); err != nil {
		return err
	}
	pushed, err := s.pushRounds(ctx, topics, 1, 0, s.opts.Size)
	if err != nil {
		return err
	}
	o.Sums["refused"] += 0
	for _, r := range pushed {
		o.Sums["pushes"] += float64(r.OK)
		o.Sums["refused"] += float64(r.Failed)
	}
	results, err := ask[receiptsSummary](ctx, s.crew, "await", func(i int) any {
		return awaitWith{Total: want[i], Timeout: fanOutTimeout}
	})
	if err != nil || ctx.Err() != nil {
		return err
	}
	for _, r := range results {
		o.Sums["unreached"] += float64(r.Missing)
	}
	return nil
}
