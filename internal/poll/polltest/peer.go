package polltest

import (
	"io"
	"os"
	"time"

	"outrider/internal/poll"
)

// Peer is the client's end of a connection. Its methods are for one
// goroutine at a time, Read for another.
type Peer struct {
	net      *Net
	sock     *socket
	deadline time.Time
}

// Write gives b to the server, all of it at once.
func (p *Peer) Write(b []byte) (int, error) {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	s := p.sock
	if s.closed && !s.reset {
		p.net.kill(s) // nobody is there to read it
	}
	if s.reset {
		return 0, ErrReset
	}
	s.in = append(s.in, b...)
	p.net.change(s)
	return len(b), nil
}

// SetReadDeadline makes Read return os.ErrDeadlineExceeded from the time t on.
func (p *Peer) SetReadDeadline(t time.Time) { p.deadline = t }

// Read waits for bytes from the server. It returns io.EOF when the server has
// shut its side.
func (p *Peer) Read(b []byte) (int, error) {
	var expired <-chan time.Time
	if !p.deadline.IsZero() {
		t := time.NewTimer(time.Until(p.deadline))
		defer t.Stop()
		expired = t.C
	}
	for {
		n, changed, err := p.take(b)
		if changed == nil {
			return n, err
		}
		select {
		case <-changed:
		case <-expired:
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// take is Read that does not wait: it returns what to wait for instead.
func (p *Peer) take(b []byte) (n int, changed <-chan struct{}, err error) {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	s := p.sock
	switch {
	case len(s.out) > 0:
		n = copy(b, s.out)
		s.out = s.out[n:]
		p.net.change(s)
		return n, nil, nil
	case s.reset:
		return 0, nil, ErrReset
	case s.shut:
		return 0, nil, io.EOF
	}
	return 0, s.changed, nil
}

// CloseWrite is the peer's FIN.
func (p *Peer) CloseWrite() error {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	p.sock.fin = true
	p.net.change(p.sock)
	return nil
}

// Close ends the peer: the server reads what it has sent and the end of the
// stream, and is answered with a reset if it writes.
func (p *Peer) Close() error {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	s := p.sock
	s.fin, s.gone = true, true
	p.net.change(s)
	if len(s.out) > 0 {
		p.net.kill(s)
	}
	return nil
}

// Reset is the peer's RST: what either side has not read is lost.
func (p *Peer) Reset() {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	p.net.kill(p.sock)
}

// ResetAfter makes the connection break when the server has read in bytes, or
// written out bytes; a negative number means never.
func (p *Peer) ResetAfter(in, out int) {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	p.sock.resetIn, p.sock.resetOut = in, out
	if p.sock.read == in || p.sock.written == out {
		p.net.kill(p.sock)
	}
}

// Closed reports whether the server has closed its descriptor.
func (p *Peer) Closed() bool {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	return p.sock.closed
}

// Interest is what the server's poller watches the descriptor for.
func (p *Peer) Interest() poll.Interest {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	return p.sock.interest
}

// Unread returns the number of bytes that the server has not read.
func (p *Peer) Unread() int {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	return len(p.sock.in)
}

// Waiting returns the number of bytes that the peer has not read.
func (p *Peer) Waiting() int {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	return len(p.sock.out)
}
