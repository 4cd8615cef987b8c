package registry

import "hash/maphash"

// shardBits is the logarithm of the number of shards, which keep writers of different keys out of each other's way
// and make a table's growth a matter of microseconds. With 256 of them an empty index takes 70 KiB.
const shardBits = 8

// Index maps keys to sets of members; a key is there exactly while it has members.
//
// All methods are safe for concurrent use. Those that read ([Index.First], [Index.Len], [Index.Members], [Index.Keys])
// take no lock and allocate nothing; those that write ([Index.Join], [Seat.Leave]) lock the key's shard for a moment,
// however many members the key has. An Index is made by [NewIndex].
type Index[M any] struct {
	shards [1 << shardBits]shard[M] // first, so that shards begin with a cache line
	seed   maphash.Seed
}

// NewIndex returns an empty index.
func NewIndex[M any]() *Index[M] {
	x := &Index[M]{seed: maphash.MakeSeed()}
	for i := range x.shards {
		x.shards[i].seed = x.seed
		x.shards[i].table.Store(newTable[M](minBuckets))
	}
	return x
}

// Join adds m, which must not be nil, to the members of key and returns the seat by which it leaves.
//
// Joining twice takes two seats, and readers then find m twice: a member that moves leaves first. (A successor that
// takes over a key from another member joins first, so that [Index.First] always finds one of the two.)
// The key's bytes are copied; [Seat.Key] gives the copy, which all members share.
func (x *Index[M]) Join(key string, m *M) Seat[M] {
	if m == nil {
		panic("registry: Join of a nil member")
	}
	h := x.hash(key)
	sh := x.shard(h)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s := x.find(h, key)
	if s == nil {
		s = newSet(sh, key)
		sh.insert(tagOf(h), s)
	}
	return sh.join(s, m)
}

// First returns a member of key, nil if it has none: the look-up of keys that one member holds, such as a socket id.
// If key has members throughout the call, although not the same ones, First returns one of them.
func (x *Index[M]) First(key string) *M {
	s := x.find(x.hash(key), key)
	if s == nil {
		return nil
	}
	if m := s.first.Load(); m != nil {
		return m
	}
	return s.any()
}

// Len returns the number of members of key.
func (x *Index[M]) Len(key string) int {
	s := x.find(x.hash(key), key)
	if s == nil {
		return 0
	}
	return int(s.size.Load())
}

func (x *Index[M]) hash(key string) uint64 { return maphash.String(x.seed, key) }

// shard returns the shard that the first bits of a hash name.
func (x *Index[M]) shard(hash uint64) *shard[M] { return &x.shards[hash>>(64-shardBits)] }

// Seat is one membership of one member in one key: what Join returns and the member keeps in order to leave.
// The zero Seat is no membership. Copies are the same seat.
type Seat[M any] struct {
	set   *set[M]
	slot  uint32
	stamp uint32 // low half of the join's stamp: tells this seat from later ones in the slot, but for one in 2^32
}

// Leave gives the membership up and reports whether it still stood: false for the zero Seat and the second time.
// When it returns, no reader that starts later finds the member by this seat.
func (s Seat[M]) Leave() bool {
	if s.set == nil {
		return false
	}
	sh := s.set.shard
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.leave(s)
}

// Key returns the key that was joined, "" for the zero Seat.
func (s Seat[M]) Key() string {
	if s.set == nil {
		return ""
	}
	return s.set.key
}
