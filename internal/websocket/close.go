package websocket

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

const (
	finBit       = 0x80
	maxReason    = ws.MaxControlFramePayloadSize - 2
	maxCloseCode = 4999 // end of the range that RFC 6455 §7.4.2 gives out
)

// AppendClose appends a close frame of the server to dst. A reason over 123 bytes is cut, between two characters. A code that stands for
// "no status" and may not be sent (0, 1005, 1006, 1015) gives a close frame without payload.
func AppendClose(dst []byte, code ws.StatusCode, reason string) []byte {
	if code.Empty() || code.IsProtocolReserved() {
		return append(dst, finBit|byte(ws.OpClose), 0)
	}
	if len(reason) > maxReason {
		end := maxReason
		for end > 0 && !utf8.RuneStart(reason[end]) {
			end--
		}
		reason = reason[:end]
	}
	dst = append(dst, finBit|byte(ws.OpClose), byte(2+len(reason)))
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, reason...)
}

// AppendPong appends the server's pong that answers a ping with the given payload, as [Reader.Next] returned it (125 bytes at most).
func AppendPong(dst, payload []byte) []byte {
	dst = append(dst, finBit|byte(ws.OpPong), byte(len(payload)))
	return append(dst, payload...)
}

// ParseClose parses the payload of a close frame. An empty one gives code 1005, no status received (RFC 6455 §7.1.5). The error, if any, is
// an [*Error]; a payload that [Reader.Next] returned has none.
func ParseClose(payload []byte) (code ws.StatusCode, reason string, err error) {
	if err := checkClose(payload); err != nil {
		return 0, "", err
	}
	if len(payload) == 0 {
		return ws.StatusNoStatusRcvd, "", nil
	}
	code, reason = ws.ParseCloseFrameData(payload)
	return code, reason, nil
}

// checkClose applies the rules of RFC 6455 §5.5.1 and §7.4 to a close frame's payload.
func checkClose(payload []byte) error {
	switch len(payload) {
	case 0:
		return nil
	case 1:
		return errShortClose
	}
	if err := checkCloseCode(ws.StatusCode(binary.BigEndian.Uint16(payload))); err != nil {
		return err
	}
	if !utf8.Valid(payload[2:]) {
		return errInvalidReason
	}
	return nil
}

func checkCloseCode(code ws.StatusCode) error {
	switch {
	case 1012 <= code && code <= 1014:
		return nil // registered with IANA after the RFC, unknown to gobwas/ws
	case code > maxCloseCode:
		return errCloseCode
	}
	if err := ws.CheckCloseFrameData(code, ""); err != nil {
		return protocolError(err)
	}
	return nil
}
