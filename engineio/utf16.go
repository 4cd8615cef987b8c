package engineio

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Revision 3 was written in JavaScript, whose strings are counted in UTF-16 units: one for a character below
// U+10000, two for one above, whatever either takes in UTF-8.

const lanes = 0x0101010101010101 // the lowest bit of each byte of a word

// utf16Len returns how many UTF-16 units the UTF-8 text b has. Every character begins with exactly one byte that
// is not 10xxxxxx, and the characters of two units are those of four bytes, which begin with 11110xxx; so bytes can
// be counted eight at a time without looking for characters.
func utf16Len(b []byte) int {
	n := len(b)
	for ; len(b) >= 8; b = b[8:] {
		w := binary.LittleEndian.Uint64(b)
		trailing := w >> 7 &^ (w >> 6) & lanes
		double := w >> 7 & (w >> 6) & (w >> 5) & (w >> 4) & lanes
		n += bits.OnesCount64(double) - bits.OnesCount64(trailing)
	}
	for _, c := range b {
		if c&0xc0 == 0x80 {
			n--
		} else if c >= 0xf0 {
			n++
		}
	}
	return n
}

// utf16Prefix returns how many bytes the first n UTF-16 units of b take. It fails if b has fewer, if they are not
// UTF-8, or if n parts the two units of a character.
func utf16Prefix(b []byte, n int) (size int, err error) {
	if n > len(b) { // a unit is at least a byte
		return 0, errPayloadShort
	}
	for n > 0 {
		ascii := asciiPrefix(b[size:min(size+n, len(b))])
		size, n = size+ascii, n-ascii
		if n == 0 {
			break
		}
		r, width := utf8.DecodeRune(b[size:])
		switch {
		case width == 0:
			return 0, errPayloadShort
		case r == utf8.RuneError && width == 1:
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
func asciiPrefix(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		if high := binary.LittleEndian.Uint64(b[i:]) & (lanes << 7); high != 0 {
			return i + bits.TrailingZeros64(high)/8
		}
	}
	for i < len(b) && b[i] < utf8.RuneSelf {
		i++
	}
	return i
}
