package engineio

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

// TestSessionsAgainstAMap drives the table and a map with the same random
// changes. Few homes make long runs, and gaps in them.
func TestSessionsAgainstAMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	table, model := newSessions(), map[ID]*Session{}
	var known []ID
	for step := range 20_000 {
		want := 200 // grow, and later shrink
		if step > 12_000 {
			want = 10
		}
		if rng.IntN(400) < 200+want-len(known) || len(known) == 0 {
			var id ID
			id[0] = byte(rng.IntN(2))    // shard
			id[1] = byte(rng.IntN(16))   // home
			id[14] = byte(rng.IntN(256)) // who
			id[13] = byte(rng.IntN(256))
			if model[id] == nil {
				s := &Session{id: id}
				model[id] = s
				table.add(s)
				known = append(known, id)
			}
		} else {
			i := rng.IntN(len(known))
			id := known[i]
			known[i] = known[len(known)-1]
			known = known[:len(known)-1]
			delete(model, id)
			table.remove(id)
			table.remove(id) // nothing
			if table.get(id) != nil {
				t.Fatalf("step %d: a removed session is found", step)
			}
		}
		if step%50 == 0 && table.len() != len(model) {
			t.Fatalf("step %d: %d sessions, want %d", step, table.len(), len(model))
		}
		if step%100 == 0 {
			for id, s := range model {
				if table.get(id) != s {
					t.Fatalf("step %d: session %v is not found", step, id)
				}
			}
		}
	}
	seen := 0
	table.each(func(s *Session) {
		seen++
		if model[s.id] != s {
			t.Error("a session that was removed is still there")
		}
	})
	if seen != len(model) {
		t.Errorf("%d sessions seen, want %d", seen, len(model))
	}
}

// TestSessionSize holds the size class of an idle session: hundreds of
// thousands of them are what a server's memory goes to.
func TestSessionSize(t *testing.T) {
	if size := unsafe.Sizeof(Session{}); size > 128 {
		t.Errorf("a Session takes %d bytes, want at most 128", size)
	}
}
