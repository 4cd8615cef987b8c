package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// reach is a push and the number of connections that it must find.
type reach struct {
	endpoint, body string
	matched        int
}

func device(kind, uid string, matched int) reach {
	return reach{"device_push", fmt.Sprintf(`{"type":%q,"uid":%q,"data":1}`, kind, uid), matched}
}

func topic(kind, topic string, matched int) reach {
	return reach{"topic_push", fmt.Sprintf(`{"type":%q,"topic":%q,"data":1}`, kind, topic), matched}
}

func audience(client string, matched int) reach {
	return reach{"client_push", fmt.Sprintf(`{"clients":[%q],"title":"t","body":"b","push_type":"p"}`, client), matched}
}

// checkReach makes each push; s must receive exactly those that match one.
func checkReach(t *testing.T, g *gateway, s *socket, reaches []reach) {
	t.Helper()
	for _, r := range reaches {
		g.wantPush(t, r.endpoint, r.body, r.matched)
		if r.matched == 0 {
			continue
		}
		if r.endpoint == "client_push" {
			s.wantMessage(t, `{"title":"t","body":"b","push_type":"p"}`)
		} else {
			s.wantMessage(t, `1`)
		}
	}
	g.wantNothing(t, s)
}

// setConnectCases are the rows of the table in SPEC.md §2, rule 2: what a client says, and which pushes then find it.
var setConnectCases = []struct {
	name, kind, object string
	reaches            []reach
}{
	{
		"customer", "customer", `{"uid":7,"type":"customer","token":"t"}`,
		[]reach{device("customer", "7", 1), audience("customer", 1), device("rider", "7", 0), device("customer", "8", 0), audience("rider", 0)},
	},
	{
		"rider", "rider", `{"uid":7,"type":"rider","topic":"rider_Tianhe_Qu_notification","token":"t"}`,
		[]reach{
			device("rider", "7", 1), topic("rider", "rider_Tianhe_Qu_notification", 1), audience("rider", 1), topic("rider", "openfood_rider", 1),
			device("customer", "7", 0), topic("merchant", "rider_Tianhe_Qu_notification", 0), topic("rider", "rider_Tianhe_Qu", 0),
		},
	},
	{
		"merchant on the app", "merchant", `{"uid":7,"type":"merchant","topic":"store_1_base_notification","client":"app","token":"t"}`,
		[]reach{
			device("merchant", "7", 1), topic("merchant", "store_1_base_notification", 1), audience("app", 1), audience("merchant_app", 1),
			topic("merchant", "openfood_merchant_app", 1), topic("merchant", "pos_1_base_notification", 0), audience("pos", 0), audience("pad", 0),
		},
	},
	{
		"merchant on a pad", "merchant", `{"uid":7,"type":"merchant","topic":"store_1_base_notification","client":"pad","token":"t"}`,
		[]reach{
			device("merchant", "7", 1), topic("merchant", "store_1_base_notification", 1), audience("pad", 1), audience("merchant_pad", 1),
			topic("merchant", "openfood_merchant_pad", 1), topic("merchant", "pos_1_base_notification", 0), audience("app", 0),
		},
	},
	{
		"merchant on a pos", "merchant", `{"uid":7,"type":"merchant","topic":"store_1_base_notification","client":"pos","device_id":"p-1","token":"t"}`,
		[]reach{
			device("merchant", "7", 1), topic("merchant", "store_1_base_notification", 1), topic("merchant", "pos_1_base_notification", 1),
			audience("pos", 1), audience("merchant_pos", 1), topic("merchant", "openfood_merchant_pos", 1), audience("app", 0),
		},
	},
	{
		"h5 person", "h5", `{"uid":7,"type":"h5","connect_type":"person"}`,
		[]reach{device("h5", "7", 1), audience("h5", 1), topic("h5", "h5_7_base_notification", 0)},
	},
	{
		"h5 table", "h5", `{"uid":"3_12","type":"h5","connect_type":"table"}`,
		[]reach{topic("h5", "h5_3_12_base_notification", 1), audience("h5", 1), device("h5", "3_12", 0)},
	},
	{
		"platform", "platform", `{"uid":7,"type":"platform"}`,
		[]reach{device("platform", "7", 1), audience("platform", 1), device("platform", "1", 0)},
	},
	{
		"uid as a string", "rider", `{"uid":"7","type":"rider","topic":"r","token":"t"}`,
		[]reach{device("rider", "7", 1), {"device_push", `{"type":"rider","uid":7,"data":1}`, 1}},
	},
	{
		"uid that is no number", "customer", `{"uid":"店-七","type":"customer","token":"t"}`,
		[]reach{device("customer", "店-七", 1)},
	},
	{
		"unknown fields", "rider", `{"lang":"zh","uid":7,"nested":{"uid":8},"type":"rider","topic":"r","token":"t","list":[1]}`,
		[]reach{device("rider", "7", 1), device("rider", "8", 0)},
	},
}

func TestSetConnect(t *testing.T) {
	for _, tc := range setConnectCases {
		for _, c := range onePerGeneration {
			t.Run(tc.name+"/"+c.String(), func(t *testing.T) {
				t.Parallel()
				g := startGateway(t)
				s := c.join(t, g, "/socket/"+tc.kind)
				s.setConnect(t, tc.object)
				checkReach(t, g, s, tc.reaches)
			})
		}
	}
}

// TestSetConnectUnasked: a client that asks for no acknowledgement gets nothing.
func TestSetConnectUnasked(t *testing.T) {
	generations(t, func(t *testing.T, g *gateway, c client) {
		s := c.join(t, g, "/rider")
		s.emit(t, "set_connect", `{"uid":1,"type":"rider","topic":"r","token":"t"}`)
		s.setConnect(t, `{"uid":1,"type":"rider","topic":"r","token":"t"}`) // acknowledged: the one before was handled
		checkReach(t, g, s, []reach{device("rider", "1", 1)})
	})
}

// refusedIdentities are what set_connect must refuse, with the field that its message must name.
func refusedIdentities() []struct{ name, kind, object, field string } {
	long := strings.Repeat("x", 257)
	return []struct{ name, kind, object, field string }{
		{"uid missing", "rider", `{"type":"rider","topic":"r","token":"t"}`, "uid"},
		{"uid empty", "rider", `{"uid":"","type":"rider","topic":"r","token":"t"}`, "uid"},
		{"uid zero", "rider", `{"uid":0,"type":"rider","topic":"r","token":"t"}`, "uid"},
		{"uid zero in quotes", "customer", `{"uid":"0","type":"customer","token":"t"}`, "uid"},
		{"uid null", "customer", `{"uid":null,"type":"customer","token":"t"}`, "uid"},
		{"uid boolean", "customer", `{"uid":true,"type":"customer","token":"t"}`, "uid"},
		{"uid list", "merchant", `{"uid":[1],"type":"merchant","topic":"store_1_x","client":"app"}`, "uid"},
		{"uid object", "platform", `{"uid":{"id":1},"type":"platform"}`, "uid"},
		{"uid too long", "platform", `{"uid":"` + long + `","type":"platform"}`, "uid"},
		{"uid too long in bytes", "customer", `{"uid":"` + strings.Repeat("店", 86) + `","type":"customer"}`, "uid"},
		{"type of no kind", "rider", `{"uid":1,"type":"robot","topic":"r","token":"t"}`, "type"},
		{"type of another kind", "rider", `{"uid":1,"type":"customer","topic":"r","token":"t"}`, "type"},
		{"type not a string", "rider", `{"uid":1,"type":{"kind":"rider"},"topic":"r","token":"t"}`, "type"},
		{"topic too long", "rider", `{"uid":1,"type":"rider","topic":"` + long + `","token":"t"}`, "topic"},
		{"topic not a string", "rider", `{"uid":1,"type":"rider","topic":{"a":1},"token":"t"}`, "topic"},
		{"token too long", "rider", `{"uid":1,"type":"rider","topic":"r","token":"` + strings.Repeat("x", 4097) + `"}`, "token"},
		{"client of no kind", "merchant", `{"uid":1,"type":"merchant","topic":"store_1_x","client":"fridge"}`, "client"},
		{"client too long", "merchant", `{"uid":1,"type":"merchant","topic":"store_1_x","client":"` + long + `"}`, "client"},
		{"device_id too long", "merchant", `{"uid":1,"type":"merchant","topic":"store_1_x","client":"pos","device_id":"` + long + `"}`, "device_id"},
		{"connect_type of no kind", "h5", `{"uid":1,"type":"h5","connect_type":"chair"}`, "connect_type"},
		{"not an object", "rider", `"1"`, ""},
		{"list", "rider", `[1]`, ""},
		{"null", "rider", `null`, ""},
	}
}

// TestSetConnectRefused: nothing is registered, and the client hears why, by the event and, if it asked, by the
// acknowledgement.
func TestSetConnectRefused(t *testing.T) {
	generations(t, func(t *testing.T, g *gateway, c client) {
		for _, tc := range refusedIdentities() {
			t.Run(tc.name, func(t *testing.T) {
				s := c.join(t, g, "/socket/"+tc.kind)
				args := s.emitAck(t, "set_connect", tc.object)
				told := checkRefusal(t, s, tc.field)
				if len(args) != 1 || string(args[0]) != told {
					t.Errorf("acknowledged with %s, want %s", texts(args), told)
				}
				s.emit(t, "set_connect", tc.object) // asks for nothing: only the event
				checkRefusal(t, s, tc.field)

				g.wantPush(t, "device_push", fmt.Sprintf(`{"type":%q,"uid":"1","data":1}`, tc.kind), 0)
				g.wantNothing(t, s)
			})
		}
		g.wantPush(t, "client_push", `{"clients":["customer","rider","app","pos","pad","h5","platform"],"title":"t","body":"b","push_type":"p"}`, 0)
	})
}

// checkRefusal requires that the next event is set_connect_error, and returns its argument.
func checkRefusal(t *testing.T, s *socket, field string) string {
	t.Helper()
	n := s.next(t, "set_connect_error", s.events)
	var refusal struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if n.Event != "set_connect_error" || len(n.Args) != 1 || json.Unmarshal(n.Args[0], &refusal) != nil {
		t.Fatalf("received %s, want set_connect_error with one object", n)
	}
	if refusal.Code == 0 || refusal.Message == "" || !strings.Contains(refusal.Message, field) {
		t.Errorf("set_connect_error %s: want a code, and a message that names %q", n.Args[0], field)
	}
	return string(n.Args[0])
}

// TestSetConnectLimits: the longest values that are accepted.
func TestSetConnectLimits(t *testing.T) {
	generations(t, func(t *testing.T, g *gateway, c client) {
		uid, name := strings.Repeat("u", 256), strings.Repeat("店", 85)+"x"
		token := strings.Repeat("t", 4096)
		s := c.join(t, g, "/socket/merchant")
		s.setConnect(t, fmt.Sprintf(`{"uid":%q,"type":"merchant","topic":%q,"client":"pos","device_id":%q,"token":%q}`, uid, name, name, token))
		checkReach(t, g, s, []reach{device("merchant", uid, 1), topic("merchant", name, 1)})
	})
}

// TestSetConnectAgain: what a connection says replaces what it said before.
func TestSetConnectAgain(t *testing.T) {
	generations(t, func(t *testing.T, g *gateway, c client) {
		s := c.join(t, g, "/socket/rider")
		s.setConnect(t, `{"uid":1,"type":"rider","topic":"east","token":"t"}`)
		s.setConnect(t, `{"uid":1,"type":"rider","topic":"west","token":"t"}`)
		checkReach(t, g, s, []reach{topic("rider", "east", 0), topic("rider", "west", 1), device("rider", "1", 1), audience("rider", 1)})

		s.setConnect(t, `{"uid":2,"type":"rider","topic":"west","token":"t"}`)
		checkReach(t, g, s, []reach{device("rider", "1", 0), device("rider", "2", 1), topic("rider", "west", 1), audience("rider", 1)})
	})
}

// TestSetConnectAgainAsMerchant: the client and the topics made of it change too.
func TestSetConnectAgainAsMerchant(t *testing.T) {
	generations(t, func(t *testing.T, g *gateway, c client) {
		s := c.join(t, g, "/merchant")
		s.setConnect(t, `{"uid":1,"type":"merchant","topic":"store_1_base_notification","client":"pos","device_id":"d","token":"t"}`)
		s.setConnect(t, `{"uid":1,"type":"merchant","topic":"store_2_base_notification","client":"pad","token":"t"}`)
		checkReach(t, g, s, []reach{
			topic("merchant", "store_1_base_notification", 0), topic("merchant", "pos_1_base_notification", 0), audience("pos", 0),
			topic("merchant", "store_2_base_notification", 1), topic("merchant", "pos_2_base_notification", 0), audience("pad", 1),
			device("merchant", "1", 1),
		})
	})
}

// TestSetConnectAgainOnH5: a table page that becomes a person's leaves the table, and the other way round.
func TestSetConnectAgainOnH5(t *testing.T) {
	generations(t, func(t *testing.T, g *gateway, c client) {
		s := c.join(t, g, "/h5")
		s.setConnect(t, `{"uid":"3_12","type":"h5","connect_type":"table"}`)
		s.setConnect(t, `{"uid":9,"type":"h5","connect_type":"person"}`)
		checkReach(t, g, s, []reach{topic("h5", "h5_3_12_base_notification", 0), device("h5", "9", 1), audience("h5", 1)})
		s.setConnect(t, `{"uid":"3_12","type":"h5","connect_type":"table"}`)
		checkReach(t, g, s, []reach{topic("h5", "h5_3_12_base_notification", 1), device("h5", "9", 0), audience("h5", 1)})
	})
}
