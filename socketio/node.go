package socketio

import (
	"context"
	"errors"
	"fmt"
)

// Node is a server as an [Adapter] sees it: where the messages of other nodes arrive. Its methods may be called from any
// goroutine, and never call the adapter.
type Node struct{ server *Server }

// Receive does what another node has published. It blocks for as long as that takes, and never waits for a client. What
// m holds may be kept, and must not be changed any more. An error means that m is no message of a node as this one.
//
// A namespace that is not there, since no client of this node has asked for it, is no error: nobody is in it.
func (n *Node) Receive(m *Message) error {
	if m.Kind < MessageEvent || m.Kind > MessageDisconnect {
		return fmt.Errorf("%w: published, of kind %d", errMessage, m.Kind)
	}
	b, ok := n.target(m)
	if !ok {
		return nil
	}
	switch m.Kind {
	case MessageEvent:
		p, err := m.prepared()
		if err != nil {
			return err
		}
		b.Send(p)
	case MessageJoin:
		if err := b.Join(m.Rooms...); !errors.Is(err, ErrLimit) { // which is between this node and its clients
			return err
		}
	case MessageLeave:
		return b.Leave(m.Rooms...)
	case MessageDisconnect:
		return b.Disconnect(m.CloseEngine)
	}
	return nil
}

// Answer does what another node has requested, and returns the reply. It may wait for clients, for as long as the
// message allows or until ctx ends. The rest is as with Receive.
func (n *Node) Answer(ctx context.Context, m *Message) (*Reply, error) {
	if m.Kind != MessageAsk && m.Kind != MessageFetch {
		return nil, fmt.Errorf("%w: requested, of kind %d", errMessage, m.Kind)
	}
	b, ok := n.target(m)
	if !ok {
		return &Reply{}, nil
	}
	if m.Kind == MessageFetch {
		sockets, limited := b.describe()
		return &Reply{Sockets: sockets, Limited: limited}, nil
	}
	p, err := m.prepared()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, min(m.Wait, n.server.cfg.AckTimeout))
	defer cancel()
	g := b.gather(p)
	g.wait(ctx)
	return g.reply(), nil
}

// target returns whom a message is about. ok is false if that is nobody here.
func (n *Node) target(m *Message) (b Broadcast, ok bool) {
	ns := n.server.addressed(m.Namespace)
	if ns == nil {
		return b, false
	}
	return Broadcast{ns: ns, rooms: m.To, except: m.Except, volatile: m.Volatile, local: true}, true
}

// prepared returns the event in a message. It is checked: a client could not say any more who has spoilt it.
func (m *Message) prepared() (*Prepared, error) {
	n, err := splitArray(m.Event, maxDepth, nil)
	if err == nil && n == 0 {
		err = errEventName
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMessage, err)
	}
	return &Prepared{json: m.Event, attachments: m.Attachments, ascii: isASCII(m.Event)}, nil
}
