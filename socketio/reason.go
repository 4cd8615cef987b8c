package socketio

import (
	"strconv"

	"outrider/engineio"
)

// DisconnectReason says why a socket left its namespace. The values are the ones that every Socket.IO server uses
// (PROTOCOL.md 1.12).
type DisconnectReason uint8

// The reasons. The first six are the engine's: the connection ended, with all sockets on it.
const (
	ReasonTransportError     = DisconnectReason(engineio.ReasonTransportError)
	ReasonTransportClose     = DisconnectReason(engineio.ReasonTransportClose)
	ReasonForcedClose        = DisconnectReason(engineio.ReasonForcedClose)
	ReasonPingTimeout        = DisconnectReason(engineio.ReasonPingTimeout)
	ReasonParseError         = DisconnectReason(engineio.ReasonParseError)
	ReasonServerShuttingDown = DisconnectReason(engineio.ReasonServerShuttingDown)

	// ReasonForcedServerClose: the server cut the connection because the client broke the rules of the protocol, or
	// because a handler panicked.
	ReasonForcedServerClose DisconnectReason = 16 + iota
	// ReasonClientDisconnect: the client left the namespace (DISCONNECT).
	ReasonClientDisconnect
	// ReasonServerDisconnect: the server took the socket out of the namespace ([Socket.Disconnect]).
	ReasonServerDisconnect
)

// String returns the protocol's words, such as "client namespace disconnect".
func (r DisconnectReason) String() string {
	switch r {
	case ReasonTransportError, ReasonTransportClose, ReasonForcedClose,
		ReasonPingTimeout, ReasonParseError, ReasonServerShuttingDown:
		return engineio.CloseReason(r).String()
	case ReasonForcedServerClose:
		return "forced server close"
	case ReasonClientDisconnect:
		return "client namespace disconnect"
	case ReasonServerDisconnect:
		return "server namespace disconnect"
	}
	return "reason " + strconv.Itoa(int(r))
}
