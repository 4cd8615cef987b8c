package pushhttp_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"outrider/pushhttp"
)

func TestCompact(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"scalar", ` 5 `, `5`},
		{"nothing to do", `{"a":[1,2,{"b":null}]}`, `{"a":[1,2,{"b":null}]}`},
		{"all four spaces", " {\t\"a\"\r\n: [ 1 ,\t2 ] } \n", `{"a":[1,2]}`},
		{"space in strings stays", `[ " a \t b " , "\u0020" ]`, `[" a \t b ","\u0020"]`},
		{"row 127: digits stay", `{ "id": 1234567890123456789, "p": 9007199254740993 }`, `{"id":1234567890123456789,"p":9007199254740993}`},
		{"numbers stay as written", `[ 1.0, 1e5, 1E+05, -0, -0.0, 0.10, 1e999 ]`, `[1.0,1e5,1E+05,-0,-0.0,0.10,1e999]`},
		{"order and duplicates stay", `{ "b": 1, "a": 2, "b": 3 }`, `{"b":1,"a":2,"b":3}`},
		{"escapes stay", `"\/\u00e9\"\\\b\f\n\r\t\ud83d\ude00"`, `"\/\u00e9\"\\\b\f\n\r\t\ud83d\ude00"`},
		{"lone surrogate is grammar", `"\ud800"`, `"\ud800"`},
		{"UTF-8 stays", `[ "é 新订单 😀` + "\u2028\x7f" + `" ]`, `["é 新订单 😀` + "\u2028\x7f" + `"]`},
		{"empty", ` [ { } , [ ] , "" , { "" : [ ] } ] `, `[{},[],"",{"":[]}]`},
		{"special bytes at every place of a word", `["1234567\"8","123456\\","é2345678","1é345678","12345é78"]`, `["1234567\"8","123456\\","é2345678","1é345678","12345é78"]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := pushhttp.Compact([]byte(tt.in), 16)
			if err != nil || string(got) != tt.want {
				t.Errorf("Compact(%s) = %s, %v, want %s", tt.in, got, err, tt.want)
			}
		})
	}
}

// TestCompactFind looks for the member data.
func TestCompactFind(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"only member", ` { "data" : [ 1 , 2 ] } `, `[1,2]`},
		{"between others", `{"a":{"data":1}, "data": "x" ,"b":2}`, `"x"`},
		{"last duplicate", `{"data":1,"data" : {"data" : 2 }}`, `{"data":2}`},
		{"nested ones do not count", `{"a":{"data":1}}`, ``},
		{"in an array it does not count", `[{"data":1}]`, ``},
		{"as a value it does not count", `{"a":"data","b":["data"]}`, ``},
		{"part of a name", `{"data2":1,"dat":2,"":3}`, ``},
		{"empty array", `{"data": [ ] }`, `[]`},
		{"number at the end", `{"data":12}`, `12`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, got, err := pushhttp.CompactFind([]byte(tt.in), 16, "data")
			if err != nil || string(got) != tt.want {
				t.Errorf("CompactFind(%s) = %s, %v, want %s", tt.in, got, err, tt.want)
			}
		})
	}
}

func TestCompactRefuses(t *testing.T) {
	tests := []struct{ name, in, message string }{
		{"row 112: empty", ``, "byte 0: a value is missing"},
		{"only space", "  \n", "byte 3: a value is missing"},
		{"row 112: broken", `{"a":`, "byte 5: a value is missing"},
		{"array not closed", `[1`, `byte 2: ']' is missing`},
		{"object not closed", `{"a":1`, `byte 6: '}' is missing`},
		{"closed with the wrong bracket", `[1}`, `byte 2: want ',' or ']'`},
		{"trailing comma", `[1,]`, "byte 3: want a value"},
		{"trailing comma in object", `{"a":1,}`, "byte 7: want the name of a member"},
		{"key is no string", `{a:1}`, "byte 1: want the name of a member"},
		{"no colon", `{"a" 1}`, "byte 5: want ':'"},
		{"single quotes", `['a']`, "byte 1: want a value"},
		{"comment", `[1 /* x */]`, "byte 3: want ','"},
		{"row 115: two documents", `{} {}`, "byte 3: text after the end"},
		{"row 115: NUL padding", "{}\x00", "byte 2: text after the end"},
		{"row 115: NaN", `[NaN]`, "byte 1: want a value"},
		{"row 104: Infinity", `[-Infinity]`, "byte 2: a number has no digits"},
		{"row 115: truncated UTF-8", "\"\xe6\x96\"", "byte 1: a string is not UTF-8"},
		{"overlong UTF-8", "\"\xc0\xaf\"", "byte 1: a string is not UTF-8"},
		{"surrogate in UTF-8", "\"\xed\xa0\x80\"", "byte 1: a string is not UTF-8"},
		{"row 115: UTF-16", "\xff\xfe{\x00}\x00", "byte 0: want a value"},
		{"UTF-16 without BOM", "{\x00}\x00", "byte 1: want the name"},
		{"BOM", "\xef\xbb\xbf{}", "byte 0: want a value"},
		{"control character", "\"a\nb\"", "byte 2: control character 0x0a"},
		{"NUL in a string", "\"\x00\"", "byte 1: control character 0x00"},
		{"control character in the ninth byte", "\"12345678\x1f\"", "byte 9: control character 0x1f"},
		{"string not closed", `"abc`, "byte 4: a string does not end"},
		{"string closed by an escaped quote", `"abc\"`, "byte 6: a string does not end"},
		{"backslash at the end", `"abc\`, "byte 4: a string does not end"},
		{"unknown escape", `"\x41"`, "byte 1: unknown escape"},
		{"short \\u", `"\u12"`, "byte 1: unknown escape"},
		{"\\u with a sign", `"\u+123"`, "byte 1: unknown escape"},
		{"upper case \\U", `"\U0041"`, "byte 1: unknown escape"},
		{"leading zero", `01`, "byte 2: a number begins with zeros"},
		{"plus", `+1`, "byte 0: want a value"},
		{"bare point", `.5`, "byte 0: want a value"},
		{"point at the end", `5.`, "byte 2: a number has no digits after its point"},
		{"bare exponent", `5e`, "byte 2: a number has no digits in its exponent"},
		{"hexadecimal", `0x10`, "byte 1: text after the end"},
		{"capital literal", `True`, "byte 0: want a value"},
		{"long literal", `nullx`, "byte 4: text after the end"},
		{"non-breaking space", "[1,\u00a02]", "byte 3: want a value"},
		{"vertical tab", "[1,\v2]", "byte 3: want a value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := pushhttp.Compact([]byte(tt.in), 16)
			if err == nil || !strings.Contains(err.Error(), tt.message) {
				t.Errorf("Compact(%q) = %s, %v, want an error with %q", tt.in, got, err, tt.message)
			}
		})
	}
}

// TestCompactDepth is also row 113.
func TestCompactDepth(t *testing.T) {
	nest := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	mixed := func(n int) string { return strings.Repeat(`{"a":[`, n/2) + strings.Repeat("]}", n/2) }
	for _, limit := range []int{2, 64, 512, pushhttp.HighestDepth} {
		for name, build := range map[string]func(int) string{"arrays": nest, "mixed": mixed} {
			if got, err := pushhttp.Compact([]byte(build(limit)), limit); err != nil || string(got) != build(limit) {
				t.Errorf("%s: %d levels with a limit of as many: %v", name, limit, err)
			}
			if _, err := pushhttp.Compact([]byte(build(limit+2)), limit); err == nil {
				t.Errorf("%s: %d levels pass with a limit of %d", name, limit+2, limit)
			}
		}
		if _, err := pushhttp.Compact([]byte(nest(limit+1)), limit); err == nil {
			t.Errorf("%d levels pass with a limit of %d", limit+1, limit)
		}
	}
	if _, err := pushhttp.Compact([]byte(nest(100_000)), pushhttp.HighestDepth); err == nil {
		t.Error("row 113: 100,000 levels pass")
	}
}

func TestCompactAllocatesNothing(t *testing.T) {
	text := []byte(`{ "title": "新订单", "items": [ { "id": 1234567890123456789, "n": "\u00e9" } ] }`)
	scratch := make([]byte, len(text))
	if n := testing.AllocsPerRun(100, func() {
		copy(scratch, text)
		if _, err := pushhttp.Compact(scratch, 512); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzCompact holds Compact against the standard library, which accepts the
// same texts but for two rules: strings must be UTF-8, and depth is bounded.
func FuzzCompact(f *testing.F) {
	for _, seed := range []string{
		`{ "a" : [ 1 , -2.5e+3 , "\u00e9\"" , { } , null , true ] }`, `"é新😀"`, "\"\xff\"", `[[[[[[[[[]]]]]]]]]`,
		`01`, `1.`, `"\ud800"`, "\xef\xbb\xbf{}", `{"a":1,}`, `nul`, ` { "data" : [ 1 , { "data" : 2 } ] , "x" : {"data":3}, "data" : "y" } `, "{}\x00", "  ", `"12345678\"90"`,
	} {
		f.Add([]byte(seed))
	}
	const depth = 8
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := pushhttp.Compact(bytes.Clone(in), depth)
		valid := json.Valid(in) && utf8.Valid(in) && levels(in) <= depth
		if (err == nil) != valid {
			t.Fatalf("Compact(%q): %v; valid: %v", in, err, valid)
		}
		if err != nil {
			return
		}
		var want bytes.Buffer
		if err := json.Compact(&want, in); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("Compact(%q) = %q, want %q", in, got, want.Bytes())
		}
		if bytes.IndexByte(in, '\\') >= 0 {
			return // the reference reads names, Compact compares their text
		}
		_, value, _ := pushhttp.CompactFind(bytes.Clone(in), depth, "data")
		if want := member(got, "data"); string(value) != string(want) {
			t.Fatalf("CompactFind(%q) = %q, want %q", in, value, want)
		}
	})
}

// member is the value of the last member of that name in a compact JSON text.
func member(text []byte, name string) (value json.RawMessage) {
	d := json.NewDecoder(bytes.NewReader(text))
	if token, _ := d.Token(); token != json.Delim('{') {
		return nil
	}
	for d.More() {
		key, _ := d.Token()
		var v json.RawMessage
		if d.Decode(&v) == nil && key == name {
			value = v
		}
	}
	return value
}

// levels is how deep a valid JSON text is nested.
func levels(text []byte) int {
	deepest, depth := 0, 0
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		token, err := d.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			depth++
			deepest = max(deepest, depth)
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
	}
}

func BenchmarkCompact(b *testing.B) {
	order := `{"type":"order","title":"新订单 #4021","id":1234567890123456789,"items":[{"id":5,"name":"Kung Pao Chicken","qty":2},{"id":9,"name":"麻婆豆腐","qty":1}],"note":"no \"peanuts\""}`
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(order), "", "    "); err != nil {
		b.Fatal(err)
	}
	for _, bm := range []struct{ name, text string }{
		{"text=order", order},
		{"text=indented", indented.String()},
		{"text=ascii-64k", `"` + strings.Repeat("plain text, as it is ", 3277) + `"`},
		{"text=chinese-64k", `"` + strings.Repeat("您有一个新的订单，", 2428) + `"`},
		{"text=numbers-64k", `[` + strings.Repeat("1234567,", 8191) + `1]`},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bm.text)))
			scratch := make([]byte, len(bm.text))
			for b.Loop() {
				copy(scratch, bm.text)
				if _, err := pushhttp.Compact(scratch, 512); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
