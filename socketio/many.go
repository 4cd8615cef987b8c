package socketio

import (
	"context"
	"errors"
	"fmt"
)

// Join puts the receivers into rooms, as [Socket.Join] does with one. Those that have no room for that many stay where
// they are or join some of them, and the error is [ErrLimit] then (of sockets of this node only), or [ErrNode], or both;
// neither keeps anybody else from joining.
func (b Broadcast) Join(rooms ...string) error {
	failed := b.publish(Message{Kind: MessageJoin, Rooms: rooms})
	var limit error
	for s := range b.Sockets() {
		if err := s.Join(rooms...); err != nil && err != ErrNotConnected { // who has left meanwhile is no receiver
			limit = err
		}
	}
	return errors.Join(failed, limit)
}

// Leave takes the receivers out of rooms, as far as they are in them. The error is [ErrNode].
func (b Broadcast) Leave(rooms ...string) error {
	failed := b.publish(Message{Kind: MessageLeave, Rooms: rooms})
	for s := range b.Sockets() {
		for _, room := range rooms {
			s.Leave(room)
		}
	}
	return failed
}

// Disconnect takes the receivers out of the namespace, as [Socket.Disconnect] does with one. The error is [ErrNode].
func (b Broadcast) Disconnect(closeEngine bool) error {
	failed := b.publish(Message{Kind: MessageDisconnect, CloseEngine: closeEngine})
	for s := range b.Sockets() {
		s.Disconnect(closeEngine)
	}
	return failed
}

// Fetch describes the sockets that an event would go to now, on all nodes. It waits for those, until ctx ends or for
// [Config].AckTimeout. With its error it returns what it has: [ErrNode] if a node has not answered, [ErrLimit] if there
// are more than [Config].MaxFetch.
func (b Broadcast) Fetch(ctx context.Context) ([]SocketInfo, error) {
	sockets, limited := b.describe()
	ctx, cancel := context.WithTimeout(ctx, b.ns.server.cfg.AckTimeout)
	defer cancel()
	replies, failed := b.request(ctx, Message{Kind: MessageFetch})
	for _, r := range replies {
		sockets = append(sockets, r.Sockets...)
		limited = limited || r.Limited
	}
	most := b.ns.server.cfg.MaxFetch
	if len(sockets) > most {
		clear(sockets[most:])
		sockets, limited = sockets[:most], true
	}
	if limited {
		failed = errors.Join(fmt.Errorf("%w: %d sockets", ErrLimit, most), failed)
	}
	return sockets, failed
}

// describe is Fetch for this node.
func (b Broadcast) describe() (sockets []SocketInfo, limited bool) {
	for s := range b.Sockets() {
		if len(sockets) == b.ns.server.cfg.MaxFetch {
			return sockets, true
		}
		sockets = append(sockets, s.info())
	}
	return sockets, false
}
