package socketio

import (
	"sync"

	"outrider/engineio"
)

// connections finds the connections of clients older than protocol 5 by the engine's id, which is what the ids of their
// sockets are made of. It is touched when such a client comes and goes, and when somebody asks for one of those ids.
type connections [64]struct {
	mu   sync.RWMutex
	byID map[engineio.ID]*conn
	_    [32]byte // a shard each to its cache line
}

func (x *connections) add(c *conn) {
	id := c.session.ID()
	shard := &x[id[0]%64] // ids are random
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if shard.byID == nil {
		shard.byID = make(map[engineio.ID]*conn)
	}
	shard.byID[id] = c
}

func (x *connections) remove(c *conn) {
	id := c.session.ID()
	shard := &x[id[0]%64]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	delete(shard.byID, id)
}

// get returns a connection that is open, or nil.
func (x *connections) get(id engineio.ID) *conn {
	shard := &x[id[0]%64]
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	return shard.byID[id]
}
