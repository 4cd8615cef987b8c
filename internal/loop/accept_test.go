package loop_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"outrider/internal/loop"
)

// refused reports whether the server closes c without a word.
func refused(t testing.TB, c net.Conn) bool {
	t.Helper()
	n, err := c.Read(make([]byte, 1))
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		t.Fatal("neither served nor refused")
	}
	return n == 0 && err != nil
}

// TestMaxConns: as many as the bound are served, one more is closed at once,
// and whoever comes when one has left is served again.
func TestMaxConns(t *testing.T) {
	const bound = 10
	cfg := echoConfig()
	cfg.MaxConns = bound
	g, addr := start(t, cfg)
	var all []*net.TCPConn
	for range bound {
		c := dial(t, addr)
		speak(t, c, "hello")
		all = append(all, c)
	}
	if c := dial(t, addr); !refused(t, c) {
		t.Fatal("one over the bound was served")
	}
	if s := g.Stats(); s.Conns != bound || s.Refused != 1 || s.Accepted != bound+1 {
		t.Fatalf("%+v; want %d connections, one refused", s, bound)
	}
	for _, c := range all {
		speak(t, c, "still here")
	}
	_ = all[0].Close()
	eventually(t, "one has left", func() bool { return g.Open() == bound-1 })
	speak(t, dial(t, addr), "hello")
}

// TestMaxConnsOverSeveralListeners: their acceptors share one bound.
func TestMaxConnsOverSeveralListeners(t *testing.T) {
	const bound, listeners, dials = 5, 4, 80
	cfg := echoConfig()
	cfg.MaxConns = bound
	g := startLoops(t, cfg)
	var addrs []string
	for range listeners {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addrs = append(addrs, ln.Addr().String())
		go func() { _ = g.Serve(ln) }()
	}
	var served atomic.Int64
	var wg sync.WaitGroup
	for i := range dials {
		c := dial(t, addrs[i%listeners])
		wg.Go(func() {
			if spoken(c, "hello") == nil {
				served.Add(1)
			}
		})
	}
	wg.Wait()
	// Those who knock at the same time may be refused for each other's sake.
	if n := served.Load(); n > bound || n < bound-listeners {
		t.Fatalf("%d of %d were served, with a bound of %d", n, dials, bound)
	}
	if s := g.Stats(); s.Conns != int(served.Load()) || s.Refused != dials-uint64(served.Load()) {
		t.Fatalf("%+v; %d were served", s, served.Load())
	}
}

// TestConnectionsAreSpread: the loops get the same share.
func TestConnectionsAreSpread(t *testing.T) {
	const loops, conns = 4, 1000
	g, addr := start(t, loop.Config{Loops: loops, Accept: echoConfig().Accept})
	for range conns {
		dial(t, addr)
	}
	eventually(t, "all are accepted", func() bool { return g.Open() == conns })
	counts := make([]int, loops)
	for i, l := range g.Loops() {
		on(t, l, func() { l.Each(func(*loop.Conn, loop.Handler) { counts[i]++ }) })
	}
	least, most, sum := conns, 0, 0
	for _, n := range counts {
		least, most, sum = min(least, n), max(most, n), sum+n
	}
	if sum != conns || float64(most) >= 1.3*float64(least) {
		t.Fatalf("%d connections are spread %v", sum, counts)
	}
}

// TestAcceptedSocketsAreTuned: whatever the listener is, and also when the
// connection was made before it was served.
func TestAcceptedSocketsAreTuned(t *testing.T) {
	for name, multipath := range map[string]bool{"tcp": false, "mptcp": true} {
		t.Run(name, func(t *testing.T) {
			conns := make(chan *loop.Conn, 1)
			g := startLoops(t, loop.Config{UserTimeout: 7 * time.Second, Accept: func(c *loop.Conn) loop.Handler {
				conns <- c
				return echo{}
			}})
			var lc net.ListenConfig
			lc.SetMultipathTCP(multipath)
			ln, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			client := dial(t, ln.Addr().String())
			go func() { _ = g.Serve(ln) }()
			c := await(t, "a connection", conns)
			for option, want := range map[int]int{unix.TCP_NODELAY: 1, unix.TCP_USER_TIMEOUT: 7000} {
				got, err := unix.GetsockoptInt(c.FD(), unix.IPPROTO_TCP, option)
				if err != nil || got != want {
					t.Errorf("option %d is %d, %v; want %d", option, got, err, want)
				}
			}
			if got, want := c.RemoteAddr().String(), client.LocalAddr().String(); got != want {
				t.Errorf("RemoteAddr = %s, want %s", got, want)
			}
		})
	}
}

// TestListenersOfOtherKinds: a Unix socket is served, TLS is refused.
func TestListenersOfOtherKinds(t *testing.T) {
	g := startLoops(t, echoConfig())
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "socket"))
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = g.Serve(ln) }()
	c, err := net.Dial("unix", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	speak(t, c, "hello")

	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Serve(tls.NewListener(plain, &tls.Config{})); err == nil || errors.Is(err, loop.ErrClosed) {
		t.Fatalf("a TLS listener: %v", err)
	}
	if _, err := net.Dial("tcp", plain.Addr().String()); err == nil {
		t.Fatal("a listener that is not served was left open")
	}
}

// TestStopAccepting: the port closes, connections live on, and nobody can
// open another one.
func TestStopAccepting(t *testing.T) {
	g, addr := start(t, echoConfig())
	c := dial(t, addr)
	speak(t, c, "hello")
	g.StopAccepting()
	eventually(t, "the port is closed", func() bool {
		late, err := net.Dial("tcp", addr)
		if err == nil {
			_ = late.Close()
		}
		return err != nil
	})
	speak(t, c, "still here")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Serve(ln); !errors.Is(err, loop.ErrClosed) {
		t.Fatalf("Serve afterwards: %v, want ErrClosed", err)
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Fatalf("the listener afterwards: %v", err)
	}
	g.StopAccepting() // twice is once
}

// TestAdoptAtTheEnd: a descriptor given to a group that is closed is closed.
func TestAdoptAtTheEnd(t *testing.T) {
	g, err := loop.Start(echoConfig())
	if err != nil {
		t.Fatal(err)
	}
	g.Close()
	before := descriptors()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Adopt(fds[0]); !errors.Is(err, loop.ErrClosed) {
		t.Fatalf("Adopt: %v, want ErrClosed", err)
	}
	_ = unix.Close(fds[1])
	if n := descriptors(); n != before {
		t.Fatalf("%d descriptors are open, %d before", n, before)
	}
}

// TestAConnectionCostsOneDescriptorAndNoGoroutine.
func TestAConnectionCostsOneDescriptorAndNoGoroutine(t *testing.T) {
	const conns = 500
	g, addr := start(t, echoConfig())
	speak(t, dial(t, addr), "warm")
	fds, goroutines := descriptors(), runtime.NumGoroutine()
	var clients []*net.TCPConn
	for range conns {
		clients = append(clients, dial(t, addr))
	}
	for _, c := range clients {
		speak(t, c, "hello")
	}
	if n := g.Open(); n != conns+1 {
		t.Fatalf("%d connections, want %d", n, conns+1)
	}
	// The client's end is a descriptor too.
	if n := descriptors() - fds; n != 2*conns {
		t.Errorf("%d connections cost %d descriptors at both ends", conns, n)
	}
	eventually(t, "no goroutine more than before", func() bool { return runtime.NumGoroutine() <= goroutines })
}

// TestCloseLeavesNothing: a group with thousands of connections, some of
// which have bytes waiting, gives back every descriptor and goroutine.
func TestCloseLeavesNothing(t *testing.T) {
	const conns = 2000
	goroutines, fds := runtime.NumGoroutine(), descriptors()
	large := make([]byte, 8<<20) // more than the kernel takes
	var causes [8]atomic.Int64
	g, err := loop.Start(loop.Config{Loops: 4, MaxQueued: 1 << 40, Accept: func(c *loop.Conn) loop.Handler {
		if c.FD()%64 == 0 {
			_ = c.Send(large)
		}
		return script{closed: func(_ *loop.Conn, cause loop.Cause) { causes[cause].Add(1) }}
	}})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(ln) }()
	var clients []net.Conn
	for range conns {
		clients = append(clients, dial(t, ln.Addr().String()))
	}
	eventually(t, "all are accepted", func() bool { return g.Open() == conns })
	if g.Stats().Queued == 0 {
		t.Error("no bytes are waiting")
	}
	g.Close()
	if err := await(t, "the end of Serve", served); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("Serve: %v", err)
	}
	if n := causes[loop.CauseShutdown].Load(); n != conns {
		t.Errorf("%d of %d were closed by the shutdown", n, conns)
	}
	if s := g.Stats(); s.Conns != 0 || s.Queued != 0 {
		t.Errorf("%+v after Close", s)
	}
	if n := descriptors() - fds; n != conns {
		t.Errorf("%d descriptors more than before, of which %d are the clients'", n, conns)
	}
	for _, c := range clients {
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a client was not told")
		}
		_ = c.Close()
	}
	if !leftAt(fds, goroutines) {
		t.Error("something was left")
	}
}
