// Package polltest is a network in memory under the real event loop: a
// [poll.Poller] whose descriptors are not the kernel's. Faults are drawn from
// a seed: short reads and writes, EAGAIN, wake-ups for nothing, and events
// that are stale, doubled, shuffled or about nothing. Time is the runtime's,
// so that it runs in a testing/synctest bubble.
//
// What it shares with the kernel is held by the tests of package poll, which
// run over both.
package polltest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"outrider/internal/poll"
)

// Errors of this package.
var (
	// ErrReset is what a read or write on a reset connection returns.
	ErrReset = errors.New("polltest: connection reset")
	// ErrNotWatched: Mod or Del of a descriptor that was not added.
	ErrNotWatched = errors.New("polltest: descriptor is not watched")
	// ErrWatched: Add of a descriptor that was added before.
	ErrWatched = errors.New("polltest: descriptor is watched already")
)

// What the loop must never see.
var (
	errClosed  = errors.New("polltest: bad file descriptor")
	errTooMany = errors.New("polltest: too many buffers")
)

// Net is a network. Its descriptors are reused at once, as the kernel's are.
type Net struct {
	mu      sync.Mutex
	rng     *rand.Rand // nil: no faults
	window  int
	socks   []*socket // by descriptor
	pollers []*poller
	stale   []uint64 // tokens of descriptors that were closed
	misuse  []error
	stopped bool   // the process is
	refusal error  // what Add returns
	between func() // called by Wait
}

// socket is the server's end of a connection.
type socket struct {
	in       []byte // from the peer, not read yet
	out      []byte // to the peer, not taken yet
	read     int    // bytes that the server has read
	written  int    // bytes that the server has written
	resetIn  int    // reset when so many have been read; negative: never
	resetOut int    // the same for written
	fin      bool   // the peer has shut its side
	gone     bool   // the peer has closed
	reset    bool
	shut     bool // the server has shut its side
	closed   bool // the server has closed
	detached bool // the server has taken it out of the poller
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

// Misuse returns what a caller did to descriptors that it had no right to:
// that were closed, or another poller's, or shut for writing.
func (n *Net) Misuse() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return errors.Join(n.misuse...)
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

// Stop stops the process that the pollers belong to, as SIGSTOP would: no
// Wait returns until Continue.
func (n *Net) Stop() { n.setStopped(true) }

// Continue undoes Stop.
func (n *Net) Continue() { n.setStopped(false) }

func (n *Net) setStopped(stopped bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopped = stopped
	for _, p := range n.pollers {
		p.signal()
	}
}

// Refuse makes Add return err from now on, as a kernel without memory for
// more watches would; nil ends it.
func (n *Net) Refuse(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refusal = err
}

// Between makes every Wait call fn when it has found events, before it
// returns them: what another goroutine does between a batch's arrival and
// its handling.
func (n *Net) Between(fn func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.between = fn
}

// Dial makes a connection and gives the server's descriptor to adopt, which
// is loop.Group's.
func (n *Net) Dial(adopt func(fd int) error) (*Peer, error) {
	s := &socket{resetIn: -1, resetOut: -1, changed: make(chan struct{})}
	return &Peer{net: n, sock: s}, adopt(n.open(s))
}

// open gives s the lowest free descriptor.
func (n *Net) open(s *socket) (fd int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for fd, used := range n.socks {
		if used == nil {
			n.socks[fd] = s
			return fd
		}
	}
	n.socks = append(n.socks, s)
	return len(n.socks) - 1
}

// change tells the peer and the poller that something is new. Under mu.
func (n *Net) change(s *socket) {
	close(s.changed)
	s.changed = make(chan struct{})
	if s.poller != nil {
		s.poller.signal()
	}
}

// kill resets s: what either side has not read is lost. Under mu.
func (n *Net) kill(s *socket) {
	s.reset = true
	s.in, s.out = nil, nil
	n.change(s)
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

// blame notes a caller's mistake. Under mu.
func (n *Net) blame(fd int, what string) {
	n.misuse = append(n.misuse, fmt.Errorf("polltest: descriptor %d: %s", fd, what))
}
