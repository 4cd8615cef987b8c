package engineio

import (
	"errors"
	"fmt"
)

var (
	// ErrClosed: the session is closed; what was to be sent was not.
	ErrClosed = errors.New("engineio: session closed")
	// ErrSlow: the peer does not read and what waits for it has reached its
	// bound; the session was closed.
	ErrSlow = errors.New("engineio: session too slow")
	// ErrServerClosed is what Serve returns after Shutdown or Close.
	ErrServerClosed = errors.New("engineio: server closed")
)

// ErrorCode is the number in the JSON body of a refused request.
type ErrorCode uint8

// The codes, with their messages and HTTP status (official server, errors
// of the handshake).
const (
	CodeTransportUnknown   ErrorCode = 0 // 400 "Transport unknown"
	CodeSessionUnknown     ErrorCode = 1 // 400 "Session ID unknown"
	CodeBadHandshake       ErrorCode = 2 // 400 "Bad handshake method"
	CodeBadRequest         ErrorCode = 3 // 400 "Bad request"
	CodeForbidden          ErrorCode = 4 // 403 "Forbidden", or what Config.AllowRequest said
	CodeUnsupportedVersion ErrorCode = 5 // 400 "Unsupported protocol version"
)

// String returns the message of the official server.
func (c ErrorCode) String() string {
	switch c {
	case CodeTransportUnknown:
		return "Transport unknown"
	case CodeSessionUnknown:
		return "Session ID unknown"
	case CodeBadHandshake:
		return "Bad handshake method"
	case CodeBadRequest:
		return "Bad request"
	case CodeForbidden:
		return "Forbidden"
	case CodeUnsupportedVersion:
		return "Unsupported protocol version"
	}
	return fmt.Sprintf("code %d", uint8(c))
}

// RequestError is a request that was refused.
type RequestError struct {
	Code    ErrorCode
	Message string // in place of the code's own, if not empty
}

// Error returns the message that the client is told.
func (e *RequestError) Error() string { return "engineio: " + e.message() }

func (e *RequestError) message() string {
	if e.Message != "" {
		return e.Message
	}
	return e.Code.String()
}
