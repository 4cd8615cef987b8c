package registry_test

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"outrider/registry"
)

// model is an Index as naive as can be, driven side by side with the real one.
type model struct {
	t     *testing.T
	x     *registry.Index[member]
	sets  map[string]map[*member]bool
	seats []modelSeat // given out and, some of them, given up
	joins uint64
}

type modelSeat struct {
	seat   registry.Seat[member]
	member *member
	key    string
	left   bool
}

func newModel(t *testing.T) *model {
	return &model{t: t, x: registry.NewIndex[member](), sets: make(map[string]map[*member]bool)}
}

func (md *model) join(key string) {
	m := &member{len(md.seats)}
	md.seats = append(md.seats, modelSeat{seat: md.x.Join(key, m), member: m, key: key})
	if md.sets[key] == nil {
		md.sets[key] = make(map[*member]bool)
	}
	md.sets[key][m] = true
	md.joins++
}

// leave gives up a seat, which perhaps was given up before.
func (md *model) leave(i int) {
	s := &md.seats[i]
	if got := s.seat.Leave(); got == s.left {
		md.t.Fatalf("Leave of seat %d was %v, left before: %v", i, got, s.left)
	}
	if s.left {
		return
	}
	s.left = true
	delete(md.sets[s.key], s.member)
	if len(md.sets[s.key]) == 0 {
		delete(md.sets, s.key)
	}
}

// checkKey compares all that can be read of a key.
func (md *model) checkKey(key string) {
	want := md.sets[key]
	if got := md.x.Len(key); got != len(want) {
		md.t.Fatalf("Len(%q) = %d, want %d", key, got, len(want))
	}
	if m := md.x.First(key); (m != nil) != (len(want) > 0) || m != nil && !want[m] {
		md.t.Fatalf("First(%q) = %v of %d", key, m, len(want))
	}
	got := make(map[*member]bool)
	for m := range md.x.Members(key) {
		if got[m] {
			md.t.Fatalf("Members(%q) yields a member twice", key)
		}
		got[m] = true
	}
	if !maps.Equal(got, want) {
		md.t.Fatalf("Members(%q) yields %d members, want %d", key, len(got), len(want))
	}
}

func (md *model) checkAll() {
	sizes := make(map[string]int)
	members := 0
	for key, set := range md.sets {
		md.checkKey(key)
		sizes[key] = len(set)
		members += len(set)
	}
	if got := maps.Collect(md.x.Keys()); !maps.Equal(got, sizes) {
		md.t.Fatalf("Keys yields %d keys, want %d", len(got), len(sizes))
	}
	if got, want := md.x.Stats(), (registry.Stats{Keys: len(sizes), Members: members, Joins: md.joins}); got != want {
		md.t.Fatalf("Stats = %+v, want %+v", got, want)
	}
}

func TestAgainstModel(t *testing.T) {
	tests := []struct {
		keys, steps int
		leaves      float64 // share of the steps, while growing; its complement while shrinking
	}{
		{1, 5_000, 0.4},
		{3, 20_000, 0.45},
		{1_000, 50_000, 0.45},
		{30_000, 60_000, 0.3},
	}
	for _, tt := range tests {
		t.Run("keys="+strconv.Itoa(tt.keys), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(1, uint64(tt.keys)))
			md := newModel(t)
			leaves := tt.leaves
			for step := range tt.steps {
				if step%(tt.steps/4) == 0 {
					leaves = 1 - leaves // a tide: up, down, up, down
				}
				key := strconv.Itoa(rnd.IntN(tt.keys))
				if len(md.seats) > 0 && rnd.Float64() < leaves {
					i := rnd.IntN(len(md.seats))
					key = md.seats[i].key
					md.leave(i)
				} else {
					md.join(key)
				}
				if step%64 == 0 {
					md.checkKey(key)
				}
			}
			md.checkAll()
			for _, i := range rnd.Perm(len(md.seats)) {
				md.leave(i)
			}
			md.checkAll()
		})
	}
}

// FuzzOperations reads its input as operations of two bytes: join one of some keys, or leave one of the seats.
func FuzzOperations(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x00\x00\x00\x80\x00\x80\x01\x00\x00\x80\x00"))
	f.Add(slices.Repeat([]byte{0, 0}, 100))
	f.Add(slices.Concat(slices.Repeat([]byte{0, 0, 0x80, 0}, 50), slices.Repeat([]byte{0, 1}, 50)))
	f.Fuzz(func(t *testing.T, ops []byte) {
		md := newModel(t)
		for ; len(ops) >= 2; ops = ops[2:] {
			op := binary.BigEndian.Uint16(ops)
			switch {
			case op < 1<<15:
				md.join(strconv.Itoa(int(op) % 50))
			case len(md.seats) > 0:
				md.leave(int(op) % len(md.seats))
			}
		}
		md.checkAll()
	})
}
