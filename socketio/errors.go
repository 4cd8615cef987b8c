package socketio

import (
	"errors"
	"fmt"
	"strconv"
)

// What can go wrong, to be matched with [errors.Is]. The engine's own errors (such as engineio.ErrClosed and
// engineio.ErrSlow) are passed on as they are.
var (
	// ErrPacket is a packet of the peer's that is none. It closes the connection with reason "parse error".
	ErrPacket = errors.New("socketio: malformed packet")
	// ErrReserved is an event name that the protocol keeps for itself (see [Reserved]).
	ErrReserved = errors.New("socketio: reserved event name")
	// ErrArgument is an argument that has no JSON form, or one that breaks the packet it would stand in.
	ErrArgument = errors.New("socketio: argument cannot be encoded")
	// ErrNotConnected is a socket that has not joined its namespace yet, or has left it.
	ErrNotConnected = errors.New("socketio: socket is not connected")
	// ErrNoAck is an acknowledgement that nobody waits for: none was asked for, or one was sent already.
	ErrNoAck = errors.New("socketio: no acknowledgement is awaited")
	// ErrAckTimeout is an acknowledgement that did not come in time.
	ErrAckTimeout = errors.New("socketio: acknowledgement timed out")
	// ErrLimit is a bound of [Config] that is reached.
	ErrLimit = errors.New("socketio: limit reached")
	// ErrNoArgument is an argument that the sender did not give.
	ErrNoArgument = errors.New("socketio: no such argument")
	// ErrNode is another node of the cluster that was not reached or has not answered in time. The cause is inside.
	ErrNode = errors.New("socketio: other nodes not reached")
)

// ConnectError is what a middleware returns to refuse a socket with more than a text: Data is sent along with it,
// encoded as arguments of events are.
//
// A client of protocol 5 receives {"message": Message, "data": Data} (without data if it is nil); an older one
// receives Data alone, or Message if there is none (CONNECT_ERROR, PROTOCOL.md 2.4 and 2.5).
type ConnectError struct {
	Message string
	Data    any
}

// Error returns the message.
func (e *ConnectError) Error() string { return e.Message }

// ArgumentError says which argument could not be read, and why. The fault is the peer's.
type ArgumentError struct {
	Index int
	Err   error
}

// Error names the argument and the cause.
func (e *ArgumentError) Error() string {
	return "socketio: argument " + strconv.Itoa(e.Index) + ": " + e.Err.Error()
}

// Unwrap returns the cause: [ErrNoArgument], or the error of the JSON decoder.
func (e *ArgumentError) Unwrap() error { return e.Err }

// errMessage is what an adapter hands over that no node has made.
var errMessage = errors.New("socketio: malformed message of a node")

var errNotJSON = errors.New("not JSON")

// The decoder meets these in hostile input, so they are made once and not per input.
var (
	errEmpty       = fmt.Errorf("%w: empty", ErrPacket)
	errType        = fmt.Errorf("%w: unknown type", ErrPacket)
	errAttachments = fmt.Errorf("%w: bad number of attachments", ErrPacket)
	errNamespace   = fmt.Errorf("%w: bad namespace", ErrPacket)
	errAckID       = fmt.Errorf("%w: ack id too long", ErrPacket)
	errJSON        = fmt.Errorf("%w: bad JSON", ErrPacket)
	errPayload     = fmt.Errorf("%w: payload does not fit the type", ErrPacket)
	errEventName   = fmt.Errorf("%w: bad event name", ErrPacket)
	errPlaceholder = fmt.Errorf("%w: placeholder without attachment", ErrPacket)
	errInterleaved = fmt.Errorf("%w: text while attachments are awaited", ErrPacket)
	errUnannounced = fmt.Errorf("%w: binary message that was not announced", ErrPacket)
	errHeld        = fmt.Errorf("%w: attachments too large", ErrPacket)
)
