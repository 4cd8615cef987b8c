package socketio_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"outrider/socketio"
)

var jsonTexts = []string{
	`[]`, `[ ]`, `[1]`, `[1,2]`, ` [ 1 , 2 ] `, "[\t\"a\"\n,\r{}]", `[[],{},[[]],{"a":{}}]`, `[{"a":[{"b":null}],"c":"d"}]`,
	`["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"]`, `["é😀\u2028"]`, `[true,false,null]`, `[0,-0,1.5,-1e5,1E+5,1e-5,0.0e0]`,
	`[1,]`, `[,1]`, `[1 2]`, `[`, `]`, `[]]`, `[}`, `{}`, `"a"`, `1`, ``, ` `, `[-]`, `[01]`, `[1.]`, `[.1]`, `[1e]`, `[1e+]`, `[+1]`,
	`[tru]`, `[truex]`, `[nul`, `["a]`, "[\"\n\"]", "[\"\x7f\"]", `["\u12"]`, `["\u12345"]`, `["\"]`, `["\a"]`, `[{"a"}]`, `[{"a":}]`,
	`[{"a":1,}]`, `[{,}]`, `[{a:1}]`, `[{"a":1 "b":2}]`, `[{"a":1]`, "[\xff]", "[\"\xff\"]", "[\"\xc3\"]", "[\"\xed\xa0\x80\"]",
	"[1]\x00", "\x00[1]", "[\x00]", `[1]x`, "\ufeff[1]", `[1e999999999]`, `[123456789012345678901234567890]`, `[NaN]`, `[/**/1]`,
}

// FuzzSplit compares the splitter with encoding/json, which does not mind what is not UTF-8.
func FuzzSplit(f *testing.F) {
	for _, text := range jsonTexts {
		f.Add([]byte(text))
	}
	f.Add([]byte(strings.Repeat("[", 64) + strings.Repeat("]", 64)))
	f.Add([]byte(strings.Repeat(`[{"a":`, 64) + "1" + strings.Repeat("}]", 64)))
	const depth = 1024
	f.Fuzz(func(t *testing.T, text []byte) {
		if nesting(text) > depth {
			return
		}
		if got, want := socketio.ValidJSON(text, depth), json.Valid(text) && utf8.Valid(text); got != want {
			t.Fatalf("%q: valid %v, want %v", text, got, want)
		}
		var want []json.RawMessage
		isArray := utf8.Valid(text) && bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("[")) && json.Unmarshal(text, &want) == nil
		got, err := socketio.Split(text, depth)
		if (err == nil) != isArray {
			t.Fatalf("%q: %v, array %v", text, err, isArray)
		}
		if err != nil {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %d elements, want %d", text, len(got), len(want))
		}
		for i := range got {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("%q: element %d is %q, want %q", text, i, got[i], want[i])
			}
		}
	})
}

// nesting is at least the depth of text.
func nesting(text []byte) int {
	return bytes.Count(text, []byte("[")) + bytes.Count(text, []byte("{"))
}

func TestDepth(t *testing.T) {
	for _, depth := range []int{1, 2, 63, 64, 65, 128, 512, 1024} {
		arrays := strings.Repeat("[", depth) + strings.Repeat("]", depth)
		objects := strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
		mixed := strings.Repeat(`[{"a":`, depth/2) + "1" + strings.Repeat("}]", depth/2)
		for _, text := range []string{arrays, objects, mixed} {
			if text == "1" {
				continue
			}
			if !socketio.ValidJSON([]byte(text), depth) {
				t.Errorf("depth %d: %.20s refused", depth, text)
			}
			if nesting([]byte(text)) == depth && socketio.ValidJSON([]byte(text), depth-1) {
				t.Errorf("depth %d: %.20s accepted with one less", depth, text)
			}
		}
		if _, err := socketio.Split([]byte(arrays), depth); err != nil {
			t.Errorf("split at depth %d: %v", depth, err)
		}
		if _, err := socketio.Split([]byte(arrays), depth-1); err == nil {
			t.Errorf("split at depth %d: accepted with one less", depth)
		}
	}
}

func BenchmarkSplit(b *testing.B) {
	text := []byte(`["message","{\"title\":\"New Order\",\"id\":1234567890123456789,\"items\":[{\"sku\":1,\"n\":2},{\"sku\":2,\"n\":1}]}",{"a":[1,2,3,{"b":"c"}]}]`)
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		socketio.ValidJSON(text, 512)
	}
}
