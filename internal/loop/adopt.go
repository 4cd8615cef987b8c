package loop

import (
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// AdoptConn is Adopt for a connection that somebody else has served so far,
// and of which read was read and not used: the handler is given that first.
// The descriptor is duplicated, out of the runtime's poller, and c is closed,
// also when an error is returned. It fails for a connection that has no
// descriptor, such as one over TLS, and for more bytes than a loop's buffer.
func (g *Group) AdoptConn(c net.Conn, read []byte) error {
	defer c.Close()
	if len(read) > maxRest+readSize {
		return fmt.Errorf("loop: %d bytes were read of a connection, at most %d can be taken over", len(read), maxRest+readSize)
	}
	fd, err := duplicate(c)
	if err != nil {
		return err
	}
	g.tune(fd)
	g.open.Add(1)
	return g.assignTo(g.leastLoaded(), task{op: opTakeOver, fd: fd, read: read})
}

func duplicate(c net.Conn) (fd int, err error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return -1, fmt.Errorf("loop: a %T has no descriptor", c)
	}
	raw, err := sc.SyscallConn()
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
func (l *Loop) takeOver(fd int, read []byte) {
	l.adopt(fd)
	if c := l.current; c != nil {
		l.deliver(c, read)
	}
}
