package registry_test

import (
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// The figures that docs/adr/0004-registry.md and 0008-look-up.md quote, each of the index and of what could have been used
// in its place (peers_test.go). On a machine that does other work besides, runs in turns and their minimum are
// what can be compared; for each index, several times over:
//
//	go test -run '^$' -bench 'Memory' -benchtime 2000000x -count 10 ./registry
//	go test -run '^$' -bench '(LookUp|Connect)/index=registry' -benchtime 100000x -count 3 ./registry
//	go test -run '^$' -bench 'Topic/index=registry/members=100k/leave' -benchtime 100000x -count 3 ./registry
//	go test -run '^$' -bench 'Topic/index=registry/members=100k/walk' -benchtime 20x -count 10 ./registry
//	go test -run '^$' -bench 'Collect/index=registry' -benchtime 1x -count 15 ./registry

const (
	bigTopic    = 100_000
	bigTopicKey = "rider_Tianhe_Qu_notification"
)

// sizes returns the numbers of keys to measure with. With -short, where nothing is measured and the benchmarks only are
// to run, they are small.
func sizes(n ...int) []int {
	if testing.Short() {
		return []int{1_000}
	}
	return n
}

// uids returns n keys in random order. Their bytes lie one after the other in memory, so that a benchmark that goes
// through them spends its time on the index's memory and not on theirs.
func uids(n int) []string { return keysOf("rider:", n) }

func keysOf(prefix string, n int) []string {
	var b strings.Builder
	ends := make([]int, n)
	for i, uid := range rand.Perm(n) {
		b.WriteString(prefix)
		b.WriteString(strconv.Itoa(10_000_000 + uid))
		ends[i] = b.Len()
	}
	all, begin := b.String(), 0
	keys := make([]string, n)
	for i, end := range ends {
		keys[i] = all[begin:end]
		begin = end
	}
	return keys
}

// heap returns the bytes in use, with garbage collected.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkLookUp looks up random keys of one member each, and reports what a key takes. In a loop the processor begins
// the next look-ups while one waits for memory, as it does when one push has many uids; in a chain, where the next key
// depends on the member that was found, each waits alone, as that of a push with one uid does.
func BenchmarkLookUp(b *testing.B) {
	for _, p := range peers() {
		for _, n := range sizes(10_000, 100_000, 1_000_000) {
			b.Run("index="+p.name+"/keys="+strconv.Itoa(n/1000)+"k", func(b *testing.B) { lookUp(b, p, n) })
		}
	}
}

// BenchmarkMemory is what a look-up cannot be faster than: loads of lines that are in no cache, out of as much memory as
// a million keys take. In one chain each line names the next; two chains are two such loads under way at once.
func BenchmarkMemory(b *testing.B) {
	type line struct {
		next *line
		_    [56]byte
	}
	n := sizes(1 << 20)[0]
	lines, order := make([]line, n), rand.Perm(n)
	for i := range order {
		lines[order[i]].next = &lines[order[(i+1)%n]]
	}
	size := "lines=" + strconv.Itoa(n)
	b.Run(size+"/chains=1", func(b *testing.B) {
		x := &lines[order[0]]
		for b.Loop() {
			x = x.next
		}
	})
	b.Run(size+"/chains=2", func(b *testing.B) {
		x, y := &lines[order[0]], &lines[order[n/2]]
		for b.Loop() {
			x, y = x.next, y.next
		}
	})
}

func lookUp(b *testing.B, p peer, n int) {
	keys, order, m := uids(n), rand.Perm(n), new(member)
	x := p.uids(n)
	before := heap()
	for _, i := range order {
		x.set(i, keys[i], m)
	}
	perKey := float64(heap()-before) / float64(n)
	runtime.KeepAlive(order)

	b.Run("loop", func(b *testing.B) {
		next := 0
		b.ReportAllocs()
		for b.Loop() {
			if x.get(keys[next]) != m {
				b.Fatal("not found")
			}
			if next++; next == len(keys) {
				next = 0
			}
		}
		b.ReportMetric(perKey, "B/key")
	})
	b.Run("chain", func(b *testing.B) {
		next := 0
		b.ReportAllocs()
		for b.Loop() {
			if next += 1 + x.get(keys[next]).n; next == len(keys) { // n is 0, which the processor does not know
				next = 0
			}
		}
	})
	b.Run("absent", func(b *testing.B) {
		absent, next := keysOf("table:", n), 0
		b.ReportAllocs()
		for b.Loop() {
			if x.get(absent[next]) != nil {
				b.Fatal("found")
			}
			if next++; next == len(absent) {
				next = 0
			}
		}
	})
	b.Run("parallel+writer", func(b *testing.B) { lookUpBesideWriter(b, x, keys, m) })
}

// lookUpBesideWriter looks keys up on all processors while one goroutine takes keys out and puts them back.
func lookUpBesideWriter(b *testing.B, x uidIndex, keys []string, m *member) {
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; !stop.Load(); i = (i + 1) % len(keys) {
			x.unset(i, keys[i])
			x.set(i, keys[i], m)
		}
	}()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := rand.IntN(len(keys)); pb.Next(); i = (i + 1) % len(keys) {
			x.get(keys[i]) // perhaps out at the moment
		}
	})
	stop.Store(true)
	<-done
}

// BenchmarkCollect collects garbage with a million keys in use: what they cost the collector, each cycle.
func BenchmarkCollect(b *testing.B) {
	for _, p := range peers() {
		n := sizes(1_000_000)[0]
		b.Run("index="+p.name+"/keys="+strconv.Itoa(n/1000)+"k", func(b *testing.B) {
			keys, m := uids(n), new(member)
			x := p.uids(n)
			for i, key := range keys {
				x.set(i, key, m)
			}
			keys = nil
			for b.Loop() {
				runtime.GC()
			}
			x.get("")
		})
	}
}

// BenchmarkTopic moves random members of a topic of 100,000 out and in, and walks it.
func BenchmarkTopic(b *testing.B) {
	for _, p := range peers() {
		b.Run("index="+p.name, func(b *testing.B) {
			members := make([]*member, bigTopic)
			for i := range members {
				members[i] = &member{i}
			}
			x := p.topics(bigTopic)
			before := heap()
			for i, m := range members {
				x.join(i, bigTopicKey, m)
			}
			perMember := float64(heap()-before) / bigTopic
			order := rand.Perm(bigTopic)

			next := 0
			b.Run("members=100k/leave+join", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					i := order[next]
					x.leave(i, bigTopicKey, members[i])
					x.join(i, bigTopicKey, members[i])
					next = (next + 1) % bigTopic
				}
				b.ReportMetric(perMember, "B/member")
			})
			b.Run("members=100k/walk", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					n := 0
					x.each(bigTopicKey, func(*member) { n++ })
					if n != bigTopic {
						b.Fatalf("%d members", n)
					}
				}
			})
		})
	}
}

// BenchmarkConnect makes keys come and go, as the index of uids sees connections do.
func BenchmarkConnect(b *testing.B) {
	for _, p := range peers() {
		for _, half := range sizes(100_000, 1_000_000) {
			b.Run("index="+p.name+"/keys="+strconv.Itoa(half/1000)+"k/join+leave", func(b *testing.B) {
				n := 2 * half
				keys, m := uids(n), new(member)
				x := p.uids(n)
				for i, key := range keys[:half] {
					x.set(i, key, m)
				}
				b.ReportAllocs()
				for i := 0; b.Loop(); i = (i + 1) % n {
					in := (i + half) % n
					x.set(in, keys[in], m)
					x.unset(i, keys[i])
				}
			})
		}
	}
}
