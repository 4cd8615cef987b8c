package loop

import (
	"net/netip"
	"sync"

	"outrider/internal/poll"
	"outrider/internal/wheel"
)

// Cause tells why a connection was closed.
type Cause uint8

// The causes.
const (
	CauseNone     Cause = iota
	CauseLocal          // Close or Finish was called
	CausePeer           // the peer closed its side while nothing was to be sent
	CauseError          // the system reported an error: a reset, a time-out
	CauseSlow           // the queue was at its bound
	CauseShutdown       // the group is closed
)

// String returns the cause in words.
func (c Cause) String() string {
	return [...]string{"none", "local", "peer", "error", "slow", "shutdown"}[c]
}

// Conn is one connection. Its methods may be called from any goroutine, but
// for those that say otherwise.
type Conn struct {
	// set at construction
	loop  *Loop
	token uint64
	fd    int32

	// written by the loop under mu, read by either
	eof       bool // the peer has shut its side
	lingering bool // Finish is being carried out

	// owned by the loop
	handler  Handler
	rest     *[]byte // what the handler left; nil when it left nothing
	deadline wheel.Deadline

	// guarded by mu
	mu       sync.Mutex
	interest poll.Interest
	paused   bool
	closed   bool // nothing may touch fd any more
	finished bool // no more Sends; closes when the queue has run empty
	corked   bool // what is sent is queued, and the write interest not armed
	cause    Cause
	out      *queue // nil when nothing waits
}

// Loop returns the loop that owns the connection.
func (c *Conn) Loop() *Loop { return c.loop }

// SetHandler changes what the connection's bytes are for. Only on the loop.
func (c *Conn) SetHandler(h Handler) { c.handler = h }

// SetDeadline makes Expired be called at the time at on the group's clock,
// up to a tick late; 0 means never. Only on the loop.
func (c *Conn) SetDeadline(at int64) {
	c.deadline.Set(c.loop.timers, c.token, at)
}

// RemoteAddr returns the peer's address, and the zero AddrPort once the
// connection is closed. It asks the kernel: an idle connection does not keep
// what is rarely wanted.
func (c *Conn) RemoteAddr() netip.AddrPort {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return netip.AddrPort{}
	}
	return poll.PeerAddr(int(c.fd))
}

// Close ends the connection at once; what waits in its queue is dropped.
func (c *Conn) Close(cause Cause) {
	if c.shut(cause) {
		// False means that the loop has ended, which closes all it has.
		c.loop.post(task{op: opClose, c: c})
	}
}

// shut makes sure that nobody touches the descriptor but the loop, which is
// to close it. It reports whether this call was the first.
func (c *Conn) shut(cause Cause) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shutLocked(cause)
}

func (c *Conn) shutLocked(cause Cause) bool {
	if c.closed {
		return false
	}
	c.closed = true
	c.cause = cause
	c.dropQueue()
	return true
}

// release closes the descriptor. Only the loop calls it, at a turn's end.
func (c *Conn) release() {
	_ = c.loop.poller.CloseFD(int(c.fd))
	c.rest = nil
	c.loop.conns.Add(-1)
	c.loop.group.open.Add(-1)
}

// Finish ends the connection when all that was sent has left: it shuts the
// write side then, and closes when the peer has done the same. Both together
// may take Config.Linger. Closing at once, with bytes from the peer unread,
// would make the kernel answer with a reset that destroys what is still
// under way. What arrives from now on is read and thrown away, and the handler
// hears only of the end (Closed).
func (c *Conn) Finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.finished {
		return
	}
	c.finished = true
	c.loop.post(task{op: opLinger, c: c})
}

func (l *Loop) linger(c *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.lingering = true
	c.rest = nil
	c.paused = false
	c.setInterest()
	c.SetDeadline(l.Now() + int64(l.group.cfg.Linger))
	if c.out == nil {
		c.shutWrite()
	}
}

// shutWrite sends the FIN of a connection that has sent all. The caller is
// the loop, and holds mu.
func (c *Conn) shutWrite() {
	if c.eof {
		c.fail(CauseLocal)
		return
	}
	_ = c.loop.poller.Shutdown(int(c.fd))
}

// Detach takes the connection out of the loop and returns its descriptor,
// with the bytes that were read and not consumed, to a new owner. Closed is
// not called. It fails when the connection is closed or has bytes to send.
// Only on the loop, from Data, whose unconsumed bytes are the caller's.
func (c *Conn) Detach() (fd int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.finished || c.out != nil {
		return -1, ErrClosed
	}
	if err := c.loop.poller.Del(int(c.fd)); err != nil {
		return -1, err
	}
	c.closed = true // for everybody who still has a pointer
	c.rest = nil
	c.loop.table.Remove(c.token)
	c.loop.conns.Add(-1)
	c.loop.group.open.Add(-1)
	return int(c.fd), nil
}
