package sim

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"outrider/internal/poll"
)

// port is one loop's poller: those of the network's clients that the loop has
// adopted. What a loop writes is read by the client at once, in Write; what
// that makes the client say waits in owes until the loop reads it.
//
// A push costs no lock here and touches one record, which no other processor
// is busy with: what is measured is the server.
type port struct {
	net    *Network
	signal chan struct{} // something is there that Wait has not seen
	timer  *time.Timer   // owned by Wait
	beats  atomic.Int64

	mu     sync.Mutex
	asleep bool     // in Wait: whoever adds to what follows must signal
	woken  bool     // Wake was called
	speak  []uint32 // clients that have something to say, in order
	spoken int      // of speak, at its beginning
	first  uint32   // revision 3: who pings next, plus 1; the others follow by next
	last   uint32   // ... and last
}

var _ poll.Poller = (*port)(nil)

// errWatch is returned for an interest that never arises: all that is written
// is taken, so nothing ever waits to be.
var errWatch = errors.New("sim: a descriptor that is always writable is watched for that")

func newPort(n *Network) *port {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &port{net: n, signal: make(chan struct{}, 1), timer: timer}
}

func (p *port) client(fd int) *client { return &p.net.clients[fd-firstFD] }

// Add implements poll.Poller. The client's first words are there already.
func (p *port) Add(fd int, token uint64, in poll.Interest) error {
	p.client(fd).token = token
	if err := p.Mod(fd, token, in); err != nil {
		return err
	}
	p.say(fd, sayHello)
	return nil
}

// Mod implements poll.Poller.
func (p *port) Mod(fd int, _ uint64, in poll.Interest) error {
	if in&poll.Write != 0 {
		return errWatch
	}
	p.mu.Lock()
	c := p.client(fd)
	c.watched = in&poll.Read != 0
	wake := p.enqueue(fd, c)
	p.mu.Unlock()
	p.wakeIf(wake)
	return nil
}

// Del implements poll.Poller: it is for descriptors that leave the engine,
// which no client's does.
func (p *port) Del(int) error { return errors.New("sim: a descriptor leaves the engine") }

// say adds to what a client has to say.
func (p *port) say(fd int, what speech) {
	p.mu.Lock()
	c := p.client(fd)
	c.owes |= what
	wake := p.enqueue(fd, c)
	p.mu.Unlock()
	p.wakeIf(wake)
}

// enqueue makes Wait report a client if it has something to say and is
// watched. It returns whether somebody sleeps in Wait. The caller holds mu.
func (p *port) enqueue(fd int, c *client) (wake bool) {
	if c.queued || !c.watched || c.owes == 0 {
		return false
	}
	c.queued = true
	p.speak = append(p.speak, uint32(fd-firstFD))
	return p.rouse()
}

// rouse reports whether Wait sleeps, and will not any more.
func (p *port) rouse() bool {
	asleep := p.asleep
	p.asleep = false
	return asleep
}

func (p *port) wakeIf(asleep bool) {
	if asleep {
		select {
		case p.signal <- struct{}{}:
		default:
		}
	}
}

// Wake implements poll.Poller.
func (p *port) Wake() error {
	p.mu.Lock()
	p.woken = true
	wake := p.rouse()
	p.mu.Unlock()
	p.wakeIf(wake)
	return nil
}

// Wait implements poll.Poller.
func (p *port) Wait(events []poll.Event, timeout time.Duration) (int, error) {
	n, wait := p.take(events, timeout)
	if wait == 0 {
		return n, nil
	}
	p.timer.Reset(wait)
	select {
	case <-p.signal: // one that came late is a wake-up for nothing, which Wait may have
		p.timer.Stop()
	case <-p.timer.C:
	}
	n, _ = p.take(events, 0)
	return n, nil
}

// forever is how long Wait sleeps if it has no reason to wake up.
const forever = time.Hour

// take returns the events that are there. If there are none, and the timeout
// is not 0, it says how long to wait for one.
func (p *port) take(events []poll.Event, timeout time.Duration) (n int, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asleep = false
	next := p.pings()
	for n < len(events) && p.spoken < len(p.speak) {
		c := &p.net.clients[p.speak[p.spoken]]
		p.spoken++
		c.queued = false
		if c.watched {
			events[n] = poll.Event{Token: c.token, Ready: poll.Readable}
			n++
		}
	}
	p.forget()
	if n > 0 || p.woken || timeout == 0 {
		p.woken = false
		return n, 0
	}
	if timeout < 0 {
		timeout = forever
	}
	p.asleep = true
	return 0, max(min(timeout, next), 1)
}

// forget gives up the part of the list that was reported, before it is as long
// as the rest or, at first, a page. The caller holds mu.
func (p *port) forget() {
	const page = 1024
	if p.spoken == len(p.speak) || p.spoken > page && p.spoken > len(p.speak)/2 {
		left := copy(p.speak, p.speak[p.spoken:])
		p.speak, p.spoken = p.speak[:left], 0
	}
}

// pings makes those clients of revision 3 ping whose time has come, and says
// when the next one's does. As all wait equally long they stand in line. The
// caller holds mu.
func (p *port) pings() (next time.Duration) {
	if p.first == 0 {
		return forever
	}
	now := p.net.now()
	for p.first != 0 {
		number := p.first - 1
		c := &p.net.clients[number]
		if c.due > now {
			return time.Duration(c.due - now)
		}
		if p.first = c.next; p.first == 0 {
			p.last = 0
		}
		if c.watched {
			c.owes |= sayPing
			p.enqueue(firstFD+int(number), c)
			p.pingLater(number, c, now)
		}
	}
	return forever
}

// pingLater puts a client at the end of the line. The caller holds mu.
func (p *port) pingLater(number uint32, c *client, now int64) {
	c.due, c.next = now+int64(p.net.interval), 0
	if p.last == 0 {
		p.first = number + 1
	} else {
		p.net.clients[p.last-1].next = number + 1
	}
	p.last = number + 1
}

// Read implements poll.Poller.
func (p *port) Read(fd int, b []byte) (int, error) {
	p.mu.Lock()
	c := p.client(fd)
	what := c.owes
	c.owes = 0
	if what != sayFIN && what&sayFIN != 0 { // the end comes behind the rest
		what &^= sayFIN
		c.owes = sayFIN
		p.enqueue(fd, c)
	}
	p.mu.Unlock()
	switch what {
	case 0:
		return 0, poll.ErrAgain
	case sayFIN:
		return 0, nil
	}
	text := p.net.script.append(b[:0], fd-firstFD, what)
	if len(text) > len(b) {
		return 0, errors.New("sim: the loop reads less at once than a client says")
	}
	return len(text), nil
}

// Write implements poll.Poller. The caller is the only one that writes to the
// descriptor, which guards the client's state.
func (p *port) Write(fd int, b []byte) (int, error) {
	c := p.client(fd)
	rest := b
	if c.state == dialled {
		n := answered(rest)
		if n == 0 {
			return p.reject(fd, c, b)
		}
		c.state = switched
		rest = rest[n:]
	}
	for len(rest) > 0 {
		opcode, head, end, ok := frame(rest)
		const text, closing = 1, 8
		switch {
		case ok && opcode == text:
			ok = p.hear(fd, c, understand(rest[head:end]))
		case opcode != closing: // which the FIN follows
			ok = false
		}
		if !ok {
			return p.reject(fd, c, b)
		}
		rest = rest[end:]
	}
	return len(b), nil
}

// reject ends a client that does not understand the server.
func (p *port) reject(fd int, c *client, b []byte) (int, error) {
	p.net.odd.Add(1)
	if c.state != ready {
		c.state = failed
	}
	p.say(fd, sayFIN)
	return len(b), nil
}

// hear acts on what the server says, and reports whether it made sense.
func (p *port) hear(fd int, c *client, what heard) bool {
	switch what {
	case heardOpen:
		p.say(fd, sayConnect)
	case heardJoined:
		p.say(fd, saySetConnect)
	case heardReady:
		p.ready(fd, c)
	case heardMessage:
		if c.state == ready { // not the greeting
			c.messages.Add(1)
		}
	case heardPing:
		p.beats.Add(1)
		p.say(fd, sayPong)
	case heardPong:
		p.beats.Add(1)
	}
	return what != heardNonsense
}

func (p *port) ready(fd int, c *client) {
	if c.state == ready {
		return
	}
	c.state = ready
	p.net.ready.Add(1)
	if p.net.script.revision == 3 {
		p.mu.Lock()
		wake := p.first == 0 && p.rouse() // Wait sleeps until the first in line pings
		p.pingLater(uint32(fd-firstFD), c, p.net.now())
		p.mu.Unlock()
		p.wakeIf(wake)
	}
	p.net.over()
	p.net.dial()
}

// Writev implements poll.Poller. Each buffer is what a Write would have got.
func (p *port) Writev(fd int, bufs [][]byte) (int, error) {
	sum := 0
	for _, b := range bufs {
		n, err := p.Write(fd, b)
		if sum += n; err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// Shutdown implements poll.Poller. The client answers with its own FIN.
func (p *port) Shutdown(fd int) error {
	p.say(fd, sayFIN)
	return nil
}

// CloseFD implements poll.Poller.
func (p *port) CloseFD(fd int) error {
	c := p.client(fd)
	p.mu.Lock()
	c.watched = false
	p.mu.Unlock()
	was := c.state
	c.state = gone
	if was == ready {
		p.net.ready.Add(-1)
		p.net.lost.Add(1)
		return nil
	}
	p.net.failed.Add(1)
	p.net.over()
	p.net.dial()
	return nil
}

// Close implements poll.Poller.
func (p *port) Close() error {
	p.timer.Stop()
	return nil
}
