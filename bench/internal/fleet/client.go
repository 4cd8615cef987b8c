package fleet

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"outrider/internal/wheel"
)

// state is how far a client is.
type state uint8

const (
	idle    state = iota // not connected
	waiting              // not connected, to be dialled at its deadline
	dialing              // the engine's handshake is under way
	opened               // the engine is open, CONNECT is sent
	joined               // the namespace is joined, set_connect is sent
	ready                // it is acknowledged
	closing              // to be closed at the end of the turn
)

// client is one client. There are as many as a process may have files, so its
// size counts: 72 bytes, no other object while it is idle on a WebSocket.
type client struct {
	main    sock
	long    *polling // nil on a WebSocket
	due     wheel.Deadline
	dialed  int64 // when
	user    uint32
	topic   uint32
	profile uint8
	device  uint8 // which of the user's devices it is
	state   state
	cause   Cause // when closing

	switched bool // the WebSocket's handshake is over
	upgraded bool // main was a probe
	acked    bool // set_connect was acknowledged since the dial
	settled  bool // it was ready since the dial
	pinged   bool // v3: a ping waits for its pong
}

func (c *client) profileOf() Profile { return profileOf(c.profile) }

// sock returns the socket that events of a role are for, nil if it is gone.
func (c *client) sock(r role) *sock {
	switch {
	case r == roleMain && !c.upgraded, r == roleProbe && c.upgraded:
		return &c.main
	case r == roleProbe && c.long != nil:
		return &c.long.probe
	case r == rolePost && c.long != nil:
		return &c.long.post
	}
	return nil
}

// stream returns the socket on which messages come.
func (c *client) stream() (*sock, role) {
	if c.upgraded {
		return &c.main, roleProbe
	}
	return &c.main, roleMain
}

// broken is the cause of an error of the system.
func broken(err error) Cause {
	switch err {
	case unix.ECONNREFUSED, unix.ENETUNREACH, unix.EHOSTUNREACH, unix.ETIMEDOUT, unix.EADDRNOTAVAIL:
		return CauseConnect
	}
	return CauseReset
}

func (f *Fleet) target(i int) netip.AddrPort {
	return f.cfg.Targets[(f.cfg.First+uint64(i))%uint64(len(f.cfg.Targets))]
}

// Clients returns how many there are.
func (f *Fleet) Clients() int { return len(f.clients) }

// Ready reports whether a client is.
func (f *Fleet) Ready(client int) bool { return f.clients[client].state == ready }

// Profile returns what a client is.
func (f *Fleet) Profile(client int) Profile { return f.clients[client].profileOf() }

// User and Topic return the numbers that a client's next set_connect has.
func (f *Fleet) User(client int) uint64  { return f.cfg.First + uint64(f.clients[client].user) }
func (f *Fleet) Topic(client int) uint64 { return uint64(f.clients[client].topic) }

// Device returns the number that SetUser gave to a client; 0 without.
func (f *Fleet) Device(client int) uint8 { return f.clients[client].device }

// Topics returns how many there are.
func (f *Fleet) Topics() uint64 { return uint64(f.cfg.Topics) }

// SetTopic changes what the next set_connect says.
func (f *Fleet) SetTopic(client int, topic uint64) { f.clients[client].topic = uint32(topic) }

// SetUser makes a client the device of another client's user: another device
// number is another token.
func (f *Fleet) SetUser(client, other int, device uint8) {
	f.clients[client].user, f.clients[client].device = uint32(other), device
}

// Dial begins to connect a client that is not connected.
func (f *Fleet) Dial(client int) {
	i, c := client, &f.clients[client]
	if c.state != idle && c.state != waiting {
		return
	}
	profile := c.profileOf()
	*c = c.fresh()
	c.state, c.dialed = dialing, f.clock.Now()
	f.stats.DialedNow++
	f.stats.Dials++
	c.due.Set(f.timers, uint64(i), c.dialed+int64(f.cfg.Timeout))
	if profile.Transport != WebSocket {
		c.long = &polling{post: sock{fd: -1}, probe: sock{fd: -1}}
	}
	if err := f.dial(i, &c.main, roleMain); err != nil {
		f.close(i, c, CauseConnect)
		return
	}
	if c.long != nil {
		f.poll(i, c)
		return
	}
	f.out = f.appendUpgrade(f.out[:0], i, c)
	f.send(i, c, &c.main, roleMain, f.out)
}

// fresh is the client as it is before a dial.
func (c *client) fresh() client {
	return client{
		main: sock{fd: -1}, due: c.due,
		user: c.user, topic: c.topic, profile: c.profile, device: c.device,
	}
}

// DialAt dials a client that is not connected when the time has come, up to a
// tick of 50 ms late.
func (f *Fleet) DialAt(client int, at int64) {
	c := &f.clients[client]
	if c.state != idle && c.state != waiting {
		return
	}
	c.state = waiting
	c.due.Set(f.timers, uint64(client), at)
}

// Close ends a client's connection without a farewell, as a lost network
// does, but that the server notices. Closed follows at the end of the turn.
func (f *Fleet) Close(client int) {
	c := &f.clients[client]
	if c.state == waiting {
		c.state = idle
		c.due.Set(f.timers, uint64(client), 0)
		return
	}
	f.close(client, c, CauseLocal)
}

// Abort is Close, but that the server gets a reset in place of an end.
func (f *Fleet) Abort(client int) {
	c := &f.clients[client]
	for r := roleMain; r <= roleProbe; r++ {
		if s := c.sock(r); s != nil && s.fd >= 0 {
			// Where it fails the connection ends as with Close.
			_ = unix.SetsockoptLinger(int(s.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		}
	}
	f.Close(client)
}

// Silence makes a client that is ready deaf and dumb until it is closed, as a
// phone that has lost its network: it reads nothing, and has no heartbeat.
func (f *Fleet) Silence(client int) {
	c := &f.clients[client]
	if c.state != ready {
		return
	}
	f.Pause(client)
	c.due.Set(f.timers, uint64(client), 0)
}

func (f *Fleet) close(i int, c *client, cause Cause) {
	if c.state <= waiting || c.state == closing {
		return
	}
	c.state, c.cause = closing, cause
	f.closing = append(f.closing, i)
}

// finish closes what the turn has decided to close.
func (f *Fleet) finish() {
	for k := 0; k < len(f.closing); k++ { // Closed may add to it
		i := f.closing[k]
		c := &f.clients[i]
		f.closeSockets(c)
		if c.settled {
			f.stats.ReadyNow--
			f.stats.Lost[c.cause]++
		} else {
			f.stats.DialedNow--
			f.stats.Failed[c.cause]++
		}
		delete(f.parts, i)
		delete(f.slow, i)
		settled, cause := c.settled, c.cause
		c.state, c.settled = idle, false
		c.due.Set(f.timers, uint64(i), 0)
		f.cfg.Observer.Closed(i, cause, settled)
	}
	f.closing = f.closing[:0]
}

func (f *Fleet) closeSockets(c *client) {
	closeSock(&c.main)
	if c.long != nil {
		closeSock(&c.long.post)
		closeSock(&c.long.probe)
		c.long = nil
	}
}

// fire is a deadline: of the dial, of the handshake, of a heartbeat; or a slow
// client's turn to read.
func (f *Fleet) fire(token uint64) {
	if token&paceToken != 0 {
		f.readSlowly(int(token &^ paceToken))
		return
	}
	i := int(token)
	c := &f.clients[i]
	if !c.due.Fired(f.timers, token, f.now) {
		return
	}
	switch {
	case c.state == waiting:
		f.Dial(i)
	case c.state < ready:
		f.close(i, c, CauseTimeout)
	case c.state == ready && c.profileOf().Revision == 3 && !c.pinged:
		c.pinged = true
		c.due.Set(f.timers, token, f.now+f.beat.timeout)
		f.write(i, c, []byte("2"))
	case c.state == ready:
		f.close(i, c, CauseSilent)
	}
}

// settle makes a client ready when all is done that its profile asks for.
func (f *Fleet) settle(i int, c *client) {
	if c.settled || !c.acked || c.long != nil && c.profileOf().Transport == Upgrade {
		return
	}
	c.state, c.settled = ready, true
	f.stats.DialedNow--
	f.stats.ReadyNow++
	f.stats.Readies++
	now := f.clock.Now()
	f.setBeat(i, c, now)
	f.cfg.Observer.Ready(i, now-c.dialed)
}

// setBeat sets the deadline of the next heartbeat: when a client of revision 3
// pings, or by when the server of one of revision 4 must have.
func (f *Fleet) setBeat(i int, c *client, now int64) {
	next := f.beat.interval
	if c.profileOf().Revision == 4 {
		next += f.beat.timeout
	}
	if next == 0 { // a server without heartbeats
		next = int64(24 * time.Hour)
	}
	c.due.Set(f.timers, uint64(i), now+next)
}
