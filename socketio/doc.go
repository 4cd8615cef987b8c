// Package socketio is a Socket.IO server for clients of protocol 5 (socket.io-client 3 and 4) and of the protocols
// before it (1 and 2, and the mobile clients of their time), on one port and with one set of handlers.
package socketio
