package loop

import (
	"errors"

	"outrider/internal/poll"
)

// ready handles one event. Reading comes first: bytes that arrived before
// the peer's FIN or reset are the application's.
func (l *Loop) ready(c *Conn, r poll.Ready) {
	if r&(poll.Readable|poll.Failed) != 0 {
		l.readable(c, r&poll.Failed != 0)
	}
	if r&poll.Writable != 0 {
		c.writable()
	}
}

// readable reads once. failed tells that the kernel reported an error or a
// hang-up, which it will report for ever unless the connection is closed.
func (l *Loop) readable(c *Conn, failed bool) {
	if c.eof || !c.mayRead() {
		if failed {
			c.Close(CauseError)
		}
		return
	}
	off := 0
	if c.rest != nil {
		off = copy(l.buf, *c.rest)
	}
	n, err := l.poller.Read(int(c.fd), l.buf[off:off+readSize])
	switch {
	case errors.Is(err, poll.ErrAgain):
		return // a stale or a spurious event
	case err != nil:
		c.Close(CauseError)
	case n == 0:
		l.endOfStream(c)
	case c.lingering: // thrown away
	default:
		l.deliver(c, l.buf[:off+n])
	}
}

func (l *Loop) endOfStream(c *Conn) {
	c.mu.Lock()
	c.eof = true
	// The end of the stream stays readable: without this the loop would spin.
	c.setInterest()
	if c.lingering && c.out == nil {
		c.fail(CauseLocal)
	}
	c.mu.Unlock()
	if c.active() {
		c.handler.EOF(c)
	}
}

// deliver presents p until the handler consumes no more, and keeps the rest.
func (l *Loop) deliver(c *Conn, p []byte) {
	for len(p) > 0 && c.mayDeliver() {
		n := c.handler.Data(c, p)
		p = p[n:]
		if n == 0 {
			break
		}
	}
	if l.table.Get(c.token) != c {
		return // detached
	}
	c.keep(p)
}

// keep stores what the handler left (invariant 5). A connection whose
// handler lets it pile up is not read until Resume: one that is read has room
// for a read behind its rest in the loop's buffer.
func (c *Conn) keep(p []byte) {
	if len(p) == 0 {
		c.rest = nil
		return
	}
	if r := c.rest; r != nil && len(p) <= cap(*r) && cap(*r) <= 4*len(p) {
		*r = append((*r)[:0], p...)
	} else { // nor is a large array kept for a few bytes
		rest := append([]byte(nil), p...)
		c.rest = &rest
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed || c.finished:
		c.rest = nil // nobody is to see it
	case len(p) > maxRest:
		c.pause()
	}
}

// mayRead reports whether the socket is to be read.
func (c *Conn) mayRead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closed && !c.paused
}

// mayDeliver reports whether the handler is to see what was read.
func (c *Conn) mayDeliver() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closed && !c.finished && !c.paused
}

// active reports whether the handler is told of what happens: neither Close
// nor Finish has been called.
func (c *Conn) active() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closed && !c.finished
}

// Pause stops reading: the kernel's buffers fill, and the peer waits
// (backpressure). A reset is still noticed, the peer's FIN is not.
func (c *Conn) Pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed && !c.finished {
		c.pause()
	}
}

// pause is Pause under mu.
func (c *Conn) pause() {
	c.paused = true
	c.setInterest()
}

// Resume reads on, and presents what the handler had left before. It does
// the latter also when the connection was not paused: a handler that can
// take the next request now calls it.
func (c *Conn) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.finished {
		return
	}
	c.loop.post(task{op: opResume, c: c})
}

func (l *Loop) resume(c *Conn) {
	if l.table.Get(c.token) != c || c.lingering {
		return
	}
	c.mu.Lock()
	c.paused = false
	c.mu.Unlock()
	if c.rest != nil {
		l.deliver(c, l.buf[:copy(l.buf, *c.rest)])
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.setInterest()
	}
}

// setInterest tells the poller what the connection's state asks for. The
// caller holds mu and knows that the descriptor is open.
func (c *Conn) setInterest() {
	var in poll.Interest
	if !c.paused && !c.eof {
		in |= poll.Read
	}
	if c.out != nil && !c.corked {
		in |= poll.Write
	}
	if in == c.interest {
		return
	}
	c.interest = in
	if err := c.loop.poller.Mod(int(c.fd), c.token, in); err != nil && c.shutLocked(CauseError) {
		c.loop.post(task{op: opClose, c: c})
	}
}
