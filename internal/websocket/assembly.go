package websocket

import (
	"unsafe"

	"github.com/gobwas/ws"
)

// assembly is what a Reader remembers while a message or a control frame is incomplete.
type assembly struct {
	frame   ws.Header // the frame whose payload is arriving; of no meaning when nothing is missing
	missing int64     // bytes of its payload that have not arrived

	op     ws.OpCode // of the message; ws.OpContinuation: there is none, only a control frame
	frames int       // of the message so far, the arriving one included
	text   textCheck
	data   []byte // of the message so far

	control []byte // payload of a control frame so far; the last one's until the next begins
}

// open begins a frame whose header has passed all checks.
func (a *assembly) open(h ws.Header) {
	a.frame, a.missing = h, h.Length
	if h.OpCode.IsControl() {
		a.control = a.control[:0]
		return
	}
	if h.OpCode != ws.OpContinuation {
		a.op = h.OpCode
	}
	a.frames++
}

// add takes what src holds of the frame's payload. src is left as it is.
func (a *assembly) add(src []byte) (n int, err error) {
	n = int(min(int64(len(src)), a.missing))
	offset := int((a.frame.Length - a.missing) % int64(len(a.frame.Mask)))
	a.missing -= int64(n)
	if a.frame.OpCode.IsControl() {
		have := len(a.control)
		a.control = append(a.control, src[:n]...)
		ws.Cipher(a.control[have:], a.frame.Mask, offset)
		return n, nil
	}
	have := len(a.data)
	a.grow(n)
	a.data = append(a.data, src[:n]...)
	ws.Cipher(a.data[have:], a.frame.Mask, offset)
	if a.op == ws.OpText && !a.text.add(a.data[have:]) {
		return n, errInvalidText
	}
	return n, nil
}

// grow makes room for n bytes more, which have been taken off missing. There is room for twice what has arrived then, however small the
// pieces are, but for no more than the message where its end is in sight.
func (a *assembly) grow(n int) {
	need := len(a.data) + n
	if need <= cap(a.data) {
		return
	}
	size := 2 * need
	if a.frame.Fin {
		size = int(min(int64(size), int64(need)+a.missing))
	}
	// append rounds up to what the allocator gives out anyway
	data := append([]byte(nil), make([]byte, size)...)
	a.data = data[:copy(data, a.data)]
}

func (a *assembly) size() int {
	return int(unsafe.Sizeof(*a)) + cap(a.data) + cap(a.control)
}
