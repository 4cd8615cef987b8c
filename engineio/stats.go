package engineio

import "sync/atomic"

// Stats is a snapshot of a server's counters.
type Stats struct {
	Sessions    int   // open now
	Conns       int   // connections of the server's listeners now
	QueuedBytes int64 // waiting for all sessions now

	Opened       uint64                               // sessions since the start
	Closed       [ReasonServerShuttingDown + 1]uint64 // by CloseReason
	Refused      [CodeUnsupportedVersion + 1]uint64   // requests, by ErrorCode
	Accepted     uint64                               // connections
	RefusedConns uint64                               // connections closed at accept
	Answered     uint64                               // requests that Config.Answer answered
	Fallbacks    uint64                               // connections handed to Config.Fallback
	Slow         uint64                               // sessions closed because their queue was at its bound
	Overloads    uint64                               // times that no worker was free
	Panics       uint64                               // recovered in handlers
	Stalls       uint64                               // times the process was found to have stood still
}

type counters struct {
	opened, answered, fallbacks, slow, overloads, panics atomic.Uint64

	reasons [ReasonServerShuttingDown + 1]atomic.Uint64
	refused [CodeUnsupportedVersion + 1]atomic.Uint64
}

func (c *counters) closed(r CloseReason) { c.reasons[r].Add(1) }

// Stats returns a snapshot of the server's counters.
func (srv *Server) Stats() Stats {
	g := srv.group.Stats()
	st := Stats{
		Sessions:     srv.sessions.len(),
		Conns:        g.Conns,
		QueuedBytes:  g.Queued,
		Opened:       srv.stats.opened.Load(),
		Accepted:     g.Accepted,
		RefusedConns: g.Refused,
		Answered:     srv.stats.answered.Load(),
		Fallbacks:    srv.stats.fallbacks.Load(),
		Slow:         srv.stats.slow.Load(),
		Overloads:    srv.stats.overloads.Load(),
		Panics:       srv.stats.panics.Load() + g.Panics,
		Stalls:       g.Stalls,
	}
	for i := range st.Closed {
		st.Closed[i] = srv.stats.reasons[i].Load()
	}
	for i := range st.Refused {
		st.Refused[i] = srv.stats.refused[i].Load()
	}
	return st
}
