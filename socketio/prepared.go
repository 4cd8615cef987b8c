package socketio

import (
	"bytes"
	"sync/atomic"

	"outrider/engineio"
)

// Prepared is an event that is encoded once for each namespace and revision that receives it, and then shared by all
// receivers: see [Socket.Send] and [Broadcast.Send]. It never changes and may be sent from any goroutine, any number
// of times.
type Prepared struct {
	json        []byte
	attachments [][]byte
	ascii       bool // the text is the same for both revisions
	variants    atomic.Pointer[variant]
}

// variant is one encoding of a Prepared. They form a list that only grows at its head: there are as many as namespaces
// that the event goes to, once or twice, which is few.
type variant struct {
	ns    *Namespace
	rev   engineio.Revision // 0 for both
	frame *engineio.Frame
	next  *variant
}

// Prepare encodes an event. Its arguments may be, or contain:
//
//   - nil, bool, numbers and strings;
//   - [json.RawMessage], which is sent as it is, byte for byte;
//   - []byte, which is sent as an attachment; [WithAttachments] for binary data that is not an argument of its own
//     (a []byte anywhere else is base64, as encoding/json has it). It is copied;
//   - what has a MarshalEasyJSON or MarshalJSON, and all that encoding/json can write. '<', '>' and '&' are not
//     escaped.
//
// What is not UTF-8 in them becomes U+FFFD. Clients of Engine.IO 3 are sent ASCII, other characters as \uXXXX, which
// is the same to a JSON parser (PROTOCOL.md 4, quirk 3).
//
// The error is [ErrReserved] for a name that the protocol keeps for itself, and [ErrArgument] for an argument that
// cannot be encoded, with the cause inside: a [json.RawMessage] that is no JSON, a number that is not finite, a
// function.
func Prepare(event string, args ...any) (*Prepared, error) {
	var scratch [scratchSize]byte
	var attachments [][]byte
	json, err := appendEvent(scratch[:0], &attachments, event, args)
	if err != nil {
		return nil, err
	}
	return &Prepared{json: bytes.Clone(json), attachments: attachments, ascii: isASCII(json)}, nil
}

// frame returns the event as sessions of one revision receive it in a namespace.
func (p *Prepared) frame(ns *Namespace, rev engineio.Revision) *engineio.Frame {
	if p.ascii {
		rev = 0
	}
	head := p.variants.Load()
	if f := head.find(ns, rev, nil); f != nil {
		return f
	}
	v := &variant{ns: ns, rev: rev, next: head}
	v.frame = newFrame(Packet{Type: PacketEvent, Namespace: ns.wire}, p.json, p.attachments, rev)
	for !p.variants.CompareAndSwap(head, v) {
		seen := head
		head = p.variants.Load()
		if f := head.find(ns, rev, seen); f != nil { // somebody was faster; all receivers share one
			return f
		}
		v.next = head
	}
	return v.frame
}

// find looks for an encoding in the list, up to the part that has been seen.
func (v *variant) find(ns *Namespace, rev engineio.Revision, seen *variant) *engineio.Frame {
	for ; v != seen; v = v.next {
		if v.ns == ns && v.rev == rev {
			return v.frame
		}
	}
	return nil
}
