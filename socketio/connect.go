package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"outrider/engineio"
)

var rootName = []byte("/")

// What a client is told that may not join.
var (
	errInvalidNamespace  = &ConnectError{Message: "Invalid namespace"}
	errTooManyNamespaces = &ConnectError{Message: "Too many namespaces"}
	errAuthTooLarge      = &ConnectError{Message: "Auth too large"}
)

// connectRoot joins "/" for a client that expects to find itself there.
func (c *conn) connectRoot() {
	defer c.rescue("connect")
	if c.doomed != 0 {
		return
	}
	if c.server.cfg.LazyRoot {
		c.rootAsleep = c.session.SendFrame(c.server.enter(rootName).connected) == nil
		c.settled()
		return
	}
	c.connect(rootName, nil, nil)
	if !c.joined { // its middleware refused
		c.opening = c.session.After(c.server.cfg.ConnectTimeout, c.connectTimeout)
	}
}

// wakeRoot makes the socket in "/" of a client that has been told of it before.
func (c *conn) wakeRoot() *Socket {
	c.rootAsleep = false
	ns := c.server.enter(rootName) // which always exists, and owes no release
	s := newSocket(c, ns, nil)
	c.add(s)
	ns.joined.Add(1)
	c.server.counters.connects.Add(1)
	s.state.Store(connected)
	for _, fn := range ns.handlers.Load().connect {
		fn(s)
	}
	return s
}

// connectTimeout closes a connection that has not joined anything (PROTOCOL.md 2.4).
func (c *conn) connectTimeout() {
	if !c.joined && c.doomed == 0 {
		c.log(slog.LevelDebug, "socketio: no namespace joined in time")
		c.close()
	}
}

// settled notes that a namespace has been joined, and calls the connect timeout off.
func (c *conn) settled() {
	c.joined = true
	if c.opening != nil {
		c.opening.Stop()
		c.opening = nil
	}
}

// connect lets the client into a namespace, or tells it why not.
func (c *conn) connect(name, query, payload []byte) {
	switch {
	case c.find(name) == nil && c.full():
		c.refuse(name, errTooManyNamespaces)
		return
	case len(payload) > c.server.cfg.MaxAuthBytes:
		c.refuse(name, errAuthTooLarge)
		return
	}
	ns := c.server.enter(name)
	if ns == nil {
		c.refuse(name, errInvalidNamespace)
		return
	}
	auth := c.auth(query, payload)
	s := c.comeBack(ns, auth)
	recovered := s != nil
	if !recovered {
		s = newSocket(c, ns, auth)
	}
	defer s.settle()
	if !recovered || c.server.cfg.Recovery.RunMiddleware {
		if err := s.ask(ns.handlers.Load().middleware); err != nil {
			c.refuse(name, err)
			return
		}
	}
	if !s.welcome() {
		return
	}
	for _, fn := range ns.handlers.Load().connect {
		fn(s)
	}
	c.forgetHandshake(s)
}

// ask asks middleware whether the socket may join.
func (s *Socket) ask(middleware []func(*Socket) error) error {
	for _, fn := range middleware {
		if err := fn(s); err != nil {
			return err
		}
	}
	return nil
}

// auth returns what came with CONNECT as a JSON object, nil if nothing did. A client before protocol 5 has it in the
// query; what it puts behind the comma is ignored, as by the official server.
func (c *conn) auth(query, payload []byte) json.RawMessage {
	if c.session.Revision() != engineio.Revision3 {
		return bytes.Clone(payload)
	}
	if len(query) == 0 {
		return nil
	}
	return queryJSON(string(query))
}

// queryJSON writes a query as an object of strings. The last of a repeated key wins, in the place of the first.
func queryJSON(query string) json.RawMessage {
	pairs := parseQuery(query)
	dst := []byte{'{'}
	for i, p := range pairs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, p.key)
		dst = append(dst, ':')
		dst = appendString(dst, p.value)
	}
	return append(dst, '}')
}

// welcome tells the client that it has joined, and lets events through to it: those that are sent before the client can
// know not at all, those after it all, and CONNECT comes first.
func (s *Socket) welcome() bool {
	s.conn.add(s)
	if log := s.ns.log; log != nil {
		log.mu.Lock()
		defer log.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Store(welcomed)
	s.ns.joined.Add(1)
	if s.recoverable() {
		s.ns.server.recovery.store.open(s.extra.recovery.kept)
	}
	if err := s.sendWelcome(); err != nil {
		if s.recoverable() {
			s.stepBack()
		}
		s.ns.joined.Add(-1)
		s.state.Store(joining)
		s.conn.remove(s)
		return false
	}
	s.conn.settled()
	s.conn.server.counters.connects.Add(1)
	if s.recovered() {
		s.conn.server.counters.recovered.Add(1)
	}
	s.state.Store(connected)
	return true
}

// sendWelcome sends CONNECT, behind what a socket that has come back has missed. The caller holds mu.
func (s *Socket) sendWelcome() error {
	if !s.recovered() {
		return s.sendConnect()
	}
	err := s.sendMissed()
	if err == nil {
		err = s.sendConnect()
	}
	r := s.extra.recovery
	// A client that cannot take all that it has missed shall not try again and again.
	r.cut = err != nil && !errors.Is(err, engineio.ErrSlow)
	if err == nil {
		r.last, r.kept.since = nil, time.Time{}
	}
	return err
}

// newSocket returns a socket that has its id, and has not been let in.
func newSocket(c *conn, ns *Namespace, auth json.RawMessage) *Socket {
	s := &Socket{conn: c, ns: ns}
	if auth != nil {
		s.extra = &extra{auth: auth}
	}
	if s.recoverable() {
		s.need().recovery = &recoveryState{kept: &session{ns: ns, pid: engineio.NewID(), socket: s}}
	}
	ns.sockets.add(s, (*Socket).settleIn)
	return s
}

// settleIn takes over the slot, and the id that goes with it.
func (s *Socket) settleIn(slot uint32) {
	s.slot = slot
	if s.Revision() != engineio.Revision3 {
		s.id = newSocketID(s.ns.server.seed, slot)
	}
	if s.recoverable() {
		s.extra.recovery.kept.slot, s.extra.recovery.kept.id = s.slot, s.id
	}
}

// sendConnect sends CONNECT, and the greeting with it if the namespace has one.
func (s *Socket) sendConnect() error {
	g := s.ns.greeting.Load()
	switch {
	case g == nil:
		return s.conn.session.SendFrame(s.connectFrame())
	case s.Revision() == engineio.Revision3:
		return s.conn.session.SendFrame(g.old)
	}
	return s.conn.session.SendTogether(s.connectFrame(), g.event.frame(s.ns, s.Revision()))
}

// connectFrame returns the CONNECT that answers the client's: with the id for protocol 5, bare for older ones.
func (s *Socket) connectFrame() *engineio.Frame {
	if s.Revision() == engineio.Revision3 {
		return s.ns.connected
	}
	const sid, pid, end = `{"sid":"`, `","pid":"`, `"}`
	size := len(sid) + socketIDChars + len(end)
	if s.recoverable() {
		size += len(pid) + socketIDChars // an engine's id has as many
	}
	p := Packet{Type: PacketConnect, Namespace: s.ns.wire}
	buf := make([]byte, engineio.FramePrefix, engineio.FramePrefix+p.headSize()+size)
	buf = append(p.appendHead(buf), sid...)
	buf = s.id.appendText(buf)
	if s.recoverable() {
		buf = append(buf, pid...)
		buf, _ = s.extra.recovery.kept.pid.AppendText(buf) // it never fails
	}
	return engineio.MessageFrame(append(buf, end...))
}

// settle lets go of a socket that was not let in, whichever way the attempt ended.
func (s *Socket) settle() {
	if !s.state.CompareAndSwap(joining, gone) {
		return
	}
	if s.isAway() {
		s.leaveAll()
		return
	}
	s.vacate()
	s.ns.server.release(s.ns)
}

// forgetHandshake drops what is not to be kept beyond OnConnect.
func (c *conn) forgetHandshake(s *Socket) {
	mode := c.server.cfg.Handshake
	if mode == KeepHandshake {
		return
	}
	c.handshake.Store(nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.extra != nil {
		s.extra.auth = nil
		if s.extra.rooms == nil && s.extra.acks == nil && s.extra.recovery == nil {
			s.extra = nil
		}
	}
}

// refuse answers CONNECT with CONNECT_ERROR: an object for protocol 5, and for older clients the error's data, or else
// its text (PROTOCOL.md 2.4 and 2.5).
func (c *conn) refuse(name []byte, cause error) {
	c.server.counters.connectErrors.Add(1)
	c.log(slog.LevelDebug, "socketio: connect refused", slog.String("nsp", string(name)), slog.Any("err", cause))
	p := Packet{Type: PacketConnectError}
	if string(name) != "/" {
		p.Namespace = name
	}
	message, data := cause.Error(), any(nil)
	if e, ok := errors.AsType[*ConnectError](cause); ok {
		message, data = e.Message, e.Data
	}
	rev := c.session.Revision()
	object, err := appendConnectError(nil, message, data, rev)
	if err != nil {
		c.log(slog.LevelError, "socketio: data of a ConnectError", slog.Any("err", err))
		object, _ = appendConnectError(nil, message, nil, rev) // a string can always be encoded
	}
	c.session.SendFrame(newFrame(p, object, nil, rev)) //nolint:errcheck // a session that cannot send is closing
}

// pair is one field of a query.
type pair struct{ key, value string }

// parseQuery parses a query leniently, as browsers do: a bad escape stands for itself.
func parseQuery(query string) []pair {
	var pairs []pair
	places := make(map[string]int)
	for query != "" {
		var field string
		field, query = cut(query, '&')
		if field == "" {
			continue
		}
		key, value := cut(field, '=')
		p := pair{unescape(key), unescape(value)}
		if i, ok := places[p.key]; ok {
			pairs[i] = p
			continue
		}
		places[p.key] = len(pairs)
		pairs = append(pairs, p)
	}
	return pairs
}

func cut(s string, sep byte) (before, after string) {
	for i := range len(s) {
		if s[i] == sep {
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func unescape(s string) string {
	if t, err := url.QueryUnescape(s); err == nil {
		return t
	}
	return s
}
