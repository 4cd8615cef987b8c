package registry

import "sync/atomic"

// A table is a shard's hash table: open addressing, linear probing. Readers walk it while a writer, who holds
// the shard's mutex, changes it. What makes that right:
//
//  1. A set stays in its bucket until it is dropped. A table of another size is a new table, and the old one is never
//     written again: a reader who still walks it finds the keys of the moment when the new one was published, and
//     a set that was dropped since then is empty.
//  2. A tag never becomes 0 again, and a set lies before the first tag 0 on its probe path. So a reader who meets
//     a 0 has passed every bucket where the set can be.
//  3. A tag is a hint. The set is what counts, and its key is compared: whatever pair of old and new tag and set
//     a reader meets in a bucket, it takes no wrong set, and misses only one that is being inserted or dropped.
//  4. A dropped set leaves its tag behind. The bucket serves the next set whose probe path meets it; what is not
//     reused goes at the next rebuild, so dropped sets never make the paths longer than a full table's.
//
// The tags are apart from the sets because a probe then reads one or two cache lines, and a key that is not there
// is found missing without a look at any set.
type table[M any] struct {
	tags []atomic.Uint32          // 0: never used
	sets []atomic.Pointer[set[M]] // nil with a tag: dropped
}

const minBuckets = 8

func newTable[M any](buckets int) *table[M] {
	return &table[M]{
		tags: make([]atomic.Uint32, buckets),
		sets: make([]atomic.Pointer[set[M]], buckets),
	}
}

// tagOf returns the half of a hash that does not choose the shard, made odd and thereby not 0.
func tagOf(hash uint64) uint32 { return uint32(hash) | 1 }

func (t *table[M]) size() int { return len(t.tags) }

// limit is the number of used buckets at which the table is full: three in four.
func (t *table[M]) limit() int { return t.size() - t.size()/4 }

// home is the bucket where the probe path of a tag begins: the tag scaled to the table's size, which need not be
// a power of two.
func (t *table[M]) home(tag uint32) int {
	return int(uint64(tag) * uint64(len(t.tags)) >> 32)
}

func (t *table[M]) next(bucket int) int {
	if bucket++; bucket < len(t.tags) {
		return bucket
	}
	return 0
}

// find returns the set of key, nil if there is none. It is all of a look-up but the hash in one function, because
// look-ups are bound by memory: the fewer instructions one takes, the more of the next one's loads are under way.
func (x *Index[M]) find(hash uint64, key string) *set[M] {
	t, tag := x.shard(hash).table.Load(), tagOf(hash)
	for i := t.home(tag); ; i = t.next(i) {
		switch t.tags[i].Load() {
		case 0:
			return nil
		case tag:
			if s := t.sets[i].Load(); s != nil && s.key == key {
				return s
			}
		}
	}
}

// insert files a set whose key is not there, and reports whether that took a bucket that was never used.
func (t *table[M]) insert(tag uint32, s *set[M]) bool {
	i := t.home(tag)
	for t.sets[i].Load() != nil {
		i = t.next(i)
	}
	fresh := t.tags[i].Load() == 0
	t.sets[i].Store(s)
	t.tags[i].Store(tag)
	return fresh
}

// drop takes out a set that is there.
func (t *table[M]) drop(tag uint32, s *set[M]) {
	i := t.home(tag)
	for t.sets[i].Load() != s {
		i = t.next(i)
	}
	t.sets[i].Store(nil)
}

// copyTo inserts every set into an empty table and returns how many there are.
func (t *table[M]) copyTo(to *table[M]) int {
	n := 0
	for i := range t.sets {
		if s := t.sets[i].Load(); s != nil {
			to.insert(t.tags[i].Load(), s)
			n++
		}
	}
	return n
}
