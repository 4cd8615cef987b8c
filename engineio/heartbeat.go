package engineio

import "math/rand/v2"

// The heartbeat (clause "Heartbeat"; PROTOCOL §1.10).
//
// In revision 4 the server sends a ping one interval after the open packet
// and one after every pong, and the pong must come within the timeout. In
// revision 3 the client pings, and the server expects the next one within
// interval and timeout together. Either way a session has one absolute
// deadline, due, which an upgrade neither restarts nor drops, and no other
// traffic counts as life.
//
// due moves with every pong or ping; the wheel is told only when its entry
// comes round (wheel.Deadline). That works as long as due never moves to an
// earlier time than the wheel was told: wake sees to it.

// Control packets, encoded once.
var (
	pingFrame      = PacketFrame(Ping, "")
	pongFrame      = PacketFrame(Pong, "")
	noopFrame      = PacketFrame(Noop, "")
	closePacket    = PacketFrame(Close, "")
	probePongFrame = PacketFrame(Pong, "probe")
)

// startHeartbeat sets the first deadline. The first ping comes up to an
// eighth of the interval early, at random: sessions that were opened
// together, after a restart say, shall not be pinged together for ever.
func (s *Session) startHeartbeat(now int64) {
	cfg := &s.home.srv.cfg
	interval := int64(cfg.PingInterval)
	if s.rev == Revision3 {
		s.due = now + interval + int64(cfg.PingTimeout)
	} else {
		s.due = now + interval - rand.Int64N(interval/8+1)
	}
	s.timer.Set(s.home.loop.Timers(), s.token, s.nextWake(now))
}

// receivePing answers a ping of revision 3. One of revision 4 goes the wrong
// way and is fatal.
func (s *Session) receivePing() {
	if s.rev != Revision3 {
		s.endLocked(ReasonTransportError, abrupt)
		return
	}
	cfg := &s.home.srv.cfg
	s.due = s.home.loop.Now() + int64(cfg.PingInterval+cfg.PingTimeout)
	_ = s.send(pongFrame) // an error has closed the session's connection
}

// receivePong takes the answer to a ping, on whichever transport it comes.
func (s *Session) receivePong() {
	if s.rev == Revision3 {
		s.endLocked(ReasonTransportError, abrupt)
		return
	}
	s.awaiting = false
	s.due = s.home.loop.Now() + int64(s.home.srv.cfg.PingInterval)
}

// wake is called by the home's loop when the session's token fires.
func (s *Session) wake(now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.timer.Fired(s.home.loop.Timers(), s.token, now) {
		return
	}
	switch s.state {
	case stateClosed:
		return
	case stateClosing:
		if now >= s.due { // the client did not come back for the rest
			s.forget()
			return
		}
	case stateOpen:
		s.ring(now)
		if now >= s.due && !s.beat(now) {
			return
		}
	}
	s.timer.Set(s.home.loop.Timers(), s.token, s.nextWake(now))
}

// beat acts on a deadline that has passed, and reports whether the session
// lives.
func (s *Session) beat(now int64) bool {
	if s.rev == Revision3 || s.awaiting {
		s.endLocked(ReasonPingTimeout, abrupt)
		return false
	}
	s.awaiting = true
	// From when the ping was due, not from when the wheel came to it: the
	// client counts from there too. A loop that is very late takes the blame.
	timeout := int64(s.home.srv.cfg.PingTimeout)
	s.due = max(s.due+timeout, now+timeout/2)
	return s.send(pingFrame) == nil
}

// overdue reports whether the peer's time is over, though the wheel has not
// come to it yet: a request that arrives now is too late.
func (s *Session) overdue(now int64) bool {
	deadline := s.due
	if s.rev != Revision3 && !s.awaiting {
		deadline += int64(s.home.srv.cfg.PingTimeout) // the ping itself is late
	}
	return s.state == stateOpen && now >= deadline
}

// nextWake is when the wheel must come back: at the deadline, at an alarm,
// and while a ping is out no later than the pong could make the next ping
// due, which is earlier than the deadline if the interval is shorter than
// the timeout.
func (s *Session) nextWake(now int64) int64 {
	at := s.due
	if s.awaiting {
		at = min(at, now+int64(s.home.srv.cfg.PingInterval))
	}
	for a := s.alarms; a != nil; a = a.next {
		at = min(at, a.at)
	}
	return max(at, now+1)
}

// rearm tells the wheel of a deadline that has come nearer, from any
// goroutine.
func (s *Session) rearm() {
	home := s.home
	home.loop.Post(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.state != stateClosed {
			s.timer.Set(home.loop.Timers(), s.token, s.nextWake(home.loop.Now()))
		}
	})
}
