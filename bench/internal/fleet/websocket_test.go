package fleet

import (
	"bytes"
	"errors"
	"testing"
)

// unmask is the slow reading of a client's frame.
func unmask(t *testing.T, p []byte) (opcode byte, payload []byte) {
	t.Helper()
	if p[1]&0x80 == 0 {
		t.Fatal("a client's frame is not masked")
	}
	clear := bytes.Clone(p)
	clear[1] &^= 0x80
	head := 2
	switch clear[1] {
	case 126:
		head = 4
	case 127:
		head = 10
	}
	key := bytes.Clone(p[head : head+4])
	clear = append(clear[:head], clear[head+4:]...)
	fr, n, err := parseFrame(clear)
	if err != nil || n != len(clear) || !fr.fin {
		t.Fatalf("parseFrame = %d of %d, %v", n, len(clear), err)
	}
	for i := range fr.payload {
		fr.payload[i] ^= key[i%4]
	}
	return fr.opcode, fr.payload
}

func TestFrames(t *testing.T) {
	for _, size := range []int{0, 1, 2, 125, 126, 127, 65535, 65536, 70000} {
		text := bytes.Repeat([]byte("outrider"), size/8+1)[:size]
		p := appendFrame([]byte("before"), opText, 0x12345678, text[:size/3], text[size/3:])
		opcode, payload := unmask(t, p[len("before"):])
		if opcode != opText || !bytes.Equal(payload, text) {
			t.Errorf("%d bytes came back as %d", size, len(payload))
		}
	}
}

func TestParseFrame(t *testing.T) {
	for _, test := range []struct {
		name, in string
		n        int
		payload  string
		err      error
	}{
		{name: "text", in: "\x81\x03abcdef", n: 5, payload: "abc"},
		{name: "empty", in: "\x81\x00", n: 2},
		{name: "16 bits", in: "\x81\x7e\x00\x03abc", n: 7, payload: "abc"},
		{name: "64 bits", in: "\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x03abc", n: 13, payload: "abc"},
		{name: "one byte", in: "\x81"},
		{name: "half a length", in: "\x81\x7e\x00"},
		{name: "half a payload", in: "\x81\x03ab"},
		{name: "masked", in: "\x81\x83\x00\x00\x00\x00abc", err: errMasked},
		{name: "compressed", in: "\xc1\x03abc", err: errReserved},
		{name: "huge", in: "\x81\x7f\xff\x00\x00\x00\x00\x00\x00\x03abc", err: errTooLong},
	} {
		t.Run(test.name, func(t *testing.T) {
			fr, n, err := parseFrame([]byte(test.in))
			if n != test.n || string(fr.payload) != test.payload || !errors.Is(err, test.err) {
				t.Errorf("parseFrame = %q %d %v, want %q %d %v", fr.payload, n, err, test.payload, test.n, test.err)
			}
		})
	}
}

func FuzzParseFrame(f *testing.F) {
	f.Add([]byte("\x81\x03abcdef"))
	f.Add([]byte("\x81\x7e\x00\x03abc"))
	f.Add([]byte("\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x03abc"))
	f.Fuzz(func(t *testing.T, in []byte) {
		fr, n, err := parseFrame(in)
		if n < 0 || n > len(in) || len(fr.payload) > n || err != nil && n != 0 {
			t.Fatalf("%d bytes of %d, a payload of %d, %v", n, len(in), len(fr.payload), err)
		}
	})
}
