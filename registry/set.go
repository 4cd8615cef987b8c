package registry

import (
	"strings"
	"sync/atomic"
	"unsafe"
)

// A set is one key and its members. Writers hold the shard's mutex, readers hold nothing. The invariants:
//
//  1. A set is in the table exactly while it has members. Join finds or makes it and adds to it in one critical
//     section, Leave removes its last member and drops it in one: no join enters a set that was dropped, and a dropped
//     set stays empty. A key that comes back gets a new set.
//  2. A member stays in its slot until it leaves. No slot is copied or moved.
//  3. The shard numbers its joins. A filled slot is stamped with the number of its join, an empty one with more than
//     any number; the stamp is written before the member. So a reader who loads a member and then the stamp has
//     the stamp of that member, or a greater one if the member has left since.
//  4. A walk loads the number of the latest join, its start; then reads the first slot; then reads the overflow, where
//     it passes over the slots that are stamped above the start. It yields every member that is there throughout:
//     that is stamped at or below the start, in one slot (2), which is read once. It yields no member twice. For let
//     one leave seat A and then take seat B.
//     B in the overflow, stamped above the start: B is passed over.
//     B in the overflow, stamped at or below it: A was empty before B was stamped, so before the walk read any slot.
//     B in the first slot, A in the overflow: if the walk reads B, A is empty already, and read later.
//     B and A in the first slot: that is read once.
//  5. size never exceeds the filled slots: a member is counted after its slot is filled, and discounted before it is
//     emptied. So a size above 0 says that a member was there at that moment.
//  6. An emptied slot is cleared, and a dropped set lets go of its overflow: a member that left is not kept in memory.
type set[M any] struct {
	key      string
	first    atomic.Pointer[M]           // the first slot is here: most keys never have a second member
	overflow atomic.Pointer[overflow[M]] // the other slots; nil until there is a second member
	shard    *shard[M]                   // set at construction
	stamp    uint32                      // of the first slot, low half; guarded by shard.mu
	size     atomic.Int32                // members
}

// inlineKey is the length to which a key is kept in one allocation with its set, which is then exactly one cache line.
const inlineKey = 16

// newSet returns an empty set with a copy of key.
func newSet[M any](sh *shard[M], key string) *set[M] {
	if len(key) > inlineKey {
		return &set[M]{shard: sh, key: strings.Clone(key)}
	}
	s := new(struct {
		set   set[M]
		bytes [inlineKey]byte
	})
	s.set.shard = sh
	s.set.key = unsafe.String(&s.bytes[0], copy(s.bytes[:], key)) // the bytes are not written again
	return &s.set
}

// add puts a member into an empty slot and returns its number. The caller holds shard.mu.
func (s *set[M]) add(m *M, stamp uint64) uint32 {
	n := uint32(0)
	if s.first.Load() == nil {
		s.stamp = uint32(stamp)
		s.first.Store(m)
	} else {
		o := s.overflow.Load()
		if o == nil || o.empty == 0 {
			o = o.grow()
			s.overflow.Store(o)
		}
		n = o.fill(m, stamp)
	}
	s.size.Add(1)
	return n
}

// remove empties a slot if it still holds the member that joined with the stamp. The caller holds shard.mu.
func (s *set[M]) remove(n, stamp uint32) bool {
	o := s.overflow.Load()
	switch {
	case n == 0 && s.first.Load() != nil && s.stamp == stamp:
		s.size.Add(-1)
		s.first.Store(nil)
	case n != 0 && o != nil && o.holds(n, stamp):
		s.size.Add(-1)
		o.clear(n)
	default:
		return false
	}
	return true
}
