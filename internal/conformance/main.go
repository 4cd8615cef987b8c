// Command conformance serves what the official protocol suites want to talk
// to: fixed programs on the public API of engineio and socketio, with the
// suites' timing (shared/suites/README.md §2).
//
//	conformance -engine 127.0.0.1:4300 -socketio 127.0.0.1:4301
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"outrider/engineio"
	"outrider/socketio"
)

// server is what both packages offer.
type server interface {
	Serve(net.Listener) error
	Close() error
}

func main() {
	engine := flag.String("engine", "", "address of the engine.io v3 and v4 suites' echo server")
	sockets := flag.String("socketio", "", "address of the socket.io v5 suite's server")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *engine, *sockets); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// timing is the heartbeat that the suites expect. The open packet is held
// back because the v3 suite attaches its listener only after the 101.
func timing() engineio.Config {
	return engineio.Config{
		PingInterval:  300 * time.Millisecond,
		PingTimeout:   200 * time.Millisecond,
		OpenDelay:     5 * time.Millisecond,
		StrictVersion: true,
		CORS:          &engineio.CORS{},
	}
}

func run(ctx context.Context, engine, sockets string) error {
	failed := make(chan error, 2)
	start := func(addr string, srv server, err error) error {
		if err != nil {
			return err
		}
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			return err
		}
		fmt.Println("listening", ln.Addr())
		context.AfterFunc(ctx, func() { _ = srv.Close() })
		go func() { failed <- srv.Serve(ln) }()
		return nil
	}
	if engine != "" {
		cfg := timing()
		cfg.Handler = echo{}
		srv, err := engineio.NewServer(cfg)
		if err := start(engine, srv, err); err != nil {
			return err
		}
	}
	if sockets != "" {
		srv, err := newSocketIO()
		if err := start(sockets, srv, err); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// echo sends every message back as it came.
type echo struct{}

func (echo) Opened(*engineio.Session, *engineio.Request) {}
func (echo) Message(s *engineio.Session, data []byte, binary bool) {
	_ = s.Send(data, binary)
}
func (echo) Closed(*engineio.Session, engineio.CloseReason) {}

// newSocketIO returns the socket.io v5 suite's program.
func newSocketIO() (*socketio.Server, error) {
	srv, err := socketio.NewServer(socketio.Config{Engine: timing(), ConnectTimeout: time.Second})
	if err != nil {
		return nil, err
	}
	auth := func(s *socketio.Socket) {
		payload := s.Auth()
		if payload == nil {
			payload = json.RawMessage("{}")
		}
		_ = s.Emit("auth", payload)
	}
	srv.Of("/custom").OnConnect(auth)
	main := srv.Of("/")
	main.OnConnect(auth)
	main.On("message", func(e *socketio.Event) { _ = e.Socket().Emit("message-back", e.Values()...) })
	main.On("message-with-ack", func(e *socketio.Event) { _ = e.Ack(e.Values()...) })
	return srv, nil
}
