package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"outrider/bench"
)

// broadcasts has one client send to all, itself included, again when the one
// before has reached everybody.
type broadcasts struct {
	*crowd
	began    time.Time
	sent     atomic.Int64    // since began
	arrivals []time.Duration // since sent, for each client
	missing  atomic.Int64
	all      chan struct{} // one is put in when nobody is missing
}

const warmUps = 3

// runBroadcast measures broadcasts, and before them the memory of all clients
// that have come and said nothing.
func runBroadcast(ctx context.Context, o *options, s *server) ([]figure, error) {
	few, err := gather(ctx, s.addr, min(200, o.audience)) // afterwards the program's own pages are there
	if err != nil {
		return nil, err
	}
	err = few.wait(o.settle)
	few.leave()
	if err != nil {
		return nil, err
	}
	empty, err := s.usage()
	if err != nil {
		return nil, err
	}
	crowd, err := gather(ctx, s.addr, o.audience)
	if err != nil {
		return nil, err
	}
	defer crowd.leave()
	if err := crowd.wait(o.settle); err != nil {
		return nil, err
	}
	full, err := s.usage()
	if err != nil {
		return nil, err
	}
	figures, err := measureBroadcasts(crowd, o, s)
	memory := float64(full.RSS-empty.RSS) / float64(o.audience)
	return append(figures, figure{"memory an idle client", memory, size}), err
}

func measureBroadcasts(crowd *crowd, o *options, s *server) ([]figure, error) {
	b := &broadcasts{crowd: crowd, began: time.Now(), arrivals: make([]time.Duration, len(crowd.clients)), all: make(chan struct{}, 1)}
	var receivers sync.WaitGroup
	for i, c := range crowd.clients {
		receivers.Go(func() { crowd.check(b.receive(c, i)) })
	}
	defer receivers.Wait()
	defer crowd.leave()

	for range warmUps {
		if err := b.send(); err != nil {
			return nil, err
		}
	}
	before, err := s.usage()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	arrivals, last := bench.NewHistogram(), bench.NewHistogram()
	for range o.broadcasts {
		if err := b.send(); err != nil {
			return nil, err
		}
		var latest time.Duration
		for _, arrival := range b.arrivals {
			arrivals.Record(int64(arrival))
			latest = max(latest, arrival)
		}
		last.Record(int64(latest))
	}
	elapsed := time.Since(began)
	after, err := s.usage()
	if err != nil {
		return nil, err
	}
	return []figure{
		{"messages a second", float64(arrivals.Count()) / elapsed.Seconds(), count},
		{"arrival p50", float64(arrivals.Quantile(.5)), duration},
		{"arrival p99", float64(arrivals.Quantile(.99)), duration},
		{"last arrival, median", float64(last.Quantile(.5)), duration},
		{"server CPU a message", float64(after.CPU-before.CPU) / float64(arrivals.Count()), duration},
	}, nil
}

var (
	broadcast = `42["broadcast","` + text + `"]`
	shout     = frame(ws.OpText, []byte(broadcast))
)

// send sends one event and waits until everybody has it.
func (b *broadcasts) send() error {
	b.missing.Store(int64(len(b.clients)))
	b.sent.Store(int64(time.Since(b.began)))
	if _, err := b.clients[0].conn.Write(shout); err != nil {
		return err
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-b.all:
		return nil
	case <-b.ctx.Done():
		return b.cause()
	case <-timer.C:
		return fmt.Errorf("broadcast: %d of %d clients have not got it after %v", b.missing.Load(), len(b.clients), patience)
	}
}

// receive is one client.
func (b *broadcasts) receive(c *client, i int) error {
	for {
		if err := c.expect(ws.OpText, broadcast); err != nil {
			return err
		}
		b.arrivals[i] = time.Since(b.began) - time.Duration(b.sent.Load())
		if b.missing.Add(-1) == 0 {
			b.all <- struct{}{}
		}
	}
}
