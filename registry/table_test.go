package registry

import (
	"math/rand/v2"
	"strconv"
	"testing"
)

// Keys whose tags are the same, or whose paths run into each other or round the table's end, are told apart.
func TestTableCollisions(t *testing.T) {
	tests := map[string]func(i int) uint32{
		"one tag":               func(int) uint32 { return 7 },
		"the lowest tag":        func(int) uint32 { return tagOf(0) },
		"the highest tag":       func(int) uint32 { return ^uint32(0) },
		"tags of one home":      func(i int) uint32 { return uint32(2*i + 1) },
		"the last two homes":    func(i int) uint32 { return ^uint32(0) - uint32(i%2)<<28 },
		"tags all over":         func(i int) uint32 { return rand.Uint32() | 1 },
		"one tag in two shared": func(i int) uint32 { return uint32(i/2)<<24 + 1 },
	}
	for name, tag := range tests {
		t.Run(name, func(t *testing.T) {
			x := NewIndex[int]()
			sh, tab := &x.shards[0], newTable[int](16)
			sh.table.Store(tab)
			find := func(tag uint32, key string) *set[int] { return x.find(uint64(tag), key) }
			var sets []*set[int]
			var tags []uint32
			for i := range tab.limit() {
				sets = append(sets, newSet(sh, strconv.Itoa(i)))
				tags = append(tags, tag(i))
				if !tab.insert(tags[i], sets[i]) {
					t.Errorf("set %d took a bucket that had been used", i)
				}
			}
			for i, s := range sets {
				if find(tags[i], s.key) != s {
					t.Errorf("set %d is not found", i)
				}
				if find(tags[i], "another") != nil {
					t.Errorf("another key is found by tag %d", tags[i])
				}
			}
			for i, s := range sets {
				tab.drop(tags[i], s)
				if find(tags[i], s.key) != nil {
					t.Errorf("dropped set %d is found", i)
				}
				for j := i + 1; j < len(sets); j++ {
					if find(tags[j], sets[j].key) != sets[j] {
						t.Errorf("set %d is lost as %d is dropped", j, i)
					}
				}
				if i%2 == 0 { // comes back in a bucket that was used
					if tab.insert(tags[i], s) || find(tags[i], s.key) != s {
						t.Errorf("set %d did not take an old bucket", i)
					}
				}
			}
			to := newTable[int](16)
			sh.table.Store(to)
			if n := tab.copyTo(to); n != (len(sets)+1)/2 {
				t.Errorf("copied %d sets, want %d", n, (len(sets)+1)/2)
			}
			for i, s := range sets {
				if got := find(tags[i], s.key); (got == s) != (i%2 == 0) {
					t.Errorf("set %d in the copy: %v", i, got)
				}
			}
		})
	}
}
