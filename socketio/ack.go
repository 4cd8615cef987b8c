package socketio

import (
	"fmt"
	"time"

	"outrider/engineio"
)

// EmitWithAck sends an event that the client is to acknowledge, and calls fn once: with what the client answered, with
// [ErrAckTimeout] when the timeout has passed (no timeout if it is zero), or with [ErrNotConnected] when the socket is
// gone. If EmitWithAck itself returns an error, fn is not called: the errors are those of [Socket.Emit], and
// [ErrLimit] if [Config].MaxPendingAcks are awaited already.
//
// fn runs as a handler of the connection does, in its turn. args are valid until it returns. A timeout is not taken back
// when the answer comes: a long one keeps a few bytes until it has passed or the connection ends.
func (s *Socket) EmitWithAck(timeout time.Duration, event string, args []any, fn func(args *Args, err error)) error {
	var scratch [scratchSize]byte
	var attachments [][]byte
	json, err := appendEvent(scratch[:0], &attachments, event, args)
	if err != nil {
		return err
	}
	id, err := s.awaitAck(fn)
	if err != nil {
		return err
	}
	p := Packet{Type: PacketEvent, Namespace: s.ns.wire, ID: id, HasID: true}
	if err := s.conn.session.SendFrame(newFrame(p, json, attachments, s.Revision())); err != nil {
		if s.takeAck(id) == nil {
			return nil // the socket has left meanwhile, and fn knows
		}
		return err
	}
	if timeout > 0 {
		s.conn.session.After(timeout, func() { s.expireAck(id) })
	}
	return nil
}

// awaitAck keeps fn under a new id. Ids are counted per namespace, so that all receivers of a broadcast can have the
// same one.
func (s *Socket) awaitAck(fn func(*Args, error)) (id uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.needAcks()
	if err != nil {
		return 0, err
	}
	id = s.ns.acks.Add(1) - 1
	x.acks[id] = fn
	return id, nil
}

// awaitAckAs keeps fn under an id that the socket shares with the other receivers of a broadcast.
func (s *Socket) awaitAckAs(id uint64, fn func(*Args, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.needAcks()
	if err != nil {
		return err
	}
	x.acks[id] = fn
	return nil
}

// needAcks returns the extra state with room for one acknowledgement more. The caller holds mu.
func (s *Socket) needAcks() (*extra, error) {
	if s.state.Load() != connected { // failAcks comes after this state and takes the same lock
		return nil, ErrNotConnected
	}
	x := s.need()
	if len(x.acks) >= s.ns.server.cfg.MaxPendingAcks {
		return nil, fmt.Errorf("%w: %d acknowledgements", ErrLimit, len(x.acks))
	}
	if x.acks == nil {
		x.acks = make(map[uint64]func(*Args, error))
	}
	return x, nil
}

// takeAck returns what awaits the id, once.
func (s *Socket) takeAck(id uint64) func(*Args, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.extra == nil {
		return nil
	}
	fn := s.extra.acks[id]
	delete(s.extra.acks, id)
	return fn
}

// acknowledged hands the client's answer to what awaits it. One that nothing awaits is ignored (PROTOCOL.md 2.6).
func (s *Socket) acknowledged(d *decoded, attachments [][]byte) {
	if !d.HasID {
		return
	}
	fn := s.takeAck(d.ID)
	if fn == nil {
		return
	}
	var args Args
	args.set(d, 0, attachments)
	fn(&args, nil)
}

func (s *Socket) expireAck(id uint64) {
	defer s.conn.rescue("ack")
	if fn := s.takeAck(id); fn != nil {
		fn(&Args{}, ErrAckTimeout)
	}
}

// failAcks tells everything that awaits an acknowledgement of a socket which has left.
func (s *Socket) failAcks() {
	s.mu.Lock()
	var acks map[uint64]func(*Args, error)
	if s.extra != nil {
		acks, s.extra.acks = s.extra.acks, nil
	}
	s.mu.Unlock()
	for _, fn := range acks {
		fn(&Args{}, ErrNotConnected)
	}
}

// packetFrame encodes a packet that is the same for clients of both revisions.
func packetFrame(p Packet) *engineio.Frame {
	buf := make([]byte, engineio.FramePrefix, engineio.FramePrefix+p.headSize()+len(p.Data))
	return engineio.MessageFrame(append(p.appendHead(buf), p.Data...))
}
