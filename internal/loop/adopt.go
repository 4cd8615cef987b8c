package loop

import (
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// MaxRead is how much AdoptConn takes of what was read before.
const MaxRead = maxRest + readSize

// history is what a connection has behind it that somebody else has served.
type history struct {
	read []byte        // and not used
	tell func(Handler) // may be nil
}

// AdoptConn is Adopt for a connection that somebody else has served so far,
// and of which read was read and not used: the handler is given that first,
// after tell, if it is set, was called with the handler, on its loop. The
// descriptor is duplicated, out of the runtime's poller, and c is closed, also
// when an error is returned. It fails for a connection that has no descriptor,
// such as one over TLS, and for more than MaxRead bytes.
func (g *Group) AdoptConn(c net.Conn, read []byte, tell func(Handler)) error {
	defer c.Close()
	if len(read) > MaxRead {
		return fmt.Errorf("loop: %d bytes were read of a connection, at most %d can be taken over", len(read), MaxRead)
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		return fmt.Errorf("loop: a %T has no descriptor", c)
	}
	fd, err := duplicate(sc)
	if err != nil {
		return err
	}
	g.tune(fd)
	g.open.Add(1)
	t := task{op: opTakeOver, fd: fd, history: &history{read, tell}}
	return g.assignTo(g.leastLoaded(g.loops[0]), t)
}

// duplicate returns another descriptor of what c is.
func duplicate(c syscall.Conn) (fd int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	if e := raw.Control(func(old uintptr) {
		fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0)
	}); e != nil {
		return -1, e
	}
	return fd, os.NewSyscallError("fcntl", err)
}

// takeOver is adopt with bytes that are presented as if they had just come.
func (l *Loop) takeOver(fd int, h *history) {
	l.adopt(fd)
	c := l.current
	if c == nil {
		return
	}
	if h.tell != nil {
		h.tell(c.handler)
	}
	l.deliver(c, h.read)
}
