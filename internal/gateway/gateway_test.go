package gateway_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"outrider/internal/gateway"
	"outrider/pushhttp"
	"outrider/socketio"
)

// want compares the answer of a push.
func want(t *testing.T, got pushhttp.Result, matched, offline int) {
	t.Helper()
	if got != (pushhttp.Result{Matched: matched, Written: matched, Offline: offline}) {
		t.Errorf("result %+v, want matched and written %d, offline %d", got, matched, offline)
	}
}

var data = []byte(`{"title":"New Order","id":1234567890123456789}`)

// TestBothNames is SPEC.md §1: two names of each namespace, one audience; and
// both revisions in it.
func TestBothNames(t *testing.T) {
	s := serve(t, gateway.Config{SingleLogin: []string{}})
	for _, kind := range []string{"customer", "rider", "merchant", "h5", "platform"} {
		var clients []*client
		for _, namespace := range []string{"/socket/" + kind, "/" + kind} {
			for _, eio := range []int{3, 4} {
				clients = append(clients, s.join(t, eio, namespace).set(`{"uid":7}`))
			}
		}
		want(t, s.PushDevice(kind, []string{"7", "8"}, data), 4, 0)
		for _, c := range clients {
			c.message(string(data))
			c.quiet()
		}
		want(t, s.PushDevice(kind, []string{"7"}, data), 0, 0)
	}
}

// TestShowHasNoEffect: it is greeted (join checks it), and what it says changes
// nothing; flush_db, which cleared the old server's store, does not exist.
func TestShowHasNoEffect(t *testing.T) {
	s := serve(t, gateway.Config{})
	rider := s.join(t, 4, "/rider").set(`{"uid":1}`)
	for _, namespace := range []string{"/show", "/socket/show"} {
		c := s.join(t, 3, namespace)
		c.emit(`["flush_db"]`)
		c.emit(`["set_connect",{"uid":1}]`)
		c.emit(`["logout"]`)
		want(t, s.PushSocket(c.id, data), 1, 0)
		c.message(string(data))
	}
	want(t, s.PushDevice("rider", []string{"1"}, data), 1, 0)
	rider.message(string(data))
}

// TestTopics is SPEC.md §2.2, the topics of each kind.
func TestTopics(t *testing.T) {
	tests := []struct {
		kind, object string
		topics       []string
		clients      []string
	}{
		{"customer", `{"uid":1}`, nil, []string{"customer"}},
		{"rider", `{"uid":1,"topic":"rider_Tianhe_Qu_notification"}`, []string{"rider_Tianhe_Qu_notification", "openfood_rider"}, []string{"rider"}},
		{"merchant", `{"uid":1,"topic":"store_1_base_notification","client":"app"}`, []string{"store_1_base_notification", "openfood_merchant_app"}, []string{"merchant_app"}},
		{"merchant", `{"uid":1,"topic":"store_1_base_notification","client":"pad"}`, []string{"store_1_base_notification", "openfood_merchant_pad"}, []string{"merchant_pad"}},
		{
			"merchant", `{"uid":1,"topic":"store_1_base_notification","client":"pos","device_id":"p"}`,
			[]string{"store_1_base_notification", "pos_1_base_notification", "openfood_merchant_pos"},
			[]string{"merchant_pos"},
		},
		{"h5", `{"uid":"3_14","connect_type":"table"}`, []string{"h5_3_14_base_notification"}, []string{"h5"}},
		{"platform", `{"uid":1}`, nil, []string{"platform"}},
	}
	all := []string{"customer", "rider", "merchant_app", "merchant_pos", "merchant_pad", "h5", "platform"}
	s := serve(t, gateway.Config{})
	for _, tt := range tests {
		c := s.join(t, 4, "/socket/"+tt.kind).set(tt.object)
		for _, topic := range tt.topics {
			want(t, s.PushTopic(tt.kind, topic, data), 1, 0)
			c.message(string(data))
		}
		for _, name := range all {
			if name == tt.clients[0] {
				want(t, s.PushClient([]string{name}, data), 1, 0)
				c.message(string(data))
			} else {
				want(t, s.PushClient([]string{name}, data), 0, 0)
			}
		}
		want(t, s.PushClient(all, data), 1, 0)
		c.message(string(data))
		c.quiet()
	}
}

// TestRefusedSetConnect is SPEC.md §2.2: the event, and the acknowledgement if
// one was asked for, with the same object; and the earlier registration stays.
func TestRefusedSetConnect(t *testing.T) {
	s := serve(t, gateway.Config{})
	for _, eio := range []int{3, 4} {
		c := s.join(t, eio, "/rider")
		c.emit(`["set_connect",null]`)
		c.event(`["set_connect_error",{"code":1,"message":"set_connect takes one object"}]`)
		c.set(`{"uid":1,"topic":"east"}`)
		ack := c.ask(`["set_connect",{"uid":0,"topic":"west"}]`)
		const missing = `{"code":2,"message":"uid: is missing, empty or zero"}`
		c.event(`["set_connect_error",` + missing + `]`)
		ack(missing)
		c.emit(`["set_connect"]`)
		c.event(`["set_connect_error",{"code":1,"message":"set_connect takes one object"}]`)
		want(t, s.PushTopic("rider", "west", data), 0, 0)
		want(t, s.PushTopic("rider", "east", data), 1, 0)
		c.message(string(data))
		c.quiet()
	}
}

// TestSingleLoginOverSockets is SPEC.md §2.4.
func TestSingleLoginOverSockets(t *testing.T) {
	s := serve(t, gateway.Config{})
	first := s.join(t, 3, "/socket/rider").set(`{"uid":"1","topic":"east","token":"a"}`)
	same := s.join(t, 3, "/socket/rider").set(`{"uid":1,"topic":"east","token":"a"}`)
	other := s.join(t, 4, "/rider").set(`{"uid":1,"topic":"west","token":"b"}`)
	same.event(`["logout",{"reason":"replaced"}]`)
	want(t, s.PushDevice("rider", []string{"1"}, data), 1, 0)
	want(t, s.PushTopic("rider", "east", data), 0, 0)
	want(t, s.PushClient([]string{"rider"}, data), 1, 0)
	other.message(string(data))
	other.message(string(data))
	first.quiet()
	same.quiet()
	want(t, s.PushDevice("rider", []string{"1"}, data), 1, 0)
	other.message(string(data))
}

// TestLostAndLoggedOut is SPEC.md §2.5. That the loss was noticed is seen by
// the socket id, which goes with the connection.
func TestLostAndLoggedOut(t *testing.T) {
	s := serve(t, gateway.Config{})
	c := s.join(t, 4, "/merchant").set(`{"uid":1,"topic":"store_1_x","client":"pos","device_id":"p","token":"a"}`)
	gone := func() {
		c.lose()
		await(t, func() bool { return s.PushDevice("merchant", []string{"1"}, data).Matched == 0 })
	}
	gone()
	want(t, s.PushDevice("merchant", []string{"1", "2"}, data), 0, 1)
	want(t, s.PushTopic("merchant", "store_1_x", data), 0, 1)
	want(t, s.PushTopic("merchant", "pos_1_x", data), 0, 1)
	want(t, s.PushTopic("merchant", "openfood_merchant_pos", data), 0, 1)
	want(t, s.PushClient([]string{"merchant_pos", "merchant_app"}, data), 0, 1)
	c = s.join(t, 4, "/merchant").set(`{"uid":1,"topic":"store_1_x","client":"pos","token":"a"}`)
	want(t, s.PushTopic("merchant", "store_1_x", data), 1, 0)
	c.message(string(data))
	c.quiet()
	gone()
	want(t, s.PushDevice("merchant", []string{"1"}, data), 0, 0)
}

// await asks again until it is so.
func await(t *testing.T, so func() bool) {
	t.Helper()
	deadline, tick := time.After(patience), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-deadline:
			t.Fatal("it never came to be")
		case <-tick.C:
		}
	}
}

// TestPushSocket is print_push, by either form of id.
func TestPushSocket(t *testing.T) {
	s := serve(t, gateway.Config{})
	for _, namespace := range []string{"/merchant", "/socket/merchant", "/socket/h5"} {
		for eio, form := range map[int]string{3: namespace + "#", 4: ""} {
			c, bystander := s.join(t, eio, namespace), s.join(t, eio, namespace)
			if !strings.HasPrefix(c.id, form) || len(c.id) != len(form)+20 {
				t.Errorf("id %q, want 20 characters behind %q", c.id, form)
			}
			want(t, s.PushSocket(c.id, data), 1, 0)
			c.message(string(data))
			bystander.quiet()
			c.lose()
			await(t, func() bool { return s.PushSocket(c.id, data).Matched == 0 })
		}
	}
	for _, id := range []string{"", "/merchant#", "x", strings.Repeat("A", 20), "/merchant#" + strings.Repeat("A", 20)} {
		want(t, s.PushSocket(id, data), 0, 0)
	}
}

func TestClearTableOverSockets(t *testing.T) {
	s := serve(t, gateway.Config{})
	table := s.join(t, 3, "/socket/h5").set(`{"uid":"3_14","connect_type":"table"}`)
	person := s.join(t, 4, "/h5").set(`{"uid":5,"connect_type":"person"}`)
	const topic = "h5_3_14_base_notification"
	if got := s.ClearTable(topic); got != (pushhttp.Result{Matched: 1}) {
		t.Errorf("result %+v, want one matched and nothing written", got)
	}
	want(t, s.PushTopic("h5", topic, data), 0, 0)
	want(t, s.PushClient([]string{"h5"}, data), 2, 0)
	table.message(string(data))
	person.message(string(data))
	table.set(`{"uid":"3_14","connect_type":"table"}`)
	want(t, s.PushTopic("h5", topic, data), 1, 0)
	table.message(string(data))
	person.quiet()
}

// TestOrder: pushes of one caller arrive in their order, each once, also on a
// connection that is reached in several ways.
func TestOrder(t *testing.T) {
	s := serve(t, gateway.Config{})
	c := s.join(t, 4, "/rider").set(`{"uid":1,"topic":"east"}`)
	for i := range 60 {
		text := fmt.Appendf(nil, `{"n":%d}`, i)
		switch i % 4 {
		case 0:
			want(t, s.PushDevice("rider", []string{"1"}, text), 1, 0)
		case 1:
			want(t, s.PushTopic("rider", "east", text), 1, 0)
		case 2:
			want(t, s.PushClient([]string{"rider", "customer"}, text), 1, 0)
		case 3:
			want(t, s.PushSocket(c.id, text), 1, 0)
		}
	}
	for i := range 60 {
		c.message(fmt.Sprintf(`{"n":%d}`, i))
	}
	c.quiet()
}

func TestUnknownNames(t *testing.T) {
	s := serve(t, gateway.Config{})
	s.join(t, 4, "/rider").set(`{"uid":1,"topic":"east"}`)
	want(t, s.PushDevice("show", []string{"1"}, data), 0, 0)
	want(t, s.PushDevice("", []string{"1"}, data), 0, 0)
	want(t, s.PushTopic("riders", "east", data), 0, 0)
	want(t, s.PushTopic("rider", "", data), 0, 0)
	want(t, s.PushTopic("rider", "openfood_customer", data), 0, 0)
	want(t, s.PushClient([]string{"", "merchant", "show"}, data), 0, 0)
	want(t, s.PushDevice("rider", nil, data), 0, 0)
}

func TestConfigErrors(t *testing.T) {
	io, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer io.Close()
	for _, cfg := range []gateway.Config{
		{SingleLogin: []string{"plumber"}},
		{SingleLogin: []string{"show"}},
		{OfflineTTL: -time.Second},
	} {
		if _, err := gateway.New(io, cfg); !errors.Is(err, gateway.ErrConfig) {
			t.Errorf("%+v: error %v, want ErrConfig", cfg, err)
		}
	}
}
