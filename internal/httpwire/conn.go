package httpwire

import (
	"bytes"
	"errors"
	"net"
	"syscall"
)

// Conn is a connection of which some bytes have been read before.
type Conn struct {
	net.Conn
	pre []byte
}

// NewConn returns a connection whose reader sees pre first and then what c still has to say; everything else is c's. It is the way
// from a loop, which has read (a part of) a request, to a server that wants a whole connection. pre is copied. As with most
// readers, one goroutine reads at a time.
func NewConn(c net.Conn, pre []byte) net.Conn {
	if len(pre) == 0 {
		return c
	}
	return &Conn{Conn: c, pre: bytes.Clone(pre)}
}

// Read reads from the bytes read before as long as there are some, and does not wait for more while it has any.
func (c *Conn) Read(p []byte) (int, error) {
	if len(c.pre) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.pre)
	c.pre = c.pre[n:]
	if len(c.pre) == 0 {
		c.pre = nil // the connection may live long: let the bytes go
	}
	return n, nil
}

// Rest returns the bytes read before that Read has not given out yet, and leaves none.
func (c *Conn) Rest() []byte {
	rest := c.pre
	c.pre = nil
	return rest
}

// CloseWrite shuts the connection's write side, if it has one.
func (c *Conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SyscallConn gives access to the connection's descriptor, if it has one: for handing the connection back.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := c.Conn.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
