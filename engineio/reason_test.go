package engineio_test

import (
	"testing"

	"outrider/engineio"
)

// PROTOCOL.md 1.12.
func TestCloseReasons(t *testing.T) {
	for reason, want := range map[engineio.CloseReason]string{
		engineio.ReasonTransportError:     "transport error",
		engineio.ReasonTransportClose:     "transport close",
		engineio.ReasonForcedClose:        "forced close",
		engineio.ReasonPingTimeout:        "ping timeout",
		engineio.ReasonParseError:         "parse error",
		engineio.ReasonServerShuttingDown: "server shutting down",
		0:                                 "reason 0",
	} {
		if got := reason.String(); got != want {
			t.Errorf("%d is %q, want %q", uint8(reason), got, want)
		}
	}
}
