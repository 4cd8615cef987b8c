package engineio_test

import (
	"encoding"
	"strings"
	"testing"

	"outrider/engineio"
)

var _ encoding.TextAppender = engineio.ID{}

func TestIDText(t *testing.T) {
	for _, c := range []struct {
		id   engineio.ID
		text string
	}{
		{engineio.ID{}, "AAAAAAAAAAAAAAAAAAAA"},
		{engineio.ID{0: 0xfb, 1: 0xff, 14: 1}, "-_8AAAAAAAAAAAAAAAAB"},
	} {
		if got := c.id.String(); got != c.text {
			t.Errorf("%v is %q, want %q", [15]byte(c.id), got, c.text)
		}
		if got, err := c.id.AppendText([]byte("sid=")); err != nil || string(got) != "sid="+c.text {
			t.Errorf("%v is appended as %q, %v", [15]byte(c.id), got, err)
		}
		if got, ok := engineio.ParseID(c.text); !ok || got != c.id {
			t.Errorf("%q is %v, %t", c.text, [15]byte(got), ok)
		}
		if got, ok := engineio.ParseID([]byte(c.text)); !ok || got != c.id {
			t.Errorf("bytes %q are %v, %t", c.text, [15]byte(got), ok)
		}
	}
}

// RELIABILITY.md 2, row 44.
func TestParseIDErrors(t *testing.T) {
	for _, text := range []string{
		"", "__proto__", "..%2f", "*", "😀", strings.Repeat("A", 100_000),
		"AAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAA==",
		"+/8AAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAA ", "AAAAAAAAAA\nAAAAAAAAA", "\r\n\r\nAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAA\x00",
		"ÀAAAAAAAAAAAAAAAAAA",
	} {
		if id, ok := engineio.ParseID(text); ok || id != (engineio.ID{}) {
			t.Errorf("%.30q is an id: %v", text, [15]byte(id))
		}
	}
}

// RELIABILITY.md 2, row 50: unique, and no part of it is the same in all.
func TestNewID(t *testing.T) {
	seen := map[engineio.ID]bool{}
	var ones, zeros engineio.ID // bits that were 1 in all, 0 in all
	for i := range ones {
		ones[i], zeros[i] = 0xff, 0xff
	}
	for range 1000 {
		id := engineio.NewID()
		if seen[id] {
			t.Fatalf("%v came twice", id)
		}
		seen[id] = true
		for i, b := range id {
			ones[i] &= b
			zeros[i] &^= b
		}
	}
	if ones != (engineio.ID{}) || zeros != (engineio.ID{}) {
		t.Errorf("bits that never change: %x always set, %x never", [15]byte(ones), [15]byte(zeros))
	}
}

func TestIDAllocs(t *testing.T) {
	dst, text := make([]byte, 0, 32), "-_8AAAAAAAAAAAAAAAAB"
	raw := []byte(text)
	id := engineio.NewID()
	allocs(t, 0, func() { dst, _ = id.AppendText(dst[:0]) })
	allocs(t, 0, func() { engineio.ParseID(text) })
	allocs(t, 0, func() { engineio.ParseID(raw) })
}

func FuzzParseID(f *testing.F) {
	f.Add("AAAAAAAAAAAAAAAAAAAA")
	f.Add("-_8AAAAAAAAAAAAAAAAB")
	f.Add("AAAAAAAAAA\nAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		id, ok := engineio.ParseID(text)
		if ok && id.String() != text {
			t.Fatalf("%q comes back as %q", text, id)
		}
		if other, same := engineio.ParseID([]byte(text)); same != ok || other != id {
			t.Fatalf("%q is read in two ways", text)
		}
	})
}

func BenchmarkNewID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		engineio.NewID()
	}
}

func BenchmarkParseID(b *testing.B) {
	text := []byte("-_8AAAAAAAAAAAAAAAAB")
	b.ReportAllocs()
	for b.Loop() {
		engineio.ParseID(text)
	}
}
