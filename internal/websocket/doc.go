// Package websocket reads what a WebSocket client sends (RFC 6455), without doing any I/O.
//
// A [Reader] is given the bytes as they came from the socket and gives back whole messages and control frames. It is made for an event
// loop that owns one read buffer per turn, and for hundreds of thousands of connections that say nothing. Its invariants, each with a test:
//
//  1. An idle Reader is one nil pointer. What it must remember of an incomplete frame or message is allocated when the first bytes of it
//     are there, and let go with the last.
//  2. An unfragmented frame that lies whole in the buffer is unmasked where it lies and returned as a part of it: no copy, no allocation.
//  3. Memory follows the bytes that have arrived (about twice as much at most), never a length that was declared. A declared length over the
//     limit fails at the header, before anything is allocated.
//  4. Text fails with the first byte that cannot be part of valid UTF-8, be it in the middle of a frame, of a message or of a character.
//  5. The outcome does not depend on how the stream was cut into reads.
//
// Of gobwas/ws it uses the header parser, the checks and the cipher; not its frame and message readers, which take the peer's word for
// sizes and want a stream that blocks. Extensions are not negotiated, so each reserved bit is an error.
//
// Frames to the client are encoded by the layer above, once for all their receivers; only the answers that belong to the framing itself
// are here: [AppendClose] and [AppendPong].
package websocket
