package engineio

import (
	"bytes"
	"encoding/base64"
	"iter"
	"unicode/utf8"
)

// separator stands between the packets of a revision 4 payload. JSON escapes it, base64 has no such character.
const separator = 0x1e

// AppendPayload4 appends packets as the body of a revision 4 polling request or answer: packets as text, separated
// by 0x1e, binary messages as "b" and base64. Text data must be UTF-8 without 0x1e.
func AppendPayload4(dst []byte, packets []Packet) []byte {
	for i, p := range packets {
		if i > 0 {
			dst = append(dst, separator)
		}
		if p.Binary {
			dst = base64.StdEncoding.AppendEncode(append(dst, 'b'), p.Data)
			continue
		}
		dst = p.appendText(dst)
	}
	return dst
}

// Payload4 iterates over the packets of a revision 4 payload. The first bad packet comes as an error and ends the
// iteration; the packets before it are good. The empty body is one empty packet, and bad. The caller that has
// enough stops the iteration: nothing is decoded ahead of it.
func Payload4(body []byte) iter.Seq2[Packet, error] {
	return func(yield func(Packet, error) bool) { walkPayload4(body, yield) }
}

func walkPayload4(body []byte, yield func(Packet, error) bool) {
	var a arena
	for more := true; more; {
		var text []byte
		a.rest = base64.StdEncoding.DecodedLen(len(body))
		text, body, more = bytes.Cut(body, []byte{separator})
		if !utf8.Valid(text) {
			yield(Packet{}, errPacketUTF8)
			return
		}
		p, err := parseText(Revision4, text, &a)
		if !yield(p, err) || err != nil {
			return
		}
	}
}
