package loop

// Table gives out tokens for the objects of one loop: the index of a slot in
// the low 32 bits, the slot's generation in the 31 above. Bit 63 is the
// caller's, to tell its kinds of token apart. A token of an object that was
// removed finds nothing, also when its slot is in use again.
//
// It is owned by one goroutine.
type Table[T any] struct {
	items []*T
	gens  []uint32
	free  []uint32
}

const genMask = 1<<31 - 1

// Add puts x into a slot and returns its token.
func (t *Table[T]) Add(x *T) uint64 {
	var i uint32
	if n := len(t.free); n > 0 {
		i = t.free[n-1]
		t.free = t.free[:n-1]
		t.items[i] = x
	} else {
		i = uint32(len(t.items))
		t.items = append(t.items, x)
		t.gens = append(t.gens, 0)
	}
	return uint64(t.gens[i])<<32 | uint64(i)
}

// Get returns the token's object, or nil if it was removed.
func (t *Table[T]) Get(token uint64) *T {
	i := uint32(token)
	if int(i) >= len(t.items) || t.gens[i] != uint32(token>>32)&genMask {
		return nil
	}
	return t.items[i]
}

// Remove frees the token's slot. A token that is not valid any more is
// passed over.
func (t *Table[T]) Remove(token uint64) {
	if t.Get(token) == nil {
		return
	}
	i := uint32(token)
	t.items[i] = nil
	t.gens[i] = (t.gens[i] + 1) & genMask
	t.free = append(t.free, i)
}

// Len returns the number of objects.
func (t *Table[T]) Len() int { return len(t.items) - len(t.free) }

// All calls fn with every object. fn must not Add or Remove.
func (t *Table[T]) All(fn func(*T)) {
	for _, x := range t.items {
		if x != nil {
			fn(x)
		}
	}
}
