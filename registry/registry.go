package registry

import "hash/maphash"

// shardBits is the logarithm of the number of shards, which keep writers of different keys out of each other's way
// and make a table's growth a matter of microseconds. 256 of them cost 32 KiB an index.
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
	sh, tag := x.locate(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.join(tag, key, m)
}

// First returns a member of key, nil if it has none: the look-up of keys that one member holds, such as a socket id.
// If key has members throughout the call, although not the same ones, First returns one of them.
func (x *Index[M]) First(key string) *M {
	s := x.find(key)
	if s == nil {
		return nil
	}
	if m := s.first.Load(); m != nil {
		return m
	}
	for m := range s.members {
		return m
	}
	return nil
}

// Len returns the number of members of key.
func (x *Index[M]) Len(key string) int {
	s := x.find(key)
	if s == nil {
		return 0
	}
	return int(s.size.Load())
}

// find returns the set of key, nil if there is none.
func (x *Index[M]) find(key string) *set[M] {
	sh, tag := x.locate(key)
	return sh.table.Load().find(tag, key)
}

// locate returns the shard of key and the tag by which the shard's table files it.
func (x *Index[M]) locate(key string) (*shard[M], uint32) {
	h := maphash.String(x.seed, key)
	return &x.shards[h>>(64-shardBits)], tagOf(h)
}

// Seat is one membership of one member in one key: what Join returns and the member keeps in order to leave.
// The zero Seat is no membership. Copies are the same seat.
type Seat[M any] struct {
	set   *set[M]
	slot  uint32
	stamp uint32 // low half of the join's stamp: tells this seat from later ones in the same slot
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
