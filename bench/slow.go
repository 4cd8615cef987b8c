package bench

import (
	"context"
	"time"

	"github.com/spf13/pflag"
)

// slowScenario pushes to all, first while everybody reads and then while some
// read slowly and some not at all. The latter is two parts: at first the
// kernels take what slow clients do not read, and the server cannot know that
// they are slow; then it waits in the server.
func slowScenario() Scenario {
	return Scenario{
		Name:  "slow",
		Short: "push to all while some read slowly or not at all: the others' latency, the server's memory",
		Ping:  quiet,
		run:   runSlow,
		figures: func(f *figures) {
			f.sum("clients that read at once", "quick", Count).Bare = true
			f.sum("... 1 KB a second", "slow", Count).Bare = true
			f.sum("... nothing", "stuck", Count).Bare = true
			f.sum("pushes", "pushes", Count).Bare = true
			f.none("... refused or unanswered", "refused")
			f.none("... never sent", "unsent")
			f.quantile("all read: latency, p50", "alone", .5)
			f.quantile("all read: latency, p99", "alone", .99)
			f.quantile("kernels fill: latency, p50", "filling", .5)
			f.quantile("kernels fill: latency, p99", "filling", .99)
			f.quantile("beside slow ones: latency, p50", "beside", .5)
			f.quantile("beside slow ones: latency, p99", "beside", .99)
			f.slowdown("kernels fill: p99, of that when all read", "filling", "alone", .99).Bare = true
			f.slowdown("p50, of that when all read", "beside", "alone", .5).Bare = true
			f.slowdown("p99, of that when all read", "beside", "alone", .99).good(1.2)
			f.none("quick clients: messages lost", "unreached")
			f.none("quick clients: closed", "quick_closed")
			f.sum("1 KB a second: closed", "slow_closed", Count).Bare = true
			f.quantile("... after, p50", "slow_closed", .5).Bare = true
			f.quantile("... after, the last", "slow_closed", 1).Bare = true
			f.sum("nothing: closed", "stuck_closed", Count).Bare = true
			f.quantile("... after, p50", "stuck_closed", .5).Bare = true
			f.quantile("... after, the last", "stuck_closed", 1).Bare = true
			f.per("all read: CPU a message", "alone_cpu", "alone_messages", Time)
			f.server("server, before slow ones", "before").Bare = true
			f.server("server, at most", "peak").Bare = true
			f.server("server, afterwards", "after").Bare = true
			f.growth("at most, of before", "peak", "before").Bare = true
		},
		commands: slowCommands(),
	}
}

// SlowOptions are what slow can be told.
type SlowOptions struct {
	// Slow and Stuck are which share of the clients reads 1 KB a second and
	// nothing, in percent.
	Slow  float64 `json:"slow"`
	Stuck float64 `json:"stuck"`
	// Rate is how many messages a second everybody is sent, for the time For
	// while all read, and again while some do not once the kernels are full,
	// with data of Size bytes.
	Rate float64       `json:"rate"`
	For  time.Duration `json:"for"`
	Size int           `json:"size"`
}

// For a slow client the kernels take some 80 KB, see kernelTakes, and the
// gateway keeps 256 KiB: at 32 KB a second that is done in 11 seconds.
func defaultSlow() SlowOptions {
	return SlowOptions{Slow: 10, Stuck: 2, Rate: 4, For: 20 * time.Second, Size: 8 << 10}
}

func (o *SlowOptions) flags(f *pflag.FlagSet) {
	f.Float64Var(&o.Slow, "slow-share", o.Slow, "slow: percent of the clients that read 1 KB a second")
	f.Float64Var(&o.Stuck, "stuck-share", o.Stuck, "slow: percent of the clients that do not read at all")
	f.Float64Var(&o.Rate, "slow-rate", o.Rate, "slow: messages a second to everybody")
	f.DurationVar(&o.For, "slow-for", o.For, "slow: how long while all read, and again while some do not")
	f.IntVar(&o.Size, "slow-size", o.Size, "slow: bytes of a push's data")
}

func (o *SlowOptions) validate(topics int) error {
	switch {
	case !(o.Slow >= 0 && o.Stuck >= 0 && o.Slow+o.Stuck <= 100):
		return misuse("slow-share and stuck-share: must be percentages of 100 together, are %v and %v", o.Slow, o.Stuck)
	case !(o.Rate > 0 && o.Rate <= 1e5):
		return misuse("slow-rate: must be more than 0 and at most 100000, is %v", o.Rate)
	case o.For <= 0 || o.For > longestStorm:
		return misuse("slow-for: must be more than 0 and at most %v, is %v", longestStorm, o.For)
	case o.Rate*o.For.Seconds()*float64(topics) > maxPushes:
		return misuse("slow-rate for slow-for to all topics is more than %d pushes", maxPushes)
	case o.Size < 0 || o.Size > maxSize:
		return misuse("slow-size: must be from 0 to %d, is %d", maxSize, o.Size)
	}
	return nil
}

// kernelTakes is more than the two kernels take for a client that does not
// read: with the socket options of slow clients they were seen to take 73 KB,
// and some more while 1 KB a second is read.
const kernelTakes = 128 << 10

// rounds is how many messages everybody is sent in one part, and filling how
// many it takes until the kernels take no more.
func (o *SlowOptions) rounds() int  { return max(1, int(o.Rate*o.For.Seconds())) }
func (o *SlowOptions) filling() int { return min(o.rounds(), kernelTakes/max(o.Size, 1)+1) }

// slow is the scenario under way.
type slow struct {
	*session
	outcome *Outcome
	topics  everyTopic
	quick   [][]int64 // clients by worker and target
}

func runSlow(ctx context.Context, s *session) (*Outcome, error) {
	topics, err := s.everyTopic()
	if err != nil {
		return nil, err
	}
	r := &slow{session: s, outcome: newOutcome("slow"), topics: topics}
	if err := r.choose(ctx); err != nil {
		return nil, err
	}
	s.settle(ctx)
	s.progress.phase("slow: all read", 0)
	if err := r.part(ctx, "alone", s.opts.Slow.rounds()); err != nil || ctx.Err() != nil {
		return r.outcome, err
	}
	if err := r.besideSlow(ctx); err != nil || ctx.Err() != nil {
		return r.outcome, err
	}
	s.progress.phase("slow: all read again", 0)
	_, err = ask[struct{}](ctx, s.crew, "slow-end", nothing)
	return r.outcome, err
}

// choose lets the workers choose who is going to be slow.
func (r *slow) choose(ctx context.Context) error {
	with := slowWith{Slow: r.opts.Slow.Slow, Stuck: r.opts.Slow.Stuck, Targets: len(r.targets)}
	results, err := ask[slowCounts](context.WithoutCancel(ctx), r.crew, "slow-begin", same(with))
	for _, n := range results {
		r.quick = append(r.quick, n.Quick)
		for _, quick := range n.Quick {
			r.outcome.Sums["quick"] += float64(quick)
		}
		r.outcome.Sums["slow"] += float64(n.Slow)
		r.outcome.Sums["stuck"] += float64(n.Stuck)
	}
	return err
}

// besideSlow is what comes while some clients are slow.
func (r *slow) besideSlow(ctx context.Context) error {
	r.progress.phase("slow: the slow ones come again", 0)
	if _, err := ask[struct{}](ctx, r.crew, "slow-brake", nothing); err != nil || ctx.Err() != nil {
		return err
	}
	r.settle(ctx)
	before, known := r.usage()
	r.progress.phase("slow: the kernels fill", 0)
	memory := r.startPeak()
	err := r.part(ctx, "filling", r.opts.Slow.filling())
	if err == nil && ctx.Err() == nil {
		r.progress.phase("slow: some read slowly", 0)
		err = r.part(ctx, "beside", r.opts.Slow.rounds())
	}
	after, _ := r.usage()
	peak := memory.end(before, after)
	if known {
		r.outcome.Server["before"], r.outcome.Server["peak"] = float64(before.RSS), peak
		r.settle(ctx)
		rested, _ := r.usage()
		r.outcome.Server["after"] = float64(rested.RSS)
	}
	return err
}

// part pushes, and puts what the quick clients get into the outcome under a
// name.
func (r *slow) part(ctx context.Context, name string, rounds int) error {
	watch := same(watchWith{From: r.pushed + 1})
	if _, err := ask[struct{}](context.WithoutCancel(ctx), r.crew, "slow-watch", watch); err != nil {
		return err
	}
	before, known := r.usage()
	o := &r.opts.Slow
	pushed, err := r.pushRounds(ctx, r.topics, rounds, o.Rate, o.Size)
	if err != nil {
		return err
	}
	for _, p := range pushed {
		r.outcome.Sums["pushes"] += float64(p.OK)
		r.outcome.Sums["refused"] += float64(p.Failed)
		r.outcome.Sums["unsent"] += float64(p.Unsent)
	}
	want := make([]int64, len(r.quick))
	for i, quick := range r.quick {
		for target, n := range quick {
			want[i] += n * int64(pushed[target].OK) / int64(r.topics.round())
		}
	}
	results, err := ask[slowResult](ctx, r.crew, "slow-await", func(i int) any {
		return awaitWith{Total: want[i], Timeout: fanOutTimeout}
	})
	after, _ := r.usage()
	if err != nil {
		return err
	}
	if known {
		r.outcome.Server[name+"_cpu"] = float64(after.CPU - before.CPU)
	}
	r.add(name, results, want, ctx.Err() == nil)
	return nil
}

// add adds what the workers have counted up; of a part that was not complete
// it is not known what was lost.
func (r *slow) add(name string, results []slowResult, want []int64, complete bool) {
	sums := r.outcome.Sums
	for i, result := range results {
		sums[name+"_messages"] += float64(result.Messages)
		if complete {
			sums["unreached"] += float64(max(0, want[i]-result.Total))
		}
		r.outcome.record(name, result.Due)
		sums["quick_closed"] += float64(result.QuickClosed)
		if name == "alone" {
			continue
		}
		for who, closed := range map[string]*Histogram{"slow_closed": result.SlowClosed, "stuck_closed": result.StuckClosed} {
			sums[who] += float64(closed.Count())
			r.outcome.record(who, closed)
		}
	}
}
