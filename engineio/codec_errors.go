package engineio

import (
	"errors"
	"fmt"
)

// What a peer can get wrong in bytes that it sends. Both end the session with [ReasonParseError].
var (
	// ErrPacket is a packet that is not one: empty, of an unknown type, not UTF-8, or with bad base64.
	ErrPacket = errors.New("engineio: malformed packet")
	// ErrPayload is a payload whose framing is broken, so that its packets cannot be told apart.
	ErrPayload = errors.New("engineio: malformed payload")
)

// The decoders meet these in hostile input, so they are made once and not per input.
var (
	errPacketEmpty  = fmt.Errorf("%w: empty", ErrPacket)
	errPacketType   = fmt.Errorf("%w: unknown type", ErrPacket)
	errPacketUTF8   = fmt.Errorf("%w: text is not UTF-8", ErrPacket)
	errPacketBase64 = fmt.Errorf("%w: bad base64", ErrPacket)
	errPacketBinary = fmt.Errorf("%w: binary data in a text packet", ErrPacket)

	errPayloadEmpty  = fmt.Errorf("%w: empty", ErrPayload)
	errPayloadLength = fmt.Errorf("%w: bad length", ErrPayload)
	errPayloadShort  = fmt.Errorf("%w: shorter than its length says", ErrPayload)
	errPayloadMarker = fmt.Errorf("%w: neither text nor binary", ErrPayload)
)
