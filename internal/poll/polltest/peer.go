package polltest

import "io"

// Peer is the client's end of a connection.
type Peer struct {
	net  *Net
	sock *socket
}

// Write gives b to the server, all of it at once.
func (p *Peer) Write(b []byte) (int, error) {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	if p.sock.closed || p.sock.reset {
		return 0, ErrReset
	}
	p.sock.in = append(p.sock.in, b...)
	p.net.change(p.sock)
	return len(b), nil
}

// Read waits for bytes from the server. It returns io.EOF when the server has
// shut its side.
func (p *Peer) Read(b []byte) (int, error) {
	for {
		p.net.mu.Lock()
		s := p.sock
		if len(s.out) > 0 {
			n := copy(b, s.out)
			s.out = s.out[n:]
			p.net.change(s)
			p.net.mu.Unlock()
			return n, nil
		}
		if s.reset {
			p.net.mu.Unlock()
			return 0, ErrReset
		}
		if s.shut {
			p.net.mu.Unlock()
			return 0, io.EOF
		}
		changed := s.changed
		p.net.mu.Unlock()
		<-changed
	}
}

// CloseWrite is the peer's FIN.
func (p *Peer) CloseWrite() {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	p.sock.fin = true
	p.net.change(p.sock)
}

// Close is the peer's FIN too: nobody reads any more, but nobody resets.
func (p *Peer) Close() error {
	p.CloseWrite()
	return nil
}

// Reset is the peer's RST: what the server has not read is lost.
func (p *Peer) Reset() {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	p.sock.reset = true
	p.sock.in = nil
	p.net.change(p.sock)
}

// Closed reports whether the server has closed its descriptor.
func (p *Peer) Closed() bool {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	return p.sock.closed
}
