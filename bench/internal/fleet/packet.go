package fleet

import (
	"bytes"
	"strconv"
	"time"

	"outrider/bench/internal/http1"
)

// input takes what has arrived on a socket and returns how much of it is
// dealt with.
func (f *Fleet) input(i int, c *client, r role, p []byte) (n int) {
	switch {
	case r == rolePost:
		return f.posted(i, c, p)
	case c.long != nil && r == roleProbe:
		return f.probeInput(i, c, p)
	case c.long != nil:
		return f.polled(i, c, p)
	}
	if !c.switched {
		resp, used, err := http1.Parse(p)
		switch {
		case err != nil:
			f.close(i, c, CauseProtocol)
			return 0
		case used == 0:
			return 0
		case !switched(resp):
			f.close(i, c, CauseRefused)
			return 0
		}
		c.switched, n = true, used
	}
	return n + f.frames(i, c, p[n:])
}

// frames takes the frames of a WebSocket.
func (f *Fleet) frames(i int, c *client, p []byte) (n int) {
	for c.state != closing {
		fr, used, err := parseFrame(p[n:])
		if err != nil {
			f.close(i, c, CauseProtocol)
			return n
		}
		if used == 0 {
			return n
		}
		n += used
		f.frame(i, c, fr)
	}
	return n
}

func (f *Fleet) frame(i int, c *client, fr frame) {
	switch fr.opcode {
	case opText, opContinuation:
		if part, ok := f.parts[i]; ok || !fr.fin {
			if len(part)+len(fr.payload) > maxMessage {
				f.close(i, c, CauseProtocol)
				return
			}
			f.parts[i] = append(part, fr.payload...)
			if !fr.fin {
				return
			}
			fr.payload = f.parts[i]
			delete(f.parts, i)
		}
		f.packet(i, c, fr.payload)
	case opPing:
		f.out = appendFrame(f.out[:0], opPong, f.nextKey(), fr.payload)
		s, r := c.stream()
		f.send(i, c, s, r, f.out)
	case opClose:
		f.close(i, c, CauseFrame)
	}
}

// nextKey returns the key for a frame. Nothing here needs it to be unpredictable.
func (f *Fleet) nextKey() uint32 {
	f.key = f.key*1664525 + 1013904223
	return f.key
}

// write sends a packet of Engine.IO on the client's transport.
func (f *Fleet) write(i int, c *client, packet []byte) {
	if c.long != nil {
		c.long.outbox = append(c.long.outbox, bytes.Clone(packet))
		f.postOutbox(i, c)
		return
	}
	f.out = appendFrame(f.out[:0], opText, f.nextKey(), packet)
	s, r := c.stream()
	f.send(i, c, s, r, f.out)
}

// packet takes one packet of Engine.IO.
func (f *Fleet) packet(i int, c *client, p []byte) {
	if len(p) == 0 {
		f.close(i, c, CauseProtocol)
		return
	}
	switch p[0] {
	case '0':
		f.open(i, c, p[1:])
	case '1':
		f.close(i, c, CauseFrame)
	case '2': // v4: the server's heartbeat
		f.stats.Heartbeats++
		f.write(i, c, []byte("3"))
		if c.state == ready {
			f.setBeat(i, c, f.now)
		}
	case '3':
		if c.pinged {
			c.pinged = false
			f.stats.Heartbeats++
			f.setBeat(i, c, f.now)
		}
	case '4':
		f.message(i, c, p[1:])
	case '6':
	default:
		f.close(i, c, CauseProtocol)
	}
}

// open takes the open packet. The client asks for its namespace at once: one
// of revision 3 need not wait until it has joined the root.
func (f *Fleet) open(i int, c *client, handshake []byte) {
	if c.state != dialing {
		return
	}
	f.beat.interval = int64(number(handshake, `"pingInterval":`)) * int64(time.Millisecond)
	f.beat.timeout = int64(number(handshake, `"pingTimeout":`)) * int64(time.Millisecond)
	c.state = opened
	f.cfg.Observer.Opened(i, f.clock.Now()-c.dialed)
	if c.long != nil && !f.openLong(i, c, handshake) {
		return
	}
	f.text = append(f.appendNamespace(append(f.text[:0], "40"...), c), ',')
	f.write(i, c, f.text)
}

// number returns the number behind a key.
func number(object []byte, key string) uint64 {
	_, rest, _ := bytes.Cut(object, []byte(key))
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	n, _ := strconv.ParseUint(string(rest[:end]), 10, 63)
	return n
}

func (f *Fleet) appendNamespace(dst []byte, c *client) []byte {
	return append(append(dst, "/socket/"...), c.profileOf().Kind.Audience()...)
}

// message takes one packet of Socket.IO.
func (f *Fleet) message(i int, c *client, p []byte) {
	if len(p) == 0 {
		f.close(i, c, CauseProtocol)
		return
	}
	f.text = f.appendNamespace(f.text[:0], c)
	rest, ours := bytes.CutPrefix(p[1:], f.text)
	if !ours {
		return // the root namespace, which v3 joins unasked
	}
	rest = bytes.TrimPrefix(rest, []byte(","))
	switch p[0] {
	case '0':
		f.join(i, c)
	case '1':
		f.close(i, c, CauseFrame)
	case '2':
		f.event(i, rest)
	case '3':
		if len(rest) == 0 {
			f.close(i, c, CauseProtocol)
			return
		}
		f.ack(i, c, rest)
	case '4':
		f.close(i, c, CauseRefused)
	}
}

func (f *Fleet) join(i int, c *client) {
	if c.state != opened {
		return
	}
	c.state = joined
	if c.profileOf().Kind == Show {
		c.acked = true
		f.settle(i, c)
		return
	}
	f.SetConnect(i)
}

// SetConnect sends set_connect, and asks for an acknowledgement.
func (f *Fleet) SetConnect(client int) {
	c := &f.clients[client]
	if c.state != joined && c.state != ready {
		return
	}
	f.text = append(f.appendNamespace(append(f.text[:0], "42"...), c), `,0["set_connect",`...)
	f.text = c.profileOf().Kind.appendSetConnect(f.text, f.User(client), uint64(c.topic), c.device)
	f.text = append(f.text, ']')
	f.write(client, c, f.text)
}

// Logout sends logout, and asks for an acknowledgement.
func (f *Fleet) Logout(client int) {
	c := &f.clients[client]
	if c.state != ready {
		return
	}
	f.text = append(f.appendNamespace(append(f.text[:0], "42"...), c), ',', logoutID)
	f.text = append(f.text, `["logout"]`...)
	f.write(client, c, f.text)
}

// logoutID is the id under which logout is acknowledged; set_connect has 0.
const logoutID = '1'

// Emit sends an event, given as its JSON array, that asks for nothing.
func (f *Fleet) Emit(client int, array string) {
	c := &f.clients[client]
	if c.state != joined && c.state != ready {
		return
	}
	f.text = append(f.appendNamespace(append(f.text[:0], "42"...), c), ',')
	f.text = append(f.text, array...)
	f.write(client, c, f.text)
}

// ack takes the answer to a set_connect, or to a logout.
func (f *Fleet) ack(i int, c *client, p []byte) {
	ok := bytes.Contains(p, []byte(`"code":0`))
	switch {
	case p[0] == logoutID:
		f.cfg.Observer.LoggedOut(i)
	case c.state == ready:
		f.cfg.Observer.Acked(i, ok)
	case !ok:
		f.close(i, c, CauseRefused)
	default:
		c.acked = true
		f.settle(i, c)
	}
}

var messageEvent = []byte(`["message",`)

// event takes an event: an id, if it asks for an acknowledgement, and an array.
func (f *Fleet) event(i int, p []byte) {
	for len(p) > 0 && p[0] >= '0' && p[0] <= '9' {
		p = p[1:]
	}
	p = bytes.TrimSuffix(p, []byte("]"))
	if text, ok := bytes.CutPrefix(p, messageEvent); ok {
		f.stats.Messages++
		f.cfg.Observer.Message(i, text, f.clock.Now())
		return
	}
	p = bytes.TrimPrefix(p, []byte(`["`))
	name, text, _ := bytes.Cut(p, []byte(`"`))
	f.cfg.Observer.Event(i, name, bytes.TrimPrefix(text, []byte(",")), f.clock.Now())
}
