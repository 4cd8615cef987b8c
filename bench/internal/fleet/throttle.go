package fleet

import "time"

// pace is how a client reads that is throttled. Such clients are few: what is
// known of them is in a map, and costs the others nothing.
type pace struct {
	bytes int
	every int64
	next  int64 // when it reads again
}

// paceToken marks the wheel's entries for reading slowly, which a client has
// beside its deadline.
const paceToken = 1 << 63

// Throttle makes a client that is ready read at most so many bytes, 0 for none,
// and then not again for a while; until it is closed, or Resume.
//
// Each time it sends a pong that nobody asked for, as RFC 6455 §5.5.3 allows.
// Who does not read does not see that the server has hung up either: the end of
// the stream waits behind what was not read. A packet to a socket that is not
// there any more is answered with a reset, which shows. A client that polls has
// no such packet to send.
func (f *Fleet) Throttle(client, bytes int, every time.Duration) {
	if f.clients[client].state != ready {
		return
	}
	f.setPaused(client, true)
	p := pace{bytes: bytes, every: int64(max(every, tick)), next: f.now + int64(max(every, tick))}
	f.slow[client] = p
	f.timers.Add(uint64(client)|paceToken, p.next)
}

// readSlowly is the turn of a client that is throttled.
func (f *Fleet) readSlowly(i int) {
	p, ok := f.slow[i]
	if !ok || f.now < p.next {
		return // the entry is of an earlier Throttle
	}
	if p.next += p.every; p.next <= f.now { // what the fleet has missed is not made up for
		p.next = f.now + p.every
	}
	f.slow[i] = p
	f.timers.Add(uint64(i)|paceToken, p.next)
	if p.bytes > 0 {
		f.ReadSome(i, p.bytes)
	}
	c := &f.clients[i]
	if c.state != ready || !c.switched {
		return
	}
	f.out = appendFrame(f.out[:0], opPong, f.nextKey())
	s, r := c.stream()
	f.send(i, c, s, r, f.out)
}
