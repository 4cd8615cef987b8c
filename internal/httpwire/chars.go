package httpwire

import "encoding/binary"

// Byte classes of the grammar, as bits of class.
const (
	tokenByte  = 1 << iota // RFC 9110 §5.6.2: methods, field names
	targetByte             // what a request target may hold; see classes
	hostByte               // RFC 3986 host and port, as a Host value holds them
)

var class = classes()

// classes builds the table. A target may hold any printable byte but '#' (a fragment never travels; readers differ about it), and
// bytes over 0x7f: browsers escape those, other clients do not, and to us they mean nothing.
func classes() (t [256]uint8) {
	for c := 0x21; c < 0x100; c++ {
		if c != '#' && c != 0x7f {
			t[c] |= targetByte
		}
	}
	for c := range 0x80 {
		if 'a' <= lower(byte(c)) && lower(byte(c)) <= 'z' || '0' <= c && c <= '9' {
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
		if mayHoldControl(binary.LittleEndian.Uint64(b[i:])) {
			if j := firstControl(b[i : i+8]); j >= 0 {
				return i + j
			}
		}
	}
	if j := firstControl(b[i:]); j >= 0 {
		return i + j
	}
	return -1
}

func firstControl(b []byte) int {
	for i, c := range b {
		if isControl(c) {
			return i
		}
	}
	return -1
}

// mayHoldControl reports whether one of w's bytes is below 0x20 or is 0x7f; tab is among them. Both terms are the classic test for
// a zero byte: a borrow into the next byte needs a true hit below it, so there is no false alarm without one.
func mayHoldControl(w uint64) bool {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	del := w ^ ones*0x7f
	return ((w-ones*' ')&^w|(del-ones)&^del)&highs != 0
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
