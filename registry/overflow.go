package registry

import "sync/atomic"

// An overflow holds the members of a set beyond its first, in chunks of slots: a set grows by another chunk and copies
// no member. It shrinks when the set empties; until then it keeps the slots of its peak, 16 bytes each,
// for the members to come.
//
// Slots are numbered from 1: the chunk in the high bits, the place in the chunk, from 1, in the low ones.
type overflow[M any] struct {
	chunks [][]slot[M] // never written again: growing makes another overflow
	empty  uint32      // an empty slot, the head of the list of them; 0 if none is; guarded by shard.mu
}

// A slot holds one member at a time.
type slot[M any] struct {
	stamp  atomic.Uint64 // of the join; vacant + the number of the next empty slot while empty
	member atomic.Pointer[M]
}

const (
	vacant = 1 << 63 // above the stamp of every join

	placeBits = 6
	placeMask = 1<<placeBits - 1
)

// chunkSize is the number of slots in an overflow's i-th chunk: small ones first, for the merchant with three devices,
// then as many as can be numbered, which with the allocator's header make 1 KiB.
func chunkSize(i int) int {
	return min(4<<(2*min(i, 2)), placeMask)
}

// grow returns an overflow with the same slots and a chunk of empty ones, to take the place of o, which has no empty
// slot or is nil.
func (o *overflow[M]) grow() *overflow[M] {
	var chunks [][]slot[M]
	if o != nil {
		chunks = o.chunks
	}
	chunk := make([]slot[M], chunkSize(len(chunks)))
	base := uint32(len(chunks)) << placeBits
	for i := range chunk[1:] {
		chunk[i].stamp.Store(vacant + uint64(base) + uint64(i) + 2)
	}
	chunk[len(chunk)-1].stamp.Store(vacant)
	// Readers of o do not look beyond their own length, so append may use the room behind it.
	return &overflow[M]{chunks: append(chunks, chunk), empty: base + 1}
}

func (o *overflow[M]) slot(n uint32) *slot[M] {
	return &o.chunks[n>>placeBits][n&placeMask-1]
}

// fill takes the head of the list of empty slots, which is not empty, and returns its number.
func (o *overflow[M]) fill(m *M, stamp uint64) uint32 {
	n := o.empty
	sl := o.slot(n)
	o.empty = uint32(sl.stamp.Load())
	sl.stamp.Store(stamp)
	sl.member.Store(m)
	return n
}

// holds reports whether the slot holds a member that joined with this stamp.
func (o *overflow[M]) holds(n, stamp uint32) bool {
	v := o.slot(n).stamp.Load()
	return v < vacant && uint32(v) == stamp
}

// clear empties a slot and puts it at the head of the list of empty ones.
func (o *overflow[M]) clear(n uint32) {
	sl := o.slot(n)
	sl.member.Store(nil)
	sl.stamp.Store(vacant + uint64(o.empty))
	o.empty = n
}
