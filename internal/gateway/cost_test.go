package gateway

import (
	"runtime"
	"strconv"
	"testing"
	"time"
	"unsafe"
)

// TestMemberSize keeps the record of an idle rider where member says it is.
func TestMemberSize(t *testing.T) {
	if size := unsafe.Sizeof(member{}); size != 96 {
		t.Errorf("a member is %d bytes, its comment says 96", size)
	}
}

// TestFindAllocatesNothing: a push to a user is a look-up.
func TestFindAllocatesNothing(t *testing.T) {
	r := testRoster()
	registered(t, r, rider, aRider("1", "east", "a"))
	n := 0
	found := func(*member) { n++ }
	if allocs := testing.AllocsPerRun(100, func() { r.find(rider, "1", found) }); allocs != 0 {
		t.Errorf("%v allocations to find a user", allocs)
	}
}

// TestRepeatedSetAllocatesNothing: clients repeat set_connect, and what did
// not change costs nothing.
func TestRepeatedSetAllocatesNothing(t *testing.T) {
	r := testRoster()
	reg := aRider("1", "east", "a")
	m := registered(t, r, rider, reg)
	if allocs := testing.AllocsPerRun(100, func() { r.set(m, reg) }); allocs != 0 {
		t.Errorf("%v allocations to set what is set", allocs)
	}
}

func BenchmarkFind(b *testing.B) {
	for _, users := range []int{1_000, 100_000} {
		b.Run("users="+strconv.Itoa(users), func(b *testing.B) {
			r := testRoster()
			uids := make([]string, users)
			for i := range users {
				uids[i] = strconv.Itoa(i + 1)
				r.set(&member{kind: rider}, aRider(uids[i], "", ""))
			}
			found := func(*member) {}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r.find(rider, uids[i*7919%users], found)
			}
		})
	}
}

func BenchmarkParseSetConnect(b *testing.B) {
	arg := []byte(`{"uid":1234567,"type":"rider","topic":"rider_Tianhe_Qu_notification","token":"` +
		"dGhpcyBpcyBub3QgYSB0b2tlbiwgYnV0IGl0IGlzIGFzIGxvbmcgYXMgb25lIHRoYXQgYSBwaG9uZSBnZXRz" + `"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, refused := parseSetConnect(rider, arg); refused != nil {
			b.Fatal(refused.Message)
		}
	}
}

// BenchmarkSetAndLeave is what a rider's connection costs the roster from
// beginning to end, among 10,000 others of the same topic.
func BenchmarkSetAndLeave(b *testing.B) {
	r := testRoster()
	for i := range 10_000 {
		r.set(&member{kind: rider}, aRider(strconv.Itoa(i+1), "east", "a"))
	}
	reg := aRider("0", "east", "")
	b.ReportAllocs()
	for b.Loop() {
		m := &member{kind: rider}
		r.set(m, reg)
		r.leave(m)
	}
}

// BenchmarkLost is a lost device with a uid and a topic; its bytes are what
// Config.OfflineLimit multiplies.
func BenchmarkLost(b *testing.B) {
	const devices = 200_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	o := newOffline(devices, time.Hour)
	for b.Loop() {
		for i := range devices {
			uid := strconv.Itoa(10_000_000 + i)
			o.lost(&record{device: device{rider, fingerprintOf(uid)}, uid: uid, topics: [2]string{"east"}, group: riders})
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/devices, "B/device")
	runtime.KeepAlive(o)
}
