package bench

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"outrider/bench/internal/fleet"
)

// session is a run against servers that are up, with clients: what scenarios
// work with. It is used by one goroutine.
type session struct {
	opts     *Options
	profiles profiles
	targets  []*target
	crew     *crew
	share    []share // of the clients, by worker
	progress *progress
	pushed   uint64 // pushes so far: the number of the next is one more
	connects *Outcome
}

// share is the clients of one worker: numbers from First on.
type share struct {
	first uint64
	n     int
}

// clientsPerSource is how many clients connect from one address, of whose
// 28,000 ports the last are slow to find.
const clientsPerSource = 4000

// openSession has servers up, started with that heartbeat where the harness
// starts them, and clients that are not connected.
func openSession(ctx context.Context, o *Options, ping time.Duration, p *progress) (*session, error) {
	s := &session{opts: o, profiles: profiles{o.EIO, o.Transport, o.Kind}, progress: p}
	if err := s.open(ctx, ping); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *session) open(ctx context.Context, ping time.Duration) (err error) {
	o := s.opts
	if s.targets, err = openTargets(ctx, o, ping); err != nil {
		return err
	}
	each, err := perWorker(s.profiles.files())
	if err != nil {
		return err
	}
	workers := max((o.Clients+each-1)/each, min(o.Workers, o.Clients))
	if s.crew, err = hire(o.Launch.Worker, o.Launch.Env, workers, s.progress.counts); err != nil {
		return err
	}
	first := o.FirstUID
	for i := range workers {
		n := o.Clients / workers
		if i < o.Clients%workers {
			n++
		}
		s.share = append(s.share, share{first, n})
		first += uint64(n)
	}
	return s.startClients(ctx)
}

// startClients makes clients, none of which is connected.
func (s *session) startClients(ctx context.Context) error {
	addrs := make([]netip.AddrPort, len(s.targets))
	sources := (s.opts.Clients/len(s.crew.workers) + clientsPerSource) / clientsPerSource
	for i, t := range s.targets {
		addrs[i] = t.clients
		if remote(t.clients) {
			sources = 0
		}
	}
	_, err := ask[statsResult](ctx, s.crew, "start", func(i int) any {
		// 127.0.0.2 and on; a block of 250 for each worker.
		source := netip.AddrFrom4([4]byte{127, 0, byte(i), 2})
		return startWith{
			Targets: addrs, Path: s.opts.Path, Clients: s.share[i].n, First: s.share[i].first,
			Profiles: s.profiles, Topics: s.opts.Topics, Timeout: s.opts.Timeout,
			Sources: sources, Source: source,
		}
	})
	return err
}

func (s *session) close() {
	if s.crew != nil {
		s.crew.dismiss()
	}
	closeTargets(s.targets)
}

// files is how many files a client has open, at most.
func (p profiles) files() int {
	n := 1
	for _, share := range p.Transport {
		switch {
		case share.Weight == 0:
		case share.Name == fleet.Polling.String():
			n = max(n, 2)
		case share.Name == fleet.Upgrade.String():
			n = 3
		}
	}
	return n
}

// worker returns which worker has the client with a number.
func (s *session) worker(number uint64) int {
	for i, part := range s.share {
		if number < part.first+uint64(part.n) {
			return i
		}
	}
	return len(s.share) - 1
}

// usage sums up what the servers have used; ok is false if that is not known
// of one of them.
func (s *session) usage() (sum usage, ok bool) {
	for _, t := range s.targets {
		if t.process.pid == 0 {
			return usage{}, false
		}
		u, err := t.process.usage()
		if err != nil {
			return usage{}, false
		}
		sum.CPU += u.CPU
		sum.RSS += u.RSS
		sum.Anon += u.Anon
		sum.Peak += u.Peak
	}
	return sum, true
}

// settle waits until the servers are idle, for a second at most: what was done
// before has left behind is no part of what comes next.
func (s *session) settle(ctx context.Context) {
	const step, rounds, idle = 100 * time.Millisecond, 10, 2 * time.Millisecond
	for _, t := range s.targets {
		if t.process.pid == os.Getpid() { // in a test; its own work does not stop
			return
		}
	}
	before, ok := s.usage()
	for range rounds {
		if sleep(ctx, step) != nil || !ok {
			return
		}
		now, _ := s.usage()
		if now.CPU-before.CPU < idle {
			return
		}
		before = now
	}
}

// sleep waits, or returns the context's error when it ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// warmClients is how many clients a server has had, and pushed to, before its
// memory counts as empty: its code is in memory then, and its pools exist.
const warmClients = 200

// warm lets a server do everything once, and leaves it without clients.
func (s *session) warm(ctx context.Context) error {
	s.progress.phase("warm-up", 0)
	with := connectWith{To: warmClients/len(s.crew.workers) + 1, InFlight: 16}
	results, err := ask[connectResult](ctx, s.crew, "connect", same(with))
	if err != nil {
		return err
	}
	ready := 0
	for _, r := range results {
		ready += r.Ready
	}
	if ready == 0 && ctx.Err() == nil {
		return fmt.Errorf("bench: no client could connect: %s", failures(results))
	}
	for i := range s.targets {
		if err := s.warmPushes(ctx, i); err != nil {
			return err
		}
	}
	if _, err := ask[struct{}](ctx, s.crew, "drop", nothing); err != nil {
		return err
	}
	s.settle(ctx)
	return ctx.Err()
}

// warmPushes makes some of each kind to one target.
func (s *session) warmPushes(ctx context.Context, i int) error {
	p, api, err := s.pusher(i, 1)
	if err != nil {
		return err
	}
	defer p.close()
	kind, _ := fleet.ParseKind(s.profiles.Kind[0].Name)
	job := pushJob{Count: 30, Append: func(dst []byte, st stamp) []byte {
		switch st.number % 3 {
		case 0:
			return api.topic(dst, fleet.Rider, 0, st)
		case 1:
			return api.client(dst, kind, st)
		}
		return api.device(dst, kind, s.opts.FirstUID, st)
	}}
	_, err = p.run(ctx, job)
	return err
}

// pusher opens connections to one target's push API.
func (s *session) pusher(target, conns int) (*pusher, *pushAPI, error) {
	addr := s.targets[target].push
	p, err := newPusher(addr, conns)
	if err != nil {
		return nil, nil, err
	}
	return p, &pushAPI{host: addr.String(), key: s.opts.APIKey, size: s.opts.Size}, nil
}

// numbers reserves the numbers of so many pushes and returns the first.
func (s *session) numbers(n int) uint64 {
	first := s.pushed + 1
	s.pushed += uint64(n)
	return first
}

// failures lists why clients could not connect.
func failures(results []connectResult) string {
	var sum connectResult
	sum.Failed = map[fleet.Cause]uint64{}
	for _, r := range results {
		for cause, n := range r.Failed {
			sum.Failed[cause] += n
		}
	}
	var text strings.Builder
	for cause := range fleet.Causes {
		if n := sum.Failed[cause]; n > 0 {
			text.WriteString(fmt.Sprintf(" %v %d", cause, n))
		}
	}
	if text.String() == "" {
		return "no answer"
	}
	return text.String()[1:]
}
