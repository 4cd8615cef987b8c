// Command conformance serves what the official suites want to talk to: fixed
// programs on the public API of engineio and socketio, with the suites'
// timing. The first two are the protocols' own suites', the others those of the
// clients.
//
//	conformance -engine 127.0.0.1:4300 -socketio 127.0.0.1:4301 \
//		-engine-client 127.0.0.1:4302 -socketio-client 127.0.0.1:4303
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// server is what both packages offer.
type server interface {
	Serve(net.Listener) error
	Close() error
}

// program is the server for one suite, or two.
type program struct {
	name  string
	suite string
	start func() (server, error)
}

func programs() []program {
	return []program{
		{"engine", "the engine.io v3 and v4 suites", newEngine},
		{"socketio", "the socket.io v5 suite", newSocketIO},
		{"engine-client", "engine.io-client's own suite", newEngineClient},
		{"socketio-client", "socket.io-client's own suite", newSocketIOClient},
	}
}

func main() {
	addrs := make(map[string]*string)
	for _, p := range programs() {
		addrs[p.name] = flag.String(p.name, "", "address of the server for "+p.suite)
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, addrs); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// run serves the programs that have an address until ctx ends, or one of them
// fails.
func run(ctx context.Context, addrs map[string]*string) error {
	failed := make(chan error, len(addrs))
	for _, p := range programs() {
		if *addrs[p.name] == "" {
			continue
		}
		addr, err := p.serve(ctx, *addrs[p.name], failed)
		if err != nil {
			return err
		}
		fmt.Println(p.name, "listening", addr)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// serve serves the program until ctx ends, and tells failed how that went.
func (p program) serve(ctx context.Context, addr string, failed chan<- error) (net.Addr, error) {
	srv, err := p.start()
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	go func() { failed <- srv.Serve(ln) }()
	return ln.Addr(), nil
}
