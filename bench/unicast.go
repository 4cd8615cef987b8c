package bench

import (
	"context"
	"sync"
	"time"
)

// unicastScenario pushes to single users, first on a schedule and then as fast
// as answers come.
func unicastScenario() Scenario {
	return Scenario{
		Name:  "unicast",
		Short: "push to users: latency at a rate, then flat out; CPU a push",
		Ping:  quiet,
		run:   runUnicast,
		figures: func(f *figures) {
			f.sum("pushes at the rate", "pushes", Count).Bare = true
			f.rate("... a second", "pushes", "elapsed").Bare = true
			f.sum("... refused or unanswered", "refused", Count).Bare = true
			f.sum("... never sent", "unsent", Count).Bare = true
			f.sum("... lost", "lost", Count).Bare = true
			f.quantile("latency, p50", "due", .5).AtMost = 1.2
			f.quantile("latency, p99", "due", .99).AtMost = 1.2
			f.quantile("latency, p99.9", "due", .999)
			f.quantile("latency from the write, p99", "sent", .99)
			f.quantile("answer, p50", "answers", .5)
			f.quantile("answer, p99", "answers", .99)
			f.per("CPU a push at the rate", "cpu", "pushes", Time).AtMost = 1.6
			f.sum("pushes flat out", "flat_pushes", Count).Bare = true
			f.rate("flat out: pushes a second", "flat_pushes", "flat_elapsed")
			f.sum("flat out: refused or unanswered", "flat_refused", Count).Bare = true
			f.sum("flat out: lost", "flat_lost", Count).Bare = true
			f.quantile("flat out: latency, p50", "flat_due", .5)
			f.quantile("flat out: latency, p99", "flat_due", .99)
			f.per("flat out: CPU a push", "flat_cpu", "flat_pushes", Time).AtMost = 1.6
		},
	}
}

// unicastTimeout is how long the last receipts may take.
const unicastTimeout = 5 * time.Second

// unicast is one half of the scenario.
type unicast struct {
	*session
	outcome *Outcome
	prefix  string  // of the quantities' names
	job     pushJob // of all targets together

	mu   sync.Mutex
	want []int64 // receipts that a worker's clients should get
}

func runUnicast(ctx context.Context, s *session) (*Outcome, error) {
	if !s.profiles.known() {
		return nil, misuse("unicast: there are kinds that are not known by uid")
	}
	o := newOutcome("unicast")
	rate := &unicast{session: s, outcome: o, job: pushJob{
		Rate: s.opts.PushRate, For: s.opts.PushFor, Count: maxPushes,
	}}
	s.progress.phase("unicast", int(s.opts.PushRate*s.opts.PushFor.Seconds()))
	if err := rate.run(ctx); err != nil || ctx.Err() != nil || s.opts.FlatOut == 0 {
		return o, err
	}
	flat := &unicast{session: s, outcome: o, prefix: "flat_", job: pushJob{Count: s.opts.FlatOut}}
	s.progress.phase("unicast, flat out", s.opts.FlatOut)
	return o, flat.run(ctx)
}

// known reports whether all clients are known by uid.
func (p profiles) known() bool {
	for _, share := range p.Kind {
		if share.Weight > 0 && (share.Name == "table" || share.Name == "show") {
			return false
		}
	}
	return true
}

func (u *unicast) run(ctx context.Context) error {
	u.settle(ctx)
	u.want = make([]int64, len(u.share))
	if _, err := ask[struct{}](context.WithoutCancel(ctx), u.crew, "watch", same(watchWith{From: u.pushed + 1})); err != nil {
		return err
	}
	before, known := u.usage()
	results, err := u.pushAll(ctx)
	after, _ := u.usage()
	if err != nil {
		return err
	}
	for _, r := range results {
		u.outcome.Sums[u.prefix+"pushes"] += float64(r.OK)
		u.outcome.Sums[u.prefix+"refused"] += float64(r.Failed)
		u.outcome.Sums[u.prefix+"unsent"] += float64(r.Unsent)
		u.outcome.Peaks[u.prefix+"elapsed"] = max(u.outcome.Peaks[u.prefix+"elapsed"], float64(r.Elapsed))
		u.outcome.record(u.prefix+"answers", r.Answers)
	}
	if known {
		u.outcome.Server[u.prefix+"cpu"] = float64(after.CPU - before.CPU)
	}
	return u.collect(ctx)
}

// pushAll runs a pusher for each target: it makes the pushes to the clients
// that are connected there, which are every so-many-th.
func (u *unicast) pushAll(ctx context.Context) ([]pushResult, error) {
	n := len(u.targets)
	job := u.job
	job.Rate /= float64(n)
	job.Count = (job.Count + n - 1) / n
	size := job.Count
	if job.Rate > 0 {
		s := schedule{job: job}
		size = s.count()
	}
	return u.pushEach(ctx, func(i int, api *pushAPI) pushJob {
		job := job
		job.First = u.numbers(size)
		job.Append = func(dst []byte, st stamp) []byte {
			user := u.user(i, st.number)
			u.expect(user)
			return api.device(dst, u.profiles.of(user).Kind, user, st)
		}
		return job
	})
}

// user is whom a push is for: spread evenly, the same in every run, among the
// clients of a target.
func (u *unicast) user(target int, number uint64) uint64 {
	n, first := uint64(u.opts.Clients), u.opts.FirstUID
	targets := uint64(len(u.targets))
	// The first client of the target, and how many it has.
	offset := (uint64(target) + targets - first%targets) % targets
	if offset >= n {
		offset = 0 // fewer clients than targets
	}
	count := (n - offset + targets - 1) / targets
	return first + offset + scatter(number)%count*targets
}

func (u *unicast) expect(user uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.want[u.worker(user)]++
}

// collect waits for the last receipts and takes the workers' counts.
func (u *unicast) collect(ctx context.Context) error {
	_, err := ask[receiptsSummary](ctx, u.crew, "await", func(i int) any {
		return awaitWith{Total: u.want[i], Timeout: unicastTimeout}
	})
	if err != nil {
		return err
	}
	results, err := ask[receiptsResult](context.WithoutCancel(ctx), u.crew, "receipts", nothing)
	for _, r := range results {
		u.outcome.Sums[u.prefix+"messages"] += float64(r.Total)
		u.outcome.record(u.prefix+"due", r.Due)
		u.outcome.record(u.prefix+"sent", r.Sent)
	}
	lost := u.outcome.Sums[u.prefix+"pushes"] - u.outcome.Sums[u.prefix+"messages"]
	u.outcome.Sums[u.prefix+"lost"] = max(0, lost)
	u.outcome.Sums[u.prefix+"surplus"] = max(0, -lost) // of pushes whose answer was not seen
	return err
}
