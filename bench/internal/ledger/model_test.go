package ledger_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"outrider/bench/internal/fleet"
	"outrider/bench/internal/ledger"
)

// The model is a server that does what SPEC.md says, each thing at one moment
// somewhere between request and answer, with clients that come, move, log in
// and out and leave at random. The checker sees the ledger alone, and the
// faults that the model makes are those that it must find.

// act is something that the model's world does at a moment.
type act struct {
	at int64
	do func()
}

// seat is what the model's server knows of one connection.
type modelSeat struct {
	client    int
	kind      fleet.Kind
	device    uint8
	addresses []ledger.Address
	gone      bool
}

type model struct {
	rnd     *rand.Rand
	acts    []act
	records []ledger.Record
	here    []*modelSeat // in the server's eyes
	seats   []*modelSeat // by client: its connection; nil: none
	busy    []int64      // until when a client waits for an answer
	next    uint64       // push
	fault   func(to *modelSeat, number uint64) ledger.Sort
	made    map[ledger.Sort]int
	held    map[*modelSeat]uint64 // a push that is to come after the next
	misled  map[*modelSeat]uint64 // the last push that came by mistake
}

const none = ledger.Sort(255)

func (m *model) record(r ledger.Record) { m.records = append(m.records, r) }

func (m *model) after(at int64, within time.Duration, do func(at int64)) int64 {
	at += 1 + m.rnd.Int64N(int64(within))
	m.acts = append(m.acts, act{at, func() { do(at) }})
	return at
}

// claim has a client send set_connect: the server does it in a while, and the
// answer comes a while later.
func (m *model) claim(s *modelSeat, at int64, user, topic uint64, device uint8) {
	addresses := ledger.AddressesOf(0, s.kind, user, topic)
	m.record(ledger.Record{
		Event: ledger.Claimed, At: at, Client: uint64(s.client), Device: device,
		Exclusive: ledger.Exclusive(s.kind), Addresses: addresses,
	})
	m.busy[s.client] = m.after(at, 5*time.Millisecond, func(at int64) {
		if s.gone {
			return
		}
		if ledger.Exclusive(s.kind) {
			for _, other := range m.here {
				if other != s && slices.Contains(other.addresses, addresses[0]) {
					if other.device != device {
						m.after(at, 20*time.Millisecond, func(at int64) { m.tell(other, at) })
					}
					other.addresses = nil
				}
			}
		}
		s.addresses, s.device = addresses, device
		m.busy[s.client] = m.after(at, 5*time.Millisecond, func(at int64) {
			if !s.gone {
				m.record(ledger.Record{Event: ledger.Acked, At: at, Client: uint64(s.client)})
			}
		})
	}) + int64(5*time.Millisecond)
}

func (m *model) tell(s *modelSeat, at int64) {
	if !s.gone {
		m.record(ledger.Record{Event: ledger.Replaced, At: at, Client: uint64(s.client)})
	}
}

// step has one client do something.
func (m *model) step(at int64) {
	client := m.rnd.IntN(len(m.seats))
	s := m.seats[client]
	if m.busy[client] > at {
		return
	}
	kinds := []fleet.Kind{fleet.Rider, fleet.Customer, fleet.MerchantPOS, fleet.Platform, fleet.Table}
	user, topic, device := uint64(client/3), uint64(m.rnd.IntN(3)), uint8(m.rnd.IntN(2))
	switch {
	case s == nil:
		s = &modelSeat{client: client, kind: kinds[client/3%len(kinds)]}
		m.seats[client], m.here = s, append(m.here, s)
		m.record(ledger.Record{Event: ledger.Opened, At: at, Client: uint64(client)})
		m.claim(s, at, user, topic, device)
	case m.rnd.IntN(10) < 5:
		m.claim(s, at, user, topic, s.device)
	case m.rnd.IntN(10) < 5:
		m.record(ledger.Record{Event: ledger.LoggingOut, At: at, Client: uint64(client)})
		m.busy[client] = m.after(at, 5*time.Millisecond, func(at int64) {
			s.addresses = nil
			m.busy[client] = m.after(at, 5*time.Millisecond, func(at int64) {
				if !s.gone {
					m.record(ledger.Record{Event: ledger.LoggedOut, At: at, Client: uint64(client)})
				}
			})
		}) + int64(5*time.Millisecond)
	default:
		m.record(ledger.Record{Event: ledger.Leaving, At: at, Client: uint64(client)})
		m.record(ledger.Record{Event: ledger.Closed, At: at, Client: uint64(client)})
		s.gone = true
		m.seats[client] = nil
		m.after(at, 4*time.Second, func(int64) { // the server's side
			m.here = slices.DeleteFunc(m.here, func(o *modelSeat) bool { return o == s })
		})
	}
}

// push has the one caller push to somebody, and then again.
func (m *model) push(at int64, pushes int) {
	if pushes == 0 {
		return
	}
	m.next++
	number, sent := m.next, at
	to := m.someone()
	m.after(at, 3*time.Millisecond, func(at int64) {
		matched := 0
		for _, s := range m.here {
			if !slices.Contains(s.addresses, to) {
				continue
			}
			matched++
			if !s.gone {
				m.deliver(s, number, at)
			}
		}
		m.after(at, 3*time.Millisecond, func(at int64) {
			m.record(ledger.Record{
				Event: ledger.Pushed, At: sent, Number: number, Addresses: []ledger.Address{to},
				Answer: ledger.Answer{At: at, Status: 200, Matched: matched, Written: matched},
			})
			m.after(at, time.Millisecond, func(at int64) { m.push(at, pushes-1) })
		})
	})
}

func (m *model) someone() ledger.Address {
	if len(m.here) == 0 {
		return ledger.GroupOf(0, fleet.Rider)
	}
	s := m.here[m.rnd.IntN(len(m.here))]
	if len(s.addresses) == 0 {
		return ledger.GroupOf(0, s.kind)
	}
	return s.addresses[m.rnd.IntN(len(s.addresses))]
}

// deliver lets a push arrive at once, which keeps the order; or not.
func (m *model) deliver(s *modelSeat, number uint64, at int64) {
	got := func(s *modelSeat, number uint64) {
		m.record(ledger.Record{Event: ledger.Received, At: at, Client: uint64(s.client), Number: number})
	}
	sort := m.fault(s, number)
	switch sort {
	case ledger.Lost:
	case ledger.Duplicate:
		got(s, number)
		got(s, number)
	case ledger.Phantom: // it goes to a client of another kind, too
		other := m.stranger(s, number)
		if other == nil {
			sort = none
		} else {
			got(other, number)
		}
		got(s, number)
	case ledger.Reordered:
		if _, already := m.held[s]; !already {
			m.held[s] = number // what comes next comes first
			return
		}
		sort = none
		fallthrough
	default:
		got(s, number)
	}
	if earlier, ok := m.held[s]; ok && sort != ledger.Lost {
		delete(m.held, s)
		got(s, earlier)
		m.made[ledger.Reordered]++
	}
	if sort != none {
		m.made[sort]++
	}
}

// stranger finds a client of another kind that has not got the push by mistake
// already.
func (m *model) stranger(s *modelSeat, number uint64) *modelSeat {
	for _, other := range m.here {
		if other.kind != s.kind && !other.gone && m.misled[other] != number {
			m.misled[other] = number
			return other
		}
	}
	return nil
}

// run lets the model's world run and writes its ledger.
func (m *model) run(t *testing.T, pushes int, churn bool) (dir string) {
	const clients = 30
	m.seats, m.busy = make([]*modelSeat, clients), make([]int64, clients)
	m.made, m.held, m.misled = map[ledger.Sort]int{}, map[*modelSeat]uint64{}, map[*modelSeat]uint64{}
	for at := int64(1e6); at < 1e9; at += 1e6 {
		m.acts = append(m.acts, act{at, func() { m.openAll(at) }})
	}
	if churn {
		for at := int64(1e9); at < int64(1e9)+int64(pushes)*3e6; at += 2e6 {
			m.acts = append(m.acts, act{at, func() { m.step(at) }})
		}
	}
	m.acts = append(m.acts, act{2e9, func() { m.push(2e9, pushes) }})
	last := int64(0)
	for len(m.acts) > 0 {
		// Acts add acts: the next in time is looked for each time, among few.
		i := 0
		for k := range m.acts {
			if m.acts[k].at < m.acts[i].at {
				i = k
			}
		}
		next := m.acts[i]
		m.acts[i] = m.acts[len(m.acts)-1]
		m.acts = m.acts[:len(m.acts)-1]
		last = next.at
		next.do()
	}
	slices.SortStableFunc(m.records, func(a, b ledger.Record) int { return cmp.Compare(a.At, b.At) })
	dir = t.TempDir()
	w, err := ledger.Create(dir, "model", 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range m.records {
		w.Append(&r)
	}
	if err := w.Close(last+int64(3*time.Second), 0); err != nil {
		t.Fatal(err)
	}
	return dir
}

// openAll connects the clients that are not.
func (m *model) openAll(at int64) {
	for client, s := range m.seats {
		if s == nil && m.busy[client] <= at {
			s = &modelSeat{client: client, kind: fleet.Platform}
			if client%2 == 0 {
				s.kind = fleet.MerchantApp
			}
			m.seats[client], m.here = s, append(m.here, s)
			m.record(ledger.Record{Event: ledger.Opened, At: at, Client: uint64(client)})
			m.claim(s, at, uint64(client), 1, 0)
			return
		}
	}
}

// TestModel: a server that does all right is found guilty of nothing, whatever
// its timing.
func TestModel(t *testing.T) {
	for seed := range uint64(40) {
		m := &model{
			rnd:   rand.New(rand.NewPCG(seed, 1)),
			fault: func(*modelSeat, uint64) ledger.Sort { return none },
		}
		dir := m.run(t, 600, true)
		for _, atOnce := range []int{1 << 20, 100} {
			r, err := ledger.CheckInPasses(dir, atOnce)
			if err != nil {
				t.Fatal(err)
			}
			if r.Wrong() > 0 || r.Owed < 100 || r.Pushes != 600 {
				t.Fatalf("seed %d: %s of %d pushes, %d owed: %v", seed, faults(r), r.Pushes, r.Owed, r.Faults)
			}
		}
	}
}

// TestModelFaults: a server that makes mistakes, one in so many, has made
// exactly those that are found.
func TestModelFaults(t *testing.T) {
	for _, test := range []struct {
		sort ledger.Sort
		in   int
	}{{ledger.Lost, 10_000}, {ledger.Lost, 50}, {ledger.Duplicate, 50}, {ledger.Reordered, 50}, {ledger.Phantom, 50}} {
		t.Run(fmt.Sprintf("%v/1in%d", test.sort, test.in), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(9, uint64(test.sort)))
			m := &model{rnd: rand.New(rand.NewPCG(7, 7))}
			messages := 0
			m.fault = func(*modelSeat, uint64) ledger.Sort {
				messages++
				if test.in > 1000 && messages%test.in == 0 || test.in <= 1000 && rnd.IntN(test.in) == 0 {
					return test.sort
				}
				return none
			}
			r, err := ledger.Check(m.run(t, 6000, false))
			if err != nil {
				t.Fatal(err)
			}
			// What is held back at the end never comes.
			m.made[ledger.Lost] += len(m.held)
			for _, s := range ledger.Sorts() {
				if r.Counts[s] != m.made[s] {
					t.Errorf("%v: found %d, made %d", s, r.Counts[s], m.made[s])
				}
			}
			if m.made[test.sort] == 0 {
				t.Errorf("no fault was made in %d messages", messages)
			}
		})
	}
}
