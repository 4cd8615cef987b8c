package socketio

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"outrider/engineio"
)

// Defaults of [Recovery].
const (
	DefaultMaxDisconnection = 2 * time.Minute
	DefaultMaxAway          = 100_000
	DefaultMaxEvents        = 1 << 15
	DefaultMaxEventBytes    = 16 << 20
)

// Recovery is the set-up of Connection State Recovery ([Config].Recovery): a client of protocol 5 that has lost its
// connection and comes back in time has the socket that it had, with its id, rooms and data, and is sent the events
// that it has missed (PROTOCOL.md 2.7). [Socket.Recovered] tells.
//
// For that, every event to such clients gets one argument more, its offset, which clients keep; but not what is sent
// with EmitWithAck or Volatile, which is not sent again. The events of a namespace reach its sockets in one
// order: two calls of Emit in a namespace wait for each other.
//
// A socket can be recovered after the end of its connection, whoever's fault that was, but not after a disconnect by
// either side, a parse error, or the end of the server, which keeps all this in memory. If the client is back before the
// server has noticed the end, the old connection is ended then. A client that has not had an event yet has no offset,
// and cannot come back. With [Config].Adapter it must come back to the node that it has left, where broadcasts of all
// nodes are kept. Whatever speaks against a recovery, the client joins as a new one.
//
// OnDisconnect and OnConnect run for a socket that comes back as for any other; the one on the old connection may run
// still when the other runs on the new one.
//
// A limit that is negative means that there is none of it.
type Recovery struct {
	// Namespaces says by name in which namespaces sockets are recovered; the others neither keep events nor give them
	// offsets. It is asked once for each namespace, when that is made, and must neither block nor call the server.
	// Default: all.
	Namespaces func(name string) bool
	// MaxDisconnection is how long a socket may be away. Default 2 minutes.
	MaxDisconnection time.Duration
	// MaxAway is how many sockets may be away at a time. Default 100,000. The one that has been away longest makes
	// room for one more.
	MaxAway int
	// MaxEvents is how many events of a namespace are kept for sockets that are away. Default 32,768. The oldest make
	// room for a new one; who needed them cannot be recovered.
	MaxEvents int
	// MaxEventBytes is how much memory the events of a namespace may take which are kept for sockets that are away.
	// Default 16 MiB. Beyond it, the oldest go as with MaxEvents.
	MaxEventBytes int
	// RunMiddleware has the namespace's middleware asked about sockets that come back, too. By default it is not, as
	// with the official server.
	RunMiddleware bool
}

func (r Recovery) withDefaults() (*Recovery, error) {
	if r.MaxDisconnection == 0 {
		r.MaxDisconnection = DefaultMaxDisconnection
	}
	if r.MaxDisconnection < 0 {
		return nil, fmt.Errorf("socketio: Recovery.MaxDisconnection is negative: %v", r.MaxDisconnection)
	}
	defaults(&r.MaxAway, DefaultMaxAway)
	defaults(&r.MaxEvents, DefaultMaxEvents)
	defaults(&r.MaxEventBytes, DefaultMaxEventBytes)
	return &r, nil
}

// recovery is a server's part of Connection State Recovery: what is kept is in the store.
type recovery struct {
	cfg    *Recovery
	server *Server
	store  recoveryStore
	armed  atomic.Bool // the timer is set

	mu     sync.Mutex // guards what follows; no other lock is taken under it
	timer  *time.Timer
	closed bool
}

// recoveryState is what a connected socket has for the case that it must be recovered.
type recoveryState struct {
	kept *session // its pid is the client's proof that the socket was its own
	back bool     // it has been recovered
	away bool     // it can be recovered; guarded by the socket's mu

	// Of a socket that has come back, until it is welcome.
	last *keptEvent // the last event that it had had
	cut  bool       // its new connection has ended meanwhile
}

func newRecovery(s *Server, cfg *Recovery) *recovery {
	return &recovery{cfg: cfg, server: s, store: newMemoryStore(cfg, (*session).release)}
}

// Recovered reports whether the socket is one that had lost its connection and has come back ([Config].Recovery).
func (s *Socket) Recovered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recovered()
}

// recovered is Recovered for who holds mu.
func (s *Socket) recovered() bool {
	return s.extra != nil && s.extra.recovery != nil && s.extra.recovery.back
}

// recoverable reports whether the namespace's events are kept for the socket when it is away.
func (s *Socket) recoverable() bool { return s.ns.log != nil && s.Revision() != engineio.Revision3 }

// survives reports whether a socket that left for this reason may come back.
func (r DisconnectReason) survives() bool {
	switch r {
	case ReasonTransportError, ReasonTransportClose, ReasonForcedClose, ReasonPingTimeout, ReasonForcedServerClose:
		return true
	}
	return false
}

// depart makes a connected socket gone, and keeps it if it may come back. Both happen under mu: who comes second finds
// it kept.
func (s *Socket) depart(reason DisconnectReason) (won, kept bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.state.CompareAndSwap(connected, gone|uint32(reason)<<reasonShift) {
		return false, false
	}
	return true, s.stepAway(reason)
}

// stepBack is stepAway for a socket that could not be welcomed: one that had come back may try again. The caller holds mu.
func (s *Socket) stepBack() {
	reason := ReasonServerDisconnect // for good
	if s.extra.recovery.cut {
		reason = ReasonTransportClose
	}
	s.stepAway(reason)
}

// isAway reports whether a socket that is gone may come back.
func (s *Socket) isAway() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.extra != nil && s.extra.recovery != nil && s.extra.recovery.away
}

// stepAway keeps a socket that has left, if it may come back: all but its seats, which the caller gives up. The caller
// holds mu.
func (s *Socket) stepAway(reason DisconnectReason) bool {
	state, r := s.extra.recovery, s.ns.server.recovery
	if !reason.survives() {
		r.store.drop(state.kept)
		return false
	}
	state.kept.rooms, state.kept.data = s.roomNames(), s.data
	s.ns.sockets.clear(s.slot)
	state.away = r.store.leave(state.kept)
	if state.away {
		r.arm()
	}
	return state.away
}

// evict ends a socket whose client has come back before this side noticed the end of its connection; and that
// connection, with whatever else is on it.
func (s *Socket) evict() {
	if s.leave(ReasonTransportClose) {
		s.conn.session.Post(s.finish)
	}
	s.conn.session.Close()
}

// release gives up what a socket that will not come back has held.
func (k *session) release() {
	k.ns.sockets.remove(k.slot)
	k.ns.server.release(k.ns)
}

// claim is what a client that wants its socket back sends with CONNECT.
type claim struct {
	PID    string `json:"pid"`
	Offset string `json:"offset"`
}

// comeBack returns the socket that the client says was its own, in its place again though not welcome yet; nil if there
// is none such.
func (c *conn) comeBack(ns *Namespace, auth json.RawMessage) *Socket {
	if ns.log == nil || len(auth) == 0 || c.session.Revision() == engineio.Revision3 {
		return nil
	}
	var want claim
	if json.Unmarshal(auth, &want) != nil { // who has neither may send anything
		return nil
	}
	pid, ok := engineio.ParseID(want.PID)
	if !ok {
		return nil
	}
	last := ns.log.find(want.Offset)
	if last == nil {
		return nil
	}
	store := ns.server.recovery.store
	if old := store.connected(ns, pid); old != nil {
		old.evict()
	}
	k := store.take(ns, pid)
	if k == nil {
		return nil
	}
	defer ns.server.release(ns) // the socket has the reference of its new connection
	s := &Socket{conn: c, ns: ns, slot: k.slot, id: k.id, data: k.data}
	again := &session{ns: ns, pid: pid, slot: k.slot, id: k.id, socket: s, since: k.since}
	s.extra = &extra{auth: auth, recovery: &recoveryState{kept: again, back: true, last: last}}
	ns.sockets.restore(k.slot, s)
	_ = s.Join(k.rooms...) // as many as it was in
	return s
}

// arm sets the timer that forgets what is too old, if it is not set.
func (r *recovery) arm() {
	if !r.armed.CompareAndSwap(false, true) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.timer = time.AfterFunc(r.cfg.MaxDisconnection/2+time.Millisecond, r.sweep)
	}
}

// sweep forgets sockets and events that are too old, and comes again as long as there are others.
func (r *recovery) sweep() {
	r.armed.Store(false) // before looking: who comes later sets the timer
	left := r.store.sweep()
	for _, ns := range r.server.all() {
		if ns.log != nil && ns.log.sweep() {
			left = true
		}
	}
	if left {
		r.arm()
	}
}

// close forgets all sockets, and lets none in any more.
func (r *recovery) close() {
	if r == nil {
		return
	}
	r.mu.Lock()
	r.closed = true
	if r.timer != nil {
		r.timer.Stop()
	}
	r.mu.Unlock()
	r.store.close()
}

// count returns how many sockets are away.
func (r *recovery) count() int64 {
	if r == nil {
		return 0
	}
	return int64(r.store.away())
}
