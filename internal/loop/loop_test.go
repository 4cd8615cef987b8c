package loop_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"outrider/internal/loop"
)

// echo sends back what it gets, and finishes after the peer's FIN.
type echo struct{}

func (echo) Data(c *loop.Conn, p []byte) int {
	if c.SendCopy(p) != nil {
		return 0
	}
	return len(p)
}
func (echo) EOF(c *loop.Conn)              { c.Finish() }
func (echo) Expired(c *loop.Conn)          { c.Close(loop.CauseLocal) }
func (echo) Closed(*loop.Conn, loop.Cause) {}

// start runs a group on a free port of the loopback interface until the test
// ends.
func start(t testing.TB, cfg loop.Config) (*loop.Group, string) {
	t.Helper()
	g, err := loop.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(ln) }()
	t.Cleanup(func() {
		g.Close()
		if err := <-served; !errors.Is(err, loop.ErrClosed) {
			t.Errorf("Serve returned %v, want ErrClosed", err)
		}
		if n := g.Open(); n != 0 {
			t.Errorf("%d connections are open after Close", n)
		}
	})
	return g, ln.Addr().String()
}

func dial(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return c.(*net.TCPConn)
}

func echoConfig() loop.Config {
	return loop.Config{Accept: func(*loop.Conn) loop.Handler { return echo{} }}
}

// TestBurst: what arrives in one burst, longer than the loop's buffer, is all
// read although nothing follows it.
func TestBurst(t *testing.T) {
	_, addr := start(t, echoConfig())
	for _, n := range []int{1, 16<<10 - 1, 16 << 10, 16<<10 + 1, 32 << 10, 200 << 10, 1<<20 + 1} {
		c := dial(t, addr)
		sent := bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]
		go func() {
			_, _ = c.Write(sent)
			_ = c.CloseWrite()
		}()
		got, err := io.ReadAll(c)
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if !bytes.Equal(got, sent) {
			t.Fatalf("%d bytes came back as %d", n, len(got))
		}
	}
}
