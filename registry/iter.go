package registry

import "iter"

// Members returns an iterator over the members of key. It takes no lock: joins and leaves go on meanwhile, and the
// loop's body may join and leave itself.
//
// Each range over it is a walk of its own. A member that is there from its beginning to its end is yielded, once;
// one that joins or leaves meanwhile perhaps, and at most once even if it leaves and joins again. If the key has
// members throughout, although not the same ones, the walk yields at least one.
func (x *Index[M]) Members(key string) iter.Seq[*M] {
	return func(yield func(*M) bool) {
		if s := x.find(x.hash(key), key); s != nil {
			s.members(yield)
		}
	}
}

// members walks until it has met a member or the set is empty (invariant 5). A walk that meets none has come between
// one that left before it got there and a successor that joined after it began.
func (s *set[M]) members(yield func(*M) bool) {
	for s.size.Load() > 0 && !s.walk(yield) {
	}
}

// any returns a member, nil if at some moment of the call there is none.
func (s *set[M]) any() *M {
	for m := range s.members {
		return m
	}
	return nil
}

// walk is the iteration of invariant 4. It reports whether it met a member.
func (s *set[M]) walk(yield func(*M) bool) (met bool) {
	w := s.begin()
	met = w.first != nil
	if met && !yield(w.first) {
		return met
	}
	w.part(0, 1, func(m *M) bool {
		met = true
		return yield(m)
	})
	return met
}

// walk is one under way: what was there when it began.
type walk[M any] struct {
	start  uint64
	first  *M
	chunks [][]slot[M]
}

// begin begins a walk. The first slot is read before any other.
func (s *set[M]) begin() (w walk[M]) {
	w.start = s.shard.joins.Load()
	w.first = s.first.Load()
	if o := s.overflow.Load(); o != nil {
		w.chunks = o.chunks
	}
	return w
}

// part yields the members in every n-th chunk of the overflow, from the i-th on.
func (w *walk[M]) part(i, n int, yield func(*M) bool) {
	for ; i < len(w.chunks); i += n {
		chunk := w.chunks[i]
		for k := range chunk {
			m := chunk[k].member.Load()
			if m == nil || chunk[k].stamp.Load() > w.start {
				continue
			}
			if !yield(m) {
				return
			}
		}
	}
}

// Shares splits a walk over the members of key: n goroutines that range over one of its iterators each, at about the
// same time, meet together whom one would that ranges over Members. Only the last promise is not kept: where all
// members change meanwhile, it may be that none is met. n is at least 1.
func (x *Index[M]) Shares(key string, n int) []iter.Seq[*M] {
	shares := make([]iter.Seq[*M], n)
	s := x.find(x.hash(key), key)
	if s == nil {
		for i := range shares {
			shares[i] = func(func(*M) bool) {}
		}
		return shares
	}
	w := s.begin()
	for i := range shares {
		shares[i] = func(yield func(*M) bool) {
			if i > 0 || w.first == nil || yield(w.first) {
				w.part(i, n, yield)
			}
		}
	}
	return shares
}

// Keys returns an iterator over the keys and the number of members of each. It takes no lock: a key that comes or
// goes meanwhile is perhaps yielded, one that goes and comes back perhaps twice.
func (x *Index[M]) Keys() iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for i := range x.shards {
			if !x.shards[i].eachKey(yield) {
				return
			}
		}
	}
}

// eachKey yields the keys of one shard, and reports whether the loop wants more.
func (sh *shard[M]) eachKey(yield func(string, int) bool) bool {
	t := sh.table.Load()
	for i := range t.sets {
		s := t.sets[i].Load()
		if s == nil {
			continue
		}
		if n := int(s.size.Load()); n > 0 && !yield(s.key, n) {
			return false
		}
	}
	return true
}
