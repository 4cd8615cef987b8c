package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"outrider/bench/internal/fleet"
	"outrider/bench/internal/ledger"
)

// cityScenario is a working day in minutes, with every push and every receipt
// on file.
func cityScenario() Scenario {
	return Scenario{
		Name:  "city",
		Short: "a working day in minutes, every push and receipt on a ledger: lost, duplicate, reordered, phantom",
		Ping:  5 * time.Second,
		Kinds: cityKinds(),
		run:   runCity,
		commands: map[string]command{
			"city":     does(enterCity),
			"city-end": does(leaveCity),
		},
		figures: func(f *figures) {
			f.sum("pushes", "pushes", Count).Bare = true
			f.rate("... a second", "pushes", "elapsed").Bare = true
			f.sum("... refused or unanswered", "refused", Count).Bare = true
			f.sum("... never sent", "unsent", Count).Bare = true
			f.sum("receipts", "receipts", Count).Bare = true
			f.sum("... that there had to be", "owed", Count).Bare = true
			for _, s := range ledger.Sorts() {
				f.none(s.String(), s.String())
			}
			f.sum("set_connects", "claims", Count).Bare = true
			f.none("... refused", "claims_refused")
			f.sum("connections", "connections", Count).Bare = true
			f.none("unexpected closes", "closes")
			f.sum("take-overs that had to be told", "logouts", Count).Bare = true
			f.quantile("latency of a push to one, p50", "due", .5)
			f.quantile("latency of a push to one, p99", "due", .99)
			f.quantile("answer, p50", "answers", .5)
			f.quantile("answer, p99", "answers", .99)
			f.per("CPU a push, churn included", "cpu", "pushes", Time)
			f.peak("server, at the start", "rss_start", Bytes).Bare = true
			f.peak("server, at the end", "rss_end", Bytes).Bare = true
		},
	}
}

// city is the scenario under way.
type city struct {
	*session
	plan    cityPlan
	outcome *Outcome
	dir     string
	towns   []town

	mu   sync.Mutex // of what the targets' pushers share
	book *ledger.Writer
	done int // pushes
}

func runCity(ctx context.Context, s *session) (*Outcome, error) {
	c := &city{session: s, outcome: newOutcome("city"), plan: cityPlan{
		Profiles: s.profiles, FirstUID: s.opts.FirstUID, Targets: uint64(len(s.targets)), Regions: uint64(s.opts.City.Regions),
	}}
	if len(s.targets) > ledger.MaxServers {
		return nil, misuse("city: %d targets, a ledger has room for %d", len(s.targets), ledger.MaxServers)
	}
	c.towns = c.plan.towns(s.share)
	for i := range c.towns {
		if _, ok := c.plan.errand(&c.towns[i], i, 0); !ok {
			return nil, misuse("city: nobody lives there: show only listens")
		}
	}
	if err := c.openLedger(); err != nil {
		return nil, err
	}
	keep, err := c.run(ctx)
	if !keep && s.opts.City.Ledger == "" {
		err = errors.Join(err, os.RemoveAll(c.dir))
	} else {
		c.outcome.Notes = append(c.outcome.Notes, "the ledger is in "+c.dir+"; outrider bench check says what is wrong in it")
	}
	return c.outcome, err
}

// openLedger makes a directory for this run's ledger, and the pushes' file.
func (c *city) openLedger() (err error) {
	if c.opts.City.Ledger != "" {
		if err := os.MkdirAll(c.opts.City.Ledger, 0o755); err != nil {
			return err
		}
	}
	if c.dir, err = os.MkdirTemp(c.opts.City.Ledger, "outrider-city-"); err != nil {
		return err
	}
	c.book, err = ledger.Create(c.dir, "pushes", c.opts.City.LedgerBytes)
	return err
}

// run lets the day pass, and reports whether the ledger is worth keeping.
func (c *city) run(ctx context.Context) (keep bool, err error) {
	s := c.session
	s.progress.phase("city: all take their places", 0)
	_, err = ask[struct{}](ctx, s.crew, "city", func(i int) any {
		return cityWith{
			Plan: c.plan, Dir: c.dir, Name: "clients-" + strconv.Itoa(i+1), Bytes: c.opts.City.LedgerBytes,
			Every: c.opts.City.Every,
		}
	})
	if err != nil {
		return false, errors.Join(err, c.book.Close(0, 0))
	}
	s.settle(ctx)
	before, known := s.usage()
	results, pushErr := c.pushAll(ctx)
	after, _ := s.usage()
	for _, r := range results {
		c.outcome.Sums["pushes"] += float64(r.OK)
		c.outcome.Sums["refused"] += float64(r.Failed)
		c.outcome.Sums["unsent"] += float64(r.Unsent)
		c.outcome.Peaks["elapsed"] = max(c.outcome.Peaks["elapsed"], float64(r.Elapsed))
		c.outcome.record("answers", r.Answers)
	}
	if known {
		c.outcome.Server["cpu"] = float64(after.CPU - before.CPU)
		c.outcome.Peaks["rss_start"], c.outcome.Peaks["rss_end"] = float64(before.RSS), float64(after.RSS)
	}
	s.progress.phase("city: the last deliveries", 0)
	_ = sleep(ctx, ledger.Delivery+tellLate)
	err = errors.Join(pushErr, c.end(ctx))
	if err != nil {
		return false, err
	}
	s.progress.phase("city: the ledger is checked", 0)
	return c.check()
}

// tellLate is added to the time for the last deliveries, so that the last
// pushes are owed.
const tellLate = 200 * time.Millisecond

// pushAll makes the day's pushes at all targets.
func (c *city) pushAll(ctx context.Context) ([]pushResult, error) {
	n := len(c.targets)
	job := pushJob{
		Rate: c.opts.City.Orders * orderPushes / float64(n),
		For:  c.opts.City.For, Count: maxPushes,
	}
	size := (&schedule{job: job}).count()
	c.progress.phase("city", n*size)
	c.pushed = max(c.pushed, c.plan.firstPush())
	return c.pushEach(ctx, func(i int, api *pushAPI) pushJob {
		job := job
		job.First = c.numbers(size)
		job.Append = func(dst []byte, st stamp) []byte {
			to, _ := c.plan.errand(&c.towns[i], i, st.number)
			return api.push(dst, to, st)
		}
		job.Done = func(st stamp, a pushAnswer) { c.enter(i, st, a) }
		return job
	})
}

// enter puts a push on the ledger.
func (c *city) enter(target int, st stamp, a pushAnswer) {
	to, _ := c.plan.errand(&c.towns[target], target, st.number)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.book.Append(&ledger.Record{
		Event: ledger.Pushed, At: st.sent, Number: st.number, Addresses: []ledger.Address{to},
		Answer: ledger.Answer{
			At: a.At, Status: a.Status,
			Matched: countIn(a.Body, `"matched":`), Written: countIn(a.Body, `"written":`),
		},
	})
	if c.done++; c.done%orderPushes == 0 {
		c.progress.step(c.done)
	}
}

// countIn returns the number behind a key, -1 if there is none.
func countIn(object []byte, key string) int {
	_, rest, ok := bytes.Cut(object, []byte(key))
	if !ok {
		return -1
	}
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(string(rest[:end]), 10, 31)
	if err != nil {
		return -1
	}
	return int(n)
}

// end has all files complete, and the clients as they were.
func (c *city) end(ctx context.Context) error {
	with := cityEndWith{Restore: ctx.Err() == nil}
	results, err := ask[cityResult](context.WithoutCancel(ctx), c.crew, "city-end", same(with))
	c.outcome.Sums["closes"], c.outcome.Sums["claims_refused"] = 0, 0
	ended := int64(0)
	for _, r := range results {
		c.outcome.record("due", r.Due)
		c.outcome.Sums["claims_refused"] += float64(r.Refused)
		for cause, n := range r.Closes {
			c.outcome.Sums["closes"] += float64(n)
			c.outcome.Sums["closes: "+cause.String()] += float64(n)
		}
		for name, n := range r.Acts {
			c.outcome.Sums["acts: "+name] += float64(n)
		}
		ended = max(ended, r.Ended)
	}
	if err := errors.Join(err, c.book.Close(ended, 0)); err != nil {
		return fmt.Errorf("the ledger in %s is not complete: %w", c.dir, err)
	}
	return nil
}

// check says what is wrong in the ledger.
func (c *city) check() (keep bool, err error) {
	r, err := ledger.Check(c.dir)
	if err != nil {
		return true, err
	}
	for name, n := range map[string]int{
		"receipts": r.Receipts, "owed": r.Owed, "claims": r.Claims,
		"connections": r.Connections, "logouts": r.Logouts, "foreign": r.Foreign,
	} {
		c.outcome.Sums[name] = float64(n)
	}
	for s, n := range r.Counts {
		c.outcome.Sums[ledger.Sort(s).String()] = float64(n)
	}
	return r.Wrong() > 0, nil
}

// cityWith lets a worker's clients into the city.
type cityWith struct {
	Plan  cityPlan      `json:"plan"`
	Dir   string        `json:"dir"`
	Name  string        `json:"name"`
	Bytes int64         `json:"bytes"` // of its part of the ledger, at most
	Every time.Duration `json:"every"` // a client does something so often
}

// cityEndWith ends the day.
type cityEndWith struct {
	// Restore gives all clients their own user and topic again.
	Restore bool `json:"restore"`
}

type cityResult struct {
	Due     *Histogram             `json:"due"` // of pushes to one, from when they were due
	Closes  map[fleet.Cause]uint64 `json:"closes"`
	Refused uint64                 `json:"refused"` // set_connects
	Acts    map[string]uint64      `json:"acts"`
	Ended   int64                  `json:"ended"` // when the worker's part of the ledger did
}

func enterCity(ctx context.Context, w *worker, with cityWith) (any, error) {
	book, err := ledger.Create(with.Dir, with.Name, with.Bytes)
	if err != nil {
		return nil, err
	}
	var c *citizens
	if err := w.onLoop(func() {
		c = newCitizens(w, with, book)
		w.also = c
		c.takePlaces(c.enter)
	}); err != nil {
		return nil, err
	}
	select {
	case <-c.placed:
	case <-ctx.Done():
	}
	return struct{}{}, w.onLoop(c.begin)
}

// placesTimeout is how long clients may take to become themselves again.
const placesTimeout = 20 * time.Second

func leaveCity(ctx context.Context, w *worker, with cityEndWith) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, placesTimeout)
	defer cancel()
	var c *citizens
	var result json.RawMessage
	var failed error
	err := w.onLoop(func() {
		var ok bool
		if c, ok = w.also.(*citizens); !ok {
			failed = errors.New("the clients are in no city")
			return
		}
		if failed = c.end(); failed != nil {
			return
		}
		result, failed = json.Marshal(c.result)
		if with.Restore {
			c.takePlaces(c.leave)
		}
	})
	if err := errors.Join(err, failed); err != nil || !with.Restore {
		return result, err
	}
	select {
	case <-c.placed:
	case <-ctx.Done():
	}
	return result, w.onLoop(func() { w.also = unmoved{} })
}
