package engineio

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Revision 3 was written in JavaScript, whose strings are counted in UTF-16 units: one for a character below
// U+10000, two for one above.

const lanes = 0x0101010101010101 // the lowest bit of each byte of a word

// utf16Len returns how many UTF-16 units the UTF-8 text b has. In UTF-8 every character begins with exactly one byte
// that is not 10xxxxxx, and the characters of two units are those that begin with 11110xxx; so units are counted
// without looking for characters, eight bytes at a time.
func utf16Len(b []byte) (n int) {
	for ; len(b) >= 8; b = b[8:] {
		n += wordUnits(binary.LittleEndian.Uint64(b))
	}
	for _, c := range b {
		n += byteUnits(c)
	}
	return n
}

// utf16Prefix returns how many bytes the first n UTF-16 units of b take. It fails if b has fewer, if they are not
// UTF-8, or if n parts the two units of a character. One pass measures and checks.
func utf16Prefix(b []byte, n int) (size int, err error) {
	if n > len(b) { // a unit is at least a byte
		return 0, errPayloadShort
	}
	for n > 0 {
		if size == len(b) {
			return 0, errPayloadShort
		}
		if b[size] < utf8.RuneSelf {
			ascii := asciiPrefix(b[size:min(size+n, len(b))])
			size, n = size+ascii, n-ascii
			continue
		}
		r, width := utf8.DecodeRune(b[size:])
		switch {
		case width == 1:
			return 0, errPacketUTF8
		case r > 0xffff:
			n--
		}
		if n == 0 {
			return 0, errPayloadLength
		}
		size, n = size+width, n-1
	}
	return size, nil
}

// asciiPrefix returns how many bytes at the beginning of b are ASCII.
func asciiPrefix(b []byte) (n int) {
	for ; n+8 <= len(b); n += 8 {
		if high := binary.LittleEndian.Uint64(b[n:]) & (lanes << 7); high != 0 {
			return n + bits.TrailingZeros64(high)/8
		}
	}
	for n < len(b) && b[n] < utf8.RuneSelf {
		n++
	}
	return n
}

// byteUnits is how many UTF-16 units the character that begins with c has, 0 if none begins with c.
func byteUnits(c byte) int {
	switch {
	case c&0xc0 == 0x80:
		return 0
	case c >= 0xf0:
		return 2
	}
	return 1
}

// wordUnits is the sum of byteUnits over the bytes of w.
func wordUnits(w uint64) int {
	none := w >> 7 &^ (w >> 6) & lanes
	double := w >> 7 & (w >> 6) & (w >> 5) & (w >> 4) & lanes
	return 8 - bits.OnesCount64(none) + bits.OnesCount64(double)
}
