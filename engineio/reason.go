package engineio

import "strconv"

// CloseReason says why a session ended. It is not an error: sessions end.
type CloseReason uint8

// The reasons, in the protocol's words. The zero value belongs to a session that has not ended.
const (
	ReasonTransportError     CloseReason = iota + 1 // the peer broke the rules of its transport, or a write failed
	ReasonTransportClose                            // the peer closed, or its connection went away
	ReasonForcedClose                               // closed by this side
	ReasonPingTimeout                               // no heartbeat in time
	ReasonParseError                                // the peer sent something that is no packet
	ReasonServerShuttingDown                        // the server is going down
)

// String returns the reason as applications of every Engine.IO implementation see it.
func (r CloseReason) String() string {
	switch r {
	case ReasonTransportError:
		return "transport error"
	case ReasonTransportClose:
		return "transport close"
	case ReasonForcedClose:
		return "forced close"
	case ReasonPingTimeout:
		return "ping timeout"
	case ReasonParseError:
		return "parse error"
	case ReasonServerShuttingDown:
		return "server shutting down"
	}
	return "reason " + strconv.Itoa(int(r))
}
