package bench

import (
	"context"
	"math"
	"time"

	"outrider/bench/internal/fleet"
)

// storm is the worker's part of the scenario: it cuts clients, and dials them
// when socket.io-client would. It belongs to the fleet's goroutine.
type storm struct {
	unmoved
	fleet   *fleet.Fleet
	first   uint64 // number of client 0
	start   int64
	clients []stormClient
	away    int // clients that are not back
	result  stormResult
	done    chan struct{} // closed when nobody is away
}

// stormClient is what is known of one client.
type stormClient struct {
	attempts uint8 // delays since it was last connected to the engine
	cut      bool  // it takes part
	back     bool
	returned bool // it was back once
}

func newStorm(f *fleet.Fleet, first uint64) *storm {
	return &storm{
		fleet: f, first: first, start: f.Clock().Now(), clients: make([]stormClient, f.Clients()), done: make(chan struct{}),
		result: stormResult{Failed: map[string]int{}, Returned: NewHistogram(), Settled: NewHistogram()},
	}
}

// weatherStorm cuts a worker's clients and waits until they are back, for as
// long as the request says.
func weatherStorm(ctx context.Context, w *worker, with stormWith) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, with.Within)
	defer cancel()
	var s *storm
	var timeout time.Duration
	if err := w.onLoop(func() {
		timeout = w.fleet.Timeout()
		w.fleet.SetTimeout(with.Timeout)
		s = newStorm(w.fleet, w.first)
		w.also = s
		s.cutAll(with.Cut)
	}); err != nil {
		return nil, err
	}
	select {
	case <-s.done:
	case <-ctx.Done():
	}
	err := w.onLoop(func() {
		s.end()
		w.also = unmoved{}
		w.fleet.SetTimeout(timeout)
	})
	return s.result, err
}

// cutAll cuts the clients that are connected. Their sockets are closed one
// after the other at the end of the turn.
func (s *storm) cutAll(how string) {
	for i := range s.clients {
		if !s.fleet.Ready(i) {
			continue
		}
		s.clients[i].cut = true
		s.result.Cut++
		if how == cutRST || how == cutBoth && s.result.Cut%2 == 0 {
			s.fleet.Abort(i)
		} else {
			s.fleet.Close(i)
		}
	}
	s.away = s.result.Cut
	s.check()
}

func (s *storm) check() {
	if s.away == 0 {
		close(s.done)
		s.away = -1 // once
	}
}

// Opened implements fleet.Observer. With the engine's session the client's
// back-off begins anew, whatever becomes of the session.
func (s *storm) Opened(client int, _ int64) { s.clients[client].attempts = 0 }

// Ready implements fleet.Observer.
func (s *storm) Ready(client int, took int64) {
	c := &s.clients[client]
	if !c.cut {
		return
	}
	c.back = true
	s.result.Settled.Record(took)
	if !c.returned {
		c.returned = true
		s.result.Returned.Record(s.fleet.Clock().Now() - s.start)
		s.away--
		s.check()
	}
}

// Closed implements fleet.Observer.
func (s *storm) Closed(client int, cause fleet.Cause, ready bool) {
	c := &s.clients[client]
	if !c.cut {
		return
	}
	switch {
	case c.back:
		c.back, c.attempts = false, 0
		s.result.Lost++
	case !ready:
		s.result.Failed[cause.String()]++
	}
	attempt := int(c.attempts)
	c.attempts = uint8(min(attempt+1, math.MaxUint8))
	delay := reconnectDelay(attempt, chance(s.first+uint64(client), attempt))
	s.fleet.DialAt(client, s.fleet.Clock().Now()+int64(delay))
}

// end counts who is back, and keeps the others from coming.
func (s *storm) end() {
	for i, c := range s.clients {
		switch {
		case !c.cut:
		case c.back:
			s.result.Back++
			if s.fleet.Profile(i).Kind.Topical() {
				s.result.Topical++
			}
		default:
			s.clients[i].cut = false
			s.fleet.Close(i)
		}
	}
}
