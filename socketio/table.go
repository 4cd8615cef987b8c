package socketio

import (
	"iter"
	"math/bits"
	"sync"
	"sync/atomic"
)

// table holds the sockets of a namespace. A socket keeps the number of its slot, so that adding and removing cost the
// same whatever the number of sockets, and nothing is hashed; and protocol 5 ids carry that number, so that looking one
// up needs no map either.
//
// Readers take no lock. They see each socket at most once, because a socket has one slot for all its life.
type table struct {
	chunks atomic.Pointer[[]atomic.Pointer[chunk]]

	mu    sync.Mutex // guards changes, and what follows
	open  []uint32   // numbers of chunks that have room; the last one is used first
	holes []uint32   // numbers of chunks that were given back
}

// chunkSize is 4 KiB of pointers.
const chunkSize = 512

type chunk struct {
	slots [chunkSize]atomic.Pointer[Socket]
	used  [chunkSize / 64]uint64 // guarded by table.mu, as is n
	n     int
}

// add gives s a slot. What s is told about the slot happens before readers can see it.
func (t *table) add(s *Socket, tell func(*Socket, uint32)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.open) == 0 {
		t.grow()
	}
	number := t.open[len(t.open)-1]
	c := (*t.chunks.Load())[number].Load()
	i := c.take()
	if c.n == chunkSize {
		t.open = t.open[:len(t.open)-1]
	}
	tell(s, number*chunkSize+uint32(i))
	c.slots[i].Store(s)
}

// take marks a free slot as used.
func (c *chunk) take() int {
	for w, used := range c.used {
		if bit := bits.TrailingZeros64(^used); bit < 64 {
			c.used[w] |= 1 << bit
			c.n++
			return w*64 + bit
		}
	}
	panic("socketio: chunk without room in the list of open ones")
}

// remove gives a slot back.
func (t *table) remove(slot uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	number, i := slot/chunkSize, slot%chunkSize
	c := (*t.chunks.Load())[number].Load()
	c.slots[i].Store(nil)
	c.used[i/64] &^= 1 << (i % 64)
	c.n--
	switch {
	case c.n == chunkSize-1:
		t.open = append(t.open, number)
	case c.n == 0 && len(t.open) > 1:
		t.drop(number)
	}
}

// clear takes a socket out of its slot, which stays taken.
func (t *table) clear(slot uint32) { t.restore(slot, nil) }

// restore puts a socket into a slot that clear has left.
func (t *table) restore(slot uint32, s *Socket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	(*t.chunks.Load())[slot/chunkSize].Load().slots[slot%chunkSize].Store(s)
}

// grow opens a chunk.
func (t *table) grow() {
	c := new(chunk)
	if n := len(t.holes); n > 0 {
		number := t.holes[n-1]
		t.holes = t.holes[:n-1]
		(*t.chunks.Load())[number].Store(c)
		t.open = append(t.open, number)
		return
	}
	var old []atomic.Pointer[chunk]
	if p := t.chunks.Load(); p != nil {
		old = *p
	}
	chunks := make([]atomic.Pointer[chunk], max(1, 2*len(old)))
	for i := range old {
		chunks[i].Store(old[i].Load())
	}
	chunks[len(old)].Store(c)
	for i := len(chunks) - 1; i > len(old); i-- {
		t.holes = append(t.holes, uint32(i))
	}
	t.open = append(t.open, uint32(len(old)))
	t.chunks.Store(&chunks)
}

// drop gives the memory of an empty chunk back.
func (t *table) drop(number uint32) {
	for i, open := range t.open {
		if open == number {
			t.open = append(t.open[:i], t.open[i+1:]...)
			break
		}
	}
	t.holes = append(t.holes, number)
	(*t.chunks.Load())[number].Store(nil)
}

// get returns the socket in a slot, or nil. Any number will do.
func (t *table) get(slot uint32) *Socket {
	p := t.chunks.Load()
	if p == nil || int(slot/chunkSize) >= len(*p) {
		return nil
	}
	c := (*p)[slot/chunkSize].Load()
	if c == nil {
		return nil
	}
	return c.slots[slot%chunkSize].Load()
}

// all iterates over the sockets, those that have not finished connecting included.
func (t *table) all() iter.Seq[*Socket] {
	return func(yield func(*Socket) bool) {
		p := t.chunks.Load()
		if p == nil {
			return
		}
		for i := range *p {
			c := (*p)[i].Load()
			if c == nil {
				continue
			}
			for j := range c.slots {
				if s := c.slots[j].Load(); s != nil && !yield(s) {
					return
				}
			}
		}
	}
}
