// Package fleet is the clients of one process: thousands of Socket.IO clients
// on one epoll loop, each with one namespace and one set_connect.
//
// It shares no code with the server under test but the payload codec of
// long-polling, so that the two do not agree on a mistake. A client costs one
// [client] in a slice, and nothing else while it is idle on a WebSocket: no
// goroutine, no buffer, no timer of the runtime.
//
// # Invariants
//
//  1. Everything but [Fleet.Do] and [Fleet.Stop] runs on the goroutine of
//     [Fleet.Run].
//  2. A descriptor is closed at the end of the turn in which that was decided,
//     so within a batch of events a token means the socket that it meant when
//     the batch was fetched.
//  3. Readiness is a hint. The socket is asked, and what it says counts: a
//     stale event costs one read that would block.
//  4. Every client that was dialled reaches Ready or Closed, in bounded time.
package fleet
