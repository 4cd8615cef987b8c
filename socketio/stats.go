package socketio

import (
	"sync/atomic"

	"outrider/engineio"
)

// Stats is what a server has done since it was made. The numbers are read one after the other, not at one moment.
type Stats struct {
	Connections   int64 // engine connections that are open
	Sockets       int64 // sockets that are connected
	Connects      int64 // sockets that have joined a namespace
	ConnectErrors int64 // CONNECTs that were refused: unknown namespace, middleware, limits
	Disconnects   int64 // sockets that have left
	Events        int64 // events received
	ParseErrors   int64 // connections closed because of something undecodable
	Violations    int64 // connections closed because of a packet at the wrong time
	Panics        int64 // panics recovered from handlers
	Recovered     int64 // sockets that had lost their connection and came back
	Away          int64 // sockets that have lost it and may come back

	Engine engineio.Stats
}

// counters are touched once per connect, disconnect or received event, never per sent packet.
type counters struct {
	connections, connects, connectErrors, disconnects, events, parseErrors, violations, panics, recovered atomic.Int64
}

// Stats returns the server's counters. It may be called from any goroutine.
func (s *Server) Stats() Stats {
	c := &s.counters
	disconnects, connects := c.disconnects.Load(), c.connects.Load() // in this order, so that Sockets is not negative
	return Stats{
		Connections:   c.connections.Load(),
		Sockets:       connects - disconnects,
		Connects:      connects,
		ConnectErrors: c.connectErrors.Load(),
		Disconnects:   disconnects,
		Events:        c.events.Load(),
		ParseErrors:   c.parseErrors.Load(),
		Violations:    c.violations.Load(),
		Panics:        c.panics.Load(),
		Recovered:     c.recovered.Load(),
		Away:          s.recovery.count(),
		Engine:        s.engine.Stats(),
	}
}
