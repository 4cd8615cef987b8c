package loop

import (
	"errors"

	"outrider/internal/poll"
)

// queue holds what a connection's socket did not take yet.
type queue struct {
	bufs [][]byte // bufs[0] without what has left
	size int      // bytes in bufs
}

// Send puts b on the connection: into the socket as far as nothing waits and
// the socket takes it, the rest into the queue. b must not be changed
// afterwards; many connections may share it. It returns nil when all of b
// was handed to the kernel or queued, ErrClosed, or ErrSlow, which has
// closed the connection.
func (c *Conn) Send(b []byte) error { return c.send(b, false) }

// SendCopy is Send for a buffer that the caller uses again: what has to wait
// is copied.
func (c *Conn) SendCopy(b []byte) error { return c.send(b, true) }

func (c *Conn) send(b []byte, copied bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.finished {
		return ErrClosed
	}
	if c.out == nil && !c.corked {
		n, err := c.loop.poller.Write(int(c.fd), b)
		if err != nil && !errors.Is(err, poll.ErrAgain) {
			c.fail(CauseError)
			return ErrClosed
		}
		if n == len(b) {
			return nil
		}
		b = b[n:]
	}
	if copied {
		b = append([]byte(nil), b...)
	}
	return c.enqueue(b)
}

// enqueue adds b to the queue, whose bounds it checks. A single buffer may
// wait whatever its size: what is sent is bounded elsewhere.
func (c *Conn) enqueue(b []byte) error {
	g := c.loop.group
	if c.out != nil && c.out.size+len(b) > g.cfg.MaxQueue || !g.Reserve(len(b)) {
		g.stats.slow.Add(1)
		c.fail(CauseSlow)
		return ErrSlow
	}
	if c.out == nil {
		c.out = &queue{}
	}
	c.out.bufs = append(c.out.bufs, b)
	c.out.size += len(b)
	c.setInterest()
	return nil
}

// fail closes the connection from under mu.
func (c *Conn) fail(cause Cause) {
	if c.shutLocked(cause) {
		c.loop.post(task{op: opClose, c: c})
	}
}

// Writable reports whether Send would hand its bytes to the kernel: nothing
// waits, and the connection is open.
func (c *Conn) Writable() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closed && !c.finished && c.out == nil
}

// Queued returns the number of bytes that wait.
func (c *Conn) Queued() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out == nil {
		return 0
	}
	return c.out.size
}

func (c *Conn) dropQueue() {
	if c.out != nil {
		c.loop.group.Release(c.out.size)
		c.out = nil
	}
}

// maxIOV is the number of buffers of one writev.
const maxIOV = 64

// Cork holds back what is sent from now on, by anybody, until Uncork has it
// leave together. Only on the loop, and for no longer than a callback.
func (c *Conn) Cork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = true
}

// Uncork ends what Cork began. Only on the loop.
func (c *Conn) Uncork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = false
	c.flush()
	if !c.closed {
		c.setInterest()
	}
}

// writable writes what waits. Only on the loop.
func (c *Conn) writable() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush()
}

// flush writes what waits, once. What the socket does not take keeps the
// write interest armed. The caller is the loop, and holds mu.
func (c *Conn) flush() {
	if c.closed || c.out == nil {
		return
	}
	q := c.out
	l := c.loop
	l.iov = append(l.iov[:0], q.bufs[:min(len(q.bufs), maxIOV)]...)
	n, err := l.poller.Writev(int(c.fd), l.iov)
	clear(l.iov)
	if err != nil {
		if !errors.Is(err, poll.ErrAgain) {
			c.fail(CauseError)
		}
		return
	}
	q.consume(n)
	l.group.Release(n)
	if q.size > 0 {
		return
	}
	c.out = nil
	c.setInterest()
	if c.lingering {
		c.shutWrite()
	}
}

// consume drops the first n bytes.
func (q *queue) consume(n int) {
	q.size -= n
	i := 0
	for n > 0 && n >= len(q.bufs[i]) {
		n -= len(q.bufs[i])
		q.bufs[i] = nil
		i++
	}
	q.bufs = q.bufs[i:]
	if n > 0 {
		q.bufs[0] = q.bufs[0][n:]
	}
}
