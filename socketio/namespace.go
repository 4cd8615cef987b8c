package socketio

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"outrider/engineio"
)

// Namespace is a channel of its own on the connections of a [Server]: clients join it by name, and it has handlers,
// middleware and rooms of its own. Its methods may be called from any goroutine.
//
// Handlers belong to the namespace and not to its sockets, so that a socket costs no closures. They are usually set
// before Serve; what is set later holds from the next event on. Several handlers of one kind run in the order in which
// they were set. All handlers of one connection run one after the other, on a pool of workers: they may block, but
// what the connection sends meanwhile waits for them. A handler that panics costs its connection and nobody else.
type Namespace struct {
	server   *Server
	name     string
	wire     []byte     // the name in packets: nil for "/"
	template *Namespace // the one it was made from; nil if it is not a child
	match    func(name string) bool
	number   int // of a template

	refs   int  // sockets of a child, connecting ones included; guarded by server.mu
	pinned bool // a child that Of has returned; guarded by server.mu

	mu       sync.Mutex // guards changes of handlers
	handlers atomic.Pointer[handlers]

	sockets table         // those that are connecting included
	joined  atomic.Int64  // how many of them are connected
	acks    atomic.Uint64 // the ids of acknowledgements that the server waits for

	log *eventLog // nil if no events are kept; set at construction

	greeting     atomic.Pointer[greeting]
	connected    *engineio.Frame // CONNECT as clients of protocol 4 get it
	disconnected *engineio.Frame
}

// handlers never change: setting one makes a new copy.
type handlers struct {
	middleware []func(*Socket) error
	connect    []func(*Socket)
	disconnect []func(*Socket, DisconnectReason)
	any        []func(*Event)
	errors     []func(*Event, error)
	events     map[string]*eventHandlers
}

type eventHandlers struct {
	name string
	fns  []func(*Event)
}

func newNamespace(s *Server, name string, template *Namespace) *Namespace {
	n := &Namespace{server: s, name: name, template: template}
	if name != "/" {
		n.wire = []byte(name)
	}
	if template != nil {
		n.handlers.Store(template.handlers.Load())
	} else {
		n.handlers.Store(new(handlers))
	}
	if name != "" { // a template has no events of its own
		n.log = newEventLog(s.recovery, name)
	}
	n.connected = packetFrame(Packet{Type: PacketConnect, Namespace: n.wire})
	n.disconnected = packetFrame(Packet{Type: PacketDisconnect, Namespace: n.wire})
	if template != nil {
		if g := template.greeting.Load(); g != nil {
			n.greet(g.event)
		}
	}
	return n
}

// keeps reports whether events are kept for sockets that are away, or may be in namespaces made from this one.
func (n *Namespace) keeps() bool { return n.log != nil || n.match != nil && n.server.recovery != nil }

// Name returns the name, such as "/" or "/chat"; "" for a template that [Server.OfFunc] returned.
func (n *Namespace) Name() string { return n.name }

// change sets handlers.
func (n *Namespace) change(edit func(*handlers)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := *n.handlers.Load()
	edit(&h)
	n.handlers.Store(&h)
}

// with returns a new slice: the old one may be in use.
func with[F any](fns []F, fn F) []F { return append(slices.Clip(fns), fn) }

// Use adds a middleware, which every socket passes before it is connected. The first error refuses the socket: the
// client is sent its text (CONNECT_ERROR) and stays in the other namespaces. A [*ConnectError] sends data as well.
//
// The text goes to the client as it is: return errors that are made for its eyes. In a middleware the socket can be
// looked at ([Socket.Handshake], [Socket.Auth]), given data ([Socket.SetData]) and put into rooms, but not sent to.
func (n *Namespace) Use(middleware func(*Socket) error) {
	n.change(func(h *handlers) { h.middleware = with(h.middleware, middleware) })
}

// greeting is what follows CONNECT in the same write.
type greeting struct {
	event *Prepared
	old   *engineio.Frame // CONNECT and event, as clients of protocol 4 get them
}

// Greet makes every socket that joins receive an event right behind CONNECT, before OnConnect runs: in one write with it,
// which an Emit in OnConnect is not. It replaces the greeting before; nil is none. The error is [ErrArgument] for an event
// with attachments.
func (n *Namespace) Greet(event *Prepared) error {
	if event == nil {
		n.greeting.Store(nil)
		return nil
	}
	if len(event.attachments) > 0 {
		return fmt.Errorf("%w: a greeting has no attachments", ErrArgument)
	}
	n.greet(event)
	return nil
}

func (n *Namespace) greet(event *Prepared) {
	n.greeting.Store(&greeting{
		event: event,
		old:   engineio.JoinFrames(n.connected, event.frame(n, engineio.Revision3)),
	})
}

// OnConnect adds a handler that runs when a socket has joined the namespace, after the client has been told
// (PROTOCOL.md 2.4) and before any of its events. It runs for every such socket, so that OnDisconnect can undo what it
// does: also for one that something has disconnected in the meantime.
func (n *Namespace) OnConnect(fn func(*Socket)) {
	n.change(func(h *handlers) { h.connect = with(h.connect, fn) })
}

// OnDisconnect adds a handler that runs when a socket has left the namespace: exactly once for each socket for which
// OnConnect runs, and after it. The socket's data and the list of rooms it was in are still there.
func (n *Namespace) OnDisconnect(fn func(*Socket, DisconnectReason)) {
	n.change(func(h *handlers) { h.disconnect = with(h.disconnect, fn) })
}

// On adds a handler for an event. A numeric event name is its JSON text: 42[1,"x"] is the event "1". Events that
// nobody handles are ignored.
func (n *Namespace) On(event string, fn func(*Event)) {
	n.change(func(h *handlers) {
		events := make(map[string]*eventHandlers, len(h.events)+1)
		maps.Copy(events, h.events)
		e := &eventHandlers{name: event}
		if known := events[event]; known != nil {
			e.fns = known.fns
		}
		e.fns = with(e.fns, fn)
		events[event] = e
		h.events = events
	})
}

// OnAny adds a handler for all events. It runs before those of On.
func (n *Namespace) OnAny(fn func(*Event)) {
	n.change(func(h *handlers) { h.any = with(h.any, fn) })
}

// Len returns how many sockets are in the namespace, or in all that were made from it if it is a template.
func (n *Namespace) Len() int {
	sum := n.joined.Load()
	if n.match != nil {
		for _, child := range n.server.childrenOf(n) {
			sum += child.joined.Load()
		}
	}
	return int(sum)
}

// Sockets iterates over the sockets in the namespace, in no order. It holds no lock: sockets may come and go
// meanwhile, and no socket is seen twice.
func (n *Namespace) Sockets() iter.Seq[*Socket] { return n.all().Sockets() }
