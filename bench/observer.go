package bench

import (
	"time"

	"outrider/bench/internal/fleet"
)

// The worker is its fleet's observer: it hands what it is told to the part
// that counts it, and to the scenario's own observer.

// Opened implements fleet.Observer.
func (w *worker) Opened(client int, took int64) {
	if w.ramp != nil {
		w.ramp.open(client, took, w.fleet.Clock().Now())
	}
	w.also.Opened(client, took)
}

// Ready implements fleet.Observer.
func (w *worker) Ready(client int, took int64) {
	if w.ramp != nil {
		w.ramp.settle(client, took, w.fleet.Clock().Now())
	}
	w.also.Ready(client, took)
}

// Acked implements fleet.Observer.
func (w *worker) Acked(client int, ok bool) { w.also.Acked(client, ok) }

// LoggedOut implements fleet.Observer.
func (w *worker) LoggedOut(client int) { w.also.LoggedOut(client) }

// Message implements fleet.Observer.
func (w *worker) Message(client int, text []byte, at int64) {
	w.receipts.take(text, at)
	w.also.Message(client, text, at)
}

// Event implements fleet.Observer.
func (w *worker) Event(client int, name, text []byte, at int64) {
	w.also.Event(client, name, text, at)
}

// Closed implements fleet.Observer.
func (w *worker) Closed(client int, cause fleet.Cause, ready bool) {
	if w.ramp != nil && !ready {
		w.ramp.fail(cause)
	}
	w.checkDropped()
	w.also.Closed(client, cause, ready)
}

// Turn implements fleet.Observer.
func (w *worker) Turn(now int64) time.Duration {
	w.tell(now)
	wait := w.also.Turn(now)
	if w.ramp == nil {
		return wait
	}
	if d := w.ramp.turn(w.fleet, now); d >= 0 && (wait < 0 || d < wait) {
		wait = d
	}
	return wait
}

// tellEvery is how often counts are sent while they change.
const tellEvery = int64(200 * time.Millisecond)

// tell sends the counts, if they have changed.
func (w *worker) tell(now int64) {
	if now-w.told < tellEvery {
		return
	}
	w.told = now
	if c := countsOf(w.fleet.Stats()); c != w.counts {
		w.counts = c
		w.answer(0, answer{Counts: &c})
	}
}

func countsOf(s fleet.Stats) Counts {
	c := Counts{Ready: s.ReadyNow, Dialing: s.DialedNow, Heartbeats: s.Heartbeats, Messages: s.Messages}
	for cause, n := range s.Failed {
		if fleet.Cause(cause) != fleet.CauseLocal {
			c.Failed += n
		}
	}
	for cause, n := range s.Lost {
		if fleet.Cause(cause) != fleet.CauseLocal {
			c.Lost += n
		}
	}
	return c
}

// unmoved is an observer that does nothing, to be embedded by those that care
// for a part.
type unmoved struct{}

func (unmoved) Opened(int, int64)                {}
func (unmoved) Ready(int, int64)                 {}
func (unmoved) Acked(int, bool)                  {}
func (unmoved) LoggedOut(int)                    {}
func (unmoved) Message(int, []byte, int64)       {}
func (unmoved) Event(int, []byte, []byte, int64) {}
func (unmoved) Closed(int, fleet.Cause, bool)    {}
func (unmoved) Turn(int64) time.Duration         { return -1 }
