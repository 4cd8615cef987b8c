package fleet

import "fmt"

// Cause is why a client is not connected.
type Cause uint8

// The causes.
const (
	CauseLocal    Cause = iota // Close was called
	CauseConnect               // no connection: refused, no route, no port
	CauseRefused               // the server answered, and said no
	CauseTimeout               // it did not become ready in time
	CausePeer                  // the server ended the connection
	CauseReset                 // ... with an error
	CauseFrame                 // ... with a close packet or frame
	CauseSilent                // no heartbeat came in time
	CauseProtocol              // the server said what it must not
	Causes
)

var causeNames = [Causes]string{
	"local", "connect", "refused", "timeout", "peer", "reset", "closed", "silent", "protocol",
}

// String returns the cause in a word.
func (c Cause) String() string { return causeNames[c] }

// MarshalText and UnmarshalText make causes the keys of JSON objects.
func (c Cause) MarshalText() ([]byte, error) { return []byte(causeNames[c]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Cause) UnmarshalText(text []byte) error {
	for i, name := range causeNames {
		if name == string(text) {
			*c = Cause(i)
			return nil
		}
	}
	return fmt.Errorf("fleet: no cause %q", text)
}
