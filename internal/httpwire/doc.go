// Package httpwire is the server's side of the HTTP/1.1 wire for an event loop that reads many connections into one buffer: it
// parses request heads and bodies out of bytes that somebody else has read, and appends responses to bytes that somebody else
// will write. It knows no socket, no goroutine and no clock (Conn, which carries read bytes over to fasthttp, is the one
// exception), and it allocates nothing on the way.
//
// # Strictness
//
// A request is refused wherever two readers could differ about where it ends (RFC 9112 §11.2, request smuggling) and wherever
// RFC 9110 or 9112 leave a choice between repair and refusal:
//
//   - lines end with CR LF: a lone LF or CR is 400, in the head, in chunk lines and in trailers; so is an empty line in front of the request line
//   - a method has at most 24 bytes (else 501), a header's name at most 256 (else 431)
//   - no space before a colon, no folded lines, no control byte but tab in a value, only token characters in methods and names
//   - Content-Length is at most 18 digits and stands once; Transfer-Encoding is the one word chunked (else 501), stands once and not with
//     HTTP/1.0; both together are 400
//   - Host stands exactly once in HTTP/1.1 (empty is allowed) and at most once in HTTP/1.0
//   - versions other than 1.0 and 1.1 are 505; something that is no version is 400
//   - the target is a path or, as RFC 9112 §3.2.2 demands, absolute (http:// or https://: its path is taken, its authority is checked
//     and otherwise ignored); "*" is 400, the methods CONNECT and TRACE are 405
//   - paths are handed on as they came: neither decoded nor cleaned
//
// Refusal does not wait for the end of the head: bytes that can no longer become a good request are refused as they come, and what
// is over a limit is refused at the limit.
package httpwire
