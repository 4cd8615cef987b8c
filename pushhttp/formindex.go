package pushhttp

import "hash/maphash"

// formIndex finds the children of long arrays in a form. It is a hash table
// with open addressing, at most half full, whose places hold nodes: four bytes
// for each, where a map would hold the keys once more.
type formIndex struct {
	places []int32
	used   int
	seed   maphash.Seed // a new one for each scratch: who sends forms cannot make keys collide
}

func (x *formIndex) reset() {
	x.places, x.used = x.places[:0], 0
}

// findIndexed looks for a child of a long array. Children are indexed when one
// is looked for, so that a list which is only appended to never is.
func (f *form) findIndexed(parent int32, index int64, key span) int32 {
	p := &f.nodes[parent]
	next := p.first
	if p.indexed != none {
		next = f.nodes[p.indexed].next
	}
	for ; next != none; next = f.nodes[next].next {
		f.addToIndex(next)
		p.indexed = next
	}
	return *f.place(parent, index, key)
}

// addToIndex enters a node that is not in the index.
func (f *form) addToIndex(node int32) {
	x := &f.index
	if 2*(x.used+1) > len(x.places) {
		before := x.places
		x.places = make([]int32, max(64, 2*len(before)))
		for _, n := range before {
			if n != none {
				*f.placeOf(n) = n
			}
		}
	}
	*f.placeOf(node) = node
	x.used++
}

func (f *form) placeOf(node int32) *int32 {
	n := &f.nodes[node]
	return f.place(n.parent, n.index, n.key)
}

// place returns where in the index a child is, or would be.
func (f *form) place(parent int32, index int64, key span) *int32 {
	hash := f.index.hash(parent, index, f.bytes(key))
	mask := uint64(len(f.index.places) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		n := f.index.places[i]
		if n == none || f.nodes[n].parent == parent && f.hasKey(n, index, key) {
			return &f.index.places[i]
		}
	}
}

func (x *formIndex) hash(parent int32, index int64, key []byte) uint64 {
	type number struct {
		parent int32
		index  int64
	}
	return maphash.Comparable(x.seed, number{parent, index}) ^ maphash.Bytes(x.seed, key)
}
