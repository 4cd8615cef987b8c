package engineio

import (
	"encoding/binary"
	"sync"
)

// sessions finds a session by its id. It is asked once a request on polling,
// and hardly ever for sessions on WebSocket: hash tables under locks are
// enough, but they must be small. Pointers to the sessions, whose ids are
// random and so their own hashes, take a fifth of what a map takes.
type sessions struct {
	shards [64]struct {
		mu  sync.RWMutex
		set sessionSet // guarded by mu
		_   [8]byte    // a cache line each
	}
}

func newSessions() *sessions { return new(sessions) }

func (t *sessions) get(id ID) *Session {
	sh := &t.shards[id[0]%64]
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.set.get(id)
}

func (t *sessions) add(s *Session) {
	sh := &t.shards[s.id[0]%64]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.set.add(s)
}

func (t *sessions) remove(id ID) {
	sh := &t.shards[id[0]%64]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.set.remove(id)
}

// each calls fn with every session, without a lock of the table's.
func (t *sessions) each(fn func(*Session)) {
	var all []*Session
	for i := range t.shards {
		sh := &t.shards[i]
		sh.mu.RLock()
		all = all[:0]
		for _, s := range sh.set.slots {
			if s != nil {
				all = append(all, s)
			}
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
		n += sh.set.count
		sh.mu.RUnlock()
	}
	return n
}

// sessionSet is a hash table with linear probing. Between a session's home
// and its slot there is no empty slot: add fills the first, remove closes the
// gap that it makes.
type sessionSet struct {
	slots []*Session // a power of two, or none
	count int
}

const minSlots = 8

func (t *sessionSet) home(id ID) int {
	return int(binary.LittleEndian.Uint64(id[1:]) & uint64(len(t.slots)-1))
}

func (t *sessionSet) next(i int) int { return (i + 1) & (len(t.slots) - 1) }

func (t *sessionSet) get(id ID) *Session {
	if t.count == 0 {
		return nil
	}
	for i := t.home(id); t.slots[i] != nil; i = t.next(i) {
		if t.slots[i].id == id {
			return t.slots[i]
		}
	}
	return nil
}

func (t *sessionSet) add(s *Session) {
	if t.count >= len(t.slots)*3/4 {
		t.resize(max(minSlots, 2*len(t.slots)))
	}
	t.put(s)
	t.count++
}

func (t *sessionSet) put(s *Session) {
	i := t.home(s.id)
	for t.slots[i] != nil {
		i = t.next(i)
	}
	t.slots[i] = s
}

func (t *sessionSet) remove(id ID) {
	if t.get(id) == nil {
		return
	}
	gap := t.home(id)
	for t.slots[gap].id != id {
		gap = t.next(gap)
	}
	t.slots[gap] = nil
	t.count--
	t.close(gap)
	if len(t.slots) > minSlots && t.count < len(t.slots)/8 {
		t.resize(len(t.slots) / 2)
	}
}

// close moves the sessions behind a gap that it would cut off from their
// homes: those whose home is not between the gap and their slot.
func (t *sessionSet) close(gap int) {
	mask := len(t.slots) - 1
	for i := t.next(gap); t.slots[i] != nil; i = t.next(i) {
		if home := t.home(t.slots[i].id); (i-home)&mask >= (i-gap)&mask {
			t.slots[gap], t.slots[i] = t.slots[i], nil
			gap = i
		}
	}
}

func (t *sessionSet) resize(n int) {
	old := t.slots
	t.slots = make([]*Session, n)
	for _, s := range old {
		if s != nil {
			t.put(s)
		}
	}
}
