package registry_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"outrider/registry"
)

type member struct{ n int }

func TestJoinAndLeave(t *testing.T) {
	x := registry.NewIndex[member]()
	a, b := new(member), new(member)

	if x.First("k") != nil || x.Len("k") != 0 || len(members(x, "k")) != 0 {
		t.Error("an empty index has members")
	}
	sa, sb := x.Join("k", a), x.Join("k", b)
	if got := members(x, "k"); !slices.Equal(got, []*member{a, b}) {
		t.Errorf("members %v, want a and b", got)
	}
	if x.First("k") != a || x.Len("k") != 2 {
		t.Errorf("First %v, Len %d", x.First("k"), x.Len("k"))
	}
	if got := maps.Collect(x.Keys()); !maps.Equal(got, map[string]int{"k": 2}) {
		t.Errorf("keys %v", got)
	}
	if !sa.Leave() {
		t.Error("Leave of a standing seat was false")
	}
	if x.First("k") != b || x.Len("k") != 1 {
		t.Errorf("after a left: First %v, Len %d", x.First("k"), x.Len("k"))
	}
	if !sb.Leave() || x.First("k") != nil || x.Len("k") != 0 {
		t.Errorf("after all left: First %v, Len %d", x.First("k"), x.Len("k"))
	}
	if got := maps.Collect(x.Keys()); len(got) != 0 {
		t.Errorf("keys left behind: %v", got)
	}
	if got, want := x.Stats(), (registry.Stats{Joins: 2}); got != want {
		t.Errorf("Stats %+v, want %+v", got, want)
	}
}

func TestLeaveTwice(t *testing.T) {
	tests := map[string]struct{ others int }{
		"the first slot":              {0},
		"the overflow":                {1},
		"a chunk's last slot":         {4},
		"the second chunk":            {5},
		"a chunk of the largest size": {100},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			x := registry.NewIndex[member]()
			for range tt.others {
				x.Join("k", new(member))
			}
			seat := x.Join("k", new(member))
			again := seat
			if !seat.Leave() || again.Leave() {
				t.Error("want Leave once true, then false")
			}
			next := new(member)
			x.Join("k", next) // takes the same slot, or a new set
			if seat.Leave() {
				t.Error("the old seat left for its successor")
			}
			if x.Len("k") != tt.others+1 || !slices.Contains(members(x, "k"), next) {
				t.Errorf("the successor is lost: Len %d", x.Len("k"))
			}
		})
	}
	if (registry.Seat[member]{}).Leave() {
		t.Error("Leave of the zero Seat was true")
	}
}

func TestOldSeatOfADroppedSet(t *testing.T) {
	x := registry.NewIndex[member]()
	first, second := x.Join("k", new(member)), x.Join("k", new(member))
	first.Leave()
	second.Leave()
	x.Join("k", new(member))
	x.Join("k", new(member))
	if first.Leave() || second.Leave() || x.Len("k") != 2 {
		t.Errorf("a seat of the former set left the new one: Len %d, want 2", x.Len("k"))
	}
}

func TestKeys(t *testing.T) {
	keys := []string{
		"", "a", strings.Repeat("b", registry.InlineKey), strings.Repeat("c", registry.InlineKey+1),
		strings.Repeat("d", 4096), "骑手", "\x00", "\x00\x00",
	}
	x := registry.NewIndex[member]()
	want := make(map[string]*member)
	for i, key := range keys {
		want[key] = &member{i}
		buf := []byte(key)
		seat := x.Join(string(buf), want[key])
		clear(buf)
		if seat.Key() != key {
			t.Errorf("Key %q, want %q", seat.Key(), key)
		}
	}
	for key, m := range want {
		if x.First(key) != m || x.Len(key) != 1 {
			t.Errorf("%.20q: First %v, Len %d", key, x.First(key), x.Len(key))
		}
	}
	if got := len(maps.Collect(x.Keys())); got != len(keys) {
		t.Errorf("%d keys, want %d", got, len(keys))
	}
	for range x.Keys() {
		break
	}
	if (registry.Seat[member]{}).Key() != "" {
		t.Error("the zero Seat has a key")
	}
}

func TestJoinOfNilPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("want a panic")
		}
	}()
	registry.NewIndex[member]().Join("k", nil)
}

// A slot that is empty is used before another is made.
func TestSlotsAreReused(t *testing.T) {
	x := registry.NewIndex[member]()
	var seats []registry.Seat[member]
	for range 10_000 {
		seats = append(seats, x.Join("k", new(member)))
	}
	slots := x.Slots("k")
	if slots > 10_000+63 {
		t.Errorf("%d slots for 10000 members", slots)
	}
	for round := range 5 {
		for i := round % 3; i < len(seats); i += 3 {
			seats[i].Leave()
		}
		for i := round % 3; i < len(seats); i += 3 {
			seats[i] = x.Join("k", new(member))
		}
	}
	if got := x.Slots("k"); got != slots {
		t.Errorf("%d slots after leaves and joins, want still %d", got, slots)
	}
	seats[0].Leave()
	next := new(member)
	seats[0] = x.Join("k", next)
	if x.First("k") != next {
		t.Error("the first slot, where look-ups are fastest, was left empty")
	}
	if x.Len("k") != len(seats) || len(members(x, "k")) != len(seats) {
		t.Errorf("Len %d, %d members, want %d", x.Len("k"), len(members(x, "k")), len(seats))
	}
}

// Keys that come and go leave nothing behind in the tables, and a table shrinks after a crowd has gone.
func TestTablesDoNotRot(t *testing.T) {
	x := registry.NewIndex[member]()
	m := new(member)
	const standing = 2_000
	for i := range standing {
		x.Join("standing"+strconv.Itoa(i), m)
	}
	for i := range 20 * standing {
		x.Join("passing"+strconv.Itoa(i), m).Leave()
	}
	if got := x.Buckets(); got > 3*standing {
		t.Errorf("%d buckets for %d keys", got, standing)
	}
	var seats []registry.Seat[member]
	for i := range 10 * standing {
		seats = append(seats, x.Join("crowd"+strconv.Itoa(i), m))
	}
	for _, s := range seats {
		s.Leave()
	}
	if got := x.Buckets(); got > 9*standing {
		t.Errorf("%d buckets for %d keys after the crowd", got, standing)
	}
	for i := range standing {
		if x.First("standing"+strconv.Itoa(i)) != m {
			t.Fatalf("key %d is lost", i)
		}
	}
	if got := x.Stats(); got.Keys != standing || got.Members != standing {
		t.Errorf("Stats %+v", got)
	}
}

func members(x *registry.Index[member], key string) []*member {
	return slices.Collect(x.Members(key))
}
