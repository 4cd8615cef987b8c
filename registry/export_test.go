package registry

import "unsafe"

// Buckets returns the number of buckets of all tables.
func (x *Index[M]) Buckets() int {
	n := 0
	for i := range x.shards {
		if t := x.shards[i].table.Load(); t != nil {
			n += t.size()
		}
	}
	return n
}

// Slots returns the number of slots that key has, filled and empty.
func (x *Index[M]) Slots(key string) int {
	s := x.find(key)
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

// The sizes that the memory per key is made of.
const (
	ShardSize = unsafe.Sizeof(shard[int]{})
	SetSize   = unsafe.Sizeof(set[int]{})
	SlotSize  = unsafe.Sizeof(slot[int]{})
	SeatSize  = unsafe.Sizeof(Seat[int]{})
	InlineKey = inlineKey
)
