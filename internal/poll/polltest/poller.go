package polltest

import (
	"time"

	"outrider/internal/poll"
)

// poller is one loop's view of the network.
type poller struct {
	net   *Net
	ready chan struct{} // something may have changed since Wait looked
	woken bool          // guarded by net.mu: Wake was called
}

// Poller makes a poller, for loop.Config.NewPoller.
func (n *Net) Poller() (poll.Poller, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := &poller{net: n, ready: make(chan struct{}, 1)}
	n.pollers = append(n.pollers, p)
	return p, nil
}

func (p *poller) signal() {
	select {
	case p.ready <- struct{}{}:
	default:
	}
}

// own returns the socket of a descriptor that the caller may use. Under
// net.mu.
func (p *poller) own(fd int, what string) (*socket, error) {
	n := p.net
	if fd < 0 || fd >= len(n.socks) || n.socks[fd] == nil {
		n.blame(fd, what+" of a closed one")
		return nil, errClosed
	}
	s := n.socks[fd]
	if s.detached || s.poller != nil && s.poller != p {
		n.blame(fd, what+" of somebody else's")
		return nil, errClosed
	}
	return s, nil
}

// Add implements poll.Poller.
func (p *poller) Add(fd int, token uint64, in poll.Interest) error {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	s, err := p.own(fd, "Add")
	switch {
	case err != nil:
		return err
	case s.poller != nil:
		return ErrWatched
	case p.net.refusal != nil:
		return p.net.refusal
	}
	s.poller, s.token, s.interest = p, token, in
	p.signal()
	return nil
}

// Mod implements poll.Poller.
func (p *poller) Mod(fd int, token uint64, in poll.Interest) error {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	s, err := p.watched(fd, "Mod")
	if err == nil {
		s.token, s.interest = token, in
		p.signal()
	}
	return err
}

// Del implements poll.Poller.
func (p *poller) Del(fd int) error {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	s, err := p.watched(fd, "Del")
	if err == nil {
		p.net.forget(s)
		s.detached = true
	}
	return err
}

func (p *poller) watched(fd int, what string) (*socket, error) {
	s, err := p.own(fd, what)
	if err == nil && s.poller == nil {
		return nil, ErrNotWatched
	}
	return s, err
}

// forget takes s out of its poller, whose loop may still have events of it.
// Under mu.
func (n *Net) forget(s *socket) {
	if s.poller != nil && len(n.stale) < 64 {
		n.stale = append(n.stale, s.token)
	}
	s.poller = nil
}

// Wait implements poll.Poller.
func (p *poller) Wait(events []poll.Event, timeout time.Duration) (int, error) {
	var expired <-chan time.Time
	if timeout >= 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		expired = t.C
	}
	late := false
	for {
		if count, over := p.collect(events, late); over {
			return count, nil
		}
		select {
		case <-p.ready:
		case <-expired:
			late = true
		}
	}
}

// collect fills events, and reports whether Wait is over.
func (p *poller) collect(events []poll.Event, late bool) (count int, over bool) {
	n := p.net
	n.mu.Lock()
	// How often it looks without finding anything is up to the scheduler: no
	// fault may be drawn then, or a seed would not be one schedule.
	if n.stopped || !p.woken && !late && !p.anyReady() {
		n.mu.Unlock()
		return 0, false
	}
	p.woken = false
	if !n.chance(16) { // else interrupted
		count = p.gather(events)
	}
	between := n.between
	n.mu.Unlock()
	if count > 0 && between != nil {
		between()
	}
	return count, true
}

// anyReady is called under net.mu.
func (p *poller) anyReady() bool {
	for _, s := range p.net.socks {
		if s != nil && s.poller == p && s.readiness(p.net.window) != 0 {
			return true
		}
	}
	return false
}

// gather fills events with what is ready. On a faulty network some are
// doubled, some are about nothing, and one may be of a descriptor that was
// closed. Under net.mu.
func (p *poller) gather(events []poll.Event) (count int) {
	n := p.net
	add := func(token uint64, r poll.Ready) {
		if count < len(events) {
			events[count] = poll.Event{Token: token, Ready: r}
			count++
		}
	}
	for _, s := range n.socks {
		if s == nil || s.poller != p {
			continue
		}
		r := s.readiness(n.window)
		if r == 0 {
			continue
		}
		add(s.token, r)
		if n.chance(8) {
			add(s.token, r) // doubled
		}
	}
	if count == 0 || n.rng == nil {
		return count
	}
	if len(n.stale) > 0 && n.chance(4) {
		add(n.stale[n.rng.IntN(len(n.stale))], poll.Readable|poll.Writable|poll.Failed)
	}
	if s := n.socks[n.rng.IntN(len(n.socks))]; s != nil && s.poller == p && n.chance(4) {
		add(s.token, poll.Readable|poll.Writable) // about nothing, perhaps
	}
	n.rng.Shuffle(count, func(i, j int) { events[i], events[j] = events[j], events[i] })
	return count
}

func (s *socket) readiness(window int) (r poll.Ready) {
	if s.interest&poll.Read != 0 && (len(s.in) > 0 || s.fin || s.reset) {
		r |= poll.Readable
	}
	if s.interest&poll.Write != 0 && (len(s.out) < window || s.reset) {
		r |= poll.Writable
	}
	if s.reset || s.fin && s.shut {
		r |= poll.Failed
	}
	return r
}

// Wake implements poll.Poller.
func (p *poller) Wake() error {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	p.woken = true
	p.signal()
	return nil
}

// Close implements poll.Poller.
func (p *poller) Close() error { return nil }
