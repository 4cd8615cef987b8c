package registry

import (
	"strconv"
	"unsafe"
)

// Buckets returns the number of buckets of all tables.
func (x *Index[M]) Buckets() int {
	n := 0
	for i := range x.shards {
		n += x.shards[i].table.Load().size()
	}
	return n
}

// Slots returns the number of slots that key has, filled and empty.
func (x *Index[M]) Slots(key string) int {
	s := x.find(x.hash(key), key)
	if s == nil {
		return 0
	}
	n := 1
	if o := s.overflow.Load(); o != nil {
		for _, chunk := range o.chunks {
			n += len(chunk)
		}
	}
	return n
}

// SameShard returns n keys with the prefix, all of one shard, so that its table becomes large.
func (x *Index[M]) SameShard(prefix string, n int) []string {
	var keys []string
	for i := 0; len(keys) < n; i++ {
		key := prefix + strconv.Itoa(i)
		if x.shard(x.hash(key)) == &x.shards[0] {
			keys = append(keys, key)
		}
	}
	return keys
}

// The sizes that the memory per key is made of.
const (
	ShardSize = unsafe.Sizeof(shard[int]{})
	SetSize   = unsafe.Sizeof(set[int]{})
	SlotSize  = unsafe.Sizeof(slot[int]{})
	SeatSize  = unsafe.Sizeof(Seat[int]{})
	InlineKey = inlineKey
)
