package gateway

import (
	"strings"
	"testing"
)

func TestSetConnectByKind(t *testing.T) {
	tests := []struct {
		name string
		kind kind
		arg  string
		want registration
	}{
		{
			"customer", customer, `{"uid":7,"type":"customer","token":"fcm"}`,
			registration{uid: "7", group: customers, token: fingerprintOf("fcm")},
		},
		{
			"customer's topic is an unknown field", customer, `{"uid":"7","topic":["x"]}`,
			registration{uid: "7", group: customers},
		},
		{
			"rider", rider, `{"uid":"9","type":"rider","topic":"rider_Tianhe_Qu_notification","token":"t"}`,
			registration{uid: "9", group: riders, topic: "rider_Tianhe_Qu_notification", token: fingerprintOf("t")},
		},
		{
			"a rider whose topic is its group", rider, `{"uid":"9","topic":"openfood_rider"}`,
			registration{uid: "9", group: riders},
		},
		{
			"merchant's app", merchant, `{"uid":5,"topic":"store_1_base_notification","client":"app","device_id":"d"}`,
			registration{uid: "5", group: merchantApps, topic: "store_1_base_notification"},
		},
		{
			"merchant's pos", merchant, `{"uid":5,"topic":"store_1_base_notification","client":"pos","device_id":"p-1","token":"x"}`,
			registration{
				uid: "5", group: merchantPoses, topic: "store_1_base_notification",
				posTopic: "pos_1_base_notification", device: "p-1", token: fingerprintOf("x"),
			},
		},
		{
			"a pos without topic and device", merchant, `{"uid":1,"client":"pos"}`,
			registration{uid: "1", group: merchantPoses},
		},
		{
			"a pos whose topic is one word", merchant, `{"uid":1,"client":"pos","topic":"store"}`,
			registration{uid: "1", group: merchantPoses, topic: "store", posTopic: "pos"},
		},
		{
			"a pos whose topic is the pos's", merchant, `{"uid":1,"client":"pos","topic":"pos_1"}`,
			registration{uid: "1", group: merchantPoses, topic: "pos_1"},
		},
		{
			"merchant's pad", merchant, `{"uid":5,"client":"pad"}`,
			registration{uid: "5", group: merchantPads},
		},
		{
			"a merchant that does not say what it is", merchant, `{"uid":5,"topic":"store_1"}`,
			registration{uid: "5", topic: "store_1"},
		},
		{
			"h5 person", h5, `{"uid":12,"type":"h5","connect_type":"person"}`,
			registration{uid: "12", group: h5s},
		},
		{
			"h5 without connect_type", h5, `{"uid":12}`,
			registration{uid: "12", group: h5s},
		},
		{
			"h5 table", h5, `{"uid":"3_14","connect_type":"table","token":5}`,
			registration{uid: "3_14", table: true, group: h5s, topic: "h5_3_14_base_notification"},
		},
		{
			"platform", platform, `{"uid":1,"type":"platform"}`,
			registration{uid: "1", group: platforms},
		},
		{
			"null is absent", rider, ` {"uid":1,"topic":null,"token":null,"type":null} `,
			registration{uid: "1", group: riders},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, refused := parseSetConnect(tt.kind, []byte(tt.arg))
			if refused != nil {
				t.Fatalf("refused: %v", *refused)
			}
			if got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// TestUID is SPEC.md §2: a number or a string, and 1 and "1" are one user.
func TestUID(t *testing.T) {
	tests := []struct {
		raw  string
		want string
		code refusalCode
	}{
		{`1`, "1", 0},
		{`"1"`, "1", 0},
		{`9007199254740993`, "9007199254740993", 0}, // above 2^53
		{`1234567890123456789`, "1234567890123456789", 0},
		{`123456789012345678901234567890`, "123456789012345678901234567890", 0},
		{`-5`, "-5", 0},
		{`" ab c "`, "ab c", 0},
		{`"\u6d4b\u8bd5"`, "测试", 0},
		{`"00"`, "00", 0},
		{`1.0`, "", wrongType},
		{`1e3`, "", wrongType},
		{`true`, "", wrongType},
		{`[1]`, "", wrongType},
		{`{"a":1}`, "", wrongType},
		{`0`, "", missingField},
		{`-0`, "", missingField},
		{`"0"`, "", missingField},
		{`""`, "", missingField},
		{`"  "`, "", missingField},
		{`null`, "", missingField},
		{`"a\r\nb"`, "", badValue},
		{`"a\u0000"`, "", badValue},
		{`"\u007f"`, "", badValue},
		{`"\u0085"`, "", badValue},
	}
	for _, tt := range tests {
		got, refused := parseSetConnect(customer, []byte(`{"uid":`+tt.raw+`}`))
		if code := codeOf(refused); code != tt.code || got.uid != tt.want {
			t.Errorf("uid %s: got %q, code %d; want %q, code %d", tt.raw, got.uid, code, tt.want, tt.code)
		}
	}
	if _, refused := parseSetConnect(customer, []byte(`{"type":"customer"}`)); codeOf(refused) != missingField {
		t.Errorf("no uid: code %d, want %d", codeOf(refused), missingField)
	}
}

func TestSetConnectRefusals(t *testing.T) {
	tests := []struct {
		kind    kind
		arg     string
		code    refusalCode
		message string // its start: the field that is wrong
	}{
		{rider, ``, notAnObject, "set_connect"},
		{rider, `null`, notAnObject, "set_connect"},
		{rider, `1`, notAnObject, "set_connect"},
		{rider, `"{}"`, notAnObject, "set_connect"},
		{rider, `[{"uid":1}]`, notAnObject, "set_connect"},
		{rider, `{"uid":1`, notAnObject, "set_connect"},
		{rider, `{"uid":1,"topic":5}`, wrongType, "topic:"},
		{rider, `{"uid":1,"token":{}}`, wrongType, "token:"},
		{rider, `{"uid":1,"type":5}`, wrongType, "type:"},
		{rider, `{"uid":1,"type":"customer"}`, badValue, "type:"},
		{rider, `{"uid":1,"topic":"a\nb"}`, badValue, "topic:"},
		{rider, `{"uid":1,"token":"\u001b"}`, badValue, "token:"},
		{merchant, `{"uid":1,"client":"tv"}`, badValue, "client:"},
		{merchant, `{"uid":1,"client":3}`, wrongType, "client:"},
		{merchant, `{"uid":1,"client":"pos","device_id":3}`, wrongType, "device_id:"},
		{h5, `{"uid":1,"connect_type":"chair"}`, badValue, "connect_type:"},
		{h5, `{"uid":1,"connect_type":true}`, wrongType, "connect_type:"},
		{h5, `{"uid":12,"connect_type":"table"}`, badValue, "uid:"},
		{h5, `{"uid":"_1","connect_type":"table"}`, badValue, "uid:"},
		{h5, `{"uid":"1_","connect_type":"table"}`, badValue, "uid:"},
		{h5, `{"connect_type":"table"}`, missingField, "uid:"},
	}
	for _, tt := range tests {
		reg, refused := parseSetConnect(tt.kind, []byte(tt.arg))
		if codeOf(refused) != tt.code || !strings.HasPrefix(refused.Message, tt.message) {
			t.Errorf("%v %s: refused %+v, want code %d about %s", tt.kind, tt.arg, refused, tt.code, tt.message)
		}
		if reg != (registration{}) {
			t.Errorf("%v %s: refused, yet %+v", tt.kind, tt.arg, reg)
		}
	}
}

// TestFieldBounds is the over-long value of SPEC.md §2, at each bound and one
// byte over it, in plain text and in its longest spelling.
func TestFieldBounds(t *testing.T) {
	tests := []struct {
		kind  kind
		field string
		other string
		bound int
	}{
		{customer, "uid", ``, 256},
		{customer, "token", `"uid":1,`, 4096},
		{rider, "topic", `"uid":1,`, 256},
		{rider, "token", `"uid":1,`, 4096},
		{merchant, "topic", `"uid":1,"client":"pos",`, 256},
		{merchant, "device_id", `"uid":1,"client":"pos",`, 256},
		{merchant, "token", `"uid":1,`, 4096},
		{platform, "uid", ``, 256},
	}
	for _, tt := range tests {
		for _, unit := range []string{"a", `\u0061`} {
			at := `{` + tt.other + `"` + tt.field + `":"` + strings.Repeat(unit, tt.bound) + `"}`
			if _, refused := parseSetConnect(tt.kind, []byte(at)); refused != nil {
				t.Errorf("%v: %s of %d bytes: refused, %s", tt.kind, tt.field, tt.bound, refused.Message)
			}
			over := strings.Replace(at, `"}`, unit+`"}`, 1)
			_, refused := parseSetConnect(tt.kind, []byte(over))
			if codeOf(refused) != tooLong || !strings.HasPrefix(refused.Message, tt.field+":") {
				t.Errorf("%v: %s of %d bytes: %+v, want code %d", tt.kind, tt.field, tt.bound+1, refused, tooLong)
			}
		}
	}
	over := `{"uid":1,"client":"` + strings.Repeat("a", 257) + `"}`
	if _, refused := parseSetConnect(merchant, []byte(over)); codeOf(refused) != tooLong {
		t.Errorf("client of 257 bytes: %+v, want code %d", refused, tooLong)
	}
	for digits, want := range map[int]refusalCode{256: 0, 257: tooLong} {
		_, refused := parseSetConnect(platform, []byte(`{"uid":`+strings.Repeat("1", digits)+`}`))
		if codeOf(refused) != want {
			t.Errorf("uid of %d digits: code %d, want %d", digits, codeOf(refused), want)
		}
	}
}

func FuzzSetConnect(f *testing.F) {
	for _, arg := range []string{
		`{"uid":1,"type":"rider","topic":"rider_Tianhe_Qu_notification","token":"t"}`,
		`{"uid":"3_14","connect_type":"table"}`,
		`{"uid":5,"topic":"store_1_base_notification","client":"pos","device_id":"p","token":"x"}`,
		`{"uid":null}`, `{"uid":{"uid":1}}`, `[]`, `null`, `"`, `{"uid":"\ud800"}`, `{"uid":-}`,
	} {
		f.Add(uint8(merchant), []byte(arg))
	}
	f.Fuzz(func(t *testing.T, k uint8, arg []byte) {
		reg, refused := parseSetConnect(kind(k)%show, arg)
		if refused != nil {
			if refused.Code == 0 || refused.Message == "" {
				t.Errorf("refused with %+v", *refused)
			}
			return
		}
		if reg.uid == "" || reg.uid == "0" || len(reg.uid) > maxField || len(reg.device) > maxField {
			t.Errorf("accepted uid %q, device %q", reg.uid, reg.device)
		}
		if strings.ContainsAny(reg.uid+reg.topic+reg.device, "\x00\r\n") {
			t.Errorf("accepted control characters: %+v", reg)
		}
	})
}

func codeOf(r *refusal) refusalCode {
	if r == nil {
		return 0
	}
	return r.Code
}

// TestRegistrationKeepsNothing: the packet's memory is used again once the
// handler has returned.
func TestRegistrationKeepsNothing(t *testing.T) {
	for k, text := range map[kind]string{
		merchant: `{"uid":"8","type":"merchant","topic":"store_1_base","client":"pos","device_id":"p-1","token":"x"}`,
		h5:       `{"uid":"3_5","connect_type":"table"}`,
		rider:    `{"uid":9,"topic":"rider_east","token":"esc\u0061ped"}`,
	} {
		arg := []byte(text)
		got, refused := parseSetConnect(k, arg)
		if refused != nil {
			t.Fatalf("%v: %s", k, refused.Message)
		}
		clear(arg)
		if want, _ := parseSetConnect(k, []byte(text)); got != want {
			t.Errorf("%v: it is %+v when the packet is gone, was %+v", k, got, want)
		}
	}
}
