package registry

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// A shard holds the keys whose hash begins with its number. What look-ups read has a cache line of its own, which
// only a rebuild of the table writes; what each join and leave writes has another.
type shard[M any] struct {
	seed  maphash.Seed             // set at construction
	table atomic.Pointer[table[M]] // written with mu held, read by anybody
	_     [48]byte

	joins   atomic.Uint64 // how many there have been, which is the stamp of the latest; written with mu held
	mu      sync.Mutex    // guards the sets of the shard, and
	keys    int           // sets in the table
	used    int           // buckets of the table that hold a set or held one
	members int
	_       [24]byte
}

// join seats m in a set that is in the table. The caller holds mu.
func (sh *shard[M]) join(s *set[M], m *M) Seat[M] {
	stamp := sh.joins.Add(1)
	sh.members++
	return Seat[M]{set: s, slot: s.add(m, stamp), stamp: uint32(stamp)}
}

// leave empties the seat's slot, and drops the set with its last member. The caller holds mu.
func (sh *shard[M]) leave(seat Seat[M]) bool {
	s := seat.set
	if !s.remove(seat.slot, seat.stamp) {
		return false
	}
	sh.members--
	if s.size.Load() == 0 {
		s.overflow.Store(nil) // an old Seat kept by its owner pins the set alone
		sh.drop(s)
	}
	return true
}

// insert files a set that is not in the table. The caller holds mu.
func (sh *shard[M]) insert(tag uint32, s *set[M]) {
	t := sh.table.Load()
	if sh.used >= t.limit() {
		t = sh.rebuild()
	}
	if t.insert(tag, s) {
		sh.used++
	}
	sh.keys++
}

// drop takes a set out of the table. The caller holds mu.
func (sh *shard[M]) drop(s *set[M]) {
	t := sh.table.Load()
	t.drop(tagOf(maphash.String(sh.seed, s.key)), s)
	sh.keys--
	if sh.keys < t.size()/8 && t.size() > minBuckets {
		sh.rebuild()
	}
}

// rebuild publishes a copy of the table that is half full and has no bucket of a dropped set: it grows the table,
// shrinks it, or only cleans it, as the number of keys wants. Each rebuild is paid for by the joins and leaves
// since the last one, at least a quarter of the table's size. The caller holds mu.
func (sh *shard[M]) rebuild() *table[M] {
	t := newTable[M](max(minBuckets, 2*sh.keys))
	sh.used = sh.table.Load().copyTo(t)
	sh.table.Store(t)
	return t
}
