package registry_test

import (
	"hash/maphash"
	"strings"
	"sync"

	"github.com/puzpuzpuz/xsync/v4"

	"outrider/registry"
)

// What the index is measured against: the concurrent maps that are at hand, put to the same use. All copy the key,
// which in a server comes out of a packet.

// uidIndex is the use for keys of one member. The peers do it with one flat map from key to member, which is in their
// favour: a second member would have no place in it. i is a number of the key.
type uidIndex interface {
	set(i int, key string, m *member)
	unset(i int, key string)
	get(key string) *member
}

// topicIndex is the use for keys of many members. The peers do it with a map of maps, and leave the inner one there
// when it is empty. i is a number of the member.
type topicIndex interface {
	join(i int, key string, m *member)
	leave(i int, key string, m *member)
	each(key string, f func(*member))
}

type peer struct {
	name   string
	uids   func(n int) uidIndex
	topics func(n int) topicIndex
}

func peers() []peer {
	return []peer{
		{
			"registry",
			func(n int) uidIndex { return newOurs(n) },
			func(n int) topicIndex { return newOurs(n) },
		},
		{
			"syncmap",
			func(int) uidIndex { return new(syncUIDs) },
			func(int) topicIndex { return new(syncTopics) },
		},
		{
			"mutexes",
			func(int) uidIndex { return mutexUIDs{newMutexes[*member]()} },
			func(int) topicIndex { return mutexTopics{newMutexes[map[*member]struct{}]()} },
		},
		{
			"xsync",
			func(int) uidIndex { return xsyncUIDs{xsync.NewMap[string, *member]()} },
			func(int) topicIndex { return xsyncTopics{xsync.NewMap[string, *xsyncSet]()} },
		},
	}
}

// ours is the index with its seats, which elsewhere the members keep.
type ours struct {
	*registry.Index[member]
	seats []registry.Seat[member]
}

func newOurs(n int) *ours {
	return &ours{registry.NewIndex[member](), make([]registry.Seat[member], n)}
}

func (o *ours) set(i int, key string, m *member)  { o.seats[i] = o.Join(key, m) }
func (o *ours) unset(i int, _ string)             { o.seats[i].Leave() }
func (o *ours) get(key string) *member            { return o.First(key) }
func (o *ours) join(i int, key string, m *member) { o.seats[i] = o.Join(key, m) }
func (o *ours) leave(i int, _ string, _ *member)  { o.seats[i].Leave() }

func (o *ours) each(key string, f func(*member)) {
	for m := range o.Members(key) {
		f(m)
	}
}

type syncUIDs struct{ m sync.Map }

func (x *syncUIDs) set(_ int, key string, m *member) { x.m.Store(strings.Clone(key), m) }
func (x *syncUIDs) unset(_ int, key string)          { x.m.Delete(key) }

func (x *syncUIDs) get(key string) *member {
	m, _ := x.m.Load(key)
	found, _ := m.(*member)
	return found
}

type syncTopics struct{ m sync.Map }

func (x *syncTopics) set(key string) *sync.Map {
	s, ok := x.m.Load(key)
	if !ok {
		s, _ = x.m.LoadOrStore(strings.Clone(key), new(sync.Map))
	}
	return s.(*sync.Map)
}

func (x *syncTopics) join(_ int, key string, m *member)  { x.set(key).Store(m, nil) }
func (x *syncTopics) leave(_ int, key string, m *member) { x.set(key).Delete(m) }

func (x *syncTopics) each(key string, f func(*member)) {
	x.set(key).Range(func(m, _ any) bool {
		f(m.(*member))
		return true
	})
}

// mutexes is a map behind a mutex per shard.
type mutexes[V any] struct {
	seed   maphash.Seed
	shards [256]struct {
		sync.RWMutex
		m map[string]V
		_ [32]byte
	}
}

func newMutexes[V any]() *mutexes[V] {
	x := &mutexes[V]{seed: maphash.MakeSeed()}
	for i := range x.shards {
		x.shards[i].m = make(map[string]V)
	}
	return x
}

func (x *mutexes[V]) shard(key string) int { return int(maphash.String(x.seed, key) >> 56) }

type mutexUIDs struct{ *mutexes[*member] }

func (x mutexUIDs) set(_ int, key string, m *member) {
	sh := &x.shards[x.shard(key)]
	sh.Lock()
	sh.m[strings.Clone(key)] = m
	sh.Unlock()
}

func (x mutexUIDs) unset(_ int, key string) {
	sh := &x.shards[x.shard(key)]
	sh.Lock()
	delete(sh.m, key)
	sh.Unlock()
}

func (x mutexUIDs) get(key string) *member {
	sh := &x.shards[x.shard(key)]
	sh.RLock()
	defer sh.RUnlock()
	return sh.m[key]
}

type mutexTopics struct {
	*mutexes[map[*member]struct{}]
}

func (x mutexTopics) join(_ int, key string, m *member) {
	sh := &x.shards[x.shard(key)]
	sh.Lock()
	defer sh.Unlock()
	set := sh.m[key]
	if set == nil {
		set = make(map[*member]struct{})
		sh.m[strings.Clone(key)] = set
	}
	set[m] = struct{}{}
}

func (x mutexTopics) leave(_ int, key string, m *member) {
	sh := &x.shards[x.shard(key)]
	sh.Lock()
	defer sh.Unlock()
	delete(sh.m[key], m)
}

// each holds the lock, and joins wait.
func (x mutexTopics) each(key string, f func(*member)) {
	sh := &x.shards[x.shard(key)]
	sh.RLock()
	defer sh.RUnlock()
	for m := range sh.m[key] {
		f(m)
	}
}

type xsyncUIDs struct{ m *xsync.Map[string, *member] }

func (x xsyncUIDs) set(_ int, key string, m *member) { x.m.Store(strings.Clone(key), m) }
func (x xsyncUIDs) unset(_ int, key string)          { x.m.Delete(key) }

func (x xsyncUIDs) get(key string) *member {
	m, _ := x.m.Load(key)
	return m
}

type xsyncSet = xsync.Map[*member, struct{}]

type xsyncTopics struct{ m *xsync.Map[string, *xsyncSet] }

func (x xsyncTopics) set(key string) *xsyncSet {
	s, ok := x.m.Load(key)
	if !ok {
		s, _ = x.m.LoadOrStore(strings.Clone(key), xsync.NewMap[*member, struct{}]())
	}
	return s
}

func (x xsyncTopics) join(_ int, key string, m *member)  { x.set(key).Store(m, struct{}{}) }
func (x xsyncTopics) leave(_ int, key string, m *member) { x.set(key).Delete(m) }

func (x xsyncTopics) each(key string, f func(*member)) {
	x.set(key).Range(func(m *member, _ struct{}) bool {
		f(m)
		return true
	})
}
