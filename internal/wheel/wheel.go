// Package wheel is a coarse timer wheel for one event loop.
//
// A runtime timer per connection costs a heap entry, a lock and an object
// that the garbage collector walks; the wheel costs eight bytes in a slice of
// plain integers. It pays with three properties that its users must know:
//
//   - Entries are tokens, and cannot be taken back. The owner of a token keeps
//     its own deadline and looks at it when the token fires: a deadline that
//     moved on is added again, an owner that is gone is passed over.
//   - An entry never fires before its time, except one that lies beyond the
//     wheel's horizon: that one fires at the horizon.
//   - An entry fires up to one tick late.
//
// So a heartbeat that moves its deadline with every pong touches the wheel
// only when the old deadline comes round. [Deadline] is that owner's part.
package wheel

import "time"

// Slots is the number of ticks until the horizon.
const Slots = 512

// Wheel holds the tokens. It is owned by one goroutine.
// Times are nanoseconds on whatever clock the owner uses.
type Wheel struct {
	tick  int64
	next  int64 // the tick that fires next
	count int
	slots [Slots][]uint64
	spare []uint64 // the array of the slot that fired last, for the next one
}

// New returns an empty wheel that has reached the time now.
// A tick that is not positive means 100 ms.
func New(tick time.Duration, now int64) *Wheel {
	if tick <= 0 {
		tick = 100 * time.Millisecond
	}
	w := &Wheel{tick: int64(tick)}
	w.next = now/w.tick + 1
	return w
}

// Add makes token fire at the first Advance at or after the time at, and
// returns the tick that this is: the next one for a time that has passed, the
// horizon for one beyond it.
func (w *Wheel) Add(token uint64, at int64) (tick int64) {
	n := (at + w.tick - 1) / w.tick
	n = min(max(n, w.next), w.next+Slots-1)
	s := &w.slots[n%Slots]
	if *s == nil && w.spare != nil {
		*s, w.spare = w.spare, nil
	}
	*s = append(*s, token)
	w.count++
	return n * w.tick
}

// Advance fires what is due at the time now. The callback may Add.
func (w *Wheel) Advance(now int64, fire func(token uint64)) {
	target := now / w.tick
	if target >= w.next+Slots {
		// Nothing lies behind the horizon, so one turn of the wheel fires all.
		w.next = target - Slots + 1
	}
	for w.next <= target {
		s := &w.slots[w.next%Slots]
		due := *s
		*s = nil
		w.next++ // before the callbacks: what they add is for later ticks
		w.count -= len(due)
		for _, token := range due {
			fire(token)
		}
		// Kept for the next slot that fills, unless a burst made it huge.
		if cap(due) <= 1<<16 && cap(due) > cap(w.spare) {
			w.spare = due[:0]
		}
	}
}

// Len returns the number of tokens that wait.
func (w *Wheel) Len() int { return w.count }

// Wait returns how long after now the next tick is, and false when nothing
// waits.
func (w *Wheel) Wait(now int64) (time.Duration, bool) {
	if w.count == 0 {
		return 0, false
	}
	return time.Duration(max(0, w.next*w.tick-now)), true
}

// Deadline is a time that moves, of an owner that has one token: it keeps at
// most one live entry in the wheel, however often it is set. It is owned by
// the wheel's goroutine. The zero value is no deadline.
type Deadline struct {
	at    int64 // 0: none
	entry int64 // the tick of the live entry; 0: there is none
}

// Set moves the deadline to the time at; 0 means none.
func (d *Deadline) Set(w *Wheel, token uint64, at int64) {
	d.at = at
	if at != 0 && (d.entry == 0 || at < d.entry) {
		// An entry at a later tick, if there is one, is dead from now on.
		d.entry = w.Add(token, at)
	}
}

// At returns the deadline, 0 if there is none.
func (d *Deadline) At() int64 { return d.at }

// Fired is called when the token fires, and reports whether the deadline has
// passed; there is none then until the next Set. Otherwise it sees to it that
// the token fires again.
func (d *Deadline) Fired(w *Wheel, token uint64, now int64) bool {
	if d.entry == 0 || d.entry > now {
		return false // a dead entry
	}
	d.entry = 0
	if d.at > now {
		d.entry = w.Add(token, d.at)
		return false
	}
	due := d.at != 0
	d.at = 0
	return due
}
