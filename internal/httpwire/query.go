package httpwire

import (
	"bytes"
	"iter"
)

// QueryValue returns the value of a key in a query or a form; of a repeated key the last one. Escapes and '+' are decoded, in keys
// too; an escape that is none stands for itself, as in a browser's URLSearchParams. The value aliases raw, or the array of scratch
// (from its start) if there was something to decode: nothing is allocated as long as scratch has the room.
func QueryValue(raw []byte, key string, scratch []byte) (value []byte, present bool) {
	for k, v := range QueryPairs(raw) {
		if unescapesTo(k, key) {
			value, present = v, true
		}
	}
	return Unescape(value, scratch), present
}

// QueryPairs yields the pairs of a query or a form in order, still escaped: give each to Unescape. A key without '=' has an empty
// value; empty pairs are left out. The slices alias raw.
func QueryPairs(raw []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for rest := raw; len(rest) > 0; {
			var pair []byte
			pair, rest, _ = bytes.Cut(rest, []byte("&"))
			if len(pair) == 0 {
				continue
			}
			key, value, _ := bytes.Cut(pair, []byte("="))
			if !yield(key, value) {
				return
			}
		}
	}
}

// Unescape decodes a key or value of a query: it returns raw itself if there is nothing to decode, else the text appended to
// scratch[:0].
func Unescape(raw, scratch []byte) []byte {
	if bytes.IndexByte(raw, '%') < 0 && bytes.IndexByte(raw, '+') < 0 {
		return raw
	}
	scratch = scratch[:0]
	for len(raw) > 0 {
		c, n := unescapeByte(raw)
		scratch, raw = append(scratch, c), raw[n:]
	}
	return scratch
}

// unescapesTo reports whether raw decodes to text.
func unescapesTo(raw []byte, text string) bool {
	for i := range len(text) {
		if len(raw) == 0 {
			return false
		}
		c, n := unescapeByte(raw)
		if c != text[i] {
			return false
		}
		raw = raw[n:]
	}
	return len(raw) == 0
}

// unescapeByte decodes the first byte of b, which is not empty, and returns how many bytes it was written with.
func unescapeByte(b []byte) (c byte, n int) {
	switch {
	case b[0] == '+':
		return ' ', 1
	case b[0] == '%' && len(b) >= 3:
		high, ok1 := unhex(b[1])
		low, ok2 := unhex(b[2])
		if ok1 && ok2 {
			return high<<4 | low, 3
		}
	}
	return b[0], 1
}

func unhex(c byte) (digit byte, ok bool) {
	switch c := lower(c); {
	case isDigit(c):
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}
