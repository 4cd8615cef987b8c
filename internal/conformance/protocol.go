package main

import (
	"time"

	"outrider/engineio"
	"outrider/socketio"
)

// timing is the heartbeat that the protocol suites expect. The open packet is
// held back because the v3 suite attaches its listener only after the 101.
func timing() engineio.Config {
	return engineio.Config{
		PingInterval:  300 * time.Millisecond,
		PingTimeout:   200 * time.Millisecond,
		OpenDelay:     5 * time.Millisecond,
		StrictVersion: true,
		CORS:          &engineio.CORS{},
	}
}

// newEngine returns the engine.io v3 and v4 suites' program.
func newEngine() (server, error) {
	cfg := timing()
	cfg.Handler = echo{}
	return engineio.NewServer(cfg)
}

// echo sends every message back as it came.
type echo struct{}

// Opened has nothing to do.
func (echo) Opened(*engineio.Session, *engineio.Request) {}

// Message sends the message back.
func (echo) Message(s *engineio.Session, data []byte, binary bool) {
	_ = s.Send(data, binary)
}

// Closed has nothing to do.
func (echo) Closed(*engineio.Session, engineio.CloseReason) {}

// newSocketIO returns the socket.io v5 suite's program.
func newSocketIO() (server, error) {
	srv, err := socketio.NewServer(socketio.Config{Engine: timing(), ConnectTimeout: time.Second})
	if err != nil {
		return nil, err
	}
	auth := func(s *socketio.Socket) { _ = s.Emit("auth", s.Auth()) }
	srv.Of("/custom").OnConnect(auth)
	main := srv.Of("/")
	main.OnConnect(auth)
	main.On("message", func(e *socketio.Event) { _ = e.Socket().Emit("message-back", e.Values()...) })
	main.On("message-with-ack", func(e *socketio.Event) { _ = e.Ack(e.Values()...) })
	return srv, nil
}
