package socketio_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mailru/easyjson/jwriter"

	"outrider/engineio"
	"outrider/socketio"
)

type point struct{ X, Y int }

func (p *point) MarshalJSON() ([]byte, error) { return []byte(`{"x":1, "y":2}`), nil }

type easy struct{ text string }

func (e easy) MarshalEasyJSON(w *jwriter.Writer) { w.RawString(e.text) }

func TestEncodeEvent(t *testing.T) {
	var noPoint *point
	var noEasy *easy
	for _, test := range []struct {
		args []any
		want string // of revision 4
		old  string // of revision 3, if it is another
	}{
		{nil, `2["m"]`, ""},
		{[]any{nil, true, false, 1, int64(-2), int32(3), uint64(math.MaxUint64), uint32(5), uint8(6), 1.5, 1e21}, `2["m",null,true,false,1,-2,3,18446744073709551615,5,6,1.5,1e+21]`, ""},
		{[]any{"connect success"}, `2["m","connect success"]`, ""},
		{[]any{`{"id":1234567890123456789,"t":"\u00e9"}`}, `2["m","{\"id\":1234567890123456789,\"t\":\"\\u00e9\"}"]`, ""},
		{[]any{"a\"\\\b\f\n\r\t\x00\x1e\x1f\x7f/<>&"}, `2["m","a\"\\\b\f\n\r\t\u0000\u001e\u001f` + "\x7f" + `/<>&"]`, ""},
		{[]any{"é😀\u2028"}, "2[\"m\",\"é😀\u2028\"]", `2["m","\u00e9\ud83d\ude00\u2028"]`},
		{[]any{"a\xffb\xed\xa0\x80"}, "2[\"m\",\"a\uFFFDb\uFFFD\uFFFD\uFFFD\"]", `2["m","a\ufffdb\ufffd\ufffd\ufffd"]`},
		{[]any{json.RawMessage(`{"a": 1.0, "é":[ ]}`)}, `2["m",{"a": 1.0, "é":[ ]}]`, `2["m",{"a": 1.0, "\u00e9":[ ]}]`},
		{[]any{json.RawMessage(nil)}, `2["m",null]`, ""},
		{[]any{json.RawMessage("\"\xff\"")}, "2[\"m\",\"\uFFFD\"]", `2["m","\ufffd"]`},
		{[]any{json.RawMessage(`"\ud800"`)}, `2["m","\ud800"]`, ""},
		{[]any{map[string]any{"b": "<é>", "a": []int{1}}}, `2["m",{"a":[1],"b":"<é>"}]`, `2["m",{"a":[1],"b":"<\u00e9>"}]`},
		{[]any{point{1, 2}, &point{1, 2}, noPoint}, `2["m",{"X":1,"Y":2},{"x":1,"y":2},null]`, ""},
		{[]any{easy{`{"é":1}`}, &easy{"[]"}, noEasy}, `2["m",{"é":1},[],null]`, `2["m",{"\u00e9":1},[],null]`},
		{[]any{[]byte{1}, "x", []byte{2}}, `52-["m",{"_placeholder":true,"num":0},"x",{"_placeholder":true,"num":1}]`, ""},
		{[]any{[]byte(nil)}, `51-["m",{"_placeholder":true,"num":0}]`, ""},
		{[]any{struct {
			B []byte `json:"b"`
		}{[]byte("abc")}}, `2["m",{"b":"YWJj"}]`, ""},
		{
			[]any{[]byte{1}, socketio.WithAttachments{Value: map[string]any{"a": socketio.Placeholder(1), "b": socketio.Placeholder(0)}, Attachments: [][]byte{{2}, {3}}}, []byte{4}},
			`54-["m",{"_placeholder":true,"num":0},{"a":{"_placeholder":true,"num":2},"b":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":3}]`, "",
		},
	} {
		for rev, want := range map[engineio.Revision]string{engineio.Revision4: test.want, engineio.Revision3: test.old} {
			if want == "" {
				want = test.want
			}
			got, _, err := socketio.EncodeEvent(rev, "/", "m", test.args...)
			if err != nil || got != want {
				t.Errorf("revision %v: got\n%s %v\nwant\n%s", rev, got, err, want)
			}
			if _, err := socketio.ParsePacket([]byte(got)); err != nil {
				t.Errorf("%s: %v", got, err)
			}
		}
	}
}

func TestEncodeNamespaceAndName(t *testing.T) {
	for _, test := range []struct{ namespace, event, want string }{
		{"/", "a", `2["a"]`},
		{"/socket/rider", "a\"é", `2/socket/rider,["a\"\u00e9"]`},
	} {
		if got, _, err := socketio.EncodeEvent(engineio.Revision3, test.namespace, test.event); err != nil || got != test.want {
			t.Errorf("got %s, %v, want %s", got, err, test.want)
		}
	}
}

func TestEncodeErrors(t *testing.T) {
	for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
		if _, err := socketio.Prepare(name); !errors.Is(err, socketio.ErrReserved) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"error", "message", "", "connection"} {
		if _, err := socketio.Prepare(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, arg := range []any{
		math.NaN(), math.Inf(1), func() {}, make(chan int), json.RawMessage(`{`), json.RawMessage(``), json.RawMessage(`1 2`),
		json.RawMessage(strings.Repeat("[", 2000) + strings.Repeat("]", 2000)),
		easy{"{"},
		easy{`1,"x"`},
		socketio.WithAttachments{Value: socketio.Placeholder(1), Attachments: [][]byte{{1}}},
		socketio.WithAttachments{Value: []byte{1}},
		map[string]any{"a": func() {}},
	} {
		if _, err := socketio.Prepare("m", arg); !errors.Is(err, socketio.ErrArgument) {
			t.Errorf("%.50v: %v", arg, err)
		}
	}
}

func TestEncodeConnectError(t *testing.T) {
	for _, test := range []struct {
		data      any
		new4, old string
	}{
		{nil, `{"message":"no \"é\""}`, `"no \"é\""`},
		{map[string]int{"code": 7}, `{"message":"no \"é\"","data":{"code":7}}`, `{"code":7}`},
	} {
		if got, err := socketio.EncodeConnectError(engineio.Revision4, `no "é"`, test.data); err != nil || got != test.new4 {
			t.Errorf("%s, %v", got, err)
		}
		if got, err := socketio.EncodeConnectError(engineio.Revision3, `no "é"`, test.data); err != nil || got != test.old {
			t.Errorf("%s, %v", got, err)
		}
	}
	if _, err := socketio.EncodeConnectError(engineio.Revision4, "", []byte{1}); !errors.Is(err, socketio.ErrArgument) {
		t.Errorf("binary data: %v", err)
	}
}

func TestQueryJSON(t *testing.T) {
	for query, want := range map[string]string{
		"token=abc&x=1": `{"token":"abc","x":"1"}`, "a=1&b=2&a=3": `{"a":"3","b":"2"}`, "a": `{"a":""}`, "": `{}`,
		"a=%C3%A9+%22&%zz=%": `{"a":"é \"","%zz":"%"}`, "&&a=b=c&": `{"a":"b=c"}`, "__proto__=1": `{"__proto__":"1"}`, "a=%ff": "{\"a\":\"\uFFFD\"}",
	} {
		if got := socketio.QueryJSON(query); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}

// FuzzEncodeString: any string arrives as encoding/json reads it, at both revisions, and as valid UTF-8.
func FuzzEncodeString(f *testing.F) {
	for _, s := range []string{"", "a", "é😀", "\x00\x1e\"\\", "\xff", "\xed\xa0\x80", "\u2028", "</script>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := strings.ToValidUTF8(s, "\xff")
		for _, rev := range []engineio.Revision{engineio.Revision3, engineio.Revision4} {
			text, _, err := socketio.EncodeEvent(rev, "/", "m", s, json.RawMessage("1"))
			if err != nil || !utf8.ValidString(text) {
				t.Fatalf("%q, %v", text, err)
			}
			if rev == engineio.Revision3 && strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) {
				t.Fatalf("%q is not ASCII", text)
			}
			var got []any
			if err := json.Unmarshal([]byte(text[1:]), &got); err != nil {
				t.Fatal(err)
			}
			if utf8.ValidString(s) && got[1] != s || !utf8.ValidString(want) && got[1] == s {
				t.Fatalf("%q arrives as %q", s, got[1])
			}
		}
	})
}

func BenchmarkPrepare(b *testing.B) {
	data := `{"title":"New Order","id":1234567890123456789,"items":[{"sku":1,"n":2},{"sku":2,"n":1}]}`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := socketio.Prepare("message", data); err != nil {
			b.Fatal(err)
		}
	}
}
