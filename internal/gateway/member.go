package gateway

import (
	"sync"

	"outrider/registry"
	"outrider/socketio"
)

// member is what the gateway keeps of one socket: with hundreds of thousands
// of idle riders, this record is what each of them costs here. Hence no map,
// no token (a fingerprint stands for it), no uid and no topic (a seat knows
// the registry's one copy of its key), and what only a pos has behind a
// pointer. It is 96 bytes.
type member struct {
	// Set at construction.
	sock *socketio.Socket
	kind kind

	// Guarded by mu. left is final. stripe is that of the user whom the socket
	// last registered as, once placed is set (roster, invariant 1).
	mu     sync.Mutex
	left   bool
	placed bool
	stripe uint8

	// Guarded by the stripe. A member that is not registered has none of it.
	group  group
	token  fingerprint
	users  registry.Seat[member] // under the uid; an h5 table has none
	topics registry.Seat[member] // under the topic
	peers  registry.Seat[member] // under the group's name
	pos    *pos
}

// pos is what only a merchant's pos has: its second topic and its printer.
type pos struct {
	device string
	topics registry.Seat[member]
}

// registration is a set_connect that passed every check: what a member shall
// be from now on.
type registration struct {
	uid      string
	table    bool // an h5 table, not known by its uid
	group    group
	topic    string
	posTopic string
	device   string
	token    fingerprint
}
