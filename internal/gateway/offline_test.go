package gateway

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func lostDevice(uid, token string, topics ...string) *record {
	r := &record{device: device{merchant, fingerprintOf(token)}, uid: uid, group: merchantPoses}
	copy(r.topics[:], topics)
	return r
}

func TestOfflineByUserTopicAndGroup(t *testing.T) {
	o := newOffline(10, time.Hour)
	o.lost(lostDevice("1", "a", "store_1", "pos_1"))
	o.lost(lostDevice("1", "b", "store_1"))
	o.lost(lostDevice("2", "c", "store_1"))

	check := func(step string, users map[string]bool, store, pos, group int) {
		t.Helper()
		for uid, want := range users {
			if got := o.knowsUser(merchant, uid); got != want {
				t.Errorf("%s: knows user %s: %v, want %v", step, uid, got, want)
			}
		}
		if s, p, g := o.inTopic(merchant, "store_1"), o.inTopic(merchant, "pos_1"), o.inGroup(merchantPoses); s != store || p != pos || g != group {
			t.Errorf("%s: store %d, pos %d, group %d; want %d, %d, %d", step, s, p, g, store, pos, group)
		}
	}
	check("three lost", map[string]bool{"1": true, "2": true, "3": false}, 3, 1, 3)
	if o.knowsUser(rider, "1") || o.inTopic(rider, "store_1") != 0 {
		t.Error("known to another kind")
	}
	o.back(merchant, fingerprintOf("a"))
	check("a is back", map[string]bool{"1": true, "2": true}, 2, 0, 2)
	o.lost(lostDevice("2", "b", "pos_1"))
	check("b is another user's now", map[string]bool{"1": false, "2": true}, 1, 1, 2)
	o.taken(merchant, "2", fingerprintOf("z"))
	check("user 2 taken", map[string]bool{"1": false, "2": false}, 0, 0, 0)
	if len(o.devices)+len(o.users)+len(o.topics) != 0 || o.oldest != nil || o.newest != nil {
		t.Errorf("something is left: %+v", o)
	}
	o.back(merchant, fingerprint{})
}

func TestOfflineExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffline(10, time.Minute)
		o.lost(lostDevice("1", "a", "store_1"))
		time.Sleep(30 * time.Second) // the bubble's clock
		o.lost(lostDevice("2", "b", "store_1"))
		time.Sleep(30*time.Second - time.Nanosecond)
		if !o.knowsUser(merchant, "1") {
			t.Error("forgotten before its time")
		}
		time.Sleep(time.Nanosecond)
		if o.knowsUser(merchant, "1") || o.inTopic(merchant, "store_1") != 1 {
			t.Error("known after its time")
		}
		o.lost(lostDevice("2", "b")) // lost again: a new life
		time.Sleep(59 * time.Second)
		if !o.knowsUser(merchant, "2") {
			t.Error("the second loss did not count")
		}
	})
}

func TestOfflineIsBounded(t *testing.T) {
	for _, limit := range []int{-1, 0, 1, 3} {
		o := newOffline(limit, time.Hour)
		for i := range 10 {
			// One user, so that its chain is cut at the old end, too.
			o.lost(lostDevice("1", fmt.Sprint(i), fmt.Sprint("store_", i)))
		}
		kept := max(limit, 0)
		if o.size() != kept || len(o.topics) != kept || o.inGroup(merchantPoses) != kept {
			t.Errorf("limit %d: %d devices, %d topics, %d in the group", limit, o.size(), len(o.topics), o.inGroup(merchantPoses))
		}
		if want := limit > 0; o.knowsUser(merchant, "1") != want {
			t.Errorf("limit %d: knows user: %v", limit, !want)
		}
		if limit > 0 && o.inTopic(merchant, "store_9") != 1 {
			t.Errorf("limit %d: the newest is not the one kept", limit)
		}
	}
}
