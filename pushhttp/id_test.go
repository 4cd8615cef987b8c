package pushhttp_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"outrider/pushhttp"
)

// TestIDs asks for ids within one millisecond, from many goroutines, and while
// the clock is set back: each is later than those before it.
func TestIDs(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	next := pushhttp.NewIDs(func() time.Time { return now })
	last := next()
	if got := ulid.MustParse(last).Timestamp(); !got.Equal(now) {
		t.Errorf("the time in %s is %v", last, got)
	}
	for i := range 3000 {
		switch i {
		case 1000:
			now = now.Add(-time.Hour)
		case 2000:
			now = now.Add(2 * time.Hour)
		}
		id := next()
		if id <= last {
			t.Fatalf("%s after %s", id, last)
		}
		last = id
	}
	if got := ulid.MustParse(last).Timestamp(); !got.Equal(now) {
		t.Errorf("the time in %s is %v, the clock says %v", last, got, now)
	}
}

func TestIDsAreUnique(t *testing.T) {
	const goroutines, each = 8, 2000
	next := pushhttp.NewIDs(time.Now)
	all := make([][]string, goroutines)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			for range each {
				all[i] = append(all[i], next())
			}
			if !slices.IsSorted(all[i]) {
				t.Error("one goroutine's ids are not in order")
			}
		})
	}
	wg.Wait()
	ids := slices.Concat(all...)
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != goroutines*each {
		t.Errorf("%d different ids of %d", n, goroutines*each)
	}
}

func BenchmarkIDs(b *testing.B) {
	next := pushhttp.NewRawIDs(time.Now)
	b.Run("goroutines=1", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			next()
		}
	})
	b.Run("goroutines=8", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				next()
			}
		})
	})
}
