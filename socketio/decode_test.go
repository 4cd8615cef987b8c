package socketio_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"outrider/socketio"
)

// packets are the examples of the protocol (PROTOCOL.md 2.1 to 2.6) and of its test suite, as they stand behind the
// engine's digit.
var packets = []struct {
	text        string
	kind        socketio.PacketType
	attachments int
	namespace   string
	id          string // "" for none
	data        string
	canonical   string // "" if it is text
}{
	{text: `0`, kind: socketio.PacketConnect},
	{text: `0{"token":"123"}`, kind: socketio.PacketConnect, data: `{"token":"123"}`},
	{text: `0 {"a" : 1 } `, kind: socketio.PacketConnect, data: ` {"a" : 1 } `},
	{text: `0/custom,`, kind: socketio.PacketConnect, namespace: "/custom"},
	{text: `0/custom`, kind: socketio.PacketConnect, namespace: "/custom", canonical: `0/custom,`},
	{text: `0/custom,{"token":"abc"}`, kind: socketio.PacketConnect, namespace: "/custom", data: `{"token":"abc"}`},
	{text: `0/ns?token=abc&x=1`, kind: socketio.PacketConnect, namespace: "/ns?token=abc&x=1", canonical: `0/ns?token=abc&x=1,`},
	{text: `0/,{}`, kind: socketio.PacketConnect, data: `{}`, canonical: `0{}`},
	{text: `0/é,`, kind: socketio.PacketConnect, namespace: "/é"},
	{text: `1`, kind: socketio.PacketDisconnect},
	{text: `1/custom,`, kind: socketio.PacketDisconnect, namespace: "/custom"},
	{text: `2`, kind: socketio.PacketEvent},
	{text: `212`, kind: socketio.PacketEvent, id: "12"},
	{text: `2["message",1,"2",{"3":[true]}]`, kind: socketio.PacketEvent, data: `["message",1,"2",{"3":[true]}]`},
	{text: `2/custom,["a"]`, kind: socketio.PacketEvent, namespace: "/custom", data: `["a"]`},
	{text: `2456["message-with-ack",1]`, kind: socketio.PacketEvent, id: "456", data: `["message-with-ack",1]`},
	{text: `2/a,0["b"]`, kind: socketio.PacketEvent, namespace: "/a", id: "0", data: `["b"]`},
	{text: `2007["b"]`, kind: socketio.PacketEvent, id: "7", data: `["b"]`, canonical: `27["b"]`},
	{text: `2[1,2]`, kind: socketio.PacketEvent, data: `[1,2]`},
	{text: `2[-1.5e3]`, kind: socketio.PacketEvent, data: `[-1.5e3]`},
	{text: `2["error",{"a":1}]`, kind: socketio.PacketEvent, data: `["error",{"a":1}]`},
	{text: `2["__proto__"]`, kind: socketio.PacketEvent, data: `["__proto__"]`},
	{text: `2["a",{"__proto__":1}]`, kind: socketio.PacketEvent, data: `["a",{"__proto__":1}]`},
	{text: `2["\u0000"]`, kind: socketio.PacketEvent, data: `["\u0000"]`},
	{text: `2["a",1e999,"\ud800",{"k":1,"k":2}]`, kind: socketio.PacketEvent, data: `["a",1e999,"\ud800",{"k":1,"k":2}]`},
	{text: `2["é😀"]`, kind: socketio.PacketEvent, data: `["é😀"]`},
	{text: `3[]`, kind: socketio.PacketAck, data: `[]`},
	{text: `3456[1,"2",{"3":[false]}]`, kind: socketio.PacketAck, id: "456", data: `[1,"2",{"3":[false]}]`},
	{text: `3/admin,13["bar"]`, kind: socketio.PacketAck, namespace: "/admin", id: "13", data: `["bar"]`},
	{text: `31`, kind: socketio.PacketAck, id: "1"},
	{text: `3["connect"]`, kind: socketio.PacketAck, data: `["connect"]`},
	{text: `4{"message":"Not authorized"}`, kind: socketio.PacketConnectError, data: `{"message":"Not authorized"}`},
	{text: `4/ns,"text"`, kind: socketio.PacketConnectError, namespace: "/ns", data: `"text"`},
	{
		text: `52-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`,
		kind: socketio.PacketBinaryEvent, attachments: 2,
		data: `["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`,
	},
	{
		text: `51-/admin,456["project:delete",{"a":[{"num":0,"_placeholder":true,"x":{}}]}]`,
		kind: socketio.PacketBinaryEvent, attachments: 1, namespace: "/admin", id: "456",
		data: `["project:delete",{"a":[{"num":0,"_placeholder":true,"x":{}}]}]`,
	},
	{text: `50-["a"]`, kind: socketio.PacketBinaryEvent, data: `["a"]`},
	{text: `50-["a",{"_placeholder":true,"num":9}]`, kind: socketio.PacketBinaryEvent, data: `["a",{"_placeholder":true,"num":9}]`},
	{text: `510-["a"]`, kind: socketio.PacketBinaryEvent, attachments: 10, data: `["a"]`},
	{text: `501-["a"]`, kind: socketio.PacketBinaryEvent, attachments: 1, data: `["a"]`, canonical: `51-["a"]`},
	{text: `60-/ns,1[]`, kind: socketio.PacketBinaryAck, namespace: "/ns", id: "1", data: `[]`},
	{
		text: `61-13[{"_placeholder":true,"num":0}]`, kind: socketio.PacketBinaryAck, attachments: 1, id: "13",
		data: `[{"_placeholder":true,"num":0}]`,
	},
	{text: `51-["a",{"_placeholder":false,"num":"x"}]`, kind: socketio.PacketBinaryEvent, attachments: 1, data: `["a",{"_placeholder":false,"num":"x"}]`},
	{text: `51-["a",{"_placeholder":"true"}]`, kind: socketio.PacketBinaryEvent, attachments: 1, data: `["a",{"_placeholder":"true"}]`},
}

func TestParsePacket(t *testing.T) {
	for _, test := range packets {
		t.Run(test.text, func(t *testing.T) {
			p, err := socketio.ParsePacket([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			id := ""
			if p.HasID {
				id = fmt.Sprint(p.ID)
			}
			if p.Type != test.kind || p.Attachments != test.attachments || string(p.Namespace) != test.namespace ||
				id != test.id || string(p.Data) != test.data {
				t.Errorf("got %v, %d attachments, namespace %q, id %q, data %s", p.Type, p.Attachments, p.Namespace, id, p.Data)
			}
			want := test.canonical
			if want == "" {
				want = test.text
			}
			if back, err := p.AppendText(nil); err != nil || string(back) != want {
				t.Errorf("written as %s, %v, want %s", back, err, want)
			}
		})
	}
}

// malformed closes the connection that it comes from (PROTOCOL.md 2.3, RELIABILITY.md 2 rows 89 to 104).
var malformed = []string{
	"", "7", "x", "9[]", "abc", "-",
	`0"text"`, `0[]`, `0null`, `0{`, `0{"a":}`, `0{}x`, `0 `, `0,{}`,
	`1{}`, `1[]`, `1/a,{}`, `1 `,
	`2{}`, `2[]`, `2[null]`, `2[true]`, `2[{"toString":"foo"}]`, `2[["a"]]`, `2"a"`, `2null`, `2abc["a"]`, `2["a"`, `2["a"]]`, `2["a",]`,
	`2["a" "b"]`, `2["a",NaN]`, `2["a",01]`, `2["a",+1]`, `2["a",.5]`, `2["a",1.]`, `2["a",'b']`, "2[\"a\x00\"]", "2[\"\xff\"]",
	"2[\"\xed\xa0\x80\"]", "2[\"a\"\xc2\xa0]", `2["a\x"]`, `2["\u12g4"]`, `2["\u123`, `2["\`, `2["a",tru]`, `2["a",{1:2}]`, `2["a",{"b"}]`, `2["a",{"b":1,}]`, `2["a",[1}]`, `2 `,
	`2["connect"]`, `2["connect_error"]`, `2["disconnect"]`, `2["disconnecting"]`, `2["newListener"]`, `2["removeListener"]`,
	`2["\u0063onnect"]`, `2["disc\u006fnnect",1]`,
	`2-1["a"]`, `21.5["a"]`, `21234567890123456["a"]`, `2` + strings.Repeat("9", 26) + `["a"]`, `2` + strings.Repeat("9", 900_000),
	`3{}`, `3"a"`, `3[1`, `4[]`, `41`[:1] + `null`, `4true`,
	`5["a"]`, `5`, `5-["a"]`, `51`, `51["a"]`, `51-`, `5x-["a"]`, `5-1-["a"]`, `51.5-["a"]`, `511-["a"]`, `51000-/ns,["a"]`,
	`52147483648-["a"]`, `518446744073709551616-["a"]`, `518446744073709551617-["a"]`, `5` + strings.Repeat("0", 900_000),
	`51-{}`, `51-["connect"]`,
	`51-/ns,["hello",{"_placeholder":true,"num":"splice"}]`, `51-["a",{"_placeholder":true,"num":99}]`,
	`51-["a",{"_placeholder":true,"num":-1}]`, `51-["a",{"_placeholder":true,"num":0.5}]`, `51-["a",{"_placeholder":true}]`,
	`51-["a",{"_placeholder":true,"num":1}]`, `51-["a",{"_placeholder":true,"num":[0]}]`, `51-["a",{"_placeholder":true,"num":1000000000000}]`,
	`51-["a",{"_placeholder":true,"num":0,"num":{}}]`, `61-[{"x":[{"_placeholder":true,"num":1}]}]`,
	`2/` + strings.Repeat("a", 900_000), `0/` + strings.Repeat("a", 900_000) + `,`, "0/\xff,",
	`2["a",` + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000) + `]`,
	`2["a",` + strings.Repeat(`{"a":`, 50_000) + `1` + strings.Repeat("}", 50_000) + `]`,
	`2["a",` + strings.Repeat("[", 200_000),
}

func TestParsePacketMalformed(t *testing.T) {
	for _, text := range malformed {
		p, err := socketio.ParsePacket([]byte(text))
		if !errors.Is(err, socketio.ErrPacket) {
			t.Errorf("%.60q: got %v, %v", text, p, err)
		}
	}
}

// TestParseLimits tries each limit, and one more.
func TestParseLimits(t *testing.T) {
	lim := socketio.Limits{Attachments: 3, AckDigits: 4, Namespace: 5, Depth: 6}
	for _, test := range []struct{ good, bad string }{
		{`53-["a"]`, `54-["a"]`},
		{`21234["a"]`, `212345["a"]`},
		{`2/1234,["a"]`, `2/12345,["a"]`},
		{`0/1234`, `0/12345`},
		{`2["a",[[[[[]]]]]]`, `2["a",[[[[[[]]]]]]]`},
		{`2["a",{"a":[{"a":[{}]}]}]`, `2["a",{"a":[{"a":[{"a":[]}]}]}]`},
		{`0{"a":[[[[[]]]]]}`, `0{"a":[[[[[[]]]]]]}`},
	} {
		if _, err := socketio.Parse([]byte(test.good), lim); err != nil {
			t.Errorf("%s: %v", test.good, err)
		}
		if _, err := socketio.Parse([]byte(test.bad), lim); err == nil {
			t.Errorf("%s: accepted", test.bad)
		}
	}
	none := socketio.Limits{AckDigits: 0, Attachments: 0, Depth: 1, Namespace: 1}
	for text, want := range map[string]bool{`50-["a"]`: true, `51-["a"]`: false, `2["a"]`: true, `21["a"]`: false, `2["a",[]]`: false, `0/`: true} {
		if _, err := socketio.Parse([]byte(text), none); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestEventName(t *testing.T) {
	for text, want := range map[string]string{
		`2["message"]`: "message", `2["a\u0062\n"]`: "ab\n", `2[12]`: "12", `2[ -1.50 ,1]`: "-1.50", `2["é"]`: "é", `2[""]`: "",
	} {
		p, err := socketio.Parse([]byte(text), socketio.Limits{Depth: 3})
		if err != nil || p.Name() != want {
			t.Errorf("%s: %q, %v", text, p.Name(), err)
		}
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	for _, text := range []string{
		`2/socket/rider,["set_connect",{"uid":12345,"type":"rider","topic":"rider_Tianhe_Qu_notification","token":"fcm"}]`,
		`2/socket/rider,17["a",1,2,3,4,5,6,7,8]`,
		`0{"token":"x"}`,
		`52-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`,
		malformed[len(malformed)-3], malformed[len(malformed)-2],
	} {
		input := []byte(text)
		if n := testing.AllocsPerRun(100, func() { socketio.DecodeOnly(input) }); n != 0 {
			t.Errorf("%.40s: %v allocations", text, n)
		}
	}
}

func FuzzParsePacket(f *testing.F) {
	for _, p := range packets {
		f.Add([]byte(p.text))
	}
	for _, text := range malformed {
		if len(text) < 1000 {
			f.Add([]byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := socketio.ParsePacket(text)
		if err != nil {
			if !errors.Is(err, socketio.ErrPacket) {
				t.Fatalf("not an ErrPacket: %v", err)
			}
			return
		}
		back, err := p.AppendText(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := socketio.ParsePacket(back)
		if err != nil {
			t.Fatalf("%q, written as %q: %v", text, back, err)
		}
		if p.Type != again.Type || p.Attachments != again.Attachments || string(p.Namespace) != string(again.Namespace) ||
			p.HasID != again.HasID || p.ID != again.ID || string(p.Data) != string(again.Data) {
			t.Fatalf("%q, written as %q, read as %+v", text, back, again)
		}
		parsed, err := socketio.Parse(text, socketio.Limits{Attachments: 10, AckDigits: 15, Namespace: 4096, Depth: 512})
		if err != nil {
			t.Fatal(err)
		}
		if p.Type == socketio.PacketEvent || p.Type == socketio.PacketBinaryEvent {
			checkArgs(t, &parsed)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for _, bm := range []struct{ name, text string }{
		{"connect", `0/rider,{"token":"cGxlYXNlLCBubyByZWFsIHRva2Vucw"}`},
		{"event", `2/socket/rider,["set_connect",{"uid":12345,"type":"rider","topic":"rider_Tianhe_Qu_notification","token":"cGxlYXNlLCBubyByZWFsIHRva2Vucw"}]`},
		{"binary-event", `52-/rider,17["photo",{"_placeholder":true,"num":0},{"small":{"_placeholder":true,"num":1}}]`},
		{"ack", `3/rider,17[{"code":0,"message":""}]`},
	} {
		b.Run("packet="+bm.name, func(b *testing.B) {
			text := []byte(bm.text)
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if err := socketio.DecodeOnly(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestDecodeMemory: what a packet makes the server allocate is bounded by its size (RELIABILITY.md 4).
func TestDecodeMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const size = 900_000
	for name, text := range map[string]string{
		"one event":       `2["a","` + strings.Repeat("x", size) + `"]`,
		"many arguments":  `2["a"` + strings.Repeat(",1", size/2) + `]`,
		"escaped name":    `2["` + strings.Repeat(`\n`, size/2) + `"]`,
		"numbers":         `2["a",` + strings.Repeat("1", size) + `]`,
		"keys":            `2["a",{"k":1` + strings.Repeat(`,"k":1`, size/6) + `}]`,
		"placeholders":    `51-["a"` + strings.Repeat(`,{"_placeholder":true,"num":0}`, size/30) + `]`,
		"deep":            `51-["a",` + strings.Repeat(`[`, 511) + strings.Repeat(`]`, 511) + `]`,
		"too deep":        `51-["a",` + strings.Repeat(`[`, size) + `]`,
		"long namespace":  `2/` + strings.Repeat("a", size) + `,["a"]`,
		"long ack id":     `2` + strings.Repeat("1", size) + `["a"]`,
		"bad at the end":  `2["a"` + strings.Repeat(",1", size/2),
		"no attachments":  `5` + strings.Repeat("0", size) + `-["a"]`,
		"wide and broken": `2["a",` + strings.Repeat(`{"a":[1,2,{}]},`, size/15) + `]`,
	} {
		input := []byte(text)
		var before, after runtime.MemStats
		began := time.Now()
		runtime.ReadMemStats(&before)
		if p, err := socketio.Parse(input, socketio.Limits{Attachments: 10, AckDigits: 15, Namespace: 4096, Depth: 512}); err == nil {
			p.Args().Len()
		}
		runtime.ReadMemStats(&after)
		if got, bound := after.TotalAlloc-before.TotalAlloc, uint64(64<<10+8*len(text)); got > bound {
			t.Errorf("%s: %d bytes for %d", name, got, len(text))
		}
		if took := time.Since(began); took > 2*time.Second { // linear is some milliseconds
			t.Errorf("%s: %v", name, took)
		}
	}
}
