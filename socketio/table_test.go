package socketio_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"outrider/socketio"
)

func TestTable(t *testing.T) {
	var table socketio.Table
	if table.Get(0) != nil {
		t.Error("something in an empty table")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	model := make(map[uint32]*socketio.Socket)
	for round := range 40 {
		for range rng.IntN(3000) {
			s, slot := table.Add()
			if model[slot] != nil {
				t.Fatalf("slot %d given twice", slot)
			}
			model[slot] = s
		}
		keep := rng.IntN(100)
		if round%8 == 7 {
			keep = 0
		}
		for slot := range model {
			if rng.IntN(100) >= keep {
				table.Remove(slot)
				delete(model, slot)
			}
		}
		seen := 0
		for range table.All() {
			seen++
		}
		if seen != len(model) {
			t.Fatalf("%d seen, want %d", seen, len(model))
		}
		for slot, s := range model {
			if table.Get(slot) != s {
				t.Fatalf("slot %d holds another", slot)
			}
		}
		if len(model) == 0 && table.Chunks() > 1 {
			t.Errorf("an empty table holds %d chunks", table.Chunks())
		}
	}
	if table.Get(1<<31) != nil {
		t.Error("beyond the end")
	}
}

// TestTableConcurrent: readers see what stays exactly once, whatever comes and goes.
func TestTableConcurrent(t *testing.T) {
	var table socketio.Table
	stays := make(map[*socketio.Socket]bool)
	for range 1500 {
		s, _ := table.Add()
		stays[s] = true
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for !stop.Load() {
				var slots []uint32
				for range 1000 {
					_, slot := table.Add()
					slots = append(slots, slot)
				}
				for _, slot := range slots {
					table.Remove(slot)
				}
			}
		})
	}
	for range 50 {
		n := 0
		for s := range table.All() {
			if stays[s] {
				n++
			}
		}
		if n != len(stays) {
			t.Errorf("%d of %d seen", n, len(stays))
		}
	}
	stop.Store(true)
	wg.Wait()
}

func TestSocketID(t *testing.T) {
	seen := make(map[string]bool)
	for _, slot := range []uint32{0, 0, 1, 1 << 31, 1<<32 - 1} {
		id, found := socketio.NewID(slot)
		if found != slot || len(id) != 20 || seen[id] {
			t.Errorf("slot %d is %s, which is slot %d", slot, id, found)
		}
		seen[id] = true
	}
}

// TestSizes: what half a million of them must not exceed, by size classes of the allocator.
func TestSizes(t *testing.T) {
	conn, socket := socketio.Sizes()
	t.Logf("conn %d bytes, socket %d", conn, socket)
	if conn > 80 || socket > 80 {
		t.Errorf("conn %d bytes, socket %d", conn, socket)
	}
}
