package socketio

import (
	"container/list"
	"sync"
	"time"

	"outrider/engineio"
)

// recoveryStore keeps what Connection State Recovery needs: sessions, and for each namespace its last events. The one
// there is keeps them in memory; one that several servers share can take its place. Its methods may be called from any
// goroutine, also by who holds the lock of a log or of a socket.
type recoveryStore interface {
	// open keeps the session of a socket that is joining, so that its client can come back though the end of the
	// connection has not been noticed.
	open(*session)
	// leave is told that the connection of a session has ended, and when that was. It reports false if there is no
	// place for any that is away; then the session is forgotten, as by drop.
	leave(*session) bool
	// drop forgets a session that cannot come back.
	drop(*session)
	// connected returns the socket of a session of the namespace that is connected, as far as is known; else nil.
	connected(ns *Namespace, pid engineio.ID) *Socket
	// take gives a session of the namespace that is away to whoever knows its pid, once; nil if there is none.
	take(ns *Namespace, pid engineio.ID) *session
	// away returns how many sessions are.
	away() int
	// events returns the place for a namespace's events.
	events() eventStore
	// sweep forgets what has been away too long, and reports whether there is more to be forgotten later.
	sweep() (left bool)
	// close forgets all sessions, and lets none in any more.
	close()
}

// eventStore keeps the last events of a namespace. Who calls its methods holds the log's lock.
type eventStore interface {
	// add gives an event its offset, and keeps it.
	add(*keptEvent)
	// find returns the event with an offset, nil if it is not kept. From there, all later ones can be reached.
	find(offset string) *keptEvent
	// sweep forgets what is too old, and reports whether there is more to be forgotten later.
	sweep() (left bool)
}

// session is a socket without its connection. While it is away, its slot is still its own, since its id tells the slot;
// and so is its reference to a namespace that was made on demand.
type session struct {
	// Set at construction.
	ns   *Namespace
	pid  engineio.ID
	slot uint32
	id   socketID

	socket *Socket // it is connected here; nil if it is away
	rooms  []string
	data   any
	since  time.Time // since when it has been away

	place *list.Element // among those that are away; the store's
}

// memoryStore is the recoveryStore of one process, which ends with it.
type memoryStore struct {
	cfg    *Recovery
	now    func() time.Time
	forgot func(*session) // is told of sessions that were away and cannot come back

	mu       sync.Mutex // guards what follows; no other lock is taken under it
	sessions map[engineio.ID]*session
	order    list.List // of those that are away, the one that has been it longest first
	closed   bool
}

func newMemoryStore(cfg *Recovery, forgot func(*session)) *memoryStore {
	return &memoryStore{cfg: cfg, now: time.Now, forgot: forgot, sessions: make(map[engineio.ID]*session)}
}

func (m *memoryStore) open(s *session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.sessions[s.pid] = s
	}
}

func (m *memoryStore) leave(s *session) bool {
	m.mu.Lock()
	if m.closed || m.cfg.MaxAway == 0 {
		delete(m.sessions, s.pid)
		m.mu.Unlock()
		return false
	}
	if s.since.IsZero() {
		s.since = m.now()
	}
	s.socket = nil
	s.place = m.order.PushBack(s)
	m.sessions[s.pid] = s
	var oldest *session
	if m.order.Len() > m.cfg.MaxAway {
		oldest = m.removeOldest()
	}
	m.mu.Unlock()
	if oldest != nil {
		m.forgot(oldest)
	}
	return true
}

// removeOldest forgets the session that has been away longest. The caller holds mu, and tells of it.
func (m *memoryStore) removeOldest() *session {
	s := m.order.Remove(m.order.Front()).(*session)
	delete(m.sessions, s.pid)
	return s
}

func (m *memoryStore) drop(s *session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions[s.pid] == s && s.place == nil {
		delete(m.sessions, s.pid)
	}
}

func (m *memoryStore) connected(ns *Namespace, pid engineio.ID) *Socket {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.sessions[pid]; s != nil && s.ns == ns {
		return s.socket
	}
	return nil
}

func (m *memoryStore) take(ns *Namespace, pid engineio.ID) *session {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[pid]
	if s == nil || s.ns != ns || s.place == nil || m.expired(s.since) {
		return nil
	}
	m.order.Remove(s.place)
	delete(m.sessions, pid)
	return s
}

func (m *memoryStore) away() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.order.Len()
}

func (m *memoryStore) expired(since time.Time) bool {
	return m.now().Sub(since) > m.cfg.MaxDisconnection
}

func (m *memoryStore) sweep() (left bool) {
	var late []*session
	m.mu.Lock()
	for e := m.order.Front(); e != nil && m.expired(e.Value.(*session).since); e = m.order.Front() {
		late = append(late, m.removeOldest())
	}
	left = m.order.Len() > 0
	m.mu.Unlock()
	for _, s := range late {
		m.forgot(s)
	}
	return left
}

func (m *memoryStore) close() {
	var all []*session
	m.mu.Lock()
	m.closed = true
	for m.order.Len() > 0 {
		all = append(all, m.removeOldest())
	}
	clear(m.sessions)
	m.mu.Unlock()
	for _, s := range all {
		m.forgot(s)
	}
}

func (m *memoryStore) events() eventStore { return &memoryEvents{store: m, next: 1} }
