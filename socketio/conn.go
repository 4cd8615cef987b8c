package socketio

import (
	"bytes"
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"outrider/engineio"
)

// conn is one connection of the engine and the sockets on it.
type conn struct {
	// Set at construction.
	server  *Server
	session *engineio.Session

	handshake atomic.Pointer[Handshake]

	// Owned by the connection's turn: the engine calls Message and Closed, and what Post and After were given, one
	// after the other.
	pending    *assembly        // the packet whose attachments are awaited
	opening    *engineio.Alarm  // of the connect timeout; nil when it is off
	joined     bool             // a namespace has been joined
	rootAsleep bool             // the client is in "/", where it has no Socket yet (Config.LazyRoot)
	doomed     DisconnectReason // why this side has closed the connection, 0 if it has not: nothing is read any more

	expelled atomic.Bool // Disconnect has closed the connection

	mu      sync.Mutex // guards sockets; taken alone
	sockets sockets
}

// engineHandler is the Server as the engine sees it.
type engineHandler struct{ s *Server }

// Opened is called on the session's loop.
func (h engineHandler) Opened(session *engineio.Session, req *engineio.Request) {
	c := &conn{server: h.s, session: session}
	session.SetData(c)
	h.s.counters.connections.Add(1)
	if h.s.cfg.Handshake != NoHandshake {
		c.handshake.Store(newHandshake(req))
	}
	if session.Revision() == engineio.Revision3 { // PROTOCOL.md 2.5: "/" is joined unasked
		session.Post(c.connectRoot)
		return
	}
	c.opening = session.After(h.s.cfg.ConnectTimeout, c.connectTimeout)
}

// Message is one packet, or one attachment of the packet before it.
func (engineHandler) Message(session *engineio.Session, data []byte, binary bool) {
	session.Data().(*conn).message(data, binary)
}

// Closed is the last thing that happens to a connection.
func (h engineHandler) Closed(session *engineio.Session, reason engineio.CloseReason) {
	c := session.Data().(*conn)
	h.s.counters.connections.Add(-1)
	c.pending = nil
	cause := DisconnectReason(reason)
	switch {
	case c.doomed != 0:
		cause = c.doomed
	case c.expelled.Load(): // whoever was connecting at that moment
		cause = ReasonServerDisconnect
	}
	for _, s := range c.snapshot() {
		s.leave(cause)
		s.finish()
	}
}

// message handles what the client sent.
func (c *conn) message(data []byte, binary bool) {
	if c.doomed != 0 {
		return
	}
	defer c.rescue("message")
	if binary {
		c.attachment(data)
		return
	}
	if c.pending != nil {
		c.parseError(errInterleaved)
		return
	}
	var d decoded
	if err := d.parse(data, &c.server.limits); err != nil {
		c.parseError(err)
		return
	}
	c.packet(&d)
}

// packet handles a packet that is well formed.
func (c *conn) packet(d *decoded) {
	name, query := c.address(d.Namespace)
	s := c.find(name)
	if s == nil && c.rootAsleep && string(name) == "/" {
		s = c.wakeRoot()
	}
	switch {
	case d.Type == PacketConnect:
		if s != nil && !s.ended {
			c.violation("CONNECT to a namespace that is joined")
			return
		}
		c.connect(name, query, d.Data)
	case d.Type == PacketConnectError:
		c.violation("CONNECT_ERROR from a client")
	case s == nil:
		c.violation("packet for a namespace that is not joined")
	case d.Attachments > 0:
		c.pending = newAssembly(s, d)
	default:
		s.packet(d, nil)
	}
}

// address parts the name of a namespace from the query that clients before protocol 5 put behind it.
func (c *conn) address(namespace []byte) (name, query []byte) {
	if namespace == nil {
		return rootName, nil
	}
	if c.session.Revision() != engineio.Revision3 {
		return namespace, nil
	}
	name, query, _ = bytes.Cut(namespace, []byte{'?'})
	return name, query
}

// packet handles a packet for the socket, complete with attachments. One for a socket that has left was under way
// when it did, and is ignored.
func (s *Socket) packet(d *decoded, attachments [][]byte) {
	if !s.Connected() {
		return
	}
	switch d.Type {
	case PacketDisconnect:
		if s.leave(ReasonClientDisconnect) {
			s.finish()
		}
	case PacketEvent, PacketBinaryEvent:
		s.event(d, attachments)
	case PacketAck, PacketBinaryAck:
		s.acknowledged(d, attachments)
	}
}

// parseError closes the connection because of something undecodable (PROTOCOL.md 2.3).
func (c *conn) parseError(err error) {
	c.server.counters.parseErrors.Add(1)
	c.log(slog.LevelDebug, "socketio: undecodable packet", slog.Any("err", err))
	c.doomed = ReasonParseError
	c.pending = nil
	c.session.Fail(engineio.ReasonParseError)
}

// violation closes the connection because of a packet at the wrong time (PROTOCOL.md 2.3).
func (c *conn) violation(what string) {
	c.server.counters.violations.Add(1)
	c.log(slog.LevelDebug, "socketio: protocol violation", slog.String("reason", what))
	c.close()
}

// close closes the connection from this side, for a reason that is the client's or a handler's fault.
func (c *conn) close() {
	c.doomed = ReasonForcedServerClose
	c.pending = nil
	c.session.Close()
}

// rescue recovers from a panic in a handler, which costs the connection and nobody else. It must be deferred.
func (c *conn) rescue(where string) {
	v := recover()
	if v == nil {
		return
	}
	c.server.counters.panics.Add(1)
	c.log(slog.LevelError, "socketio: panic in a handler", slog.String("event", where), slog.Any("err", v),
		slog.String("stack", string(debug.Stack())))
	c.close()
}

func (c *conn) log(level slog.Level, msg string, attrs ...slog.Attr) {
	logger := c.server.cfg.Logger
	ctx := context.Background()
	if !logger.Enabled(ctx, level) {
		return
	}
	if remote := c.session.RemoteAddr(); remote.IsValid() { // polling has one for each request
		attrs = append(attrs, slog.String("remote", remote.String()))
	}
	logger.LogAttrs(ctx, level, msg, attrs...)
}

// disconnect takes all sockets out of their namespaces and closes the connection.
func (c *conn) disconnect() {
	c.expelled.Store(true)
	for _, s := range c.snapshot() {
		s.expel()
	}
	c.session.Close()
}

// find returns the socket in the namespace of that name, one that has left at the server's will included.
func (c *conn) find(name []byte) *Socket {
	return c.first(func(s *Socket) bool { return s.ns.name == string(name) })
}

// in returns the socket in a namespace, or nil.
func (c *conn) in(n *Namespace) *Socket {
	return c.first(func(s *Socket) bool { return s.ns == n })
}

func (c *conn) first(match func(*Socket) bool) *Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	if place := c.sockets.find(match); place != nil {
		return *place
	}
	return nil
}

// snapshot returns the sockets of this moment.
func (c *conn) snapshot() []*Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sockets.all()
}

// add takes in a socket, in the place of one that has left the same namespace if there is one.
func (c *conn) add(s *Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if place := c.sockets.find(func(old *Socket) bool { return old.ns.name == s.ns.name }); place != nil {
		*place = s
		return
	}
	c.sockets.add(s)
}

func (c *conn) remove(s *Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sockets.remove(s)
}

// full reports whether the connection may not join another namespace.
func (c *conn) full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sockets.len() >= c.server.cfg.MaxNamespaces
}
