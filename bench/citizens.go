package bench

import (
	"bytes"
	"math"
	"time"

	"outrider/bench/internal/fleet"
	"outrider/bench/internal/ledger"
)

// citizens are a worker's clients in the city: their observer, which keeps the
// worker's part of the ledger and lets them act. It belongs to the fleet's
// goroutine.
type citizens struct {
	fleet  *fleet.Fleet
	with   cityWith
	first  uint64 // number of client 0
	book   *ledger.Writer
	each   []citizen
	result cityResult
	ended  bool
	others uint64 // pushes of other harnesses

	// taking places
	place   func(client int)
	next    int // client to take its place next
	waiting int // clients that were sent to it
	placed  chan struct{}

	day day
}

// citizen is what is to be known of one client.
type citizen struct {
	attempts uint8 // to connect, since it was ready
	open     bool  // its connection is on the ledger
	pending  bool  // a set_connect or logout is not acknowledged
	silent   bool
	placing  bool
}

func newCitizens(w *worker, with cityWith, book *ledger.Writer) *citizens {
	f := w.fleet
	c := &citizens{
		fleet: f, with: with, first: w.first, book: book, each: make([]citizen, f.Clients()),
		result: cityResult{Due: NewHistogram(), Closes: map[fleet.Cause]uint64{}, Acts: map[string]uint64{}},
	}
	for i := range c.each {
		if f.Ready(i) {
			c.Ready(i, 0)
		}
	}
	return c
}

func (c *citizens) number(client int) uint64 { return c.first + uint64(client) }

// claims reports whether what a client does is a claim: one that only listens
// claims nothing.
func (c *citizens) claims(client int) bool { return c.fleet.Profile(client).Kind != fleet.Show }

func (c *citizens) record(e ledger.Event, client int) {
	if !c.ended {
		c.book.Append(&ledger.Record{Event: e, At: c.fleet.Clock().Now(), Client: c.number(client)})
	}
}

// recordClaim is for the set_connect that a client is about to send.
func (c *citizens) recordClaim(client int) {
	if c.ended || !c.claims(client) {
		return
	}
	kind := c.fleet.Profile(client).Kind
	c.book.Append(&ledger.Record{
		Event: ledger.Claimed, At: c.fleet.Clock().Now(), Client: c.number(client),
		Device: c.fleet.Device(client), Exclusive: ledger.Exclusive(kind),
		Addresses: ledger.AddressesOf(c.with.Plan.target(c.number(client)), kind, c.fleet.User(client), c.fleet.Topic(client)),
	})
}

// claim sends a set_connect.
func (c *citizens) claim(client int) {
	c.recordClaim(client)
	c.each[client].pending = true
	c.fleet.SetConnect(client)
}

// Opened implements fleet.Observer: the client is about to join, and to send
// its first set_connect.
func (c *citizens) Opened(client int, _ int64) {
	c.each[client] = citizen{attempts: c.each[client].attempts, open: true}
	c.record(ledger.Opened, client)
	c.recordClaim(client)
}

// Ready implements fleet.Observer.
func (c *citizens) Ready(client int, _ int64) {
	if !c.each[client].open { // it was connected before the city was entered
		c.Opened(client, 0)
	}
	c.each[client].attempts = 0
	if c.claims(client) {
		c.record(ledger.Acked, client)
	}
}

// Acked implements fleet.Observer.
func (c *citizens) Acked(client int, ok bool) {
	c.each[client].pending = false
	if ok {
		c.record(ledger.Acked, client)
	} else {
		c.record(ledger.Refused, client)
		c.result.Refused++
	}
	c.hasPlace(client)
}

// LoggedOut implements fleet.Observer.
func (c *citizens) LoggedOut(client int) {
	c.each[client].pending = false
	c.record(ledger.LoggedOut, client)
}

// Message implements fleet.Observer.
func (c *citizens) Message(client int, text []byte, at int64) {
	s, ok := parseStamp(text)
	if !ok || c.ended {
		return
	}
	if !c.with.Plan.ours(s.number) {
		if s.number >= cityNumbers { // no scenario's before this one
			c.others++
		}
		return
	}
	if unicastInCity(s.number) {
		c.result.Due.Record(at - s.due)
	}
	c.book.Append(&ledger.Record{Event: ledger.Received, At: at, Client: c.number(client), Number: s.number})
}

// Event implements fleet.Observer.
func (c *citizens) Event(client int, name, text []byte, _ int64) {
	if string(name) == "logout" && bytes.Contains(text, []byte(`"reason":"replaced"`)) {
		c.record(ledger.Replaced, client)
	}
}

// Closed implements fleet.Observer.
func (c *citizens) Closed(client int, cause fleet.Cause, ready bool) {
	z := &c.each[client]
	if z.open && !c.ended {
		r := ledger.Record{Event: ledger.Closed, At: c.fleet.Clock().Now(), Client: c.number(client)}
		if t := c.fleet.Profile(client).Transport; t == fleet.Polling || t == fleet.Upgrade && !ready {
			r.Notice = c.fleet.Heartbeat()
		}
		c.book.Append(&r)
	}
	if !c.ended && ready && cause != fleet.CauseLocal && !z.silent {
		c.result.Closes[cause]++
	}
	c.hasPlace(client)
	*z = citizen{attempts: z.attempts}
	c.comeBack(client)
}

// comeBack dials a client by socket.io's own back-off.
func (c *citizens) comeBack(client int) {
	z := &c.each[client]
	attempt := int(z.attempts)
	z.attempts = min(z.attempts+1, math.MaxUint8-1)
	wait := reconnectDelay(attempt, chance(c.number(client), attempt))
	c.fleet.DialAt(client, c.fleet.Clock().Now()+int64(wait))
}

// placesAtOnce is how many clients are sent to their places at once.
const placesAtOnce = 64

// takePlaces begins to give all clients a place, and closes placed when all
// have it, but those that are not connected.
func (c *citizens) takePlaces(place func(client int)) {
	c.place, c.next, c.waiting, c.placed = place, 0, 0, make(chan struct{})
}

// enter makes a client what it is in the city.
func (c *citizens) enter(client int) {
	p := &c.with.Plan
	number := c.number(client)
	owner := p.owner(number, c.first)
	c.fleet.SetUser(client, int(owner-c.first), p.device(number, owner))
	c.fleet.SetTopic(client, p.topic(c.fleet.Profile(client).Kind, number, owner, 0))
}

// leave makes it what it was before.
func (c *citizens) leave(client int) {
	c.fleet.SetUser(client, client, 0)
	c.fleet.SetTopic(client, c.number(client)%c.fleet.Topics())
	if c.each[client].silent {
		c.fleet.Close(client)
	}
}

// sendToPlaces sends the next clients to theirs.
func (c *citizens) sendToPlaces() {
	if c.place == nil {
		return
	}
	for c.next < len(c.each) && c.waiting < placesAtOnce {
		i := c.next
		c.next++
		z := &c.each[i]
		if z.open && !c.fleet.Ready(i) { // it comes back with what it is to be
			c.fleet.Close(i)
		}
		c.place(i)
		switch {
		case !c.fleet.Ready(i):
			c.comeBack(i)
		case !z.silent && c.claims(i):
			c.waiting++
			z.placing = true
			c.claim(i)
		}
	}
	if c.next == len(c.each) && c.waiting == 0 {
		c.place = nil
		close(c.placed)
	}
}

// hasPlace is told that a set_connect was answered, or never will be.
func (c *citizens) hasPlace(client int) {
	if z := &c.each[client]; z.placing {
		z.placing = false
		c.waiting--
	}
}

// Turn implements fleet.Observer.
func (c *citizens) Turn(now int64) time.Duration {
	c.sendToPlaces()
	return c.day.turn(c, now)
}

// end completes this part of the ledger.
func (c *citizens) end() error {
	c.day = day{}
	c.result.Ended = c.fleet.Clock().Now()
	c.ended = true
	return c.book.Close(c.result.Ended, c.others)
}
