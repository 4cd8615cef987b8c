package socketio

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"outrider/engineio"
)

// eventLog keeps the last events of a namespace for sockets that are away, and gives each its offset. Without
// [Config].Recovery there is none.
//
//  1. Events reach every socket in the order of their offsets: mu is held from the making of an offset until the event
//     has been handed to all receivers. So the last offset that a client has seen says what it has not.
//  2. A socket that comes back is sent what it has missed, and becomes a receiver, while mu is held: no event falls
//     between, and none comes twice.
//  3. Who has found an event can walk to all later ones, also when the log has forgotten them meanwhile.
//
// mu is taken before sockets' locks, and never by who holds one.
type eventLog struct {
	recovery *recovery

	mu    sync.Mutex // guards store
	store eventStore
}

// keptEvent is an event, and to whom it went.
type keptEvent struct {
	event  *Prepared // with the offset
	rooms  []string  // none: everybody
	except []string  // but who is in any of these
	at     time.Time
	next   *keptEvent // the one after it; guarded by the log's mu
}

// keptEventSize is about what an event takes besides its bytes: itself, its encoding and their places in lists.
const keptEventSize = 400

func (e *keptEvent) size() int {
	n := len(e.event.json)
	for _, a := range e.event.attachments {
		n += len(a)
	}
	n *= 2 // here and encoded
	for _, room := range e.rooms {
		n += len(room)
	}
	for _, room := range e.except {
		n += len(room)
	}
	return keptEventSize + n
}

// newEventLog returns the log of the namespace with that name, nil if none is kept.
func newEventLog(r *recovery, name string) *eventLog {
	if r == nil || r.cfg.Namespaces != nil && !r.cfg.Namespaces(name) {
		return nil
	}
	return &eventLog{recovery: r, store: r.store.events()}
}

// sendTo sends an event to one socket, and keeps it for the case that it does not arrive.
func (l *eventLog) sendTo(s *Socket, p *Prepared) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return s.deliver(l.keep(p, []string{s.ID()}, nil))
}

// broadcast sends an event to many, whichever node it comes from. (A Broadcast for one socket alone is volatile, and does not come here.)
func (l *eventLog) broadcast(b Broadcast, p *Prepared) (sent int) {
	except := b.except
	if b.sender != nil {
		except = append(slices.Clone(except), b.sender.ID())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.keep(p, b.rooms, except)
	for s := range b.Sockets() {
		event := kept
		if s.Revision() == engineio.Revision3 { // such a client has no use for an offset
			event = p
		}
		if s.deliver(event) == nil {
			sent++
		}
	}
	return sent
}

// keep returns the event with an offset, and takes it into the log. The caller holds mu.
func (l *eventLog) keep(p *Prepared, rooms, except []string) *Prepared {
	e := &keptEvent{event: p, rooms: rooms, except: except}
	l.store.add(e)
	l.recovery.arm()
	return e.event
}

// sweep forgets events that are too old, and reports whether there are others.
func (l *eventLog) sweep() (left bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.store.sweep()
}

// find returns the event with an offset, nil if it is not kept.
func (l *eventLog) find(offset string) *keptEvent {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.store.find(offset)
}

// sendMissed sends a socket that has come back the events that it has missed. The caller holds the log's mu and the
// socket's.
func (s *Socket) sendMissed() error {
	for e := s.extra.recovery.last.next; e != nil; e = e.next {
		if len(e.rooms) > 0 && !s.isInAny(e.rooms) || s.isInAny(e.except) {
			continue
		}
		if err := s.conn.session.SendFrame(e.event.frame(s.ns, engineio.Revision4)); err != nil {
			return err
		}
	}
	return nil
}

// memoryEvents is the eventStore of a memoryStore.
type memoryEvents struct {
	store  *memoryStore
	events []*keptEvent // without gaps, the oldest first
	gone   int          // of events, at its beginning
	next   uint64       // the offset of the next event
	bytes  int          // of events
}

func (m *memoryEvents) add(e *keptEvent) {
	e.event, e.at = e.event.withOffset(m.next), m.store.now()
	m.next++
	if n := len(m.events); n > m.gone {
		m.events[n-1].next = e
	}
	m.events = append(m.events, e)
	m.bytes += e.size()
	m.trim()
}

// trim forgets events that are too old, and as many of the oldest as the bounds demand.
func (m *memoryEvents) trim() {
	cfg := m.store.cfg
	for len(m.events) > m.gone {
		oldest := m.events[m.gone]
		fits := len(m.events)-m.gone <= cfg.MaxEvents && m.bytes <= cfg.MaxEventBytes
		if fits && !m.store.expired(oldest.at) {
			break
		}
		m.bytes -= oldest.size()
		m.events[m.gone] = nil
		m.gone++
	}
	if m.gone*2 >= len(m.events) {
		n := copy(m.events, m.events[m.gone:])
		clear(m.events[n:])
		m.events, m.gone = m.events[:n], 0
	}
	if len(m.events) == 0 {
		m.events = nil
	}
}

func (m *memoryEvents) sweep() (left bool) {
	m.trim()
	return len(m.events) > 0
}

func (m *memoryEvents) find(offset string) *keptEvent {
	n, err := strconv.ParseUint(offset, offsetBase, 64)
	if err != nil {
		return nil
	}
	oldest := m.next - uint64(len(m.events)-m.gone)
	if n < oldest || n >= m.next {
		return nil
	}
	return m.events[m.gone+int(n-oldest)]
}

// offsetBase is in which offsets are written: they travel with every event.
const offsetBase = 36

// withOffset returns the event with one argument more.
func (p *Prepared) withOffset(offset uint64) *Prepared {
	json := append(slices.Grow([]byte(nil), len(p.json)+16), p.json[:len(p.json)-1]...)
	json = append(strconv.AppendUint(append(json, `,"`...), offset, offsetBase), `"]`...)
	return &Prepared{json: json, attachments: p.attachments, ascii: p.ascii}
}
