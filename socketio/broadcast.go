package socketio

import (
	"context"
	"iter"
	"log/slog"
	"slices"
)

// Broadcast says to whom an event goes. It is a value that never changes: its methods return a new one, so that it can
// be kept and shared.
//
//	ns.To("news", "weather").Except("muted").Emit("headline", text)
//	s.Broadcast().Emit("joined", s.ID())         // everybody in the namespace but s
//	s.To("room-1").Emit("typing")                // everybody in the room but s
//	s.Volatile().Emit("position", 52.1, 4.3)     // s, if it can take it now
//
// The rooms of a Broadcast are united, a socket in several of them is reached once; the id of a socket is a room that
// holds that socket. An event is encoded once for all receivers that speak the same revision. With [Config].Adapter a
// Broadcast reaches the sockets of all nodes, without it or with Local those of this server.
type Broadcast struct {
	ns       *Namespace
	sender   *Socket // who is left out
	only     *Socket // the one receiver, until To or Except says otherwise
	rooms    []string
	except   []string
	volatile bool
	local    bool // other nodes have no part in it
}

// all is everybody.
func (n *Namespace) all() Broadcast { return Broadcast{ns: n} }

// To returns the sockets in any of the rooms.
func (n *Namespace) To(rooms ...string) Broadcast { return n.all().To(rooms...) }

// Except returns all sockets but those in any of the rooms.
func (n *Namespace) Except(rooms ...string) Broadcast { return n.all().Except(rooms...) }

// Volatile returns all sockets that can take an event without queueing it.
func (n *Namespace) Volatile() Broadcast { return n.all().Volatile() }

// Emit sends an event to all sockets. See [Broadcast.Emit].
func (n *Namespace) Emit(event string, args ...any) (sent int, err error) {
	return n.all().Emit(event, args...)
}

// Send sends a prepared event to all sockets. See [Broadcast.Send].
func (n *Namespace) Send(p *Prepared) (sent int) { return n.all().Send(p) }

// Broadcast returns all sockets of the namespace but this one.
func (s *Socket) Broadcast() Broadcast { return Broadcast{ns: s.ns, sender: s} }

// To returns the sockets in any of the rooms but this one.
func (s *Socket) To(rooms ...string) Broadcast { return s.Broadcast().To(rooms...) }

// Except returns the sockets of the namespace but this one and those in any of the rooms.
func (s *Socket) Except(rooms ...string) Broadcast { return s.Broadcast().Except(rooms...) }

// Volatile returns this socket alone, for events that are dropped where they would have to wait. With To or Except
// behind it, it is the same of those.
func (s *Socket) Volatile() Broadcast {
	return Broadcast{ns: s.ns, sender: s, only: s, volatile: true}
}

// To adds rooms to those that are reached.
func (b Broadcast) To(rooms ...string) Broadcast {
	b.rooms = slices.Concat(b.rooms, rooms)
	b.only = nil
	return b
}

// Except adds rooms whose sockets are left out.
func (b Broadcast) Except(rooms ...string) Broadcast {
	b.except = slices.Concat(b.except, rooms)
	b.only = nil
	return b
}

// Volatile leaves out the sockets that would have to queue the event: on WebSocket those with something unsent, on
// polling those without a waiting request (PROTOCOL.md 2.6).
func (b Broadcast) Volatile() Broadcast {
	b.volatile = true
	return b
}

// Emit sends an event, and returns to how many sockets of this node it was handed (to the kernel or a queue). It blocks
// for as long as that takes and never waits for a client. Its error is that of [Prepare], or [ErrNode]: then the sockets
// of this node have got the event, and those of others perhaps not. A socket that cannot be sent to is not counted, and
// none of the others' business.
func (b Broadcast) Emit(event string, args ...any) (sent int, err error) {
	p, err := Prepare(event, args...)
	if err != nil {
		return 0, err
	}
	err = b.publishEvent(p)
	return b.sendHere(p), err
}

// Send is Emit with an event that is encoded already. That other nodes were not reached is logged.
func (b Broadcast) Send(p *Prepared) (sent int) {
	if err := b.publishEvent(p); err != nil {
		b.ns.server.cfg.Logger.LogAttrs(context.Background(), slog.LevelWarn, "socketio: broadcast",
			slog.String("nsp", b.ns.address()), slog.Any("err", err))
	}
	return b.sendHere(p)
}

// sendHere is Send for this node.
func (b Broadcast) sendHere(p *Prepared) (sent int) {
	if !b.volatile && b.ns.keeps() {
		return b.sendKept(p)
	}
	for s := range b.Sockets() {
		if b.volatile && !s.conn.session.Writable() {
			continue
		}
		if s.deliver(p) == nil {
			sent++
		}
	}
	return sent
}

// sendKept is sendHere where events are kept for sockets that are away.
func (b Broadcast) sendKept(p *Prepared) (sent int) {
	if b.ns.log != nil {
		return b.ns.log.broadcast(b, p)
	}
	for _, child := range b.ns.server.childrenOf(b.ns) {
		of := b
		of.ns = child
		sent += of.Send(p)
	}
	return sent
}

// Sockets iterates over the sockets of this node that an event would go to now, whether they are writable or not, each
// of them once and in no order. It holds no lock meanwhile. It is how to do more to a room than to emit to it:
//
//	for s := range ns.To("room-1").Sockets() {
//		s.SetData(nil)
//	}
func (b Broadcast) Sockets() iter.Seq[*Socket] {
	if b.ns.match != nil {
		return b.inChildren
	}
	return func(yield func(*Socket) bool) {
		b.each(func(s *Socket) bool {
			if s == b.sender && s != b.only || !s.Connected() {
				return true
			}
			if len(b.except) > 0 && s.inAny(b.except) {
				return true
			}
			return yield(s)
		})
	}
}

// inChildren iterates over the sockets in all namespaces made from a template.
func (b Broadcast) inChildren(yield func(*Socket) bool) {
	for _, child := range b.ns.server.childrenOf(b.ns) {
		of := b
		of.ns = child
		for s := range of.Sockets() {
			if !yield(s) {
				return
			}
		}
	}
}

// each iterates over the candidates.
func (b Broadcast) each(yield func(*Socket) bool) {
	switch {
	case b.only != nil:
		yield(b.only)
	case len(b.rooms) == 0:
		b.ns.sockets.all()(yield)
	case len(b.rooms) == 1:
		b.ns.members(b.rooms[0])(yield)
	default:
		b.union(yield)
	}
}

// union iterates over several rooms. It remembers whom it has seen: asking a socket whether it is in a room that came
// before would miss those that have joined it meanwhile.
func (b Broadcast) union(yield func(*Socket) bool) {
	seen := make(map[*Socket]struct{})
	for _, room := range b.rooms {
		for s := range b.ns.members(room) {
			if _, again := seen[s]; again {
				continue
			}
			seen[s] = struct{}{}
			if !yield(s) {
				return
			}
		}
	}
}
