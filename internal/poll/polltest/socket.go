package polltest

import "outrider/internal/poll"

// Read implements poll.Poller.
func (p *poller) Read(fd int, b []byte) (int, error) {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	s, err := p.own(fd, "Read")
	switch {
	case err != nil:
		return 0, err
	case len(s.in) > 0:
		if p.net.chance(8) {
			return 0, poll.ErrAgain
		}
		return p.net.take(s, b), nil
	case s.reset:
		return 0, ErrReset
	case s.fin:
		return 0, nil
	}
	return 0, poll.ErrAgain
}

// take moves bytes from the peer to the server. Under mu.
func (n *Net) take(s *socket, b []byte) int {
	k := n.part(min(len(b), len(s.in)))
	if s.resetIn >= 0 {
		k = min(k, s.resetIn-s.read)
	}
	copy(b, s.in[:k])
	s.in = s.in[k:]
	s.read += k
	n.change(s)
	if s.read == s.resetIn {
		n.kill(s)
	}
	return k
}

// Write implements poll.Poller.
func (p *poller) Write(fd int, b []byte) (int, error) {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	return p.write(fd, b)
}

// maxIOV is how many buffers one Writev takes (IOV_MAX).
const maxIOV = 1024

// Writev implements poll.Poller.
func (p *poller) Writev(fd int, bufs [][]byte) (total int, err error) {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	if len(bufs) > maxIOV {
		return 0, errTooMany
	}
	for _, b := range bufs {
		n, err := p.write(fd, b)
		total += n
		if err != nil && total == 0 {
			return 0, err
		}
		if err != nil || n < len(b) {
			break
		}
	}
	return total, nil
}

// write is Write under net.mu.
func (p *poller) write(fd int, b []byte) (int, error) {
	n := p.net
	s, err := p.own(fd, "Write")
	if err != nil {
		return 0, err
	}
	if s.shut {
		n.blame(fd, "Write after Shutdown")
	}
	switch {
	case s.reset:
		return 0, ErrReset
	case s.gone:
		n.kill(s) // the answer to what is written now
		return len(b), nil
	case len(b) == 0:
		return 0, nil
	case len(s.out) >= n.window, n.chance(8):
		return 0, poll.ErrAgain
	}
	k := n.part(min(n.window-len(s.out), len(b)))
	if s.resetOut >= 0 {
		k = min(k, s.resetOut-s.written)
	}
	s.out = append(s.out, b[:k]...)
	s.written += k
	n.change(s)
	if s.written == s.resetOut {
		n.kill(s)
	}
	return k, nil
}

// Shutdown implements poll.Poller.
func (p *poller) Shutdown(fd int) error {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	s, err := p.own(fd, "Shutdown")
	if err != nil {
		return err
	}
	s.shut = true
	p.net.change(s)
	return nil
}

// CloseFD implements poll.Poller. Bytes from the peer that were not read make
// it a reset, which destroys what the peer has not taken yet.
func (p *poller) CloseFD(fd int) error {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	s, err := p.own(fd, "Close")
	if err != nil {
		return err
	}
	p.net.socks[fd] = nil
	p.net.forget(s)
	s.closed, s.shut = true, true
	p.net.change(s)
	if len(s.in) > 0 {
		p.net.kill(s)
	}
	return nil
}
