package engineio

import (
	"encoding/base64"
	"iter"
	"strconv"
	"unicode/utf8"
)

// maxLengthDigits caps the length in front of each packet of a revision 3 payload; nine digits fit an int anywhere.
const maxLengthDigits = 9

// What stands before each packet of a binary revision 3 payload, and after the digits of its length.
const (
	markText   = 0
	markBinary = 1
	markEnd    = 0xff
)

// AppendPayload3 appends packets as the body of a revision 3 polling request or answer. The binary form, reported
// by binary, is taken if the peer can read it (b64 unset) and at least one packet is binary; a text payload carries
// binary packets as base64. Text data must be UTF-8.
func AppendPayload3(dst []byte, packets []Packet, b64 bool) (out []byte, binary bool) {
	if !b64 && hasBinary(packets) {
		for _, p := range packets {
			dst = appendBinary3(dst, p)
		}
		return dst, true
	}
	if len(packets) == 0 {
		return append(dst, "0:"...), false
	}
	for _, p := range packets {
		dst = appendText3(dst, p)
	}
	return dst, false
}

func hasBinary(packets []Packet) bool {
	for _, p := range packets {
		if p.Binary {
			return true
		}
	}
	return false
}

// appendText3 appends <length>:<packet>, the length in UTF-16 units.
func appendText3(dst []byte, p Packet) []byte {
	if !p.Binary {
		dst = strconv.AppendInt(dst, int64(1+utf16Len(p.Data)), 10)
		return p.appendText(append(dst, ':'))
	}
	dst = strconv.AppendInt(dst, int64(2+base64.StdEncoding.EncodedLen(len(p.Data))), 10)
	return base64.StdEncoding.AppendEncode(append(dst, ':', 'b', p.Type.digit()), p.Data)
}

// appendBinary3 appends <0|1><digits><0xff><packet>, the length in bytes whatever the packet is.
func appendBinary3(dst []byte, p Packet) []byte {
	mark, first := byte(markText), p.Type.digit()
	if p.Binary {
		mark, first = markBinary, byte(p.Type)
	}
	dst = append(dst, mark)
	digits := len(dst)
	dst = strconv.AppendInt(dst, int64(1+len(p.Data)), 10)
	for i := digits; i < len(dst); i++ {
		dst[i] -= '0' // the wire has the numbers 0 to 9 here, not the characters
	}
	return append(append(dst, markEnd, first), p.Data...)
}

// Payload3 iterates over the packets of a revision 3 payload; binary tells its form, and is true if the content
// type of the request was application/octet-stream and nothing else. The first bad packet comes as an error and
// ends the iteration, since nothing after it can be told apart; the packets before it are good. The caller that has
// enough stops the iteration: nothing is decoded ahead of it.
func Payload3(body []byte, binary bool) iter.Seq2[Packet, error] {
	return func(yield func(Packet, error) bool) {
		if binary {
			walkBinary3(body, yield)
		} else {
			walkText3(body, yield)
		}
	}
}

func walkText3(body []byte, yield func(Packet, error) bool) {
	if len(body) == 0 {
		yield(Packet{}, errPayloadEmpty)
		return
	}
	var a arena
	for len(body) > 0 {
		n, rest, ok := cutLength(body, '0', ':')
		if !ok {
			yield(Packet{}, errPayloadLength)
			return
		}
		size, err := utf16Prefix(rest, n)
		if err != nil {
			yield(Packet{}, err)
			return
		}
		body = rest[size:]
		if n == 0 {
			continue // "0:" is how an empty payload is written
		}
		a.rest = base64.StdEncoding.DecodedLen(len(rest))
		p, err := parseText(Revision3, rest[:size], &a)
		if !yield(p, err) || err != nil {
			return
		}
	}
}

func walkBinary3(body []byte, yield func(Packet, error) bool) {
	var a arena
	for len(body) > 0 {
		mark := body[0]
		if mark > markBinary {
			yield(Packet{}, errPayloadMarker)
			return
		}
		n, rest, ok := cutLength(body[1:], 0, markEnd)
		if !ok {
			yield(Packet{}, errPayloadLength)
			return
		}
		if n > len(rest) {
			yield(Packet{}, errPayloadShort)
			return
		}
		a.rest = base64.StdEncoding.DecodedLen(len(rest))
		p, err := parseEntry3(mark, rest[:n], &a)
		if !yield(p, err) || err != nil {
			return
		}
		body = rest[n:]
	}
}

// parseEntry3 parses what follows the length in a binary payload.
func parseEntry3(mark byte, data []byte, a *arena) (Packet, error) {
	if mark == markBinary {
		return parseBinary(Revision3, data)
	}
	if !utf8.Valid(data) {
		return Packet{}, errPacketUTF8
	}
	return parseText(Revision3, data, a)
}

// cutLength reads a decimal length whose digits are zero to zero+9, up to end, and returns what follows it.
func cutLength(b []byte, zero, end byte) (n int, rest []byte, ok bool) {
	for i, c := range b {
		if c == end {
			return n, b[i+1:], i > 0
		}
		if c-zero > 9 || i == maxLengthDigits {
			break
		}
		n = n*10 + int(c-zero)
	}
	return 0, nil, false
}
