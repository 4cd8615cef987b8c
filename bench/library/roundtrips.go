package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"outrider/bench"
)

// Phases of a run. What ends in the second one counts.
const (
	warming = iota
	measuring
	over
)

// roundTrips has clients repeat an operation.
type roundTrips struct {
	operation
	phase   atomic.Int32
	crowd   *crowd
	latency []*bench.Histogram // one for each client
	some    chan struct{}      // closed when there is something to count
	first   sync.Once
}

// runRoundTrips measures an operation on a server.
func runRoundTrips(ctx context.Context, o *options, s *server, op operation) ([]figure, error) {
	n := op.clients(o)
	crowd, err := gather(ctx, s.addr, n)
	if err != nil {
		return nil, err
	}
	defer crowd.leave()
	r := &roundTrips{operation: op, crowd: crowd, latency: make([]*bench.Histogram, n), some: make(chan struct{})}
	var clients sync.WaitGroup
	for i, c := range crowd.clients {
		r.latency[i] = bench.NewHistogram()
		clients.Go(func() { crowd.check(r.repeat(c, r.latency[i])) })
	}
	cpu, elapsed, err := r.measure(o, s)
	r.phase.Store(over)
	if err != nil {
		crowd.leave()
	}
	clients.Wait()
	if err != nil {
		return nil, err
	}
	if err := crowd.cause(); err != nil {
		return nil, err
	}

	latency := bench.NewHistogram()
	for _, h := range r.latency {
		latency.Merge(h)
	}
	return []figure{
		{"a second", float64(latency.Count()) / elapsed.Seconds(), count},
		{"p50", float64(latency.Quantile(.5)), duration},
		{"p99", float64(latency.Quantile(.99)), duration},
		{"server CPU each", float64(cpu) / float64(latency.Count()), duration},
		{"processors used", cpu.Seconds() / elapsed.Seconds(), plain},
	}, nil
}

// repeat is one client.
func (r *roundTrips) repeat(c *client, latency *bench.Histogram) error {
	for r.phase.Load() != over {
		sent := time.Now()
		if _, err := c.conn.Write(r.request); err != nil {
			return err
		}
		if err := r.answer(c); err != nil {
			return err
		}
		if r.phase.Load() == measuring {
			latency.Record(int64(time.Since(sent)))
			r.first.Do(func() { close(r.some) })
		}
	}
	return nil
}

// measure lets the clients warm up, and then work for as long as is measured.
func (r *roundTrips) measure(o *options, s *server) (cpu, elapsed time.Duration, err error) {
	if err := r.crowd.wait(o.warm); err != nil {
		return 0, 0, err
	}
	before, err := s.usage()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	r.phase.Store(measuring)
	if err := r.crowd.wait(o.measured); err != nil {
		return 0, 0, err
	}
	select {
	case <-r.some: // at once, but for a server that is slower than the time that is measured
	case <-r.crowd.ctx.Done():
		return 0, 0, r.crowd.cause()
	}
	elapsed = time.Since(began)
	r.phase.Store(over)
	after, err := s.usage()
	return after.CPU - before.CPU, elapsed, err
}
