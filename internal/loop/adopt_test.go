package loop_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"outrider/internal/loop"
)

// served returns both ends of a connection that somebody else has accepted.
func served(t *testing.T) (client *net.TCPConn, server net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client = dial(t, ln.Addr().String())
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return client, server
}

// TestAdoptConnLosesNothing: the handler is given what was read before, and
// then what was not, in order, whatever lies on either side of the buffer.
func TestAdoptConnLosesNothing(t *testing.T) {
	const most = loop.MaxRead
	g := startLoops(t, echoConfig())
	for _, n := range []int{0, 1, loop.MaxRest, most - 1, most} {
		client, server := served(t)
		sent := text(n + 100_000)
		go func() { _, _ = client.Write(sent) }()
		read := make([]byte, n)
		if _, err := io.ReadFull(server, read); err != nil {
			t.Fatal(err)
		}
		if err := g.AdoptConn(server, read, nil); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(sent))
		if k, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, sent) {
			t.Fatalf("with %d bytes read before, %d of %d came back, %v", n, k, len(sent), err)
		}
		if _, err := server.Read(read[:0:0]); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("the old connection: %v, want net.ErrClosed", err)
		}
	}
}

// TestAdoptConnKeepsWhatIsLeft: a handler that does not consume what was read
// before is presented it again with what comes.
func TestAdoptConnKeepsWhatIsLeft(t *testing.T) {
	g := startLoops(t, loop.Config{Accept: func(*loop.Conn) loop.Handler {
		return script{data: func(c *loop.Conn, p []byte) int {
			if bytes.IndexByte(p, '\n') < 0 {
				return 0
			}
			return echo{}.Data(c, p)
		}}
	}})
	client, server := served(t)
	if err := g.AdoptConn(server, []byte("half a line, "), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Write([]byte("and the other\n")); err != nil {
		t.Fatal(err)
	}
	const want = "half a line, and the other\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(client, got); err != nil || string(got) != want {
		t.Fatalf("%q, %v", got, err)
	}
}

// TestAdoptConnTunes what somebody else has accepted.
func TestAdoptConnTunes(t *testing.T) {
	conns := make(chan *loop.Conn, 1)
	g := startLoops(t, loop.Config{UserTimeout: 3 * time.Second, Accept: func(c *loop.Conn) loop.Handler {
		conns <- c
		return echo{}
	}})
	_, server := served(t)
	if err := g.AdoptConn(server, nil, nil); err != nil {
		t.Fatal(err)
	}
	c := await(t, "the connection", conns)
	if ms, err := unix.GetsockoptInt(c.FD(), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); ms != 3000 || err != nil {
		t.Fatalf("user timeout %d ms, %v", ms, err)
	}
}

// TestAdoptConnFails without leaving anything open: the connection is closed
// whatever the reason.
func TestAdoptConnFails(t *testing.T) {
	g := startLoops(t, echoConfig())
	ended, err := loop.Start(echoConfig())
	if err != nil {
		t.Fatal(err)
	}
	ended.Close()
	for name, adopt := range map[string]func(c net.Conn) error{
		"too much was read": func(c net.Conn) error {
			return g.AdoptConn(c, make([]byte, loop.MaxRead+1), nil)
		},
		"no descriptor":    func(c net.Conn) error { return g.AdoptConn(tls.Server(c, &tls.Config{}), nil, nil) },
		"closed before":    func(c net.Conn) error { _ = c.Close(); return g.AdoptConn(c, nil, nil) },
		"the group closed": func(c net.Conn) error { return ended.AdoptConn(c, nil, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			client, server := served(t)
			if err := adopt(server); err == nil {
				t.Fatal("it was taken over")
			}
			if !refused(t, client) {
				t.Fatal("it was left open")
			}
			if g.Open() != 0 || ended.Open() != 0 {
				t.Fatal("it is counted")
			}
		})
	}
}

// TestAdoptConnTells about the handler before it is given anything.
func TestAdoptConnTells(t *testing.T) {
	told := make(chan loop.Handler, 1)
	g := startLoops(t, loop.Config{Accept: func(*loop.Conn) loop.Handler {
		return script{data: func(c *loop.Conn, p []byte) int {
			if len(told) == 0 {
				t.Error("the handler was given bytes first")
			}
			return echo{}.Data(c, p)
		}}
	}})
	client, server := served(t)
	if err := g.AdoptConn(server, []byte("x"), func(h loop.Handler) { told <- h }); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(client, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if h, ok := (<-told).(script); !ok {
		t.Errorf("told of a %T", h)
	}
}
