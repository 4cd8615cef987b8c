package bench

import (
	"encoding/json"
	"net/netip"
	"time"

	"outrider/bench/internal/fleet"
)

// The harness and its workers talk in lines of JSON over the workers' standard
// input and output: a request has an answer with its id, and between the two
// come counts for whoever watches.

// request asks a worker to do something. There is one at a time; cancel, which
// has no answer of its own, makes the present one end soon.
type request struct {
	ID   int             `json:"id"`
	Do   string          `json:"do"`
	With json.RawMessage `json:"with,omitempty"`
}

const doCancel = "cancel"

// answer is a worker's line: an answer if ID is not 0, else counts.
type answer struct {
	ID     int             `json:"id,omitempty"`
	Error  string          `json:"error,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Counts *Counts         `json:"counts,omitempty"`
}

// Counts are the state of a worker's clients.
type Counts struct {
	Ready      int    `json:"ready"`
	Dialing    int    `json:"dialing"`
	Failed     uint64 `json:"failed"`
	Lost       uint64 `json:"lost"`
	Heartbeats uint64 `json:"heartbeats"`
	Messages   uint64 `json:"messages"`
}

func (c *Counts) add(d Counts) {
	c.Ready += d.Ready
	c.Dialing += d.Dialing
	c.Failed += d.Failed
	c.Lost += d.Lost
	c.Heartbeats += d.Heartbeats
	c.Messages += d.Messages
}

// startWith makes a worker's clients.
type startWith struct {
	Targets  []netip.AddrPort `json:"targets"`
	Path     string           `json:"path"`
	Clients  int              `json:"clients"`
	First    uint64           `json:"first"`
	Profiles profiles         `json:"profiles"`
	Topics   int              `json:"topics"`
	Timeout  time.Duration    `json:"timeout"`
	// Sources are the addresses to connect from: so many from this one on. 0 is
	// the system's choice.
	Sources int        `json:"sources"`
	Source  netip.Addr `json:"source"`
}

// connectWith connects the clients from one up to another.
type connectWith struct {
	From     int     `json:"from"`
	To       int     `json:"to"`
	Rate     float64 `json:"rate"` // a second; 0: as fast as InFlight lets
	InFlight int     `json:"in_flight"`
}

type connectResult struct {
	Ready   int                    `json:"ready"`
	Failed  map[fleet.Cause]uint64 `json:"failed"`
	Elapsed time.Duration          `json:"elapsed"`
	Opened  *Histogram             `json:"opened"`  // until the engine is open
	Settled *Histogram             `json:"settled"` // until set_connect is acknowledged
	Grown   int64                  `json:"grown"`   // the worker's own resident bytes
}

// watchWith begins a new count of receipts: of pushes with this number and
// later ones. What comes late of earlier ones is not counted.
type watchWith struct {
	From uint64 `json:"from"`
	// Each counts every push for itself; for a few pushes to many clients.
	Each bool `json:"each"`
}

// awaitWith waits for receipts.
type awaitWith struct {
	// Total is how many the worker's clients are to get; without it the one
	// push Push is to reach those of them that are in a topic.
	Total   int64         `json:"total"`
	Push    uint64        `json:"push"`
	Kind    fleet.Kind    `json:"kind"`
	Topic   uint64        `json:"topic"`
	Timeout time.Duration `json:"timeout"`
}

// receiptsSummary is how many receipts a worker's clients have.
type receiptsSummary struct {
	Total   int64 `json:"total"`
	Missing int64 `json:"missing"` // of what was awaited
}

// receiptsResult is all that is known of them.
type receiptsResult struct {
	Total  int64                `json:"total"`
	Due    *Histogram           `json:"due"`  // from when a push was due
	Sent   *Histogram           `json:"sent"` // from when it was written
	Pushes map[uint64]*arrivals `json:"pushes"`
}

// arrivals are the receipts of one push, by the monotonic clock.
type arrivals struct {
	Count int64 `json:"count"`
	First int64 `json:"first"` // after it was written
	Last  int64 `json:"last"`
}

// statsResult is a worker's count of everything.
type statsResult struct {
	Stats fleet.Stats `json:"stats"`
	RSS   int64       `json:"rss"`
}
