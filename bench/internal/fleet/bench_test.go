package fleet

import (
	"bytes"
	"testing"
	"unsafe"
)

// TestClientSize holds the type to what its documentation says.
func TestClientSize(t *testing.T) {
	if size := unsafe.Sizeof(client{}); size != 72 {
		t.Errorf("a client takes %d bytes, want 72", size)
	}
}

func BenchmarkParseFrame(b *testing.B) {
	in := append([]byte{0x81, 126, 0, 150}, bytes.Repeat([]byte("x"), 150)...)
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if _, n, err := parseFrame(in); n != len(in) || err != nil {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkAppendFrame(b *testing.B) {
	text := bytes.Repeat([]byte("x"), 250) // a set_connect
	var out []byte
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		out = appendFrame(out[:0], opText, 0x12345678, text)
	}
}
