package engineio

import "sync"

// sessions finds a session by its id. It is asked once a request on polling,
// and hardly ever for sessions on WebSocket; maps under locks are enough.
type sessions struct {
	shards [64]struct {
		mu sync.RWMutex
		m  map[ID]*Session // guarded by mu
		_  [32]byte        // a cache line each
	}
}

func newSessions() *sessions {
	t := new(sessions)
	for i := range t.shards {
		t.shards[i].m = map[ID]*Session{}
	}
	return t
}

func (t *sessions) get(id ID) *Session {
	sh := &t.shards[id[0]&63]
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.m[id]
}

func (t *sessions) add(s *Session) {
	sh := &t.shards[s.id[0]&63]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.m[s.id] = s
}

func (t *sessions) remove(id ID) {
	sh := &t.shards[id[0]&63]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	delete(sh.m, id)
}

// each calls fn with every session, without a lock of the table's.
func (t *sessions) each(fn func(*Session)) {
	var all []*Session
	for i := range t.shards {
		sh := &t.shards[i]
		sh.mu.RLock()
		all = all[:0]
		for _, s := range sh.m {
			all = append(all, s)
		}
		sh.mu.RUnlock()
		for _, s := range all {
			fn(s)
		}
	}
}

func (t *sessions) len() (n int) {
	for i := range t.shards {
		sh := &t.shards[i]
		sh.mu.RLock()
		n += len(sh.m)
		sh.mu.RUnlock()
	}
	return n
}
