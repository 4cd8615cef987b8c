package websocket

import (
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// Default limits.
const (
	DefaultMaxMessage   = 1_000_000 // the protocol's usual maxPayload
	DefaultMaxFragments = 1024
)

// Limits bounds what a peer may send.
type Limits struct {
	MaxMessage   int // bytes of a whole message, over all its fragments; 0 or less: DefaultMaxMessage
	MaxFragments int // frames of one message, empty ones included; 0 or less: DefaultMaxFragments
}

func (l Limits) withDefaults() Limits {
	if l.MaxMessage <= 0 {
		l.MaxMessage = DefaultMaxMessage
	}
	if l.MaxFragments <= 0 {
		l.MaxFragments = DefaultMaxFragments
	}
	return l
}

// Message is a whole message (ws.OpText, ws.OpBinary) or a control frame (ws.OpPing, ws.OpPong, ws.OpClose).
type Message struct {
	Op   ws.OpCode
	Data []byte // unmasked; may be a part of the buffer that was read from: valid until the next call
}

// Reader turns the bytes that one client sends into messages. The zero value is ready. It is not safe for concurrent use; to drop what it
// holds, overwrite it with the zero value.
type Reader struct {
	a *assembly // nil between messages
}

// ended is the state of every Reader that has seen a close frame or a fault. Nobody writes to it.
var ended = new(assembly)

// Next reads src, which begins where the previous call stopped consuming, up to the end of one message or control frame. It consumes n
// bytes, and may change those; the caller presents the rest again, with what arrives later behind it.
//
// If ok, m is whole, and src may hold more: call again. If neither ok nor err, everything of use is consumed and more is needed; what is
// left of src then is a part of a frame header, at most 13 bytes. An err is an [*Error].
//
// A close frame and an error are the end: whatever comes after them is consumed and ignored.
func (r *Reader) Next(src []byte, lim Limits) (m Message, n int, ok bool, err error) {
	if r.a == ended {
		return Message{}, len(src), false, nil
	}
	m, n, ok, err = r.next(src, lim.withDefaults())
	if err != nil || m.Op == ws.OpClose {
		r.a = ended
	}
	return m, n, ok, err
}

// Held returns the bytes of memory that the Reader holds for a frame or message which is not complete yet: 0 between messages.
func (r *Reader) Held() int {
	if r.a == nil || r.a == ended {
		return 0
	}
	return r.a.size()
}

func (r *Reader) next(src []byte, lim Limits) (m Message, n int, ok bool, err error) {
	for n < len(src) {
		if r.a == nil || r.a.missing == 0 {
			h, size, err := parseHeader(src[n:])
			if err != nil || size == 0 {
				return Message{}, n, false, err
			}
			n += size
			if err := r.check(h, lim); err != nil {
				return Message{}, n, false, err
			}
			if isWhole(h, src[n:]) {
				end := n + int(h.Length)
				m, err := openInPlace(h, src[n:end:end])
				return m, end, err == nil, err
			}
			r.open(h)
		}
		size, err := r.a.add(src[n:])
		n += size
		if err != nil || r.a.missing > 0 {
			return Message{}, n, false, err
		}
		if m, ok, err := r.finish(); ok || err != nil {
			return m, n, ok, err
		}
	}
	return Message{}, n, false, nil
}

// check applies the rules that need no more than a frame's header and what came before it. Nothing is allocated for a frame that fails.
func (r *Reader) check(h ws.Header, lim Limits) error {
	state, have, frames := ws.StateServerSide, 0, 0
	if r.a != nil && r.a.op != ws.OpContinuation {
		state = state.Set(ws.StateFragmented)
		have, frames = len(r.a.data), r.a.frames
	}
	if err := ws.CheckHeader(h, state); err != nil {
		return protocolError(err)
	}
	switch {
	case h.OpCode.IsControl():
		return nil
	case frames >= lim.MaxFragments:
		return errTooManyFragments
	case h.Length > int64(lim.MaxMessage-have):
		return errMessageTooBig
	}
	return nil
}

// isWhole reports whether the frame is no fragment and its payload lies whole at the beginning of src.
func isWhole(h ws.Header, src []byte) bool {
	return h.Fin && h.OpCode != ws.OpContinuation && h.Length <= int64(len(src))
}

// openInPlace makes a message of a whole frame's payload without moving it.
func openInPlace(h ws.Header, payload []byte) (Message, error) {
	ws.Cipher(payload, h.Mask, 0)
	switch h.OpCode {
	case ws.OpText:
		if !utf8.Valid(payload) {
			return Message{}, errInvalidText
		}
	case ws.OpClose:
		if err := checkClose(payload); err != nil {
			return Message{}, err
		}
	}
	return Message{h.OpCode, payload}, nil
}

// open begins a frame that has to be assembled.
func (r *Reader) open(h ws.Header) {
	if r.a == nil {
		r.a = new(assembly)
	}
	r.a.open(h)
}

// finish ends the frame that has arrived whole, and with it perhaps a message. The assembly is let go with the message: its bytes are the
// caller's then, and go with the caller's last reference. They are not pooled: to take them back the Reader would have to hold them until
// the next call, which on a quiet connection is a heartbeat away.
func (r *Reader) finish() (m Message, ok bool, err error) {
	a := r.a
	switch {
	case a.frame.OpCode.IsControl():
		if a.op == ws.OpContinuation {
			r.a = nil
		}
		m = Message{a.frame.OpCode, a.control}
		if m.Op == ws.OpClose {
			err = checkClose(m.Data)
		}
	case !a.frame.Fin:
		return Message{}, false, nil
	default:
		r.a = nil
		m = Message{a.op, a.data}
		if !a.text.complete() {
			err = errInvalidText
		}
	}
	if err != nil {
		return Message{}, false, err
	}
	return m, true, nil
}
