package engineio

import (
	"encoding/base64"
	"encoding/binary"
	"sync/atomic"

	"github.com/gobwas/ws"
)

// FramePrefix is the room that [MessageFrame] needs in front of the text: the longest header of a server's
// WebSocket frame, and the packet's digit.
const FramePrefix = 10 + 1

var framePrefix [FramePrefix]byte

// Frame is one packet or more, encoded once and sent to any number of sessions of either revision on either
// transport. It never changes and may be shared by all goroutines. The packets of one Frame reach a session
// together, with nothing between them.
type Frame struct {
	text   []byte    // the WebSocket frame of the text packet; nil if there is none
	packet [1]Packet // the text packet, or the binary one if that is all
	binary *binaries // nil if all is text
}

// binaries is the part of a Frame whose bytes depend on whom they go to.
type binaries struct {
	packets  []Packet // all packets of the frame
	none     bool     // they are text after all, of several frames that were joined
	bytes    int      // on a WebSocket of revision 4
	variants [4]atomic.Pointer[[]byte]
}

// MessageFrame returns the frame of a text message, buf[FramePrefix:], and of the binary messages that follow it.
// The text must be UTF-8. The bytes in front of it are overwritten; buf and the attachments belong to the Frame from
// here on and must not be changed. A buf shorter than FramePrefix panics.
func MessageFrame(buf []byte, attachments ...[]byte) *Frame {
	f := newTextFrame(Message, buf)
	if len(attachments) > 0 {
		f.attach(f.packet[:], attachments)
	}
	return f
}

// BinaryFrame returns the frame of one binary message. Data belongs to the Frame from here on.
func BinaryFrame(data []byte) *Frame {
	f := new(Frame)
	f.attach(nil, [][]byte{data})
	return f
}

// PacketFrame returns the frame of a text packet of any type, such as the heartbeat's and the upgrade's. They are
// few: make each once and share it.
func PacketFrame(t Type, data string) *Frame {
	buf := make([]byte, FramePrefix+len(data))
	copy(buf[FramePrefix:], data)
	return newTextFrame(t, buf)
}

// JoinFrames returns a frame of the packets of all the frames, in order, which cost a session one write instead of
// several. Frames with binary messages cannot be joined: it panics on one.
func JoinFrames(frames ...*Frame) *Frame {
	size := 0
	for _, f := range frames {
		if f.binary != nil && !f.binary.none {
			panic("engineio: JoinFrames of a frame with binary messages")
		}
		size += len(f.text)
	}
	joined := &Frame{
		text:   make([]byte, 0, size),
		binary: &binaries{none: true, bytes: size, packets: make([]Packet, 0, len(frames))},
	}
	for _, f := range frames {
		joined.text = append(joined.text, f.text...)
		joined.binary.packets = append(joined.binary.packets, f.packets()...)
	}
	return joined
}

// newTextFrame makes the frame of a text packet out of a buffer with room in front of the packet's data: the
// WebSocket frame and the data are parts of one array.
func newTextFrame(t Type, buf []byte) *Frame {
	return &Frame{text: sealText(t, buf), packet: [1]Packet{{Type: t, Data: buf[FramePrefix:]}}}
}

// sealText puts digit and header in front of the data in buf, and returns the WebSocket frame that it is then.
func sealText(t Type, buf []byte) []byte {
	const digit = FramePrefix - 1
	size := len(buf) - digit
	buf[digit] = t.digit()
	start := digit - headerSize(size)
	putHeader(buf[start:], ws.OpText, size)
	return buf[start:]
}

// attach adds binary messages to the packets that the frame begins with.
func (f *Frame) attach(first []Packet, attachments [][]byte) {
	b := &binaries{packets: make([]Packet, 0, len(first)+len(attachments)), bytes: len(f.text)}
	b.packets = append(b.packets, first...)
	for _, data := range attachments {
		b.packets = append(b.packets, Packet{Type: Message, Binary: true, Data: data})
		b.bytes += headerSize(len(data)) + len(data)
	}
	f.binary = b
}

// packets returns what the frame carries, for a transport that frames it itself. The slice is the Frame's own.
func (f *Frame) packets() []Packet {
	if f.binary != nil {
		return f.binary.packets
	}
	return f.packet[:]
}

// size is what the frame counts in a queue: its bytes on a WebSocket of revision 4. Other variants differ by a few
// bytes, or by a third where binary goes as base64.
func (f *Frame) size() int {
	if f.binary != nil {
		return f.binary.bytes
	}
	return len(f.text)
}

// websocket returns all packets as WebSocket frames for a session of the revision; b64 says that it cannot take
// binary frames. The bytes are shared and must not be changed.
func (f *Frame) websocket(rev Revision, b64 bool) []byte {
	if f.binary == nil || f.binary.none {
		return f.text
	}
	variant := 0
	if rev == Revision3 {
		variant |= 1
	}
	if b64 {
		variant |= 2
	}
	slot := &f.binary.variants[variant]
	if known := slot.Load(); known != nil {
		return *known
	}
	out := f.encodeBinary(rev, b64)
	if !slot.CompareAndSwap(nil, &out) { // somebody was faster; keep one copy alive, not two
		return *slot.Load()
	}
	return out
}

func (f *Frame) encodeBinary(rev Revision, b64 bool) []byte {
	out := make([]byte, 0, f.variantSize(rev, b64))
	out = append(out, f.text...)
	for _, p := range f.binary.packets {
		if p.Binary {
			out = appendBinaryMessage(out, p.Data, rev, b64)
		}
	}
	return out
}

// variantSize is the length of the variant's bytes.
func (f *Frame) variantSize(rev Revision, b64 bool) int {
	n := len(f.text)
	for _, p := range f.binary.packets {
		if p.Binary {
			size := binarySize(len(p.Data), rev, b64)
			n += headerSize(size) + size
		}
	}
	return n
}

// binarySize is the length of n bytes' packet inside its WebSocket frame.
func binarySize(n int, rev Revision, b64 bool) int {
	size := n
	if b64 {
		size = 1 + base64.StdEncoding.EncodedLen(n) // 'b'
	}
	if rev == Revision3 {
		size++ // the type
	}
	return size
}

// appendBinaryMessage appends the WebSocket frame of a binary message.
func appendBinaryMessage(dst, data []byte, rev Revision, b64 bool) []byte {
	size := binarySize(len(data), rev, b64)
	op := ws.OpBinary
	if b64 {
		op = ws.OpText
	}
	header := len(dst)
	dst = append(dst, make([]byte, headerSize(size))...)
	putHeader(dst[header:], op, size)
	switch {
	case b64 && rev == Revision3:
		dst = append(dst, 'b', Message.digit())
	case b64:
		dst = append(dst, 'b')
	case rev == Revision3:
		dst = append(dst, byte(Message))
	}
	if b64 {
		return base64.StdEncoding.AppendEncode(dst, data)
	}
	return append(dst, data...)
}

// headerSize is the length of the header of a server's frame with n bytes in it.
func headerSize(n int) int { return ws.HeaderSize(ws.Header{Length: int64(n)}) }

// putHeader writes the header of an unfragmented, unmasked frame with n bytes in it. (gobwas/ws writes headers to an
// io.Writer, which costs an allocation.)
func putHeader(dst []byte, op ws.OpCode, n int) {
	const fin = 0x80
	dst[0] = fin | byte(op)
	switch headerSize(n) {
	case 2:
		dst[1] = byte(n)
	case 4:
		dst[1] = 126
		binary.BigEndian.PutUint16(dst[2:], uint16(n))
	default:
		dst[1] = 127
		binary.BigEndian.PutUint64(dst[2:], uint64(n))
	}
}
