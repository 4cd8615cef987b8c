package engineio

import (
	"outrider/internal/poll/polltest"
)

// NewServerOn is NewServer on a network in memory.
func NewServerOn(cfg Config, network *polltest.Net) (*Server, error) {
	return newServer(cfg, network.Poller)
}

// Adopt gives the server a connection as if it had accepted it.
func (srv *Server) Adopt(fd int) error { return srv.group.Adopt(fd) }

// Tick returns the resolution of the server's timers.
func (srv *Server) Tick() int64 { return int64(srv.cfg.tick()) }

// Tables returns the number of sessions that the server can find by their
// ids, the number that its timers can find, and the number of timers.
func (srv *Server) Tables() (byID, byToken, timers int) {
	for _, l := range srv.group.Loops() {
		counted := make(chan struct{})
		l.Post(func() {
			byToken += shardOf(l).sessions.Len()
			timers += l.Timers().Len()
			close(counted)
		})
		<-counted
	}
	return srv.sessions.len(), byToken, timers
}

// Bounds of a session's inbox.
const (
	MaxInboxItems = maxInboxItems
	MaxInboxBytes = maxInboxBytes
)

// CloseGrace is how long a closed polling session is kept for its client.
const CloseGrace = closeGrace

// Inbox returns what waits for the handler, and whether the connection is not
// read because of it.
func (s *Session) Inbox() (items, bytes int, paused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inbox == nil {
		return 0, 0, s.paused
	}
	return len(s.inbox.items), len(s.inbox.data), s.paused
}

// FrameBytes returns a frame as it goes over a WebSocket.
func FrameBytes(f *Frame, rev Revision) []byte { return f.websocket(rev, false) }

// FramePackets returns a frame's packets.
func FramePackets(f *Frame) []Packet { return f.packets() }
