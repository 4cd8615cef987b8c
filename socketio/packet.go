package socketio

import "strconv"

// PacketType is the type of a packet. Its value is the digit that stands for it on the wire (PROTOCOL.md 2.1).
type PacketType uint8

// The packet types. Protocol 4 calls CONNECT_ERROR "ERROR".
const (
	PacketConnect      PacketType = 0
	PacketDisconnect   PacketType = 1
	PacketEvent        PacketType = 2
	PacketAck          PacketType = 3
	PacketConnectError PacketType = 4
	PacketBinaryEvent  PacketType = 5
	PacketBinaryAck    PacketType = 6
)

// String returns the protocol's word for t.
func (t PacketType) String() string {
	switch t {
	case PacketConnect:
		return "CONNECT"
	case PacketDisconnect:
		return "DISCONNECT"
	case PacketEvent:
		return "EVENT"
	case PacketAck:
		return "ACK"
	case PacketConnectError:
		return "CONNECT_ERROR"
	case PacketBinaryEvent:
		return "BINARY_EVENT"
	case PacketBinaryAck:
		return "BINARY_ACK"
	}
	return "type " + strconv.Itoa(int(t))
}

func (t PacketType) digit() byte { return '0' + byte(t) }

// binary reports whether packets of the type announce attachments.
func (t PacketType) binary() bool { return t == PacketBinaryEvent || t == PacketBinaryAck }

// Packet is one Socket.IO packet as it stands in a text message of the engine:
//
//	<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]
//
// Its attachments are the binary messages that follow it. A parsed packet aliases the text that it was parsed from.
type Packet struct {
	Type        PacketType
	Attachments int    // how many binary messages follow; only of the binary types
	Namespace   []byte // nil for "/"
	ID          uint64 // of the acknowledgement, if HasID
	HasID       bool
	Data        []byte // JSON text, nil if there is none
}

// AppendText appends the packet as text. The attachments and the namespace's comma are written where they belong; what
// the fields hold is not checked.
func (p Packet) AppendText(dst []byte) ([]byte, error) {
	if p.Type > PacketBinaryAck {
		return dst, errType
	}
	return append(p.appendHead(dst), p.Data...), nil
}

// appendHead appends what stands before the JSON.
func (p *Packet) appendHead(dst []byte) []byte {
	dst = append(dst, p.Type.digit())
	if p.Type.binary() {
		dst = append(strconv.AppendInt(dst, int64(p.Attachments), 10), '-')
	}
	if p.Namespace != nil {
		dst = append(append(dst, p.Namespace...), ',')
	}
	if p.HasID {
		dst = strconv.AppendUint(dst, p.ID, 10)
	}
	return dst
}

// headSize is at least the length of the head, and little more.
func (p *Packet) headSize() int {
	n := 1 + len(p.Namespace) + 1
	if p.Type.binary() {
		n += decimalSize(uint64(p.Attachments)) + 1
	}
	if p.HasID {
		n += decimalSize(p.ID)
	}
	return n
}

// decimalSize is the number of digits of n.
func decimalSize(n uint64) int {
	size := 1
	for ; n >= 10; n /= 10 {
		size++
	}
	return size
}

// Reserved reports whether an event name is one that the protocol keeps for itself. Such events are neither sent nor
// accepted (PROTOCOL.md 2.1).
func Reserved(event string) bool { return reserved(event) }

func reserved[T string | []byte](event T) bool {
	switch string(event) {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}
