package sim

import (
	"fmt"
	"time"

	"outrider/internal/poll"
)

// FirstFD is the descriptor of the first client.
const FirstFD = firstFD

// TestNetwork is a network of clients without a server, with one port.
type TestNetwork struct {
	net *Network
	poll.Poller
	Adopted []int
}

// NewTestNetwork returns one of so many clients.
func NewTestNetwork(revision, clients int, interval time.Duration) (*TestNetwork, error) {
	cfg := DefaultConfig()
	cfg.Sessions, cfg.Revision = clients, revision
	cfg.IO.Engine.Paths, cfg.IO.Engine.PingInterval = []string{"/e"}, interval
	net, err := newNetwork(&cfg)
	if err != nil {
		return nil, err
	}
	n := &TestNetwork{net: net}
	net.Up(func(fd int) error { n.Adopted = append(n.Adopted, fd); return nil })
	n.Poller, err = net.Poller()
	return n, err
}

// Dial makes so many clients dial at once.
func (n *TestNetwork) Dial(atOnce int) { n.net.start(atOnce) }

// Release gives the clients' memory back.
func (n *TestNetwork) Release() error { return n.net.release() }

// Counts says what clients have counted.
func (n *TestNetwork) Counts() string {
	return fmt.Sprintf("ready %d failed %d lost %d odd %d beats %d messages %d",
		n.net.ready.Load(), n.net.failed.Load(), n.net.lost.Load(), n.net.odd.Load(), n.net.beats(), n.net.messages())
}

// Settled reports whether all dials are over.
func (n *TestNetwork) Settled() bool {
	select {
	case <-n.net.settled:
		return true
	default:
		return false
	}
}

// What is tested of the rest.
var (
	PartOf = partOf
	Since  = since
)
