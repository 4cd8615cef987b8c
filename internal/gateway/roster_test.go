package gateway

import (
	"testing"
	"time"
)

func testRoster() *roster {
	return newRoster([kinds]bool{customer: true, rider: true}, newOffline(1000, time.Hour))
}

// registered makes a member of a kind that has said who it is.
func registered(t *testing.T, r *roster, k kind, reg registration) *member {
	t.Helper()
	m := &member{kind: k}
	if _, ok := r.set(m, reg); !ok {
		t.Fatal("a new member has left")
	}
	return m
}

func aRider(uid, topic, token string) registration {
	return registration{uid: uid, group: riders, topic: topic, token: fingerprintOf(token)}
}

func TestReplacingASetConnect(t *testing.T) {
	r := testRoster()
	m := registered(t, r, rider, aRider("1", "east", "t"))
	seat := m.peers
	r.set(m, aRider("2", "west", "t"))
	for what, n := range map[string]int{
		"old uid":   r.users[rider].Len("1"),
		"old topic": r.topics[rider].Len("east"),
	} {
		if n != 0 {
			t.Errorf("%s: %d members after it was replaced", what, n)
		}
	}
	if r.users[rider].First("2") != m || r.topics[rider].Len("west") != 1 {
		t.Error("not found under what it says now")
	}
	if m.peers != seat || r.peers.Len(riders.String()) != 1 {
		t.Error("the group did not change, yet its seat did (invariant 6)")
	}
	for range 5 {
		r.set(m, aRider("2", "", "t"))
	}
	if r.users[rider].Len("2") != 1 || r.topics[rider].Len("west") != 0 {
		t.Error("a repeated set_connect does not leave exactly what it says")
	}
}

// TestOneBindingPerSocket is RELIABILITY.md §2, row 107.
func TestOneBindingPerSocket(t *testing.T) {
	r := testRoster()
	m := &member{kind: rider}
	for i := range 20_000 {
		r.set(m, aRider(string(rune('A'+i)), "", "t"))
	}
	if st := r.users[rider].Stats(); st.Members != 1 {
		t.Errorf("%d users of one socket", st.Members)
	}
}

func TestSingleLogin(t *testing.T) {
	tests := []struct {
		name          string
		kind          kind
		first, second string // tokens
		notified      bool
		stays         bool
	}{
		{"another device", rider, "a", "b", true, false},
		{"the same device on another network", rider, "a", "a", false, false},
		{"neither has a token", customer, "", "", false, false},
		{"only the later has a token", customer, "", "b", true, false},
		{"a merchant keeps all of its devices", merchant, "a", "b", false, true},
		{"and both connections of one", merchant, "a", "a", false, true},
		{"h5 keeps all", h5, "", "", false, true},
		{"platform keeps every page", platform, "", "", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := testRoster()
			reg := registration{uid: "1", topic: "x", group: groupOf(tt.kind)}
			reg.token = fingerprintOf(tt.first)
			first := registered(t, r, tt.kind, reg)
			reg.token = fingerprintOf(tt.second)
			second := &member{kind: tt.kind}
			displaced, _ := r.set(second, reg)
			if (displaced == first) != tt.notified {
				t.Errorf("the earlier is told to log out: %v, want %v", displaced == first, tt.notified)
			}
			if stays := first.users.Key() != ""; stays != tt.stays {
				t.Errorf("the earlier is still registered: %v, want %v", stays, tt.stays)
			}
			want := 1
			if tt.stays {
				want = 2
			}
			if n := r.users[tt.kind].Len("1"); n != want {
				t.Errorf("%d connections under the uid, want %d", n, want)
			}
			if n := r.topics[tt.kind].Len("x"); n != want {
				t.Errorf("%d connections in the topic, want %d", n, want)
			}
			if g := groupOf(tt.kind); g != noGroup && r.peers.Len(g.String()) != want {
				t.Errorf("%d connections in the group, want %d", r.peers.Len(g.String()), want)
			}
		})
	}
}

// TestDisplacedMayComeBack: the connection stays, and may set again; then the
// one that displaced it is the earlier one.
func TestDisplacedMayComeBack(t *testing.T) {
	r := testRoster()
	first := registered(t, r, rider, aRider("1", "x", "a"))
	second := registered(t, r, rider, aRider("1", "x", "b"))
	r.logout(first) // has no user any more: nobody's registration goes
	if r.users[rider].First("1") != second {
		t.Fatal("a displaced connection logged the other out")
	}
	if displaced, _ := r.set(first, aRider("1", "x", "a")); displaced != second {
		t.Error("the second was not displaced")
	}
	r.leave(second)
	if r.users[rider].First("1") != first || r.offline.size() != 0 {
		t.Error("the loss of a displaced connection changed something")
	}
}

func TestOfflineButKnown(t *testing.T) {
	r := testRoster()
	m := registered(t, r, rider, aRider("1", "x", "a"))
	r.leave(m)
	if !r.offline.knowsUser(rider, "1") || r.offline.inTopic(rider, "x") != 1 || r.offline.inGroup(riders) != 1 {
		t.Error("a lost rider is not remembered")
	}
	m = registered(t, r, rider, aRider("1", "x", "a"))
	if r.offline.size() != 0 {
		t.Error("remembered although it is back")
	}
	r.logout(m)
	r.leave(m)
	if r.offline.size() != 0 {
		t.Error("remembered although it logged out")
	}
	r.leave(registered(t, r, rider, aRider("1", "x", "a")))
	registered(t, r, rider, aRider("1", "x", "b"))
	if r.offline.size() != 0 {
		t.Error("the first device is remembered although another took over its user")
	}
	r.leave(registered(t, r, rider, aRider("9", "x", "")))
	if r.offline.size() != 0 {
		t.Error("a device without a token is remembered")
	}
}

// TestTwinKeepsDeviceOnline: a merchant's phone changes networks, and its old
// connection is found dead after the new one is there.
func TestTwinKeepsDeviceOnline(t *testing.T) {
	r := testRoster()
	reg := registration{uid: "1", topic: "store_1", group: merchantApps, token: fingerprintOf("a")}
	old := registered(t, r, merchant, reg)
	now := registered(t, r, merchant, reg)
	r.leave(old)
	if n := r.offline.inTopic(merchant, "store_1"); n != 0 {
		t.Errorf("%d devices offline, want none: it is connected", n)
	}
	r.leave(now)
	if n := r.offline.inTopic(merchant, "store_1"); n != 1 {
		t.Errorf("%d devices offline, want 1", n)
	}
}

func TestPosHasTwoTopics(t *testing.T) {
	r := testRoster()
	reg := registration{uid: "1", group: merchantPoses, topic: "store_1", posTopic: "pos_1", device: "p"}
	m := registered(t, r, merchant, reg)
	if r.topics[merchant].First("store_1") != m || r.topics[merchant].First("pos_1") != m || m.pos.device != "p" {
		t.Error("a pos is not in both of its topics")
	}
	r.set(m, registration{uid: "1", group: merchantApps, topic: "store_1"})
	if r.topics[merchant].Len("pos_1") != 0 || m.pos != nil || r.peers.Len(merchantPoses.String()) != 0 {
		t.Error("an app is still a pos")
	}
}

func TestClearTable(t *testing.T) {
	r := testRoster()
	table := registration{uid: "3_14", table: true, group: h5s, topic: "h5_3_14_base_notification"}
	m := registered(t, r, h5, table)
	registered(t, r, h5, table)
	other := registered(t, r, h5, registration{uid: "3_15", table: true, group: h5s, topic: "h5_3_15_base_notification"})
	if r.users[h5].Stats().Members != 0 {
		t.Error("a table is known by uid")
	}
	if n := r.clearTable("h5_3_14_base_notification"); n != 2 {
		t.Errorf("cleared %d, want 2", n)
	}
	if r.topics[h5].Len("h5_3_14_base_notification") != 0 || r.topics[h5].First("h5_3_15_base_notification") != other {
		t.Error("the wrong table was cleared")
	}
	if n := r.clearTable("h5_3_14_base_notification"); n != 0 {
		t.Errorf("cleared %d again", n)
	}
	r.set(m, table)
	if r.topics[h5].First("h5_3_14_base_notification") != m || r.peers.Len(h5s.String()) != 3 {
		t.Error("a cleared table cannot join again")
	}
}

// TestLeaveIsFinal is invariant 5.
func TestLeaveIsFinal(t *testing.T) {
	r := testRoster()
	m := registered(t, r, rider, aRider("1", "x", ""))
	r.leave(m)
	if _, ok := r.set(m, aRider("1", "x", "")); ok {
		t.Error("set after leave succeeded")
	}
	r.logout(m)
	r.leave(m)
	for what, n := range map[string]int{
		"users": r.users[rider].Len("1"), "topics": r.topics[rider].Len("x"), "peers": r.peers.Len(riders.String()),
	} {
		if n != 0 {
			t.Errorf("%s: %d members left", what, n)
		}
	}
}
