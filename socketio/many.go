package socketio

// Join puts the receivers into rooms, as [Socket.Join] does with one. Those that have no room for that many stay where
// they are or in some of them, and the error is [ErrLimit] then; it keeps nobody else from joining.
func (b Broadcast) Join(rooms ...string) error {
	var failed error
	for s := range b.Sockets() {
		if err := s.Join(rooms...); err != nil && err != ErrNotConnected { // who has left meanwhile is no receiver
			failed = err
		}
	}
	return failed
}

// Leave takes the receivers out of rooms, as far as they are in them.
func (b Broadcast) Leave(rooms ...string) {
	for s := range b.Sockets() {
		for _, room := range rooms {
			s.Leave(room)
		}
	}
}

// Disconnect takes the receivers out of the namespace, as [Socket.Disconnect] does with one.
func (b Broadcast) Disconnect(closeEngine bool) {
	for s := range b.Sockets() {
		s.Disconnect(closeEngine)
	}
}
