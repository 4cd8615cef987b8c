// Package wstest is the WebSocket conformance suite of the project as data: the 301 cases of the Autobahn testsuite's sections 1 to 7, 9
// and 10 by their numbers, and the attacks on a frame reader that are known from the field. A test plays them to a reader or, over a socket,
// to a server.
package wstest

import (
	"iter"

	"github.com/gobwas/ws"

	"outrider/internal/websocket"
)

// Case is a conversation of which the client's half is given.
type Case struct {
	ID   string // Autobahn's number, as "6.4.1"; or the attack's name
	Name string // what it checks
	Send []byte // all that the client sends: frames, masked unless that is the point
	Chop int    // octets that Autobahn writes at a time; 0: it does not matter

	// Limits are those under which the outcome is what the following fields say.
	Limits websocket.Limits
	// Want are the messages and control frames to be understood, in this order.
	Want []websocket.Message
	// Fail is the close code with which the server must fail the connection after that; 0: it must not fail.
	Fail ws.StatusCode
	// FailAt is how many bytes of Send make the fault plain: the connection must fail with the last of them (Autobahn is strict about
	// this in 6.4), and cannot before.
	FailAt int
}

// Answers returns what a server that echoes messages must send in the course of the case: the messages as they came, a pong for each ping,
// and for the client's close frame one with the same code, or without if it had none. The close frame of a failure is not among them.
func (c Case) Answers() []websocket.Message {
	var answers []websocket.Message
	for _, m := range c.Want {
		switch m.Op {
		case ws.OpPong:
			continue
		case ws.OpPing:
			m.Op = ws.OpPong
		case ws.OpClose:
			m.Data = m.Data[:min(2, len(m.Data))]
		}
		answers = append(answers, m)
	}
	return answers
}

// Cases returns Autobahn's cases of the sections 1 to 7 and 10.
//
// Each text message begins with prefix, so that they can be sent as packets: "4" makes Engine.IO messages of them.
func Cases(prefix string) iter.Seq[Case] {
	return play(prefix, framing, pings, reservedBits, opcodes, fragmentation, utf8Handling, closeHandling, autoFragmentation)
}

// Sizes returns Autobahn's cases of section 9, with messages of up to 16 MiB. They are made one at a time. For prefix see [Cases].
func Sizes(prefix string) iter.Seq[Case] { return play(prefix, sizes) }

// Attacks returns what Autobahn does not send: hostile lengths, floods of fragments, unmasked frames. For prefix see [Cases].
func Attacks(prefix string) iter.Seq[Case] { return play(prefix, attacks) }

func play(prefix string, sections ...func(*writer)) iter.Seq[Case] {
	return func(yield func(Case) bool) {
		w := &writer{prefix: prefix, yield: yield}
		for _, section := range sections {
			section(w)
		}
	}
}

// writer makes cases of frames, and hands them out while they are wanted.
type writer struct {
	prefix  string
	yield   func(Case) bool
	stopped bool
	masks   uint32
}

// add makes a case of frames and of what is known about it beside them in c.
func (w *writer) add(c Case, frames ...frame) {
	if w.stopped {
		return
	}
	const header = 14 // at most
	size := 0
	for _, f := range frames {
		size += header + len(w.prefix) + len(f.payload)
	}
	c.Send = make([]byte, 0, size)
	var message websocket.Message // whose fragments are being sent
	for _, f := range frames {
		if f.op == ws.OpText {
			f.payload = w.prefix + f.payload
			if f.failAt > 0 {
				f.failAt += len(w.prefix)
			}
		}
		start := len(c.Send)
		var head int
		c.Send, head = f.appendTo(c.Send, w.mask())

		switch {
		case c.over():
		case f.fail != 0:
			c.Fail, c.FailAt = f.fail, start+head+f.failAt
		case f.op.IsControl():
			c.Want = append(c.Want, websocket.Message{Op: f.op, Data: []byte(f.payload)})
		default:
			if f.op != ws.OpContinuation {
				message = websocket.Message{Op: f.op}
			}
			message.Data = append(message.Data, f.payload...)
			if f.fin {
				c.Want = append(c.Want, message)
			}
		}
	}
	w.stopped = !w.yield(c)
}

// over reports whether the case has come to the frame after which nothing counts.
func (c Case) over() bool {
	return c.Fail != 0 || len(c.Want) > 0 && c.Want[len(c.Want)-1].Op == ws.OpClose
}

// mask returns another mask each time, the same ones in each run.
func (w *writer) mask() [4]byte {
	w.masks = w.masks*1664525 + 1013904223
	m := w.masks
	return [4]byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)}
}
