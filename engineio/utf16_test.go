package engineio_test

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"outrider/engineio"
)

func TestUTF16Len(t *testing.T) {
	for _, piece := range []string{"", "a", "é", "\u07ff\u0800", "\uffff", "\U00010000", "\U0010ffff", "aé€😀", "12345678", "1234567é", "1234567😀"} {
		for n := range 20 {
			text := strings.Repeat("x", n) + strings.Repeat(piece, n)
			if got, want := engineio.UTF16Len([]byte(text)), len(utf16.Encode([]rune(text))); got != want {
				t.Fatalf("%q has %d units, got %d", text, want, got)
			}
		}
	}
}

// Every cut of a text, at every unit.
func TestUTF16Prefix(t *testing.T) {
	text := "12345678abcdé€x😀\U0010ffffy12345678я"
	offset := map[int]int{0: 0} // where a number of units ends
	unit := 0
	for i, r := range text {
		unit += utf16.RuneLen(r)
		offset[unit] = i + utf8.RuneLen(r)
	}
	for n := range len(text) + 3 {
		size, err := engineio.UTF16Prefix([]byte(text), n)
		want, ok := offset[n]
		if ok != (err == nil) || size != want {
			t.Errorf("%d units: %d bytes, %v; want %d", n, size, err, want)
		}
	}
}

func FuzzUTF16(f *testing.F) {
	f.Add("12345678é€😀", 10)
	f.Add("\xff\xed\xa0\x80", 2)
	f.Fuzz(func(t *testing.T, text string, n int) {
		if utf8.ValidString(text) {
			if got, want := engineio.UTF16Len([]byte(text)), len(utf16.Encode([]rune(text))); got != want {
				t.Fatalf("%q has %d units, got %d", text, want, got)
			}
		}
		if n < 0 {
			return
		}
		size, err := engineio.UTF16Prefix([]byte(text), n)
		if err != nil {
			return
		}
		prefix := text[:size]
		if !utf8.ValidString(prefix) || len(utf16.Encode([]rune(prefix))) != n {
			t.Fatalf("%d units of %q are not %q", n, text, prefix)
		}
	})
}

func BenchmarkUTF16Len(b *testing.B) {
	text := []byte(strings.Repeat("курьер в пути ", 80))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		engineio.UTF16Len(text)
	}
}
