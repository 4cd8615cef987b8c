package socketio

import (
	"fmt"
	"iter"
	"slices"

	"outrider/registry"
)

// Join puts the socket into rooms, by any names. A room exists while somebody is in it. It returns [ErrLimit] if the
// socket would be in more than [Config].MaxRooms (it has joined those before then), and [ErrNotConnected] if it has
// left. Joining a room twice does nothing. In a middleware it is allowed: the seats are given up if the socket is
// refused.
//
// Every socket is also reached by its own id as if that were a room, which counts nowhere.
func (s *Socket) Join(rooms ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() >= gone { // leaveAll comes after this state and takes the same lock: no seat is left behind
		return ErrNotConnected
	}
	for _, room := range rooms {
		if s.seat(room) >= 0 {
			continue
		}
		x := s.need()
		if len(x.rooms) >= s.ns.server.cfg.MaxRooms {
			return fmt.Errorf("%w: %d rooms", ErrLimit, len(x.rooms))
		}
		x.rooms = append(x.rooms, s.ns.server.rooms.Join(s.ns.roomKey(room), s))
	}
	return nil
}

// Leave takes the socket out of a room, if it is in it.
func (s *Socket) Leave(room string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.seat(room)
	if i < 0 || s.state.Load() >= gone {
		return
	}
	s.extra.rooms[i].Leave()
	s.extra.rooms = slices.Delete(s.extra.rooms, i, i+1)
}

// Rooms returns the rooms that the socket is in, in the order in which it joined them. In OnDisconnect they are those
// that it was in.
func (s *Socket) Rooms() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.roomNames()
}

// roomNames is Rooms for who holds mu.
func (s *Socket) roomNames() []string {
	if s.extra == nil {
		return nil
	}
	rooms := make([]string, len(s.extra.rooms))
	for i, seat := range s.extra.rooms {
		rooms[i] = s.ns.roomOf(seat)
	}
	return rooms
}

// inAny reports whether the socket is in one of the rooms, of which its id counts as one.
func (s *Socket) inAny(rooms []string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.isInAny(rooms)
}

// isInAny is inAny for who holds mu.
func (s *Socket) isInAny(rooms []string) bool {
	for _, room := range rooms {
		if s.seat(room) >= 0 || s.named(room) {
			return true
		}
	}
	return false
}

// seat returns the index of a room in the list. The caller holds mu.
func (s *Socket) seat(room string) int {
	if s.extra == nil {
		return -1
	}
	for i := range s.extra.rooms {
		if s.ns.roomOf(s.extra.rooms[i]) == room {
			return i
		}
	}
	return -1
}

// leaveAll takes the socket out of all rooms, but keeps the list of them.
func (s *Socket) leaveAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.giveUpSeats()
}

// giveUpSeats is leaveAll for who holds mu. A second time it does nothing.
func (s *Socket) giveUpSeats() {
	if s.extra == nil {
		return
	}
	for _, seat := range s.extra.rooms {
		seat.Leave()
	}
}

// need returns the extra state. The caller holds mu.
func (s *Socket) need() *extra {
	if s.extra == nil {
		s.extra = new(extra)
	}
	return s.extra
}

// roomKey returns what a room is filed under. There is one index for all namespaces, because an index is not small and
// namespaces may be many.
func (n *Namespace) roomKey(room string) string { return n.name + "\x00" + room }

// roomOf returns the name of the room that a seat is in.
func (n *Namespace) roomOf(seat registry.Seat[Socket]) string { return seat.Key()[len(n.name)+1:] }

// members iterates over the sockets in a room, and the one whose id it is.
func (n *Namespace) members(room string) iter.Seq[*Socket] {
	return func(yield func(*Socket) bool) {
		named := n.Socket(room)
		if named != nil && !yield(named) {
			return
		}
		for s := range n.server.rooms.Members(n.roomKey(room)) {
			if s != named && !yield(s) {
				return
			}
		}
	}
}
