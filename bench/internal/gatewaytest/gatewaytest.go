// Package gatewaytest runs the real gateway within a test, on real sockets.
package gatewaytest

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"outrider/engineio"
	"outrider/internal/gateway"
	"outrider/pushhttp"
	"outrider/socketio"
)

// patience is how long the gateway may take to end.
const patience = 10 * time.Second

// Gateway is one that serves.
type Gateway struct {
	Clients netip.AddrPort
	Pushes  netip.AddrPort // a listener of its own
	IO      *socketio.Server
}

// Start serves until the test ends.
func Start(t testing.TB, engine engineio.Config) *Gateway {
	t.Helper()
	if engine.Paths == nil {
		engine.Paths = []string{"/socket/socket.io", "/socket.io"}
	}
	io, err := socketio.NewServer(socketio.Config{Engine: engine})
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(io, gateway.Config{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := pushhttp.New(pushhttp.Config{Publisher: g})
	if err != nil {
		t.Fatal(err)
	}
	push := pushhttp.NewServer(h, pushhttp.ServerConfig{})
	clients, pushes := listen(t), listen(t)
	ended := make(chan error, 2)
	go func() { ended <- io.Serve(clients) }()
	go func() { ended <- push.Serve(pushes) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := errors.Join(io.Shutdown(ctx), push.ShutdownWithContext(ctx)); err != nil {
			t.Error(err)
		}
		if err := errors.Join(<-ended, <-ended); !errors.Is(err, engineio.ErrServerClosed) {
			t.Error(err)
		}
	})
	return &Gateway{Clients: addrPort(clients), Pushes: addrPort(pushes), IO: io}
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	var cfg net.ListenConfig
	cfg.SetMultipathTCP(false)
	ln, err := cfg.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func addrPort(ln net.Listener) netip.AddrPort {
	return netip.MustParseAddrPort(ln.Addr().String())
}
