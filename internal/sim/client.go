package sim

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"sync/atomic"
)

// client is one session's other end. There are as many as sessions and all
// are alive, so it is small, and holds no pointer: it lies outside Go's heap.
type client struct {
	token    uint64        // under which the loop knows its descriptor; set by Add
	messages atomic.Uint32 // pushes that were written to it
	state    state         // guarded by the lock under which the server writes to it

	// guarded by the port's mu
	watched bool   // for reading
	queued  bool   // in the port's list of those that have something to read
	owes    speech // what it is going to say
	next    uint32 // revision 3: who pings after it, plus 1; 0 if nobody does
	due     int64  // revision 3: when it pings
}

// state is how far a client is.
type state uint8

const (
	dialled  state = iota
	switched       // the WebSocket's handshake is answered
	ready          // set_connect is acknowledged
	failed         // the server has answered something else
	gone           // its descriptor is closed
)

// speech is a set of what a client has to say, in this order.
type speech uint8

const (
	sayHello      speech = 1 << iota // the WebSocket's handshake
	sayConnect                       // CONNECT to the namespace
	saySetConnect                    // who it is
	sayPing
	sayPong
	sayFIN // the end of the stream
)

// namespace is the audience that all clients are of: the largest, and the one
// whose set_connect has all of uid, type, topic and token.
const namespace = "/socket/rider"

// script is what clients say, as far as it is the same for all.
type script struct {
	revision int
	topics   int
	hello    []byte
	connect  []byte
	ping     []byte
	pong     []byte
}

func newScript(revision, topics int, path string) *script {
	return &script{
		revision: revision,
		topics:   topics,
		// The header fields are those that the ws package of Node sends.
		hello: []byte("GET " + path + "/?EIO=" + strconv.Itoa(revision) + "&transport=websocket HTTP/1.1\r\n" +
			"Host: 127.0.0.1:3000\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
			"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
		connect: appendFrame(nil, "40"+namespace+","),
		ping:    appendFrame(nil, "2"),
		pong:    appendFrame(nil, "3"),
	}
}

// appendFrame appends a text frame of a client. It is masked, as the server
// insists, with the key 0: the server has the work of unmasking it all the
// same, and the client has none.
func appendFrame(dst []byte, text string) []byte {
	return append(appendHead(dst, len(text)), text...)
}

func appendHead(dst []byte, size int) []byte {
	const finText, masked = 0x81, 0x80
	if size < 126 {
		dst = append(dst, finText, masked|byte(size))
	} else {
		dst = binary.BigEndian.AppendUint16(append(dst, finText, masked|126), uint16(size))
	}
	return append(dst, 0, 0, 0, 0)
}

// append appends what a client says; the FIN has no bytes.
func (s *script) append(dst []byte, number int, what speech) []byte {
	if what&sayHello != 0 {
		dst = append(dst, s.hello...)
	}
	if what&sayConnect != 0 {
		dst = append(dst, s.connect...)
	}
	if what&saySetConnect != 0 {
		dst = s.appendSetConnect(dst, number)
	}
	if what&sayPing != 0 {
		dst = append(dst, s.ping...)
	}
	if what&sayPong != 0 {
		dst = append(dst, s.pong...)
	}
	return dst
}

// appendSetConnect appends the event by which a client says who it is, and asks
// for an acknowledgement.
func (s *script) appendSetConnect(dst []byte, number int) []byte {
	const (
		uid   = "42" + namespace + `,0["set_connect",{"uid":`
		topic = `,"type":"rider","topic":"rider_`
		token = `_notification","token":"`
		end   = `"}]`
	)
	of := number % s.topics
	dst = appendHead(dst, len(uid)+digits(number+1)+len(topic)+digits(of)+len(token)+tokenLength+len(end))
	dst = strconv.AppendInt(append(dst, uid...), int64(number+1), 10)
	dst = strconv.AppendInt(append(dst, topic...), int64(of), 10)
	dst = appendToken(append(dst, token...), number)
	return append(dst, end...)
}

// digits is the length of a number that is not negative.
func digits(n int) int {
	count := 1
	for ; n >= 10; n /= 10 {
		count++
	}
	return count
}

// uid is a client's by its number, as set_connect has it.
func uid(number int) string { return strconv.Itoa(number + 1) }

// tokenLength is that of FCM's tokens.
const tokenLength = 163

const tokenTail = ":APA91beQv8IB8hdY88yTdTxBIUFmDi8x2y4RuMER_bh3m1xs0drDjUpNbikPI99LsI0TCl21PFFwqjeEn" +
	"AJNEZ0lhTFrouRww6xNi3em3hmrB1oCwRHq7ttj-CHCvg6moWuXovhmwNDQnciepX3MNpqc4VKrb5icPE"

func appendToken(dst []byte, number int) []byte {
	from := len(dst)
	dst = strconv.AppendInt(dst, int64(number), 36)
	return append(dst, tokenTail[:tokenLength-(len(dst)-from)]...)
}

// heard is what a client makes of bytes that the server has written.
type heard uint8

const (
	heardNothing heard = iota // that it acts on
	heardOpen                 // the engine is open
	heardJoined               // the namespace is joined
	heardReady                // set_connect is acknowledged
	heardMessage              // a push, or the greeting
	heardPing
	heardPong
	heardNonsense // not what this server says to these clients
)

// answered returns how long the answer to the WebSocket's handshake at the
// beginning of p is, 0 if that is none.
func answered(p []byte) int {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 || !bytes.HasPrefix(p, []byte("HTTP/1.1 101 ")) {
		return 0
	}
	return end + 4
}

// frame reads the frame at the beginning of p, and returns its payload's place.
// The server writes whole frames, unmasked; it is not ok if p has none.
func frame(p []byte) (opcode byte, head, end int, ok bool) {
	if len(p) < 2 {
		return 0, 0, 0, false
	}
	head = 2
	size := int(p[1])
	switch {
	case size == 126 && len(p) >= 4:
		head, size = 4, int(binary.BigEndian.Uint16(p[2:]))
	case size > 125: // nothing here is as long
		return 0, 0, 0, false
	}
	end = head + size
	return p[0] & 0x0F, head, end, p[0]&0x80 != 0 && end <= len(p)
}

// understand tells what a packet of the engine's says.
func understand(p []byte) heard {
	if len(p) == 0 {
		return heardNonsense
	}
	switch p[0] {
	case '0':
		return heardOpen
	case '2':
		return heardPing
	case '3':
		return heardPong
	case '4':
		return understandMessage(p[1:])
	}
	return heardNonsense
}

func understandMessage(p []byte) heard {
	if string(p) == "0" {
		return heardNothing // the root namespace, which revision 3 joins unasked
	}
	if len(p) == 0 || !bytes.HasPrefix(p[1:], []byte(namespace)) {
		return heardNonsense
	}
	switch p[0] {
	case '0':
		return heardJoined
	case '2':
		return heardMessage
	case '3':
		if bytes.Contains(p, []byte(`"code":0`)) {
			return heardReady
		}
	}
	return heardNonsense
}
