package gateway

import (
	"hash/maphash"
	"strings"

	"outrider/registry"
)

// roster is who is here and how each is found. It sends nothing: it changes
// the indexes and says whom it displaced.
//
// The obvious design is one mutex around it all: set_connect, logout, loss and
// every push in turn. A fan-out to 100,000 riders would then stop every login
// for its duration, and a storm of logins every push. So pushes take no lock
// (the registry's look-ups need none), and changes lock the user they concern.
// What has to hold, then:
//
//  1. member.stripe changes only under the member's mu and with the stripes of
//     the old and the new user held. It outlives the registration, so whoever
//     holds mu knows which stripe guards the rest.
//  2. The rest of a registration (seats, token, group) changes only with the
//     stripe held.
//  3. A member sits under at most one uid, and its stripe is that user's; hence
//     whoever holds a user's stripe may read and change every member found
//     under that user without its mu. That is how one connection displaces
//     another.
//  4. With single login, when no stripe of a user is held, at most one member
//     sits under the uid: the last to have registered of those still here.
//  5. left is final. Once leave has returned, no index holds the member, now or
//     later: a set_connect that comes after the loss, or races with it, finds
//     left under mu and does nothing.
//  6. What a member keeps it keeps without a gap: a new seat is taken before
//     the old one is given up, and a key that did not change keeps its seat. A
//     repeated set_connect hides nobody from a push that runs beside it.
//  7. A device is in offline only while no member with its kind, uid and token
//     is registered. It is remembered before the seats of the lost connection
//     go, and forgotten after those of the new one are taken, so at any moment
//     a user who was not forgotten is here or known offline.
//
// Locks are taken in this order: member.mu, stripes by index, offline.mu. No
// member's mu is taken with a stripe held (3 is what makes it unnecessary).
//
// A push that overlaps a change sees either side of it, and in the moment of a
// take-over may see both connections. What it asks more than one question for,
// it asks so that it does not miss a user between the answers: see find.
type roster struct {
	single  [kinds]bool // single login, by kind; set at construction
	stripes stripes
	users   [show]*registry.Index[member] // by uid
	topics  [show]*registry.Index[member] // by topic
	peers   *registry.Index[member]       // by group name
	offline *offline
}

func newRoster(single [kinds]bool, off *offline) *roster {
	r := &roster{
		single:  single,
		stripes: stripes{seed: maphash.MakeSeed()},
		peers:   registry.NewIndex[member](),
		offline: off,
	}
	for k := range show {
		r.users[k] = registry.NewIndex[member]()
		r.topics[k] = registry.NewIndex[member]()
	}
	return r
}

// set registers m in place of what it was registered as. With single login it
// returns the member that it displaced from the user, if the two are different
// devices; ok is false if m has left.
func (r *roster) set(m *member, reg registration) (displaced *member, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left {
		return nil, false
	}
	stripe := r.stripes.of(m.kind, reg.uid)
	old := stripe
	if m.placed {
		old = m.stripe
	}
	r.stripes.lock(old, stripe)
	defer r.stripes.unlock(old, stripe)
	m.placed, m.stripe = true, stripe

	if !r.single[m.kind] || reg.table {
		r.seat(m, reg)
		r.offline.back(m.kind, reg.token)
		return nil, true
	}
	holder := r.users[m.kind].First(reg.uid) // the only one, by 4
	r.seat(m, reg)
	if holder != nil && holder != m {
		if holder.token != reg.token {
			displaced = holder
		}
		r.unseat(holder)
	}
	r.offline.taken(m.kind, reg.uid, reg.token)
	return displaced, true
}

// logout forgets m's registration and its device; m may set again.
func (r *roster) logout(m *member) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left || !m.placed {
		return
	}
	r.stripes.lock(m.stripe, m.stripe)
	defer r.stripes.unlock(m.stripe, m.stripe)
	r.offline.back(m.kind, m.token)
	r.unseat(m)
}

// leave takes m out of every index, for good, and remembers its device.
func (r *roster) leave(m *member) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left || !m.placed {
		m.left = true
		return
	}
	m.left = true
	r.stripes.lock(m.stripe, m.stripe)
	defer r.stripes.unlock(m.stripe, m.stripe)
	if m.token != (fingerprint{}) && !r.hasTwin(m) {
		r.offline.lost(lostRecord(m))
	}
	r.unseat(m)
}

// hasTwin tells whether the same user's same device has another connection: a
// phone that changed networks, and its old connection is found dead only now.
func (r *roster) hasTwin(m *member) bool {
	for other := range r.users[m.kind].Members(m.users.Key()) {
		if other != m && other.token == m.token {
			return true
		}
	}
	return false
}

// presence is what a push finds of a user.
type presence uint8

const (
	unknown presence = iota
	offlineOnly
	connected
)

// find calls found for each of a user's connections; if there is none it says
// whether a device is known offline. It misses nobody who is the one or the
// other, whatever goes on. A walk promises to meet who stays throughout, and
// in a take-over nobody does; First promises to meet someone if there always
// was one. And a device that came back between the two questions was forgotten
// offline only after it took its seat (invariant 7), so it is found the second
// time.
func (r *roster) find(k kind, uid string, found func(*member)) presence {
	users := r.users[k]
	for range 2 {
		p := unknown
		for m := range users.Members(uid) {
			found(m)
			p = connected
		}
		if p == connected {
			return p
		}
		if m := users.First(uid); m != nil {
			found(m)
			return connected
		}
		if r.offline.knowsUser(k, uid) {
			return offlineOnly
		}
	}
	return unknown
}

// clearTable takes every member out of a table's topic and says how many.
func (r *roster) clearTable(topic string) (cleared int) {
	for m := range r.topics[h5].Members(topic) {
		if r.leaveTopic(m, topic) {
			cleared++
		}
	}
	return cleared
}

func (r *roster) leaveTopic(m *member, topic string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	r.stripes.lock(m.stripe, m.stripe)
	defer r.stripes.unlock(m.stripe, m.stripe)
	if m.topics.Key() != topic {
		return false // it moved on since the iterator met it
	}
	move(r.topics[h5], &m.topics, "", m)
	return true
}

// seat makes m what reg says. The caller holds the stripes of the old user and
// the new one.
func (r *roster) seat(m *member, reg registration) {
	uid := reg.uid
	if reg.table {
		uid = ""
	}
	move(r.users[m.kind], &m.users, uid, m)
	move(r.topics[m.kind], &m.topics, reg.topic, m)
	move(r.peers, &m.peers, reg.group.String(), m)
	r.seatPos(m, reg)
	m.group, m.token = reg.group, reg.token
}

func (r *roster) seatPos(m *member, reg registration) {
	if m.pos == nil && reg.posTopic == "" && reg.device == "" {
		return
	}
	if m.pos == nil {
		m.pos = new(pos)
	}
	move(r.topics[m.kind], &m.pos.topics, reg.posTopic, m)
	if m.pos.device = reg.device; reg.posTopic == "" && reg.device == "" {
		m.pos = nil
	}
}

// unseat takes m out of all that it registered in. The caller holds the
// stripe; m.mu only if m is its own (invariant 3).
func (r *roster) unseat(m *member) { r.seat(m, registration{}) }

// move takes m's seat to another key of its index, in the order of invariant
// 6; the empty key is no seat.
func move(x *registry.Index[member], seat *registry.Seat[member], key string, m *member) {
	old := *seat
	if old.Key() == key {
		return
	}
	*seat = registry.Seat[member]{}
	if key != "" {
		*seat = x.Join(key, m)
	}
	old.Leave()
}

func lostRecord(m *member) *record {
	r := &record{
		device: device{m.kind, m.token},
		uid:    strings.Clone(m.users.Key()), // the key lies in the index's own record
		topics: [2]string{m.topics.Key()},
		group:  m.group,
	}
	if m.pos != nil {
		r.topics[1] = m.pos.topics.Key()
	}
	return r
}
