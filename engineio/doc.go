// Package engineio is an Engine.IO server for both revisions of the protocol
// that clients in the field speak: 4 (socket.io-client 3 and 4) and 3
// (socket.io-client 1 and 2, and the mobile clients of their time).
//
// It is made for very many connections that say little. A [Server] has its
// own event loops on the listener that it is given; an idle [Session] on
// WebSocket costs some two hundred bytes, and no goroutine, buffer or timer
// of its own.
//
// A session is opened by a handshake over HTTP long-polling or directly over
// WebSocket, and may move from the first to the second (the upgrade) without
// its user noticing. What is sent to it goes out in the order of the calls,
// on whichever transport it has.
//
// [Config].AllowRequest and [Config].Admit say who may open a session: the
// first at once, the second after as long as it takes to find out.
// [Config].OnRequest sees every request, and adds to the headers of its answer.
//
//	srv, err := engineio.NewServer(engineio.Config{Handler: h})
//	...
//	ln, err := net.Listen("tcp", "127.0.0.1:3000")
//	...
//	err = srv.Serve(ln) // until srv.Shutdown or srv.Close
//
// The protocol: https://socket.io/docs/v4/engine-io-protocol/ (revision 4)
// and its version 3 in the history of the same document. Where this server
// deviates from the official one is listed in docs/protocol.md.
package engineio
