package websocket_test

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"outrider/internal/websocket"
	"outrider/internal/websocket/wstest"
)

// reference is a reader written from RFC 6455 with nothing in mind but being right: it has the whole stream, parses bit by bit without
// gobwas/ws, and tries UTF-8 out. The fuzzers hold the Reader against it.
type reference struct {
	lim      websocket.Limits
	messages []websocket.Message
	op       ws.OpCode // of the message in fragments; 0: none
	data     []byte
	frames   int
}

// read returns the close code with which the stream must fail, 0 if it need not.
func (r *reference) read(stream []byte) ws.StatusCode {
	for {
		h, payload, ok := splitHeader(stream)
		if !ok {
			return 0
		}
		if code := r.checkHeader(h); code != 0 {
			return code
		}
		arrived := min(uint64(len(payload)), h.length)
		stream, payload = payload[arrived:], append([]byte(nil), payload[:arrived]...)
		for i := range payload {
			payload[i] ^= h.mask[i%4]
		}
		if arrived < h.length {
			return r.partial(h, payload)
		}
		if code := r.frame(h, payload); code != 0 {
			return code
		}
		if h.op == ws.OpClose {
			return 0
		}
	}
}

type refHeader struct {
	fin, masked bool
	rsv         byte
	op          ws.OpCode
	length      uint64
	mask        [4]byte
}

// splitHeader is not ok if the stream ends before the header does.
func splitHeader(b []byte) (h refHeader, rest []byte, ok bool) {
	if len(b) < 2 {
		return h, nil, false
	}
	h.fin, h.rsv, h.op = b[0]&0x80 != 0, b[0]>>4&7, ws.OpCode(b[0]&15)
	h.masked, h.length = b[1]&0x80 != 0, uint64(b[1]&0x7f)
	b = b[2:]
	switch more := map[uint64]int{126: 2, 127: 8}[h.length]; {
	case len(b) < more:
		return h, nil, false
	case more == 2:
		h.length = uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	case more == 8:
		h.length = binary.BigEndian.Uint64(b)
		b = b[8:]
	}
	if h.masked {
		if len(b) < 4 {
			return h, nil, false
		}
		b = b[copy(h.mask[:], b):]
	}
	return h, b, true
}

func (r *reference) checkHeader(h refHeader) ws.StatusCode {
	control := h.op >= 8
	switch {
	case h.length > math.MaxInt64, h.rsv != 0, !h.masked:
		return 1002
	case h.op >= 3 && h.op < 8, h.op > 10:
		return 1002
	case control:
		if !h.fin || h.length > 125 {
			return 1002
		}
		return 0
	case (h.op == 0) != (r.op != 0):
		return 1002
	case r.frames+1 > r.lim.MaxFragments, h.length > uint64(r.lim.MaxMessage-len(r.data)):
		return 1009
	}
	return 0
}

// partial judges what has arrived of the stream's last frame.
func (r *reference) partial(h refHeader, payload []byte) ws.StatusCode {
	if h.op == ws.OpText || h.op == 0 && r.op == ws.OpText {
		if !begins(append(r.data, payload...)) {
			return 1007
		}
	}
	return 0
}

func (r *reference) frame(h refHeader, payload []byte) ws.StatusCode {
	if h.op >= 8 {
		r.messages = append(r.messages, websocket.Message{Op: h.op, Data: payload})
		if h.op != ws.OpClose {
			return 0
		}
		if code := closeFault(payload); code != 0 {
			r.messages = r.messages[:len(r.messages)-1]
			return code
		}
		return 0
	}
	if h.op != 0 {
		r.op = h.op
	}
	r.frames++
	r.data = append(r.data, payload...)
	if r.op == ws.OpText && (!begins(r.data) || h.fin && !utf8.Valid(r.data)) {
		return 1007
	}
	if h.fin {
		r.messages = append(r.messages, websocket.Message{Op: r.op, Data: r.data})
		r.op, r.data, r.frames = 0, nil, 0
	}
	return 0
}

// begins reports whether p may be the beginning of a valid text: all of it but the last bytes is, and those are tried.
func begins(p []byte) bool {
	for cut := range min(len(p), utf8.UTFMax) + 1 {
		if body := p[:len(p)-cut]; utf8.Valid(body) && wstest.Begins(string(p[len(p)-cut:])) {
			return true
		}
	}
	return false
}

func closeFault(payload []byte) ws.StatusCode {
	if len(payload) == 0 {
		return 0
	}
	if len(payload) == 1 {
		return 1002
	}
	code := binary.BigEndian.Uint16(payload)
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014, code >= 3000 && code <= 4999:
	default:
		return 1002
	}
	if !utf8.Valid(payload[2:]) {
		return 1007
	}
	return 0
}
