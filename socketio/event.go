package socketio

import "sync/atomic"

// Event is an event that a client sent. Its arguments ([Args]) are valid until the handler returns: what is kept
// longer must be copied, as Bind does. [Event.Ack] may be called later.
type Event struct {
	Args
	socket *Socket
	name   string
	id     uint64
	ack    atomic.Uint32
}

// The states of an event's acknowledgement.
const (
	ackUnwanted uint32 = iota
	ackWanted
	ackSent
)

// Socket returns the socket that the event came on.
func (e *Event) Socket() *Socket { return e.socket }

// Name returns the event's name. That of an event with a number for a name is the number's JSON text.
func (e *Event) Name() string { return e.name }

// WantsAck reports whether the client waits for an acknowledgement and has not got it yet.
func (e *Event) WantsAck() bool { return e.ack.Load() == ackWanted }

// Ack acknowledges the event with any number of arguments, encoded as those of [Prepare]. It may be called from any
// goroutine, also after the handler has returned. It returns [ErrNoAck] if the client wants none or has got it: there
// is at most one (PROTOCOL.md 2.6). If the arguments cannot be encoded nothing is sent, and another try is possible.
func (e *Event) Ack(args ...any) error {
	if !e.WantsAck() {
		return ErrNoAck
	}
	s := e.socket
	var scratch [scratchSize]byte
	var attachments [][]byte
	json, err := appendList(scratch[:0], &attachments, args)
	if err != nil {
		return err
	}
	if !s.Connected() {
		return ErrNotConnected
	}
	if !e.ack.CompareAndSwap(ackWanted, ackSent) {
		return ErrNoAck
	}
	p := Packet{Type: PacketAck, Namespace: s.ns.wire, ID: e.id, HasID: true}
	return s.conn.session.SendFrame(newFrame(p, json, attachments, s.Revision()))
}

// event hands an event to the handlers that are set for it.
func (s *Socket) event(d *decoded, attachments [][]byte) {
	s.ns.server.counters.events.Add(1)
	if d.Data == nil { // "42" is no error, and nothing (PROTOCOL.md 2.1)
		return
	}
	name, err := d.name()
	if err != nil {
		s.conn.parseError(err)
		return
	}
	h := s.ns.handlers.Load()
	on := h.events[string(name)]
	if on == nil && len(h.any) == 0 {
		return
	}
	e := &Event{socket: s, id: d.ID}
	if on != nil {
		e.name = on.name
	} else {
		e.name = string(name)
	}
	if d.HasID {
		e.ack.Store(ackWanted)
	}
	e.Args.set(d, 1, attachments)
	e.run(h.any)
	if on != nil {
		e.run(on.fns)
	}
}

// run calls handlers as long as the socket is there.
func (e *Event) run(fns []func(*Event)) {
	for _, fn := range fns {
		if !e.socket.Connected() {
			return
		}
		fn(e)
	}
}
