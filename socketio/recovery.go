package socketio

import (
	"container/list"
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
// either side, a parse error, or the end of the server, which keeps all this in memory. A client that has not had an
// event yet has no offset, and cannot come back. With [Config].Adapter it must come back to the node that it has left,
// where broadcasts of all nodes are kept. Whatever speaks against a recovery, the client joins as a new one.
//
// OnDisconnect and OnConnect run for a socket that comes back as for any other; the one on the old connection may run
// still when the other runs on the new one.
//
// A limit that is negative means that there is none of it.
type Recovery struct {
	// MaxDisconnection is how long a socket may be away. Default 2 minutes.
	MaxDisconnection time.Duration
	// MaxAway is how many sockets may be away at a time. Default 100,000. The one that has been away longest makes
	// room for one more.
	MaxAway int
	// MaxEventBytes is how much memory the events of a namespace may take which are kept for sockets that are away.
	// Default 16 MiB. The oldest make room for a new one; who needed them cannot be recovered.
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
	defaults(&r.MaxEventBytes, DefaultMaxEventBytes)
	return &r, nil
}

// recovery is what a server remembers of sockets that are away. Their events are in the namespaces' logs.
type recovery struct {
	cfg    Recovery
	server *Server
	now    func() time.Time
	armed  atomic.Bool // the timer is set

	mu     sync.Mutex // guards what follows; no other lock is taken under it
	away   map[engineio.ID]*list.Element
	order  list.List // of *awaySocket, the one that has been away longest first
	timer  *time.Timer
	closed bool
}

// awaySocket is a socket whose connection has ended. Its slot is still its own, since its id tells the slot; and so is
// its reference to a namespace that was made on demand.
type awaySocket struct {
	ns    *Namespace
	pid   engineio.ID
	slot  uint32
	id    socketID
	rooms []string
	data  any
	since time.Time
}

// recoveryState is what a connected socket has for the case that it must be recovered.
type recoveryState struct {
	pid  engineio.ID // the client's proof that the socket was its own
	back bool        // it has been recovered
	away bool        // it can be recovered; guarded by the socket's mu

	// Of a socket that has come back, until it is welcome.
	last  *keptEvent // the last event that it had had
	since time.Time  // since when it has been away
	cut   bool       // its new connection has ended meanwhile
}

func newRecovery(s *Server, cfg Recovery) *recovery {
	return &recovery{cfg: cfg, server: s, now: time.Now, away: make(map[engineio.ID]*list.Element)}
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

// stepBack is stepAway for a socket that has come back, and lost its new connection before it was welcome.
func (s *Socket) stepBack() bool {
	s.mu.Lock()
	cut := s.recovered() && s.extra.recovery.cut
	s.mu.Unlock()
	return cut && s.stepAway(ReasonTransportClose)
}

// stepAway keeps a socket that has left, if it may come back: all but its seats, which the caller gives up.
func (s *Socket) stepAway(reason DisconnectReason) bool {
	if !s.recoverable() || !reason.survives() {
		return false
	}
	store := s.ns.server.recovery
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.extra.recovery
	a := &awaySocket{
		ns: s.ns, pid: state.pid, slot: s.slot, id: s.id,
		rooms: s.roomNames(), data: s.data, since: state.since,
	}
	if a.since.IsZero() {
		a.since = store.now()
	}
	s.ns.sockets.clear(s.slot)
	state.away = store.add(a)
	return state.away
}

// add takes in a socket. It reports false if there is no place for any.
func (r *recovery) add(a *awaySocket) bool {
	r.mu.Lock()
	if r.closed || r.cfg.MaxAway == 0 {
		r.mu.Unlock()
		return false
	}
	r.away[a.pid] = r.order.PushBack(a)
	var oldest *awaySocket
	if r.order.Len() > r.cfg.MaxAway {
		oldest = r.remove(r.order.Front())
	}
	r.mu.Unlock()
	oldest.release()
	r.arm()
	return true
}

// remove forgets a socket, whom the caller owes a release. The caller holds mu.
func (r *recovery) remove(e *list.Element) *awaySocket {
	a := r.order.Remove(e).(*awaySocket)
	delete(r.away, a.pid)
	return a
}

// release gives up what a socket that will not come back has held.
func (a *awaySocket) release() {
	if a != nil {
		a.ns.sockets.remove(a.slot)
		a.ns.server.release(a.ns)
	}
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
	a := ns.server.recovery.take(ns, pid)
	if a == nil {
		return nil
	}
	defer ns.server.release(ns) // the socket has the reference of its new connection
	s := &Socket{conn: c, ns: ns, slot: a.slot, id: a.id, data: a.data}
	s.extra = &extra{auth: auth, recovery: &recoveryState{pid: pid, back: true, last: last, since: a.since}}
	ns.sockets.restore(a.slot, s)
	_ = s.Join(a.rooms...) // as many as it was in
	return s
}

// take gives a socket of the namespace to whoever knows its pid, once.
func (r *recovery) take(ns *Namespace, pid engineio.ID) *awaySocket {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.away[pid]
	if e == nil {
		return nil
	}
	if a := e.Value.(*awaySocket); a.ns != ns || r.expired(a.since) {
		return nil
	}
	return r.remove(e)
}

func (r *recovery) expired(since time.Time) bool { return r.now().Sub(since) > r.cfg.MaxDisconnection }

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
	left := r.forgetAway()
	for _, ns := range r.server.all() {
		if ns.log != nil && ns.log.sweep() {
			left = true
		}
	}
	if left {
		r.arm()
	}
}

// forgetAway forgets the sockets that have been away too long, and reports whether there are others.
func (r *recovery) forgetAway() (left bool) {
	var late []*awaySocket
	r.mu.Lock()
	for e := r.order.Front(); e != nil && r.expired(e.Value.(*awaySocket).since); e = r.order.Front() {
		late = append(late, r.remove(e))
	}
	left = r.order.Len() > 0
	r.mu.Unlock()
	for _, a := range late {
		a.release()
	}
	return left
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
	var all []*awaySocket
	for e := r.order.Front(); e != nil; e = r.order.Front() {
		all = append(all, r.remove(e))
	}
	r.mu.Unlock()
	for _, a := range all {
		a.release()
	}
}

// count returns how many sockets are away.
func (r *recovery) count() int64 {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return int64(r.order.Len())
}
