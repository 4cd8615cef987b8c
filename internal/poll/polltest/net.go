// Package polltest is a network in memory under the real event loop: a
// [poll.Poller] whose descriptors are not the kernel's. Faults are drawn from
// a seed: short reads and writes, EAGAIN, events that are stale, doubled or
// about nothing. Time is the runtime's, so that it runs in a testing/synctest
// bubble.
package polltest

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"outrider/internal/poll"
)

// ErrReset is what a read or write on a reset connection returns.
var ErrReset = errors.New("polltest: connection reset")

// errClosed: the descriptor is not open. The loop must never see it.
var errClosed = errors.New("polltest: bad file descriptor")

// Net is a network. Its descriptors are reused at once, as the kernel's are.
type Net struct {
	mu      sync.Mutex
	rng     *rand.Rand // nil: no faults
	window  int
	socks   []*socket // by descriptor
	pollers []*poller
	stale   []uint64 // tokens of descriptors that were closed
	misuse  []error
}

// socket is the server's end of a connection.
type socket struct {
	in       []byte // from the peer, not read yet
	out      []byte // to the peer, not taken yet
	fin      bool   // the peer has shut its side
	reset    bool
	shut     bool // the server has shut its side
	closed   bool
	poller   *poller
	token    uint64
	interest poll.Interest
	changed  chan struct{} // closed and replaced at every change: for the peer
}

// New returns a network. A window is how many bytes a socket takes before
// the peer has read some; 0 means 64 KiB. With a seed other than 0 it is
// faulty.
func New(window int, seed uint64) *Net {
	if window <= 0 {
		window = 64 << 10
	}
	n := &Net{window: window}
	if seed != 0 {
		n.rng = rand.New(rand.NewPCG(seed, seed))
	}
	return n
}

// Misuse returns what a caller did to descriptors that were not its own.
func (n *Net) Misuse() []error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.misuse
}

// Open returns the number of descriptors that are open.
func (n *Net) Open() (open int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.socks {
		if s != nil {
			open++
		}
	}
	return open
}

// Dial makes a connection and gives the server's descriptor to adopt, which
// is loop.Group's.
func (n *Net) Dial(adopt func(fd int) error) (*Peer, error) {
	n.mu.Lock()
	s := &socket{changed: make(chan struct{})}
	fd := -1
	for i, used := range n.socks {
		if used == nil {
			fd = i
			n.socks[i] = s
			break
		}
	}
	if fd < 0 {
		fd = len(n.socks)
		n.socks = append(n.socks, s)
	}
	n.mu.Unlock()
	return &Peer{net: n, sock: s}, adopt(fd)
}

// change tells the peer and the poller that something is new. Under mu.
func (n *Net) change(s *socket) {
	close(s.changed)
	s.changed = make(chan struct{})
	if s.poller != nil {
		s.poller.wake()
	}
}

// chance is true once in k on a faulty network. Under mu.
func (n *Net) chance(k int) bool { return n.rng != nil && n.rng.IntN(k) == 0 }

// part is how much of n bytes is moved: all, or on a faulty network some.
func (n *Net) part(bytes int) int {
	if bytes > 1 && n.chance(2) {
		return 1 + n.rng.IntN(bytes)
	}
	return bytes
}

// Poller makes a poller, for loop.Config.NewPoller.
func (n *Net) Poller() (poll.Poller, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := &poller{net: n, woken: make(chan struct{}, 1)}
	n.pollers = append(n.pollers, p)
	return p, nil
}

type poller struct {
	net   *Net
	woken chan struct{}
}

func (p *poller) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

// socket returns an open descriptor's socket. Under mu.
func (p *poller) socket(fd int) (*socket, error) {
	if fd < 0 || fd >= len(p.net.socks) || p.net.socks[fd] == nil {
		p.net.misuse = append(p.net.misuse, errClosed)
		return nil, errClosed
	}
	return p.net.socks[fd], nil
}

func (p *poller) watch(fd int, token uint64, in poll.Interest) error {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	s, err := p.socket(fd)
	if err != nil {
		return err
	}
	s.poller, s.token, s.interest = p, token, in
	p.wake()
	return nil
}

// Add implements poll.Poller.
func (p *poller) Add(fd int, token uint64, in poll.Interest) error { return p.watch(fd, token, in) }

// Mod implements poll.Poller.
func (p *poller) Mod(fd int, token uint64, in poll.Interest) error { return p.watch(fd, token, in) }

// Del implements poll.Poller.
func (p *poller) Del(fd int) error {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	s, err := p.socket(fd)
	if err == nil {
		s.poller = nil
	}
	return err
}

// Wait implements poll.Poller.
func (p *poller) Wait(events []poll.Event, timeout time.Duration) (int, error) {
	var expired <-chan time.Time
	if timeout >= 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		expired = t.C
	}
	for {
		if n := p.ready(events); n > 0 {
			select {
			case <-p.woken:
			default:
			}
			return n, nil
		}
		select {
		case <-p.woken:
			return p.ready(events), nil
		case <-expired:
			return 0, nil
		}
	}
}

func (p *poller) ready(events []poll.Event) int {
	n := p.net
	n.mu.Lock()
	defer n.mu.Unlock()
	count := 0
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
		r := s.ready(n.window)
		if r == 0 {
			continue
		}
		add(s.token, r)
		if n.chance(8) {
			add(s.token, r) // doubled
		}
	}
	if count > 0 && n.rng != nil {
		if len(n.stale) > 0 && n.chance(4) {
			add(n.stale[n.rng.IntN(len(n.stale))], poll.Readable|poll.Writable|poll.Failed)
		}
		n.rng.Shuffle(count, func(i, j int) { events[i], events[j] = events[j], events[i] })
	}
	return count
}

func (s *socket) ready(window int) (r poll.Ready) {
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
	p.wake()
	return nil
}

// Read implements poll.Poller.
func (p *poller) Read(fd int, b []byte) (int, error) {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	s, err := p.socket(fd)
	switch {
	case err != nil:
		return 0, err
	case len(s.in) > 0 && !p.net.chance(8):
		k := copy(b[:p.net.part(min(len(b), len(s.in)))], s.in)
		s.in = s.in[k:]
		p.net.change(s)
		return k, nil
	case len(s.in) > 0:
		return 0, poll.ErrAgain
	case s.reset:
		return 0, ErrReset
	case s.fin:
		return 0, nil
	}
	return 0, poll.ErrAgain
}

// Write implements poll.Poller.
func (p *poller) Write(fd int, b []byte) (int, error) {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	s, err := p.socket(fd)
	if err != nil {
		return 0, err
	}
	if s.reset {
		return 0, ErrReset
	}
	room := p.net.window - len(s.out)
	if room <= 0 || p.net.chance(8) {
		return 0, poll.ErrAgain
	}
	k := p.net.part(min(room, len(b)))
	s.out = append(s.out, b[:k]...)
	p.net.change(s)
	return k, nil
}

// Writev implements poll.Poller.
func (p *poller) Writev(fd int, bufs [][]byte) (int, error) {
	total := 0
	for _, b := range bufs {
		k, err := p.Write(fd, b)
		total += k
		if err != nil && total == 0 {
			return 0, err
		}
		if err != nil || k < len(b) {
			break
		}
	}
	return total, nil
}

// Shutdown implements poll.Poller.
func (p *poller) Shutdown(fd int) error {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	s, err := p.socket(fd)
	if err == nil {
		s.shut = true
		p.net.change(s)
	}
	return err
}

// CloseFD implements poll.Poller.
func (p *poller) CloseFD(fd int) error {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	s, err := p.socket(fd)
	if err != nil {
		return err
	}
	p.net.socks[fd] = nil
	if len(p.net.stale) < 64 {
		p.net.stale = append(p.net.stale, s.token)
	}
	s.closed, s.shut, s.poller = true, true, nil
	p.net.change(s)
	return nil
}

// Close implements poll.Poller.
func (p *poller) Close() error { return nil }
