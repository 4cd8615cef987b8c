package main

import (
	"net"
	"sync"
)

// handoff is a listener of connections that another listener accepted: those
// on the clients' port whose request is not for the engine. The push API's
// server serves them as it serves its own, so one place bounds them all and
// one call shuts them down.
type handoff struct {
	address net.Addr
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// newHandoff returns a listener that lets backlog connections wait.
func newHandoff(address net.Addr, backlog int) *handoff {
	return &handoff{
		address: address,
		conns:   make(chan net.Conn, backlog),
		closed:  make(chan struct{}),
	}
}

// give takes a connection over. It does not block: it is called on an event
// loop, and a connection for which there is no room is closed.
func (h *handoff) give(c net.Conn) {
	select {
	case <-h.closed:
		c.Close()
		return
	default:
	}
	select {
	case h.conns <- c:
	default:
		c.Close()
	}
}

// Accept returns the next connection that was given.
func (h *handoff) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept, and closes the connections that wait.
func (h *handoff) Close() error {
	h.once.Do(func() { close(h.closed) })
	for {
		select {
		case c := <-h.conns:
			c.Close()
		default:
			return nil
		}
	}
}

// Addr returns the address of the listener that accepted.
func (h *handoff) Addr() net.Addr { return h.address }
