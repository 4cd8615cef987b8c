package wstest

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"

	"github.com/gobwas/ws"
)

// frame is one frame that a case sends, and what must come of it.
type frame struct {
	fin      bool
	rsv      byte // the three bits as a number, RSV1 being 4
	op       ws.OpCode
	unmasked bool
	payload  string
	lenForm  int    // bits of the length field: 0 the shortest that fits, else 7, 16 or 64
	declared uint64 // instead of the length of payload, if not 0

	fail   ws.StatusCode // the close code that this frame must lead to; 0: it is in order
	failAt int           // bytes of the payload with which the fault shows; 0: it shows in the header
}

func text(payload string) frame { return frame{fin: true, op: ws.OpText, payload: payload} }
func data(payload string) frame { return frame{fin: true, op: ws.OpBinary, payload: payload} }
func ping(payload string) frame { return frame{fin: true, op: ws.OpPing, payload: payload} }
func pong(payload string) frame { return frame{fin: true, op: ws.OpPong, payload: payload} }

// begin is the first fragment of a text; more and end are the next ones and the last.
func begin(payload string) frame { return frame{op: ws.OpText, payload: payload} }
func more(payload string) frame  { return frame{op: ws.OpContinuation, payload: payload} }
func end(payload string) frame   { return frame{fin: true, op: ws.OpContinuation, payload: payload} }

func closing(code ws.StatusCode, reason string) frame {
	payload := binary.BigEndian.AppendUint16(nil, uint16(code))
	return frame{fin: true, op: ws.OpClose, payload: string(payload) + reason}
}

// breaks marks f as a violation of the protocol that its header betrays.
func breaks(f frame) frame { return f.fails(ws.StatusProtocolError, 0) }

func (f frame) fails(code ws.StatusCode, at int) frame {
	f.fail, f.failAt = code, at
	return f
}

// appendTo encodes f; head is the length of its header.
func (f frame) appendTo(dst []byte, mask [4]byte) (out []byte, head int) {
	start := len(dst)
	dst = append(dst, byte(f.op)|f.rsv<<4)
	if f.fin {
		dst[start] |= 0x80
	}
	dst = f.appendLength(dst)
	if f.unmasked {
		head = len(dst) - start
		return append(dst, f.payload...), head
	}
	dst[start+1] |= 0x80
	dst = append(dst, mask[:]...)
	head = len(dst) - start
	dst = append(dst, f.payload...)
	payload := dst[start+head:]
	subtle.XORBytes(payload, payload, bytes.Repeat(mask[:], len(payload)/4+1)) // not with the cipher that is under test
	return dst, head
}

func (f frame) appendLength(dst []byte) []byte {
	length := uint64(len(f.payload))
	if f.declared != 0 {
		length = f.declared
	}
	switch {
	case f.lenForm == 64, f.lenForm == 0 && length > 0xffff:
		return binary.BigEndian.AppendUint64(append(dst, 127), length)
	case f.lenForm == 16, f.lenForm == 0 && length > 125:
		return binary.BigEndian.AppendUint16(append(dst, 126), uint16(length))
	default:
		return append(dst, byte(length))
	}
}
