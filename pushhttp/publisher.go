package pushhttp

// Publisher puts a push on the connections that should have it. The gateway
// is one; a test, a recorder or another transport may be another.
//
// Every argument has been validated before the call: kinds, clients and sizes
// are among those that the package documents, uids are deduplicated, and data
// is one valid JSON text without white space outside its strings. A call
// either handles the push for all receivers that it matches or, if it panics,
// is reported to the caller of the API as an internal error.
//
// data and the uids and clients slices are valid only until the call returns;
// the strings may be kept. Methods are called by many goroutines at once. Two
// pushes of one connection are made one after the other, in the order of their
// requests.
type Publisher interface {
	// PushDevice pushes data to every connection of the given users of a kind:
	// customer, rider, merchant, h5 or platform.
	PushDevice(kind string, uids []string, data []byte) Result
	// PushTopic pushes data to every connection in a topic of a kind: rider,
	// merchant or h5.
	PushTopic(kind, topic string, data []byte) Result
	// PushClient pushes data to every connection of the given clients:
	// customer, rider, h5, platform, merchant_app, merchant_pos, merchant_pad.
	PushClient(clients []string, data []byte) Result
	// PushSocket pushes data to the one connection with that socket id, in
	// either of its forms: "<namespace>#<engine id>" or 20 random characters.
	PushSocket(id string, data []byte) Result
	// ClearTable takes every h5 connection out of a table's topic and sends
	// nothing.
	ClearTable(topic string) Result
}

// Result says what became of a push.
type Result struct {
	Matched int // connections found, each counted once
	Written int // of those, handed to the kernel or queued
	Offline int // uids or topic tokens that are known but not connected
}
