package httpwire

import (
	"encoding/binary"
	"math/bits"
)

// Byte classes of the grammar, as bits of class.
const (
	tokenByte = 1 << iota // RFC 9110 §5.6.2: methods, field names
	hostByte              // RFC 3986 host and port, as a Host value holds them
)

var class = classes()

func classes() (t [256]uint8) {
	for c := range byte(0x80) {
		if 'a' <= lower(c) && lower(c) <= 'z' || isDigit(c) {
			t[c] |= tokenByte | hostByte
		}
	}
	for _, c := range []byte("!#$%&'*+-.^_`|~") {
		t[c] |= tokenByte
	}
	for _, c := range []byte("!$%&'()*+,-.:;=[]_~") {
		t[c] |= hostByte
	}
	return t
}

// span returns the length of b's longest prefix of bytes of a class.
func span(b []byte, want uint8) int {
	for i, c := range b {
		if class[c]&want == 0 {
			return i
		}
	}
	return len(b)
}

// isControl reports whether c may not stand in a field value: any control byte but tab (RFC 9110 §5.5).
func isControl(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }

// indexControl returns the index of the first control byte other than tab, or -1. Values are most of a head, and the partial head
// of a slow sender is looked at again with each segment: hence eight bytes at a time.
func indexControl(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		if m := below(w, ' ')&^equal(w, '\t') | equal(w, 0x7f); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(b); i++ {
		if isControl(b[i]) {
			return i
		}
	}
	return -1
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// below marks each byte of w that is less than c, which is at most 0x80, by its high bit. No sum carries into the next byte, so
// that each mark stands for itself.
func below(w uint64, c byte) uint64 { return ^(w&^highs + ones*uint64(0x80-c)) &^ w & highs }

// equal marks each byte of w that is c by its high bit.
func equal(w uint64, c byte) uint64 {
	w ^= ones * uint64(c)
	return ^(w&^highs + ones*0x7f) &^ w & highs
}

// lower folds ASCII letters only: bytes.EqualFold would take the Kelvin sign for a k, and a chunked written with it for chunked.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func equalFold(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		if c != b[i] && lower(c) != lower(b[i]) {
			return false
		}
	}
	return true
}

// trimSpace cuts the optional white space (space and tab) around a field value or a list member.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
