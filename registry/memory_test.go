package registry_test

import (
	"runtime"
	"strconv"
	"testing"
	"weak"

	"outrider/registry"
)

func TestSizes(t *testing.T) {
	tests := []struct {
		what      string
		got, want uintptr
	}{
		{"a shard is two cache lines", registry.ShardSize, 128},
		{"a set and its short key are one", registry.SetSize + registry.InlineKey, 64},
		{"a slot", registry.SlotSize, 16},
		{"a seat", registry.SeatSize, 16},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %d bytes, want %d", tt.what, tt.got, tt.want)
		}
	}
}

func TestReadersAllocateNothing(t *testing.T) {
	x := registry.NewIndex[member]()
	m := new(member)
	x.Join("uid", m)
	gone := x.Join("uid whose first member left", m)
	x.Join("uid whose first member left", m)
	gone.Leave()
	for range 1000 {
		x.Join("topic", m)
	}
	walk := func(key string) {
		for range x.Members(key) {
		}
	}
	tests := map[string]func(){
		"First":                      func() { x.First("uid") },
		"First in the overflow":      func() { x.First("uid whose first member left") },
		"First of no key":            func() { x.First("nobody") },
		"Len":                        func() { x.Len("topic") },
		"Members of one":             func() { walk("uid") },
		"Members of a thousand":      func() { walk("topic") },
		"Members of no key":          func() { walk("nobody") },
		"Join and Leave of a topic":  func() { x.Join("topic", m).Leave() },
		"Join of a uid's second one": func() { x.Join("uid whose first member left", m).Leave() },
		"Stats":                      func() { x.Stats() },
		"Keys": func() {
			for range x.Keys() {
			}
		},
	}
	for name, f := range tests {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// A key with one member takes at most 100 bytes, wherever the tables are between two sizes.
func TestBytesPerKey(t *testing.T) {
	m := new(member)
	for _, n := range []int{30_000, 36_000, 42_000, 50_000} {
		keys := uids(n)
		before := heap()
		x := registry.NewIndex[member]()
		for _, key := range keys {
			x.Join(key, m)
		}
		got := float64(heap()-before) / float64(n)
		t.Logf("%d keys of %d bytes: %.1f bytes each", n, len(keys[0]), got)
		if got > 100 {
			t.Errorf("%d keys: %.1f bytes each, want at most 100", n, got)
		}
		runtime.KeepAlive(x)
		runtime.KeepAlive(keys)
	}
}

func TestBytesPerFurtherMember(t *testing.T) {
	const n = 100_000
	m := new(member)
	x := registry.NewIndex[member]()
	before := heap()
	for range n {
		x.Join("topic", m)
	}
	if got := float64(heap()-before) / n; got > 18 {
		t.Errorf("%.1f bytes a member, want at most 18", got)
	}
	runtime.KeepAlive(x)
}

// Invariant 6: who left is not kept in memory, by a set that stands or by a seat of one that was dropped.
func TestWhoLeftIsCollected(t *testing.T) {
	// With a pointer in it, since small objects without one share their memory
	// with others, who may stay.
	type guest struct{ _ *guest }
	x := registry.NewIndex[guest]()
	stay := []*guest{new(guest), new(guest)}
	var gone []weak.Pointer[guest]
	var seats []registry.Seat[guest]
	join := func(key string) {
		m := new(guest)
		gone = append(gone, weak.Make(m))
		seats = append(seats, x.Join(key, m))
	}
	join("first left") // the first slot
	for _, m := range stay {
		x.Join("first left", m)
	}
	x.Join("others left", stay[0]) // the overflow
	for range 100 {
		join("others left")
	}
	for range 100 {
		join("all left")
	}
	for _, s := range seats {
		s.Leave()
	}
	runtime.GC()
	runtime.GC()
	for i, w := range gone {
		if w.Value() != nil {
			t.Errorf("member %d, who left %q, is kept", i, seats[i].Key())
		}
	}
	runtime.KeepAlive(x)
	runtime.KeepAlive(seats)
}

// A member that forgets to throw its seat away keeps a set, but not the slots of all who were in it.
func TestOldSeatKeepsNoSlots(t *testing.T) {
	x := registry.NewIndex[member]()
	m := new(member)
	var grown int64
	for range 3 { // what the runtime keeps for itself now and then is not there each time; slots would be
		old := x.Join("topic", m)
		before := heap()
		seats := make([]registry.Seat[member], 10_000)
		for i := range seats {
			seats[i] = x.Join("topic", m)
		}
		for _, s := range seats {
			s.Leave()
		}
		seats = nil
		old.Leave()
		grown = int64(heap()) - int64(before)
		runtime.KeepAlive(&old)
		if grown <= 4<<10 {
			break
		}
	}
	if grown > 4<<10 {
		t.Errorf("%d bytes more than before", grown)
	}
	runtime.KeepAlive(x)
}

// Keys that are gone leave nothing but small tables.
func TestKeysLeaveNothing(t *testing.T) {
	x := registry.NewIndex[member]()
	m := new(member)
	before := heap()
	seats := make([]registry.Seat[member], 30_000)
	for i := range seats {
		seats[i] = x.Join("topic of "+strconv.Itoa(i), m)
	}
	for i := range seats {
		seats[i].Leave()
		seats[i] = registry.Seat[member]{}
	}
	runtime.KeepAlive(seats)
	seats = nil
	if after := heap(); after > before+64<<10 {
		t.Errorf("%d bytes more than before", after-before)
	}
	runtime.KeepAlive(x)
}
