// Package socketio is a Socket.IO server, for clients of protocol 5 (socket.io-client 3 and 4) and of those before it
// (socket.io-client 1 and 2, and the mobile clients of their time), on one port and with one set of handlers. It runs
// on package engineio and is made, as that is, for very many connections that say little.
//
//	s, err := socketio.NewServer(socketio.Config{})
//	...
//	chat := s.Of("/chat")
//	chat.OnConnect(func(s *socketio.Socket) { s.Join("lobby") })
//	chat.On("say", func(e *socketio.Event) {
//		text, err := socketio.Arg[string](e, 0)
//		...
//		e.Socket().To("lobby").Emit("said", text)
//	})
//	ln, err := net.Listen("tcp", "127.0.0.1:3000")
//	...
//	err = s.Serve(ln) // until s.Shutdown or s.Close
//
// # Namespaces and sockets
//
// A client joins namespaces over one connection, and has a [Socket] in each. Handlers are set on the [Namespace] and
// not on its sockets, so that an idle socket is a few dozen bytes and nothing else: no goroutine, no closure, no map.
// [Server.OfFunc] makes namespaces as clients ask for them.
//
// # Events
//
// The arguments of an [Event] stay the JSON text that they came as, until a handler asks for them as Go values with
// [Arg] or [Args.Bind]; nothing passes through a map[string]any. Binary data comes and goes as []byte, in its own
// messages. [Event.Ack] answers the client; [Socket.EmitWithAck] asks it.
//
// [Broadcast] says who gets an event: rooms, everybody but the sender, those who can take it now. Whoever gets it, it
// is encoded once for each revision; a [Prepared] event is encoded once for many sends. [Broadcast.EmitWithAck] gathers
// the answers of many, and [Broadcast.Join], Leave and Disconnect do to many what a Socket does to itself.
//
// # Lost connections
//
// With [Config].Recovery a client that has lost its connection, and comes back in time, has the socket that it had and
// gets what it has missed. It is off by default, and costs nothing then.
//
// # Several nodes
//
// With [Config].Adapter a server is one node of a cluster, and a Broadcast reaches the sockets of all nodes: with events,
// with and without acknowledgements, and to join, leave, disconnect and [Broadcast.Fetch] them. A [Socket] is always one
// of this node; on others there are [SocketInfo] and its id, which is a room. Package adaptertest checks whether an
// adapter does what it must. Nodes that cannot be reached cost an [ErrNode] and what is theirs, never what is here.
//
// # Concurrency
//
// All methods may be called from any goroutine. All handlers of one connection run one after the other, in the order
// of what the client sent, on a pool of workers; those of different connections run at the same time. A handler may
// block: the connection is not read meanwhile. Nothing reaches a socket's handlers after it has been disconnected, but
// OnDisconnect, once. A panic in a handler is recovered and logged, and closes the connection.
//
// # Hostile clients
//
// Everything that a client can make the server hold or do has a bound in [Config]. What cannot be decoded closes the
// connection with reason "parse error"; a packet at the wrong time, such as an event for a namespace that the client
// has not joined, with "forced server close".
//
// The protocol: https://socket.io/docs/v4/socket-io-protocol/. References such as "PROTOCOL.md 2.1" are to the clauses
// of this project's own description of it. Where this server deviates from the official one is listed in
// docs/protocol.md.
package socketio
