package bench

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"outrider/bench/internal/fleet"
)

// slowWith says who is going to be slow: so many percent of the clients.
type slowWith struct {
	Slow    float64 `json:"slow"`
	Stuck   float64 `json:"stuck"`
	Targets int     `json:"targets"`
}

// slowCounts is how many clients of a worker there are of each sort. Of the
// quick ones those count that have a topic.
type slowCounts struct {
	Quick []int64 `json:"quick"` // by target
	Slow  int     `json:"slow"`
	Stuck int     `json:"stuck"`
}

// slowResult is what came of one part.
type slowResult struct {
	Total       int64      `json:"total"`    // messages to the quick ones
	Messages    uint64     `json:"messages"` // ... and to all
	Due         *Histogram `json:"due"`
	QuickClosed int        `json:"quick_closed"`
	SlowClosed  *Histogram `json:"slow_closed"` // after the first push
	StuckClosed *Histogram `json:"stuck_closed"`
}

func slowCommands() map[string]command {
	return map[string]command{
		"slow-begin": does(beginSlow),
		"slow-brake": does(brake),
		"slow-watch": does(watchQuick),
		"slow-await": does(awaitQuick),
		"slow-end":   does(endSlow),
	}
}

// What a slow client reads at a time, and how often; and what its socket is
// like, so that the kernels do not read for it: 8 KB on its own side, and what
// they would take for it on Ethernet on the server's.
const (
	slowBytes   = 1 << 10
	slowEvery   = time.Second
	slowBuffer  = 4 << 10
	slowSegment = 1460
)

// dialApart is how long after a client the next one of its worker is dialled,
// so that those who are to be slow do not come all at once.
const dialApart = 100 * time.Microsecond

// manner is how a client reads.
type manner uint8

const (
	other manner = iota // it is not connected, or gets no pushes
	quick
	slowly
	never
)

// readers is the worker's part of the scenario. It belongs to the fleet's
// goroutine.
type readers struct {
	unmoved
	fleet   *fleet.Fleet
	manners []manner
	braked  bool  // who is slow is slow now
	begun   int64 // when they were pushed to first; 0: not yet

	from    uint64 // the first push that counts
	earlier uint64 // messages before it
	result  slowResult
	want    int64
	reached chan struct{} // closed when so many have come; nil: nobody waits

	moving int           // slow clients that are on their way
	moved  chan struct{} // closed when none is
}

// mannerOf chooses evenly, the same in every run.
func (with slowWith) mannerOf(number uint64) manner {
	const parts = 1_000_000
	switch at := float64(scatter(number)%parts) * 100 / parts; {
	case at < with.Slow:
		return slowly
	case at < with.Slow+with.Stuck:
		return never
	}
	return quick
}

func beginSlow(_ context.Context, w *worker, with slowWith) (any, error) {
	n := slowCounts{Quick: make([]int64, with.Targets)}
	err := w.onLoop(func() {
		r := &readers{fleet: w.fleet, manners: make([]manner, w.fleet.Clients())}
		for i := range r.manners {
			if !w.fleet.Ready(i) {
				continue
			}
			number := w.first + uint64(i)
			switch m := with.mannerOf(number); {
			case m == slowly:
				n.Slow++
				r.manners[i] = m
			case m == never:
				n.Stuck++
				r.manners[i] = m
			case w.fleet.Profile(i).Kind.Topical():
				n.Quick[number%uint64(with.Targets)]++
				r.manners[i] = m
			}
		}
		w.also = r
		w.socket = r.socket
	})
	return n, err
}

var errNotBegun = errors.New("nobody was chosen to be slow")

// withReaders runs fn on the fleet's goroutine.
func (w *worker) withReaders(fn func(r *readers)) error {
	var failed error
	return errors.Join(w.onLoop(func() {
		if r, ok := w.also.(*readers); ok {
			fn(r)
		} else {
			failed = errNotBegun
		}
	}), failed)
}

// socket is what a client's next socket is like.
func (r *readers) socket(client int) fleet.SocketOptions {
	if r.braked && r.manners[client] >= slowly {
		return fleet.SocketOptions{ReceiveBuffer: slowBuffer, MaxSegment: slowSegment}
	}
	return fleet.SocketOptions{}
}

// brake connects those anew that are to be slow, with small buffers, and lets
// them read slowly from then on.
func brake(ctx context.Context, w *worker, _ struct{}) (any, error) {
	return struct{}{}, w.move(ctx, true)
}

// endSlow connects them as they were.
func endSlow(ctx context.Context, w *worker, _ struct{}) (any, error) {
	err := w.move(ctx, false)
	return struct{}{}, errors.Join(err, w.withReaders(func(*readers) {
		w.also = unmoved{}
		w.socket = nil
	}))
}

func (w *worker) move(ctx context.Context, braked bool) error {
	moved := make(chan struct{})
	if err := w.withReaders(func(r *readers) { r.braked, r.moved, r.begun = braked, moved, 0; r.redial() }); err != nil {
		return err
	}
	select {
	case <-moved: // each dial ends in time
	case <-ctx.Done():
	}
	return nil
}

// redial closes the slow clients and dials them, some in each tick.
func (r *readers) redial() {
	for i, m := range r.manners {
		if m < slowly {
			continue
		}
		if r.fleet.Ready(i) {
			r.fleet.Close(i) // Closed dials
		} else {
			r.dial(i)
		}
		r.moving++
	}
	r.arrive(0)
}

func (r *readers) dial(client int) {
	r.fleet.DialAt(client, r.fleet.Now()+int64(client)*int64(dialApart))
}

// arrive counts those that are not on their way any more.
func (r *readers) arrive(n int) {
	if r.moved == nil {
		return
	}
	if r.moving -= n; r.moving == 0 {
		close(r.moved)
		r.moved = nil
	}
}

// Ready implements fleet.Observer.
func (r *readers) Ready(client int, _ int64) {
	m := r.manners[client]
	if m < slowly {
		return
	}
	switch {
	case r.braked && m == slowly:
		r.fleet.Throttle(client, slowBytes, slowEvery)
	case r.braked:
		r.fleet.Throttle(client, 0, slowEvery)
	}
	r.arrive(1)
}

// Closed implements fleet.Observer.
func (r *readers) Closed(client int, cause fleet.Cause, ready bool) {
	m, after := r.manners[client], r.fleet.Clock().Now()-r.begun
	switch {
	case m >= slowly && cause == fleet.CauseLocal && r.moved != nil:
		r.dial(client)
	case m >= slowly && !ready:
		r.arrive(1)
	case m == quick:
		r.result.QuickClosed++
	case m == slowly && r.result.SlowClosed != nil:
		r.result.SlowClosed.Record(after)
	case m == never && r.result.StuckClosed != nil:
		r.result.StuckClosed.Record(after)
	}
}

// Message implements fleet.Observer.
func (r *readers) Message(client int, text []byte, at int64) {
	if r.manners[client] != quick {
		return
	}
	s, ok := parseStamp(text)
	if !ok || s.number < r.from || r.result.Due == nil {
		return
	}
	r.result.Total++
	r.result.Due.Record(at - s.due)
	r.check()
}

func (r *readers) check() {
	if r.reached != nil && r.result.Total >= r.want {
		close(r.reached)
		r.reached = nil
	}
}

// watchQuick begins a new count.
func watchQuick(_ context.Context, w *worker, with watchWith) (any, error) {
	return struct{}{}, w.withReaders(func(r *readers) {
		if r.begun == 0 {
			r.begun = r.fleet.Clock().Now()
		}
		r.from, r.earlier = with.From, r.fleet.Stats().Messages
		r.result = slowResult{Due: NewHistogram(), SlowClosed: NewHistogram(), StuckClosed: NewHistogram()}
	})
}

// awaitQuick waits until the quick clients have what they are to get, for as
// long as the request says, and returns the counts.
func awaitQuick(ctx context.Context, w *worker, with awaitWith) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, with.Timeout)
	defer cancel()
	reached := make(chan struct{})
	if err := w.withReaders(func(r *readers) { r.want, r.reached = with.Total, reached; r.check() }); err != nil {
		return nil, err
	}
	select {
	case <-reached:
	case <-ctx.Done():
	}
	var result json.RawMessage
	var failed error
	err := w.withReaders(func(r *readers) { // while nobody adds to it
		r.reached = nil
		r.result.Messages = r.fleet.Stats().Messages - r.earlier
		result, failed = json.Marshal(r.result)
	})
	return result, errors.Join(err, failed)
}
