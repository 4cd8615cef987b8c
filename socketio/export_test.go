package socketio

import (
	"fmt"
	"hash/maphash"
	"iter"
	"slices"
	"strings"
	"time"
	"unsafe"

	"outrider/engineio"
)

// The tests are outside of the package; this is their only way in.

// Limits are the decoder's.
type Limits struct{ Attachments, AckDigits, Namespace, Depth int }

// Parsed is what the decoder knows of a packet.
type Parsed struct {
	Packet
	d decoded
}

// Parse is ParsePacket with other limits.
func Parse(text []byte, lim Limits) (p Parsed, err error) {
	l := limits{lim.Attachments, lim.AckDigits, lim.Namespace, lim.Depth}
	err = p.d.parse(text, &l)
	p.Packet = p.d.Packet
	return p, err
}

// Name is the name of an event.
func (p *Parsed) Name() string {
	name, _ := p.d.name()
	return string(name)
}

// Args are the arguments of an event with these attachments.
func (p *Parsed) Args(attachments ...[]byte) *Args {
	a := new(Args)
	a.set(&p.d, 1, attachments)
	return a
}

// DecodeOnly decodes and forgets, for measuring.
func DecodeOnly(text []byte) error {
	lim := standardLimits()
	var d decoded
	return d.parse(text, &lim)
}

// Split is the splitter of argument arrays.
func Split(text []byte, depth int) (elements [][]byte, err error) {
	n, err := splitArray(text, depth, nil)
	if err != nil {
		return nil, err
	}
	spans := make([]span, n)
	_, err = splitArray(text, depth, spans)
	for _, at := range spans {
		elements = append(elements, text[at.start:at.end])
	}
	return elements, err
}

// ValidJSON is the check of a single value.
func ValidJSON(text []byte, depth int) bool { return validJSON(text, depth) }

// EncodeEvent returns an event as sessions of a revision receive it.
func EncodeEvent(rev engineio.Revision, namespace, event string, args ...any) (string, [][]byte, error) {
	var attachments [][]byte
	json, err := appendEvent(nil, &attachments, event, args)
	if err != nil {
		return "", nil, err
	}
	p := Packet{Type: PacketEvent}
	if namespace != "/" {
		p.Namespace = []byte(namespace)
	}
	text := packetText(0, p, json, len(attachments), rev)
	if cap(text) > len(text)+16 {
		panic("the buffer's size is a bad guess")
	}
	return string(text), attachments, nil
}

// EventFrame is an event as one receiver is sent it.
func EventFrame(ns *Namespace, rev engineio.Revision, event string, args ...any) (*engineio.Frame, error) {
	return eventFrame(ns, rev, event, args)
}

// EncodeConnectError returns what CONNECT_ERROR carries.
func EncodeConnectError(rev engineio.Revision, message string, data any) (string, error) {
	json, err := appendConnectError(nil, message, data, rev)
	return string(json), err
}

// QueryJSON is the query of a namespace as an object.
func QueryJSON(query string) string { return string(queryJSON(query)) }

// Frame is the encoding that sockets of a namespace and revision are sent.
func (p *Prepared) Frame(ns *Namespace, rev engineio.Revision) *engineio.Frame {
	return p.frame(ns, rev)
}

// Variants is how often the event has been encoded.
func (p *Prepared) Variants() (n int) {
	for v := p.variants.Load(); v != nil; v = v.next {
		n++
	}
	return n
}

// Table is a table of sockets without a server.
type Table struct{ t table }

// Add returns the slot of a new socket.
func (t *Table) Add() (s *Socket, slot uint32) {
	s = new(Socket)
	t.t.add(s, func(s *Socket, slot uint32) { s.slot = slot })
	return s, s.slot
}

func (t *Table) Remove(slot uint32)      { t.t.remove(slot) }
func (t *Table) Get(slot uint32) *Socket { return t.t.get(slot) }
func (t *Table) All() iter.Seq[*Socket]  { return t.t.all() }

// Chunks is how many chunks the table holds.
func (t *Table) Chunks() (n int) {
	if p := t.t.chunks.Load(); p != nil {
		for i := range *p {
			if (*p)[i].Load() != nil {
				n++
			}
		}
	}
	return n
}

// Sizes are those of what every connection and every socket costs here.
func Sizes() (ofConn, ofSocket uintptr) { return unsafe.Sizeof(conn{}), unsafe.Sizeof(Socket{}) }

// NewID returns an id that hides a slot, and the slot that is found in it.
func NewID(slot uint32) (id string, found uint32) {
	seed := maphash.MakeSeed()
	sid := newSocketID(seed, slot)
	return sid.String(), sid.slot(seed)
}

// AgeRecovery lets the time of what is kept for sockets that are away run ahead, and forgets what is too old then, as
// the timer does.
func (s *Server) AgeRecovery(d time.Duration) {
	store := s.recovery.store.(*memoryStore)
	now := store.now
	store.now = func() time.Time { return now().Add(d) }
	s.recovery.sweep()
}

// FreezeRecovery stops the time of what is kept for sockets that are away.
func (s *Server) FreezeRecovery() {
	now := time.Now()
	s.recovery.store.(*memoryStore).now = func() time.Time { return now }
}

// KeptSessions is how many sessions are kept, of connected sockets included.
func (s *Server) KeptSessions() int {
	store := s.recovery.store.(*memoryStore)
	store.mu.Lock()
	defer store.mu.Unlock()
	return len(store.sessions)
}

// Has reports whether there is a namespace of that name, and does not make one.
func (s *Server) Has(name string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.namespaces[name] != nil
}

// Keeps reports whether events of a namespace are kept.
func (n *Namespace) Keeps() bool { return n.keeps() }

// KeptEvents is how many events a namespace keeps, and how many bytes they count.
func (n *Namespace) KeptEvents() (events, bytes int) {
	n.log.mu.Lock()
	defer n.log.mu.Unlock()
	kept := n.log.store.(*memoryEvents)
	return len(kept.events) - kept.gone, kept.bytes
}

// KeptEvent is the event that an offset finds, "" if none.
func (n *Namespace) KeptEvent(offset string) string {
	if e := n.log.find(offset); e != nil {
		return string(e.event.json)
	}
	return ""
}

// Leftovers says what a server still holds of its clients, "" if nothing.
func (s *Server) Leftovers() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var left strings.Builder
	for name, ns := range s.namespaces {
		if n := ns.Len(); n != 0 {
			left.WriteString(fmt.Sprintf("%d sockets in %s; ", n, name))
		}
		for range ns.sockets.all() {
			left.WriteString(fmt.Sprintf("a slot in %s; ", name))
		}
		if ns.template != nil && !ns.pinned && !s.cfg.KeepEmptyNamespaces || ns.refs != 0 {
			left.WriteString(fmt.Sprintf("namespace %s with %d references; ", name, ns.refs))
		}
	}
	if n := s.recovery.count(); n != 0 {
		left.WriteString(fmt.Sprintf("%d sockets away; ", n))
	}
	for key, n := range s.rooms.Keys() {
		left.WriteString(fmt.Sprintf("%d in room %q; ", n, key))
	}
	if n := s.engine.Stats().Sessions; n != 0 {
		left.WriteString(fmt.Sprintf("%d sessions; ", n))
	}
	return left.String()
}

// List is a connection's list of sockets.
type List struct{ l sockets }

func (l *List) Add(s *Socket)    { l.l.add(s) }
func (l *List) Remove(s *Socket) { l.l.remove(s) }
func (l *List) Len() int         { return l.l.len() }
func (l *List) All() []*Socket   { return l.l.all() }

// Clone returns a list that shares nothing with l.
func (l *List) Clone() *List {
	c := *l
	if l.l.more != nil {
		more := slices.Clone(*l.l.more)
		c.l.more = &more
	}
	return &c
}

// AnswerSize is what an answer counts besides its data.
const AnswerSize = answerSize

// PendingAcks is how many acknowledgements are awaited of the sockets.
func PendingAcks(sockets ...*Socket) (n int) {
	for _, s := range sockets {
		s.mu.Lock()
		if s.extra != nil {
			n += len(s.extra.acks)
		}
		s.mu.Unlock()
	}
	return n
}

// Decode decodes the first argument as a handler of On does.
func Decode[A any](args *Args) (A, error) {
	a := newArgument[A]("", 0)
	return a.decode(args, 0, args.Arg(0))
}

// Deliver has a socket handle a packet that its client could have sent, for measuring.
func (s *Socket) Deliver(packet []byte) { s.conn.message(packet, false) }
