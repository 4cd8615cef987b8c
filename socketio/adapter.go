package socketio

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Adapter is how a server reaches the other nodes of its cluster: servers that have the same namespaces, and between
// them all the sockets. [Config].Adapter sets it; package adaptertest checks one. What a [Broadcast] does, it does on
// this node and hands to the adapter for the others, once and encoded, as a [Message].
//
// An adapter carries messages and knows nothing of sockets. It must keep to this:
//
//  1. A message reaches every other node, and never the one that it comes from.
//  2. Those of one node arrive at another in the order of the calls: [Node.Receive] is called with one after the other,
//     and [Node.Answer], which may block, not before what came earlier has been received.
//  3. What is in a message may be anything: rooms that are no UTF-8, attachments of no length.
//  4. It changes nothing of a message or a reply, and nobody changes what it hands over.
//
// Its methods may be called from any goroutine.
type Adapter interface {
	// Start joins the cluster. [NewServer] calls it once; node may be called from then on.
	Start(node *Node) error
	// Publish hands a message to all other nodes. It does not wait for them. An error means that some or all of them
	// will not get it.
	Publish(m *Message) error
	// Request hands a message to all other nodes and waits for their replies, until all have come or ctx ends. It
	// returns those that have come; and an error if some are missing, also if a node's Answer returned one. A node
	// that has left the cluster in order is no longer asked.
	Request(ctx context.Context, m *Message) ([]*Reply, error)
	// Close leaves the cluster. The server calls it once, after its last socket has gone.
	Close() error
}

// MessageKind says what a [Message] asks for.
type MessageKind uint8

const (
	MessageEvent      MessageKind = iota + 1 // send an event
	MessageJoin                              // put sockets into rooms
	MessageLeave                             // take them out of rooms
	MessageDisconnect                        // disconnect them
	MessageAsk                               // send an event, and reply with the answers; only with Request
	MessageFetch                             // reply with what sockets there are; only with Request
)

// Message is what a node asks of all others. It is plain data, for an adapter to encode as it likes.
type Message struct {
	Kind      MessageKind
	Namespace string   // "*0", "*1" and so on for the templates, in the order of [Server.OfFunc]
	To        []string // whom it is about: those in any of these rooms, or everybody if there are none
	Except    []string // but not those in any of these
	Volatile  bool     // and only who can take it without queueing it

	Event       []byte        // the event's JSON array
	Attachments [][]byte      // its binary data
	Rooms       []string      // to join or leave
	CloseEngine bool          // disconnect all namespaces of the connection
	Wait        time.Duration // how long a node may collect answers
}

// Reply is what a node replies to a Message. It is plain data.
type Reply struct {
	Receivers int      // how many sockets were asked
	Answers   []Answer // what they have answered
	Left      bool     // some have left meanwhile
	Sockets   []SocketInfo
	Limited   bool // a bound of the node's Config keeps the reply from being whole
}

// SocketInfo is what there is to know of a socket on any node. To do something with it, address it by its id:
// ns.To(info.ID).
type SocketInfo struct {
	ID    string
	Rooms []string
	Auth  json.RawMessage // see [Socket.Auth]

	// Of the request that opened the connection, as long as that is remembered ([Config].Handshake).
	Path       string
	Query      string
	Headers    [][2]string // names and values
	RemoteAddr netip.AddrPort
	Time       time.Time
}

// info describes a socket.
func (s *Socket) info() SocketInfo {
	info := SocketInfo{ID: s.ID(), Rooms: s.Rooms(), Auth: s.Auth()}
	if h := s.Handshake(); h != nil {
		info.Path, info.Query, info.RemoteAddr, info.Time = h.path, h.query, h.remote, h.time
		for name, value := range h.Headers() {
			info.Headers = append(info.Headers, [2]string{name, value})
		}
	}
	return info
}

// Local returns the same sockets as far as they are on this node ([Adapter]). Without an adapter all are.
func (b Broadcast) Local() Broadcast {
	b.local = true
	return b
}

// Local returns all sockets on this node.
func (n *Namespace) Local() Broadcast { return n.all().Local() }

// crosses reports whether other nodes have a part in what b does.
func (b Broadcast) crosses() bool {
	return b.ns.server.cfg.Adapter != nil && !b.local && b.only == nil
}

// publish hands a message to the other nodes, if they have a part.
func (b Broadcast) publish(m Message) error {
	if !b.crosses() {
		return nil
	}
	if err := b.ns.server.cfg.Adapter.Publish(b.addressed(m)); err != nil {
		return fmt.Errorf("%w: %w", ErrNode, err)
	}
	return nil
}

// request hands a message to the other nodes, if they have a part, and returns their replies.
func (b Broadcast) request(ctx context.Context, m Message) ([]*Reply, error) {
	if !b.crosses() {
		return nil, nil
	}
	replies, err := b.ns.server.cfg.Adapter.Request(ctx, b.addressed(m))
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrNode, err)
	}
	return replies, err
}

// addressed returns a message that says whom it is about. The sender is on no other node.
func (b Broadcast) addressed(m Message) *Message {
	m.Namespace, m.To, m.Except, m.Volatile = b.ns.address(), b.rooms, b.except, b.volatile
	return &m
}

// publishEvent is publish for an event.
func (b Broadcast) publishEvent(p *Prepared) error {
	return b.publish(Message{Kind: MessageEvent, Event: p.json, Attachments: p.attachments})
}

// address returns what other nodes call the namespace.
func (n *Namespace) address() string {
	if n.match != nil {
		return "*" + strconv.Itoa(n.number)
	}
	return n.name
}

// addressed returns the namespace of an address, nil if this node has none such.
func (s *Server) addressed(address string) *Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	number, ok := strings.CutPrefix(address, "*")
	if !ok {
		return s.namespaces[address]
	}
	if i, err := strconv.Atoi(number); err == nil && i >= 0 && i < len(s.templates) {
		return s.templates[i]
	}
	return nil
}
