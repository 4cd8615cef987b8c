package engineio_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"outrider/engineio"
)

// PROTOCOL.md 1.7; RELIABILITY.md 2, row 48.
func TestAppendJSONP(t *testing.T) {
	for _, c := range []struct{ index, payload, want string }{
		{"0", "1:6", `___eio[0]("1:6");`},
		{"12", `96:0{"sid":"x"}`, `___eio[12]("96:0{\"sid\":\"x\"}");`},
		{"", "6", `___eio[]("6");`},
		{"</script>", "6", `___eio[]("6");`},
		{"1a2]('x')//3", "6", `___eio[123]("6");`},
		{"١", "6", `___eio[]("6");`},
		{"0", "4é😀", `___eio[0]("4é😀");`},
		{"0", "4\u2028\u2029", `___eio[0]("4\u2028\u2029");`},
		{"0", "4\u2027\u202a", "___eio[0](\"4\u2027\u202a\");"},
		{"0", "4\b\f\n\r\t\x00\x1f\x1e\x7f\\\"/", `___eio[0]("4\b\f\n\r\t\u0000\u001f\u001e` + "\x7f" + `\\\"/");`},
		{"0", "4</script>", `___eio[0]("4</script>");`},
		{"0", "4\xff\ufffd", `___eio[0]("4\ufffd` + "\ufffd" + `");`},
	} {
		got := engineio.AppendJSONP([]byte("before "), []byte(c.index), []byte(c.payload))
		if string(got) != "before "+c.want {
			t.Errorf("%q, %q: %s, want %s", c.index, c.payload, got, c.want)
		}
	}
}

// PROTOCOL.md 1.7.
func TestParseJSONPBody(t *testing.T) {
	for _, c := range []struct {
		form, want string
		ok         bool
	}{
		{"d=6%3A4hello", "6:4hello", true},
		{"d=6:4hello", "6:4hello", true},
		{"x=1&d=1%3a6&y", "1:6", true},
		{"d=", "", true},
		{"d", "", true},
		{"d=a+b%2Bc", "a b+c", true},
		{"d=%C3%A9%F0%9F%98%80", "é😀", true},
		{`d=a\nb`, "a\nb", true},
		{"d=a%5Cnb", "a\nb", true},
		{"d=a%5c%6eb", "a\nb", true},
		{`d=a\\nb`, `a\nb`, true},
		{`d=a\\\nb`, `a\\nb`, true},
		{`d=a\\\\nb`, `a\\\nb`, true},
		{`d=\n\n\\n\n`, "\n\n\\n\n", true},
		{`d=\t\\t\`, `\t\\t\`, true},
		{"d=n", "n", true},
		{"d=a=b", "a=b", true},
		{"d=%", "%", true},
		{"d=%4", "%4", true},
		{"d=%zz%4g%g4%41", "%zz%4g%g4A", true},
		{"d=%%41", "%A", true},
		{"d=%E2%82", "\xe2\x82", true}, // what it is is the payload decoder's business
		{"", "", false},
		{"x=1", "", false},
		{"dd=1&D=2&=3", "", false},
		{"d=1&d=2", "", false},
	} {
		got, ok := engineio.ParseJSONPBody([]byte(c.form))
		if ok != c.ok || string(got) != c.want {
			t.Errorf("%q: %q, %t, want %q, %t", c.form, got, ok, c.want, c.ok)
		}
	}
}

func TestJSONPAllocs(t *testing.T) {
	dst, index, payload := make([]byte, 0, 256), []byte("7"), []byte("20:4\n\"\u2028 and é😀 more")
	allocs(t, 0, func() { dst = engineio.AppendJSONP(dst[:0], index, payload) })
	form := []byte(`d=20%3A4\n` + strings.Repeat("%20", 200) + "&x=1")
	allocs(t, 1, func() { engineio.ParseJSONPBody(form) })
}

// The answer's argument is the payload again to whoever reads it as JSON, and has nothing that JavaScript reads
// otherwise.
func FuzzAppendJSONP(f *testing.F) {
	f.Add([]byte("0"), []byte("1:6"))
	f.Add([]byte("</script>"), []byte("4\u2028\u2029\"\\\n\x00é😀\xff"))
	f.Fuzz(func(t *testing.T, index, payload []byte) {
		out := engineio.AppendJSONP(nil, index, payload)
		rest, ok := bytes.CutPrefix(out, []byte("___eio["))
		if !ok {
			t.Fatalf("%q", out)
		}
		digits, rest, _ := bytes.Cut(rest, []byte("]("))
		if len(bytes.Trim(digits, "0123456789")) != 0 {
			t.Fatalf("the index is %q", digits)
		}
		literal, ok := bytes.CutSuffix(rest, []byte(");"))
		if !ok || !utf8.Valid(literal) || bytes.ContainsAny(literal, "\u2028\u2029\n\r") {
			t.Fatalf("%q", out)
		}
		var got string
		if err := json.Unmarshal(literal, &got); err != nil {
			t.Fatalf("%q: %v", literal, err)
		}
		if want := string([]rune(string(payload))); got != want {
			t.Fatalf("%q became %q", want, got)
		}
	})
}

func FuzzParseJSONPBody(f *testing.F) {
	for _, form := range []string{`d=a\nb\\n\\\n`, "d=%5Cn%5C%5Cn+%2b&x", "x=1", "d=1&d=2", "d=%zz%", "d=%C3%A9"} {
		f.Add([]byte(form))
	}
	f.Fuzz(func(t *testing.T, form []byte) {
		boundedAlloc(t, len(form), func() { engineio.ParseJSONPBody(form) })
		got, ok := engineio.ParseJSONPBody(form)
		want, wantOK := referenceJSONPBody(form)
		if ok != wantOK || !bytes.Equal(got, want) {
			t.Fatalf("%q: %q, %t, the reference says %q, %t", form, got, ok, want, wantOK)
		}
		// The input once more, as a payload that a client posts. A backslash before a newline has no form of its own.
		if bytes.Contains(form, []byte("\\\n")) {
			return
		}
		if again, ok := engineio.ParseJSONPBody(jsonpForm(form)); !ok || !bytes.Equal(again, form) {
			t.Fatalf("%q came back as %q", form, again)
		}
	})
}

func BenchmarkAppendJSONP(b *testing.B) {
	payload := []byte(strings.Repeat(`60:42["message","{\"order\":12345678,\"status\":\"assigned\"}"]`, 5))
	var dst []byte
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		dst = engineio.AppendJSONP(dst[:0], []byte("3"), payload)
	}
}
