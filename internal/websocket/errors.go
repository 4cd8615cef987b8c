package websocket

import "github.com/gobwas/ws"

// Error is a fault of the peer, and the end of its connection. Code (1002, 1007 or 1009) and Reason, which always fits, are what the close
// frame that answers it should say; see [AppendClose].
type Error struct {
	Code   ws.StatusCode
	Reason string
}

// Error implements error.
func (e *Error) Error() string { return "websocket: " + e.Reason }

// The faults that gobwas/ws has no check for. They are values so that a storm of bad peers makes no garbage.
var (
	errMessageTooBig    = &Error{ws.StatusMessageTooBig, "message exceeds the size limit"}
	errTooManyFragments = &Error{ws.StatusMessageTooBig, "message has too many fragments"}
	errInvalidText      = &Error{ws.StatusInvalidFramePayloadData, "text is not valid UTF-8"}
	errInvalidReason    = &Error{ws.StatusInvalidFramePayloadData, "close reason is not valid UTF-8"}
	errShortClose       = &Error{ws.StatusProtocolError, "close payload of one byte"}
	errCloseCode        = &Error{ws.StatusProtocolError, "close code out of range"}
)

// protocolError names the fault behind a failed check of gobwas/ws.
func protocolError(err error) error { return &Error{ws.StatusProtocolError, err.Error()} }
