package registry

import (
	"iter"
	"slices"
	"sync"
)

// Index maps keys to sets of members. It is safe for concurrent use.
type Index[M any] struct {
	mu    sync.RWMutex
	sets  map[string]map[*seat[M]]struct{}
	joins uint64
}

type seat[M any] struct {
	index  *Index[M]
	key    string
	member *M
}

// Seat is one membership of one member; the zero Seat is no membership.
type Seat[M any] struct{ seat *seat[M] }

// Stats is a summary of an Index.
type Stats struct {
	Keys    int
	Members int
	Joins   uint64
}

// NewIndex returns an empty index.
func NewIndex[M any]() *Index[M] {
	return &Index[M]{sets: make(map[string]map[*seat[M]]struct{})}
}

// Join adds m to the set of key and returns its seat.
func (x *Index[M]) Join(key string, m *M) Seat[M] {
	s := &seat[M]{x, key, m}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.joins++
	if x.sets[key] == nil {
		x.sets[key] = make(map[*seat[M]]struct{})
	}
	x.sets[key][s] = struct{}{}
	return Seat[M]{s}
}

// Leave gives the seat up; false if it was given up before.
func (s Seat[M]) Leave() bool {
	if s.seat == nil {
		return false
	}
	x := s.seat.index
	x.mu.Lock()
	defer x.mu.Unlock()
	set := x.sets[s.seat.key]
	if _, ok := set[s.seat]; !ok {
		return false
	}
	delete(set, s.seat)
	if len(set) == 0 {
		delete(x.sets, s.seat.key)
	}
	return true
}

// Key returns the key of the seat, "" for the zero Seat.
func (s Seat[M]) Key() string {
	if s.seat == nil {
		return ""
	}
	return s.seat.key
}

// Members yields the members of key.
func (x *Index[M]) Members(key string) iter.Seq[*M] {
	return func(yield func(*M) bool) {
		x.mu.RLock()
		var all []*M
		for s := range x.sets[key] {
			all = append(all, s.member)
		}
		x.mu.RUnlock()
		slices.Values(all)(yield)
	}
}

// Len returns how many members key has.
func (x *Index[M]) Len(key string) int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.sets[key])
}

// First returns a member of key, nil if it has none.
func (x *Index[M]) First(key string) *M {
	for m := range x.Members(key) {
		return m
	}
	return nil
}

// Keys yields each key and how many members it has.
func (x *Index[M]) Keys() iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		x.mu.RLock()
		all := make(map[string]int, len(x.sets))
		for key, set := range x.sets {
			all[key] = len(set)
		}
		x.mu.RUnlock()
		for key, n := range all {
			if !yield(key, n) {
				return
			}
		}
	}
}

// Stats counts keys, members and joins so far.
func (x *Index[M]) Stats() Stats {
	x.mu.RLock()
	defer x.mu.RUnlock()
	st := Stats{Keys: len(x.sets), Joins: x.joins}
	for _, set := range x.sets {
		st.Members += len(set)
	}
	return st
}
