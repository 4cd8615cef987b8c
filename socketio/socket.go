package socketio

import (
	"encoding/json"
	"sync"
	"sync/atomic"

	"outrider/engineio"
	"outrider/registry"
)

// Socket is one client in one namespace. A connection has a Socket for each namespace that it has joined; they have
// nothing in common but the [Socket.Session].
//
// All methods may be called from any goroutine. A Socket that has left its namespace stays valid: it sends nothing and
// joins nothing, and every attempt is answered with [ErrNotConnected].
type Socket struct {
	// Set at construction.
	conn *conn
	ns   *Namespace

	mu    sync.Mutex // guards extra and data; taken before the engine's locks and the registry's
	extra *extra     // what most sockets never have; nil until needed
	data  any

	state atomic.Uint32 // joining, connected, or gone with a reason
	slot  uint32        // in ns.sockets; set before others can see the socket
	id    socketID      // of a socket of protocol 5; as slot

	ended bool // OnDisconnect has run; owned by the connection's turn
}

// extra is the state of a socket that uses more than events.
type extra struct {
	rooms []registry.Seat[Socket]
	acks  map[uint64]func(*Args, error)
	auth  json.RawMessage

	recovery *recoveryState // with Config.Recovery only
}

// The states of a socket. They only ever grow.
const (
	joining  uint32 = iota
	welcomed        // CONNECT is being sent, by who holds mu
	connected
	gone // the reason is in the higher bits

	reasonShift = 8
)

// ID returns the socket's id, which is unique in the namespace. For a client of protocol 5 it is 20 random characters,
// sent with CONNECT; for an older one it is the engine's id, with the namespace and "#" in front unless that is "/",
// because those clients compute it themselves (PROTOCOL.md 2.5).
func (s *Socket) ID() string {
	if s.Revision() != engineio.Revision3 {
		return s.id.String()
	}
	id := s.conn.session.ID().String()
	if s.ns.wire == nil {
		return id
	}
	return s.ns.name + "#" + id
}

// Namespace returns the namespace that the socket is in.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Session returns the engine's session below, which the sockets of one connection share.
func (s *Socket) Session() *engineio.Session { return s.conn.session }

// Revision returns the engine's revision: 4 for clients of Socket.IO protocol 5, 3 for those of protocol 4 and older.
func (s *Socket) Revision() engineio.Revision { return s.conn.session.Revision() }

// Connected reports whether the socket is in its namespace: the client has been told so, and neither side has left.
func (s *Socket) Connected() bool {
	state := s.state.Load()
	if state == welcomed { // the client may know already: what is sent to it now must reach it, behind CONNECT
		s.mu.Lock()
		state = s.state.Load()
		s.mu.Unlock()
	}
	return state == connected
}

// Handshake returns the request that opened the connection, or nil if [Config].Handshake says that it is not kept so
// long.
func (s *Socket) Handshake() *Handshake { return s.conn.handshake.Load() }

// Auth returns what the client sent to join the namespace, as a JSON object: the payload of CONNECT in protocol 5, and
// the query behind the namespace's name in older ones. It is {} if there was nothing, or if it is not kept so long
// ([Config].Handshake).
func (s *Socket) Auth() json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.extra == nil || s.extra.auth == nil {
		return json.RawMessage("{}")
	}
	return s.extra.auth
}

// BindAuth decodes what [Socket.Auth] returns into v, as [Args.Bind] does.
func (s *Socket) BindAuth(v any) error { return decodeJSON(s.Auth(), v) }

// Data returns what [Socket.SetData] has set, nil before.
func (s *Socket) Data() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data
}

// SetData keeps a value with the socket, usually in a middleware or in OnConnect.
func (s *Socket) SetData(data any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = data
}

// Emit sends an event to the client. nil means that it was handed to the kernel or queued, in the order of the calls.
//
// An argument is anything that has a JSON form; see [Prepare] for which, and for the errors. Besides those it returns
// [ErrNotConnected], also in a middleware, where the client has not been told yet that it is connected, and the
// engine's errors.
func (s *Socket) Emit(event string, args ...any) error {
	if !s.Connected() {
		return ErrNotConnected
	}
	if s.recoverable() {
		p, err := Prepare(event, args...)
		if err != nil {
			return err
		}
		return s.ns.log.sendTo(s, p)
	}
	frame, err := eventFrame(s.ns, s.Revision(), event, args)
	if err != nil {
		return err
	}
	return s.conn.session.SendFrame(frame)
}

// Send sends a prepared event to the client. It allocates nothing once p has been encoded for the namespace and the
// revision, and is the way to send one event to many sockets that no room holds. Errors are those of [Socket.Emit].
func (s *Socket) Send(p *Prepared) error {
	if s.recoverable() && s.Connected() {
		return s.ns.log.sendTo(s, p)
	}
	return s.deliver(p)
}

// deliver sends an event as it is.
func (s *Socket) deliver(p *Prepared) error {
	if !s.Connected() {
		return ErrNotConnected
	}
	session := s.conn.session
	return session.SendFrame(p.frame(s.ns, session.Revision()))
}

// Disconnect takes the socket out of its namespace and tells the client, which does not reconnect by itself then. With
// closeEngine it does so for all namespaces of the connection, and closes it after what is queued.
//
// OnDisconnect runs in its turn, after the handlers of the connection that are running now, with reason "server
// namespace disconnect". In a middleware there is nothing to disconnect yet: return an error to refuse the socket, or
// close the connection with closeEngine.
func (s *Socket) Disconnect(closeEngine bool) {
	if closeEngine {
		s.conn.disconnect()
		return
	}
	s.expel()
}

// expel is Disconnect for one socket.
func (s *Socket) expel() {
	if !s.leave(ReasonServerDisconnect) {
		return
	}
	// The turn is booked before the client is told, so that a client which comes back at once finds its old socket
	// ended.
	s.conn.session.Post(s.finish)
	s.conn.session.SendFrame(s.ns.disconnected) //nolint:errcheck // a session that cannot send is closing
}

// leave takes a connected socket out of its namespace and rooms. One caller wins; it owes a finish on the connection's
// turn.
func (s *Socket) leave(reason DisconnectReason) bool {
	var won, kept bool
	if s.recoverable() {
		won, kept = s.depart(reason)
	} else {
		won = s.Connected() && s.state.CompareAndSwap(connected, gone|uint32(reason)<<reasonShift)
	}
	if !won {
		return false
	}
	s.ns.joined.Add(-1)
	if kept {
		s.leaveAll()
	} else {
		s.vacate()
	}
	return true
}

// vacate gives up the slot and the seats of a socket that is gone. The list of rooms stays, for OnDisconnect.
func (s *Socket) vacate() {
	s.ns.sockets.remove(s.slot)
	s.leaveAll()
}

// finish tells the handlers of a socket that has left. It runs on the connection's turn, once.
func (s *Socket) finish() {
	if s.ended {
		return
	}
	s.ended = true
	defer s.conn.rescue("OnDisconnect")
	defer s.forget()
	s.failAcks()
	reason := DisconnectReason(s.state.Load() >> reasonShift)
	for _, fn := range s.ns.handlers.Load().disconnect {
		fn(s, reason)
	}
}

// forget lets go of what a socket that has ended does not need.
func (s *Socket) forget() {
	s.conn.server.counters.disconnects.Add(1)
	if DisconnectReason(s.state.Load()>>reasonShift) != ReasonServerDisconnect {
		s.conn.remove(s)
	} // else it stays, so that what the client had sent before it heard of the end is ignored
	s.mu.Lock()
	s.giveUpSeats() // the goroutine that made the socket leave may not have come so far
	away := s.extra != nil && s.extra.recovery != nil && s.extra.recovery.away
	s.extra, s.data = nil, nil
	s.mu.Unlock()
	if !away {
		s.conn.server.release(s.ns)
	}
}
