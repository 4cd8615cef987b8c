package gateway

import (
	"crypto/sha256"
	"sync"
	"time"
	"unsafe"
)

// fingerprint stands for a device's push token: the first half of its SHA-256.
// Equality is all that the gateway asks of a token (the same phone, or
// another?), 16 bytes are a tenth of one, and a secret that is not kept cannot
// leak from a core dump or a profile. The zero fingerprint is no token.
type fingerprint [16]byte

func fingerprintOf(token string) fingerprint {
	if token == "" {
		return fingerprint{}
	}
	sum := sha256.Sum256(unsafe.Slice(unsafe.StringData(token), len(token))) // which only reads
	return fingerprint(sum[:16])
}

// offline remembers the devices that lost their connection without logging
// out, so that a push can say who would have had it. It knows a device by kind
// and token: a device is one user's at a time, whoever used it last.
//
// It is bounded twice. A record expires ttl after the connection was lost, and
// over limit the oldest goes first; as all live equally long, one list in the
// order of arrival serves both, and each call pays for what has expired since
// the last. mu is a leaf: nothing else is locked, called or sent under it.
type offline struct {
	limit int
	ttl   time.Duration

	mu      sync.Mutex
	devices map[device]*record
	users   map[user]*record // the newest of each user, linked by record.before
	topics  map[topicKey]int // how many records a topic has
	groups  [groups]int      // and a group
	oldest  *record
	newest  *record
}

type device struct {
	kind  kind
	token fingerprint
}

type user struct {
	kind kind
	uid  string
}

type topicKey struct {
	kind  kind
	topic string
}

// record is one lost device: what a push could have found it by.
type record struct {
	device
	uid     string
	topics  [2]string // the second is a pos's
	group   group
	expires time.Time
	older   *record // of all
	newer   *record
	before  *record // of the same user: a user may have any number, and
	after   *record // taking one out must not walk the others
}

func newOffline(limit int, ttl time.Duration) *offline {
	return &offline{
		limit:   limit,
		ttl:     ttl,
		devices: make(map[device]*record),
		users:   make(map[user]*record),
		topics:  make(map[topicKey]int),
	}
}

// lost remembers r's device, in place of what was known of it before.
func (o *offline) lost(r *record) {
	now := time.Now()
	r.expires = now.Add(o.ttl)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire(now)
	o.forget(o.devices[r.device])
	for len(o.devices) >= o.limit {
		if o.oldest == nil {
			return // a limit of zero: nothing is remembered
		}
		o.forget(o.oldest)
	}
	o.remember(r)
}

// back forgets a device that is connected again, or has logged out.
func (o *offline) back(k kind, token fingerprint) {
	if token == (fingerprint{}) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forget(o.devices[device{k, token}])
}

// taken forgets every device of a user beside the one that is back: under
// single login a new connection takes over from those that are gone just as
// from one that is here.
func (o *offline) taken(k kind, uid string, token fingerprint) {
	u := user{k, uid}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forget(o.devices[device{k, token}])
	for r := o.users[u]; r != nil; r = o.users[u] {
		o.forget(r)
	}
}

// knowsUser tells whether a device of the user is known.
func (o *offline) knowsUser(k kind, uid string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire(time.Now())
	return o.users[user{k, uid}] != nil
}

// inTopic is the number of devices known in a topic.
func (o *offline) inTopic(k kind, topic string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire(time.Now())
	return o.topics[topicKey{k, topic}]
}

// inGroup is the number of devices known in a group.
func (o *offline) inGroup(g group) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire(time.Now())
	return o.groups[g]
}

// size is the number of devices known, expired ones not yet met included.
func (o *offline) size() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.devices)
}

func (o *offline) expire(now time.Time) {
	for o.oldest != nil && !now.Before(o.oldest.expires) {
		o.forget(o.oldest)
	}
}

func (o *offline) remember(r *record) {
	o.devices[r.device] = r
	o.count(r, +1)
	u := user{r.kind, r.uid}
	if r.before = o.users[u]; r.before != nil {
		r.before.after = r
	}
	o.users[u] = r
	if r.older = o.newest; r.older != nil {
		r.older.newer = r
	} else {
		o.oldest = r
	}
	o.newest = r
}

// forget takes r out of everything; nil is nothing known.
func (o *offline) forget(r *record) {
	if r == nil {
		return
	}
	delete(o.devices, r.device)
	o.count(r, -1)
	o.unlink(r)
	o.unlinkUser(r)
}

func (o *offline) unlink(r *record) {
	if r.older != nil {
		r.older.newer = r.newer
	} else {
		o.oldest = r.newer
	}
	if r.newer != nil {
		r.newer.older = r.older
	} else {
		o.newest = r.older
	}
}

func (o *offline) unlinkUser(r *record) {
	if r.before != nil {
		r.before.after = r.after
	}
	switch u := (user{r.kind, r.uid}); {
	case r.after != nil:
		r.after.before = r.before
	case r.before != nil:
		o.users[u] = r.before
	default:
		delete(o.users, u)
	}
}

func (o *offline) count(r *record, by int) {
	o.groups[r.group] += by
	for _, topic := range r.topics {
		if topic == "" {
			continue
		}
		k := topicKey{r.kind, topic}
		if o.topics[k] += by; o.topics[k] == 0 {
			delete(o.topics, k)
		}
	}
}
