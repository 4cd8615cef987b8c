package registry_test

import (
	"math/rand/v2"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"outrider/registry"
)

// Many join and leave the same key, so that its set is emptied and made anew all the time: whoever has joined
// is found, and whoever has left is not (invariant 1).
func TestJoinRacesWithTheLastLeave(t *testing.T) {
	x := registry.NewIndex[member]()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 5_000 {
				m := &member{i*4 + g}
				seat := x.Join("k", m)
				if !yields(x, "k", m) {
					t.Errorf("member %d joined and is not found", m.n)
				}
				if i%16 == 0 {
					runtime.Gosched()
				}
				if !seat.Leave() {
					t.Errorf("member %d could not leave", m.n)
				}
				if yields(x, "k", m) {
					t.Errorf("member %d left and is found", m.n)
				}
			}
		})
	}
	wg.Wait()
	if st := x.Stats(); st.Keys != 0 || st.Members != 0 {
		t.Errorf("left behind: %+v", st)
	}
}

func yields(x *registry.Index[member], key string, m *member) bool {
	for got := range x.Members(key) {
		if got == m {
			return true
		}
	}
	return false
}

// A uid passes from connection to connection, each of which joins before its predecessor leaves: a push always finds
// one (invariant 5, and the repeated walk).
func TestAlwaysSomebodyWhenTakenOver(t *testing.T) {
	x := registry.NewIndex[member]()
	seat := x.Join("uid", &member{0})
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(done)
		for i := range 50_000 {
			next := x.Join("uid", &member{i})
			seat.Leave()
			seat = next
		}
	})
	for range 2 {
		wg.Go(until(done, func() {
			if m := x.First("uid"); m == nil || m.n < 0 {
				t.Error("First finds nobody")
			}
			n := 0
			for range x.Members("uid") {
				n++
			}
			if n == 0 {
				t.Error("Members yields nobody")
			}
		}))
	}
	wg.Wait()
}

// until returns a function that repeats f until done is closed.
func until(done <-chan struct{}, f func()) func() {
	return func() {
		for {
			select {
			case <-done:
				return
			default:
				f()
			}
		}
	}
}

func TestOneOfTwoLeavesTheSeat(t *testing.T) {
	x := registry.NewIndex[member]()
	for i := range 2_000 {
		if i%2 == 0 {
			x.Join("k", new(member)) // makes it a seat in the overflow
		}
		seat := x.Join("k", new(member))
		var left atomic.Int32
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if seat.Leave() {
					left.Add(1)
				}
			})
		}
		wg.Wait()
		if left.Load() != 1 {
			t.Fatalf("%d left by one seat", left.Load())
		}
	}
}

// Keys that stay are found, each once, while their table grows and shrinks under a tide of others.
func TestLookUpsWhileTheTableIsRebuilt(t *testing.T) {
	x := registry.NewIndex[member]()
	standing, tide := x.SameShard("standing", 100), x.SameShard("tide", 2_000)
	for i, key := range standing {
		x.Join(key, &member{i})
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(done)
		seats := make([]registry.Seat[member], len(tide))
		for range 10 {
			for i, key := range tide {
				seats[i] = x.Join(key, &member{-1})
			}
			for i := range seats {
				seats[i].Leave()
			}
		}
	})
	wg.Go(until(done, func() {
		for i, key := range standing {
			if m := x.First(key); m == nil || m.n != i {
				t.Errorf("%s: found %v", key, m)
			}
			if m := x.First(tide[i]); m != nil && m.n != -1 {
				t.Errorf("%s: found %v", tide[i], m)
			}
			if m := x.First("nobody"); m != nil {
				t.Errorf("a key that never was: found %v", m)
			}
		}
	}))
	wg.Go(until(done, func() {
		n := 0
		for key := range x.Keys() {
			if key[0] == 's' {
				n++
			}
		}
		if n != len(standing) {
			t.Errorf("Keys yields %d standing keys, want %d", n, len(standing))
		}
	}))
	wg.Wait()
}

// Members move from topic to topic while others walk the topics, all on one clock. Each walk is then held against
// the moves: it met nobody twice, nobody who was not there, and everybody who was there throughout.
func TestWalksAgainstHistory(t *testing.T) {
	tests := []struct{ topics, movers, each, standing, walks int }{
		{topics: 1, movers: 2, each: 1, standing: 0, walks: 5_000}, // empty now and then
		{topics: 2, movers: 4, each: 1, standing: 1, walks: 4_000},
		{topics: 3, movers: 3, each: 5, standing: 2, walks: 3_000},
		{topics: 2, movers: 2, each: 150, standing: 20, walks: 200},
	}
	for _, tt := range tests {
		name := "topics=" + strconv.Itoa(tt.topics) + "/members=" + strconv.Itoa(tt.movers*tt.each)
		t.Run(name, func(t *testing.T) {
			h := &history{t: t, x: registry.NewIndex[traveller]()}
			for topic := range tt.topics {
				for range tt.standing {
					h.stand(topic)
				}
			}
			movers := make([][]*traveller, tt.movers)
			for i := range movers {
				for range tt.each {
					movers[i] = append(movers[i], h.traveller())
				}
			}
			var moving, walking sync.WaitGroup
			var stop atomic.Bool
			for i, own := range movers {
				moving.Go(func() { h.move(own, tt.topics, &stop, uint64(i)) })
			}
			walks := make([][]walk, 2)
			for i := range walks {
				walking.Go(func() { walks[i] = h.walk(tt.walks, tt.topics, uint64(i)) })
			}
			walking.Wait()
			stop.Store(true)
			moving.Wait()
			for _, w := range walks {
				h.check(w)
			}
		})
	}
}

// history is what happened to an index, by the ticks of its clock.
type history struct {
	t          *testing.T
	x          *registry.Index[traveller]
	clock      atomic.Int64
	travellers []*traveller
}

// traveller is a member that keeps a diary. It is written by the mover that owns it.
type traveller struct {
	n     int
	seat  registry.Seat[traveller]
	stays []stay
}

// stay is one membership: the ticks before and after its Join and its Leave.
type stay struct{ topic, joining, joined, leaving, left int64 }

const never = 1 << 62

// walk is one walk of a topic between two ticks, and whom it met.
type walk struct {
	topic, from, to int64
	met             []bool
}

func (h *history) traveller() *traveller {
	tr := &traveller{n: len(h.travellers)}
	h.travellers = append(h.travellers, tr)
	return tr
}

func (h *history) stand(topic int) {
	h.join(h.traveller(), int64(topic))
}

func (h *history) join(tr *traveller, topic int64) {
	s := stay{topic: topic, joining: h.clock.Add(1), leaving: never, left: never}
	tr.seat = h.x.Join(topicName(topic), tr)
	s.joined = h.clock.Add(1)
	tr.stays = append(tr.stays, s)
}

func (h *history) leave(tr *traveller) {
	s := &tr.stays[len(tr.stays)-1]
	s.leaving = h.clock.Add(1)
	if !tr.seat.Leave() {
		h.t.Errorf("traveller %d could not leave", tr.n)
	}
	s.left = h.clock.Add(1)
}

func topicName(topic int64) string { return "topic" + strconv.Itoa(int(topic)) }

// move sends its own travellers from topic to topic, often back to the one they come from.
func (h *history) move(own []*traveller, topics int, stop *atomic.Bool, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	for !stop.Load() {
		tr := own[rnd.IntN(len(own))]
		if len(tr.stays) > 0 {
			h.leave(tr)
		}
		if rnd.IntN(4) == 0 {
			runtime.Gosched()
		}
		h.join(tr, int64(rnd.IntN(topics)))
		if rnd.IntN(4) == 0 {
			runtime.Gosched()
		}
	}
}

func (h *history) walk(n, topics int, seed uint64) []walk {
	rnd := rand.New(rand.NewPCG(seed, 2))
	walks := make([]walk, n)
	for i := range walks {
		w := walk{topic: int64(rnd.IntN(topics)), met: make([]bool, len(h.travellers))}
		w.from = h.clock.Add(1)
		for tr := range h.x.Members(topicName(w.topic)) {
			if w.met[tr.n] {
				h.t.Errorf("traveller %d met twice", tr.n)
			}
			w.met[tr.n] = true
			if rnd.IntN(4) == 0 {
				runtime.Gosched()
			}
		}
		w.to = h.clock.Add(1)
		walks[i] = w
	}
	return walks
}

func (h *history) check(walks []walk) {
	for _, w := range walks {
		for _, tr := range h.travellers {
			perhaps, throughout := tr.during(w)
			switch {
			case w.met[tr.n] && !perhaps:
				h.t.Errorf("a walk met traveller %d, who was not there", tr.n)
			case !w.met[tr.n] && throughout:
				h.t.Errorf("a walk missed traveller %d, who was there throughout", tr.n)
			}
		}
	}
}

// during reports whether the traveller was perhaps in the topic at some moment of the walk, and whether certainly
// throughout it.
func (tr *traveller) during(w walk) (perhaps, throughout bool) {
	i := sort.Search(len(tr.stays), func(i int) bool { return tr.stays[i].left > w.from })
	for _, s := range tr.stays[i:] {
		if s.joining > w.to {
			break
		}
		if s.topic == w.topic {
			perhaps = true
			throughout = throughout || s.joined < w.from && s.leaving > w.to
		}
	}
	return perhaps, throughout
}
