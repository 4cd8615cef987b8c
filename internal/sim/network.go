package sim

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"outrider/internal/poll"
	"outrider/internal/seam"
)

// firstFD is the descriptor of the first client. They are above any that the
// kernel gives, so that a system call which gets one by mistake fails.
const firstFD = 1 << 24

// Network is the clients, and the kernel between them and the loops. A port of
// it is one loop's poller.
type Network struct {
	// set at construction
	script   *script
	interval time.Duration // revision 3: between two pings
	mapping  []byte        // what clients lies in
	clients  []client
	began    time.Time
	settled  chan struct{} // closed when every client is ready or has failed

	adopt func(fd int) error // set by Up

	// atomic
	dials   atomic.Int64 // begun
	done    atomic.Int64 // of those, over
	ready   atomic.Int64 // now
	failed  atomic.Int64 // to become ready
	lost    atomic.Int64 // that had been ready
	odd     atomic.Int64 // writes that made no sense
	stopped atomic.Bool  // nobody dials any more

	mu    sync.Mutex
	ports []*port // guarded by mu
}

var _ seam.Network = (*Network)(nil)

func newNetwork(cfg *Config) (*Network, error) {
	size := cfg.Sessions * int(unsafe.Sizeof(client{}))
	mapping, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("sim: memory for %d clients: %w", cfg.Sessions, err)
	}
	return &Network{
		script:   newScript(cfg.Revision, cfg.Topics, cfg.path()),
		interval: cfg.IO.Engine.PingInterval,
		mapping:  mapping,
		clients:  unsafe.Slice((*client)(unsafe.Pointer(&mapping[0])), cfg.Sessions),
		began:    time.Now(),
		settled:  make(chan struct{}),
	}, nil
}

// release gives the clients' memory back. The server must be closed.
func (n *Network) release() error {
	n.clients = nil
	return unix.Munmap(n.mapping)
}

// size is what the clients take.
func (n *Network) size() int64 { return int64(len(n.mapping)) }

// Poller implements seam.Network.
func (n *Network) Poller() (poll.Poller, error) {
	p := newPort(n)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ports = append(n.ports, p)
	return p, nil
}

// Up implements seam.Network.
func (n *Network) Up(adopt func(fd int) error) { n.adopt = adopt }

// now is the clients' time.
func (n *Network) now() int64 { return int64(time.Since(n.began)) }

// start dials with so many clients at once; as one is done the next dials.
func (n *Network) start(atOnce int) {
	for range atOnce {
		n.dial()
	}
}

// dial connects the next client, if there is one.
func (n *Network) dial() {
	if n.stopped.Load() {
		return
	}
	number := n.dials.Add(1) - 1
	if number >= int64(len(n.clients)) {
		return
	}
	_ = n.adopt(firstFD + int(number)) // what it does not take it closes, which CloseFD counts
}

// over counts a client whose dial has ended, in one way or the other.
func (n *Network) over() {
	if n.done.Add(1) == int64(len(n.clients)) {
		close(n.settled)
	}
}

// beats is the number of heartbeats that had their answer.
func (n *Network) beats() (sum int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.ports {
		sum += p.beats.Load()
	}
	return sum
}

// messages is the number of pushes that were written to all clients.
func (n *Network) messages() (sum int64) {
	for i := range n.clients {
		sum += int64(n.clients[i].messages.Load())
	}
	return sum
}
