package registry_test

import (
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"outrider/registry"
)


// uids returns n keys in random order, which lie one after the other in memory.
func uids(n int) []string {
	var b strings.Builder
	ends := make([]int, n)
	for i, u := range rand.Perm(n) {
		b.WriteString("rider:")
		b.WriteString(strconv.Itoa(10_000_000 + u))
		ends[i] = b.Len()
	}
	all := b.String()
	keys := make([]string, n)
	begin := 0
	for i, end := range ends {
		keys[i] = all[begin:end]
		begin = end
	}
	return keys
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkFirst(b *testing.B) {
	keys := uids(1_000_000)
	m := new(member)
	before := heap()
	x := registry.NewIndex[member]()
	for _, k := range uids(1_000_000) {
		x.Join(k, m)
	}
	b.Logf("%.1f", float64(heap()-before)/1e6)
	b.Run("keys=1M", func(b *testing.B) {
		i := 0
		for b.Loop() {
			if x.First(keys[i]) == nil {
				b.Fatal()
			}
			if i++; i == len(keys) {
				i = 0
			}
		}
	})
	runtime.KeepAlive(x)
}
