package websocket

import (
	"crypto/sha1"
	"encoding/base64"
)

// keyChars is the length of a Sec-WebSocket-Key, 16 bytes in base64.
const keyChars = 24

// guid is what RFC 6455 §4.2.2 has the key followed by.
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// AppendSwitch appends the answer to a client's handshake (RFC 6455 §4.2.2), up to where further header lines may stand: they and the blank
// line are the caller's. It reports false, and appends nothing, unless version and key are those of a good handshake; the rest of the
// request is for the caller to check. What gobwas/ws answers is the same to the byte; it parses the whole request for that, and allocates.
func AppendSwitch(dst, version, key []byte) (answer []byte, ok bool) {
	if string(version) != "13" || len(key) != keyChars {
		return dst, false
	}
	var text [keyChars + len(guid)]byte
	copy(text[:], key)
	copy(text[keyChars:], guid)
	sum := sha1.Sum(text[:])
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	dst = base64.StdEncoding.AppendEncode(dst, sum[:])
	return append(dst, "\r\n"...), true
}
