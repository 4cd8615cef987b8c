// Command library measures package socketio alone, without the gateway, beside
// other servers of Socket.IO. Each offers the same four events in namespace
// "/", and the driver the same load:
//
//	echo       is sent back
//	ack        is acknowledged with what came
//	binary     the same as echo, 1 MiB of binary data
//	broadcast  is sent to all
//
// A server is a process of its own, a new one for every operation. Ours is this
// program, with "serve" as its first argument; others are named by -peer.
//
// The driver is a goroutine and a socket for each client. It shares no code with
// the server: WebSocket is gobwas/ws, the packets are written out.
package main
