package bench

import (
	"time"

	"outrider/bench/internal/fleet"
)

// ramp dials clients one after the other, as fast as a rate or a number under
// way allows. It belongs to the fleet's goroutine.
type ramp struct {
	with    connectWith
	start   int64
	next    int // client to be dialled next
	waiting int // clients that are neither ready nor failed
	opened  *Histogram
	settled *Histogram
	ready   int
	failed  map[fleet.Cause]uint64
	done    chan struct{} // closed when none is left
	over    bool
}

func newRamp(with connectWith, now int64) *ramp {
	return &ramp{
		with: with, start: now, next: with.From,
		opened: NewHistogram(), settled: NewHistogram(), failed: map[fleet.Cause]uint64{},
		done: make(chan struct{}),
	}
}

// due is when a client is to be dialled, by the rate.
func (r *ramp) due(client int) int64 {
	return r.start + int64(float64(client-r.with.From)*float64(time.Second)/r.with.Rate)
}

// late is how long after it was due a client was dialled. With a rate the
// latency is counted from then: the schedule does not wait for the server.
func (r *ramp) late(client int, dialed int64) int64 {
	if r.with.Rate == 0 {
		return 0
	}
	return max(0, dialed-r.due(client))
}

// turn dials who is due and says for how long nobody is.
func (r *ramp) turn(f *fleet.Fleet, now int64) time.Duration {
	for !r.over && r.next < r.with.To && r.waiting < r.with.InFlight {
		if r.with.Rate > 0 {
			if wait := r.due(r.next) - now; wait > 0 {
				return time.Duration(wait)
			}
		}
		r.waiting++
		r.next++
		f.Dial(r.next - 1)
	}
	r.check()
	return -1
}

func (r *ramp) check() {
	if !r.over && r.waiting == 0 && r.next >= r.with.To {
		r.stop()
	}
}

func (r *ramp) stop() {
	if !r.over {
		r.over = true
		close(r.done)
	}
}

func (r *ramp) open(client int, took, now int64) {
	if !r.over {
		r.opened.Record(took + r.late(client, now-took))
	}
}

func (r *ramp) settle(client int, took, now int64) {
	if r.over {
		return
	}
	r.waiting--
	r.ready++
	r.settled.Record(took + r.late(client, now-took))
	r.check()
}

func (r *ramp) fail(cause fleet.Cause) {
	if r.over {
		return
	}
	r.waiting--
	r.failed[cause]++
	r.check()
}

func (r *ramp) result(now int64) connectResult {
	return connectResult{
		Ready: r.ready, Failed: r.failed, Elapsed: time.Duration(now - r.start),
		Opened: r.opened, Settled: r.settled,
	}
}
