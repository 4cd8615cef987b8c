package gateway

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"outrider/registry"
)

// model is the roster as SPEC.md §2 tells it, for one caller at a time: plain
// sets, every question answered by a walk.
type model struct {
	single [kinds]bool
	live   map[*member]*registration // nil: not registered
	kindOf map[*member]kind
	lost   map[device]registration
}

func (mo *model) set(m *member, reg registration) (displaced *member) {
	k := mo.kindOf[m]
	if mo.single[k] && !reg.table {
		for other, r := range mo.live {
			if other != m && r != nil && mo.kindOf[other] == k && !r.table && r.uid == reg.uid {
				if r.token != reg.token {
					displaced = other
				}
				mo.live[other] = nil
			}
		}
		maps.DeleteFunc(mo.lost, func(d device, r registration) bool { return d.kind == k && r.uid == reg.uid })
	}
	delete(mo.lost, device{k, reg.token})
	mo.live[m] = &reg
	return displaced
}

func (mo *model) logout(m *member) {
	if r := mo.live[m]; r != nil {
		delete(mo.lost, device{mo.kindOf[m], r.token})
		mo.live[m] = nil
	}
}

func (mo *model) leave(m *member) {
	r, k := mo.live[m], mo.kindOf[m]
	delete(mo.live, m)
	if r == nil || r.token == (fingerprint{}) {
		return
	}
	for other, o := range mo.live {
		if o != nil && mo.kindOf[other] == k && o.uid == r.uid && !o.table && o.token == r.token {
			return
		}
	}
	mo.lost[device{k, r.token}] = *r
}

func (mo *model) clearTable(topic string) (cleared int) {
	for m, r := range mo.live {
		if r != nil && mo.kindOf[m] == h5 && r.topic == topic {
			r.topic = ""
			cleared++
		}
	}
	return cleared
}

// find walks the live members of a kind.
func (mo *model) find(k kind, is func(registration) bool) map[*member]bool {
	found := make(map[*member]bool)
	for m, r := range mo.live {
		if r != nil && mo.kindOf[m] == k && is(*r) {
			found[m] = true
		}
	}
	return found
}

func (mo *model) countLost(k kind, is func(registration) bool) (n int) {
	for d, r := range mo.lost {
		if d.kind == k && is(r) {
			n++
		}
	}
	return n
}

// The universe is small, so that users, topics and devices meet often.
func randomRegistration(rnd *rand.Rand, k kind) registration {
	reg := registration{uid: strconv.Itoa(1 + rnd.IntN(4)), group: groupOf(k)}
	if rnd.IntN(3) > 0 && k != h5 && k != platform {
		reg.token = fingerprintOf(strconv.Itoa(rnd.IntN(5)))
	}
	if rnd.IntN(4) > 0 && (k == rider || k == merchant) {
		reg.topic = fmt.Sprintf("store_%d", rnd.IntN(3))
	}
	switch {
	case k == merchant:
		reg.group = [...]group{noGroup, merchantApps, merchantPoses, merchantPads}[rnd.IntN(4)]
		if reg.group == merchantPoses {
			reg.posTopic = posTopic(reg.topic)
		}
	case k == h5 && rnd.IntN(2) == 0:
		reg.uid = "1_" + reg.uid
		reg.table, reg.topic = true, "h5_"+reg.uid+"_base_notification"
	}
	return reg
}

// TestRosterAgainstModel drives roster and model with the same random
// operations, one at a time, and compares every answer that a push could get.
func TestRosterAgainstModel(t *testing.T) {
	for range 10 {
		seed := rand.Uint64()
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 0))
			r := testRoster()
			mo := &model{r.single, map[*member]*registration{}, map[*member]kind{}, map[device]registration{}}
			var members []*member
			for step := range 300 {
				op := stepBoth(t, rnd, r, mo, &members)
				if compare(t, r, mo); t.Failed() {
					t.Fatalf("seed %d, step %d: after %s", seed, step, op)
				}
			}
		})
	}
}

func stepBoth(t *testing.T, rnd *rand.Rand, r *roster, mo *model, members *[]*member) string {
	if len(*members) < 3 || rnd.IntN(6) == 0 {
		m := &member{kind: kind(rnd.IntN(int(show)))}
		mo.live[m], mo.kindOf[m] = nil, m.kind
		*members = append(*members, m)
		return "enter"
	}
	i := rnd.IntN(len(*members))
	m := (*members)[i]
	switch rnd.IntN(10) {
	case 0:
		r.logout(m)
		mo.logout(m)
		return "logout"
	case 1, 2:
		r.leave(m)
		mo.leave(m)
		*members = slices.Delete(*members, i, i+1)
		return "leave"
	case 3:
		topic := fmt.Sprintf("h5_1_%d_base_notification", 1+rnd.IntN(4))
		if got, want := r.clearTable(topic), mo.clearTable(topic); got != want {
			t.Errorf("cleared %d, want %d", got, want)
		}
		return "clear_table"
	}
	reg := randomRegistration(rnd, m.kind)
	got, ok := r.set(m, reg)
	if want := mo.set(m, reg); got != want || !ok {
		t.Errorf("set displaced %p, want %p", got, want)
	}
	return "set_connect"
}

func compare(t *testing.T, r *roster, mo *model) {
	t.Helper()
	for k := range show {
		for _, uid := range []string{"1", "2", "3", "4", "1_1"} {
			is := func(reg registration) bool { return reg.uid == uid && !reg.table }
			same(t, k, "uid "+uid, members(r, k, uid, ""), mo.find(k, is))
			if got, want := r.offline.knowsUser(k, uid), mo.countLost(k, is) > 0; got != want {
				t.Errorf("%v uid %s known offline: %v, want %v", k, uid, got, want)
			}
		}
		for _, topic := range []string{"store_0", "store_1", "store_2", "pos_0", "pos_1", "h5_1_1_base_notification", "h5_1_2_base_notification"} {
			is := func(reg registration) bool { return reg.topic == topic || reg.posTopic == topic }
			same(t, k, "topic "+topic, members(r, k, "", topic), mo.find(k, is))
			if got, want := r.offline.inTopic(k, topic), mo.countLost(k, is); got != want {
				t.Errorf("%v topic %s offline: %d, want %d", k, topic, got, want)
			}
		}
		for g := noGroup + 1; g < groups; g++ {
			want := mo.find(k, func(reg registration) bool { return reg.group == g })
			for m := range r.peers.Members(g.String()) {
				if m.kind == k && !want[m] {
					t.Errorf("%v group %v: a member too many", k, g)
				}
				delete(want, m)
			}
			if len(want) > 0 {
				t.Errorf("%v group %v: %d members missing", k, g, len(want))
			}
		}
	}
	if got, want := r.offline.size(), len(mo.lost); got != want {
		t.Errorf("%d devices offline, want %d", got, want)
	}
}

func members(r *roster, k kind, uid, topic string) (all []*member) {
	if topic != "" {
		return slices.Collect(r.topics[k].Members(topic))
	}
	return slices.Collect(r.users[k].Members(uid))
}

func same(t *testing.T, k kind, what string, got []*member, want map[*member]bool) {
	t.Helper()
	for _, m := range got {
		if !want[m] {
			t.Errorf("%v %s: a member too many, or twice", k, what)
		}
		delete(want, m)
	}
	if len(want) > 0 {
		t.Errorf("%v %s: %d members missing", k, what, len(want))
	}
}

// TestRosterUnderConcurrency lets many sockets of few users change at once,
// each with its loss racing with its last set_connect, while pushes look on.
// Then the dust settles and the invariants must hold.
func TestRosterUnderConcurrency(t *testing.T) {
	const workers, rounds = 8, 200
	r := testRoster()
	var work, pushes sync.WaitGroup
	var done atomic.Bool
	pushes.Go(func() {
		for !done.Load() {
			lookOn(t, r)
		}
	})
	stay := make([][]*member, workers)
	for w := range workers {
		work.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 1))
			for range rounds {
				m := &member{kind: kind(rnd.IntN(int(show)))}
				for range rnd.IntN(4) {
					r.set(m, randomRegistration(rnd, m.kind))
				}
				switch rnd.IntN(4) {
				case 0:
					stay[w] = append(stay[w], m)
				case 1:
					r.logout(m)
					stay[w] = append(stay[w], m)
				case 2:
					r.clearTable("h5_1_1_base_notification")
					r.leave(m)
				default:
					last := randomRegistration(rnd, m.kind)
					var race sync.WaitGroup
					race.Go(func() { r.leave(m) })
					race.Go(func() { r.set(m, last) })
					race.Wait()
				}
			}
		})
	}
	work.Wait()
	done.Store(true)
	pushes.Wait()
	settled(t, r, slices.Concat(stay...))
}

// lookOn asks what pushes ask; no set may show a member twice.
func lookOn(t *testing.T, r *roster) {
	for k := range show {
		for uid := range 5 {
			seen := make(map[*member]bool)
			for m := range r.users[k].Members(strconv.Itoa(uid)) {
				if seen[m] {
					t.Error("a member twice under one uid")
				}
				seen[m] = true
			}
			r.offline.knowsUser(k, strconv.Itoa(uid))
		}
	}
}

// settled checks the indexes against what the members say of themselves.
func settled(t *testing.T, r *roster, stay []*member) {
	t.Helper()
	var users, topics, peers int
	for _, m := range stay {
		if uid := m.users.Key(); uid != "" {
			users++
			if n := r.users[m.kind].Len(uid); r.single[m.kind] && n != 1 {
				t.Errorf("%v %s: %d connections under single login (invariant 4)", m.kind, uid, n)
			}
			if m.stripe != r.stripes.of(m.kind, uid) {
				t.Errorf("%v %s: guarded by another stripe (invariant 3)", m.kind, uid)
			}
		}
		if m.topics.Key() != "" {
			topics++
		}
		if m.pos != nil && m.pos.topics.Key() != "" {
			topics++
		}
		if m.group != noGroup {
			peers++
		}
	}
	for what, n := range map[string][2]int{
		"users":  {users, seats(r.users[:]...)},
		"topics": {topics, seats(r.topics[:]...)},
		"peers":  {peers, seats(r.peers)},
	} {
		if n[0] != n[1] {
			t.Errorf("%s: the index has %d, the members say %d (invariant 5)", what, n[1], n[0])
		}
	}
	for d, rec := range r.offline.devices {
		for m := range r.users[d.kind].Members(rec.uid) {
			if m.token == d.token {
				t.Errorf("%v %s: a device is here and known offline (invariant 7)", d.kind, rec.uid)
			}
		}
	}
}

func seats(indexes ...*registry.Index[member]) (n int) {
	for _, x := range indexes {
		n += x.Stats().Members
	}
	return n
}

// TestNeverNeither is how find keeps invariant 7's promise to a push: a
// rider's connections take over from each other, are lost and come back, and
// every push that runs beside it finds the rider here or known offline. There
// is at least one whole push between two losses: a push that several of them
// overlap may be told of each too late.
func TestNeverNeither(t *testing.T) {
	r := testRoster()
	last := registered(t, r, rider, aRider("1", "", "a"))
	var pushes sync.WaitGroup
	pushed, done := make(chan struct{}), make(chan struct{})
	pushes.Go(func() {
		for {
			if r.find(rider, "1", func(*member) {}) == unknown {
				t.Error("the user is neither here nor known offline")
			}
			select {
			case pushed <- struct{}{}:
			case <-done:
				return
			default:
			}
		}
	})
	for range 1000 {
		next := registered(t, r, rider, aRider("1", "", "a"))
		r.leave(last)
		<-pushed
		<-pushed
		r.leave(next)
		last = registered(t, r, rider, aRider("1", "", "a"))
	}
	close(done)
	pushes.Wait()
}
