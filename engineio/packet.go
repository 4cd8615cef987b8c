package engineio

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"
)

// Revision is the revision of the Engine.IO protocol that a session speaks, the EIO of its handshake.
type Revision uint8

// The revisions that clients in the field speak.
const (
	Revision3 Revision = 3 // socket.io-client 1.x and 2.x: the client pings
	Revision4 Revision = 4 // socket.io-client 3.x and 4.x: the server pings
)

// String returns the revision as EIO has it: "3" or "4".
func (r Revision) String() string { return strconv.Itoa(int(r)) }

// Type is the type of a packet. Its value is the digit that stands for it on the wire.
type Type uint8

// The packet types, the same in both revisions.
const (
	Open    Type = 0
	Close   Type = 1
	Ping    Type = 2
	Pong    Type = 3
	Message Type = 4
	Upgrade Type = 5
	Noop    Type = 6
)

// String returns the protocol's word for t.
func (t Type) String() string {
	switch t {
	case Open:
		return "open"
	case Close:
		return "close"
	case Ping:
		return "ping"
	case Pong:
		return "pong"
	case Message:
		return "message"
	case Upgrade:
		return "upgrade"
	case Noop:
		return "noop"
	}
	return "type " + strconv.Itoa(int(t))
}

// digit is t as the first character of a text packet.
func (t Type) digit() byte { return '0' + byte(t) }

// typeOfDigit is the type that a text packet's first character names.
func typeOfDigit(c byte) (Type, bool) {
	t := Type(c - '0')
	return t, t <= Noop
}

// Packet is one Engine.IO packet. A parsed packet's Data aliases the bytes that it was parsed from, or a buffer of
// the decoder's where it came as base64: it is valid until the callback that received the packet returns.
type Packet struct {
	Type   Type
	Binary bool // Data is a binary message's; only messages have a binary form in both revisions
	Data   []byte
}

// ParsePacket parses a text packet: the type's digit, then the data, which must be UTF-8. It does not know the
// base64 forms, which differ between the revisions; the payload decoders do.
func ParsePacket(text []byte) (Packet, error) {
	p, err := parseDigit(text)
	if err != nil {
		return Packet{}, err
	}
	if !utf8.Valid(p.Data) {
		return Packet{}, errPacketUTF8
	}
	return p, nil
}

// AppendText appends the packet as text, digit and data. A binary packet has no text form that both revisions
// share, and is an error as an unknown type is.
func (p Packet) AppendText(dst []byte) ([]byte, error) {
	switch {
	case p.Binary:
		return dst, errPacketBinary
	case p.Type > Noop:
		return dst, errPacketType
	}
	return p.appendText(dst), nil
}

func (p Packet) appendText(dst []byte) []byte {
	return append(append(dst, p.Type.digit()), p.Data...)
}

// parseDigit is ParsePacket for text that is known to be UTF-8.
func parseDigit(text []byte) (Packet, error) {
	if len(text) == 0 {
		return Packet{}, errPacketEmpty
	}
	t, ok := typeOfDigit(text[0])
	if !ok {
		return Packet{}, errPacketType
	}
	return Packet{Type: t, Data: text[1:]}, nil
}

// parseText parses a text packet of either form, digit or base64, from text that is known to be UTF-8.
// Base64 is decoded into room taken from a.
func parseText(rev Revision, text []byte, a *arena) (Packet, error) {
	if len(text) == 0 || text[0] != 'b' {
		return parseDigit(text)
	}
	p := Packet{Type: Message, Binary: true}
	coded := text[1:]
	if rev == Revision3 { // "b4..." where revision 4 has "b..."
		if len(coded) == 0 {
			return Packet{}, errPacketEmpty
		}
		var ok bool
		if p.Type, ok = typeOfDigit(coded[0]); !ok {
			return Packet{}, errPacketType
		}
		coded = coded[1:]
	}
	// Line breaks inside the base64 are skipped, as the official server skips them: some encoders wrap lines.
	room := a.take(base64.StdEncoding.DecodedLen(len(coded)))
	n, err := base64.StdEncoding.Decode(room, coded)
	if err != nil {
		return Packet{}, errPacketBase64
	}
	p.Data = room[:n:n]
	return p, nil
}

// parseBinary parses a binary packet: a type byte (the number, not the digit) before the data in revision 3, bare
// data of a message in revision 4.
func parseBinary(rev Revision, data []byte) (Packet, error) {
	if rev != Revision3 {
		return Packet{Type: Message, Binary: true, Data: data}, nil
	}
	if len(data) == 0 {
		return Packet{}, errPacketEmpty
	}
	t := Type(data[0])
	if t > Noop {
		return Packet{}, errPacketType
	}
	return Packet{Type: t, Binary: true, Data: data[1:]}, nil
}

// parseWebSocket parses the packet that one WebSocket message is. A text message has been checked to be UTF-8 by
// whoever read it off the wire, since WebSocket demands that itself.
func parseWebSocket(rev Revision, data []byte, binary bool) (Packet, error) {
	if binary {
		return parseBinary(rev, data)
	}
	var a arena
	return parseText(rev, data, &a)
}

// arenaChunk bounds what an arena takes ahead of need.
const arenaChunk = 4096

// arena is room for the base64 of one payload, so that a payload of many small binary packets costs few
// allocations. What it gave out it never takes back: packets of one payload do not overwrite each other.
type arena struct {
	free []byte
	rest int // what the payload can still ask for, at most
}

// take returns n bytes of room.
func (a *arena) take(n int) []byte {
	if n > len(a.free) {
		a.free = make([]byte, max(n, min(arenaChunk, a.rest)))
	}
	room := a.free[:n:n]
	a.free = a.free[n:]
	return room
}
