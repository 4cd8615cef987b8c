package loop_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"outrider/internal/loop"
	"outrider/internal/poll/polltest"
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

func echoConfig() loop.Config {
	return loop.Config{Accept: func(*loop.Conn) loop.Handler { return echo{} }}
}

// script is a handler made of functions, where nil does the least.
type script struct {
	data    func(c *loop.Conn, p []byte) int
	eof     func(c *loop.Conn)
	expired func(c *loop.Conn)
	closed  func(c *loop.Conn, cause loop.Cause)
}

func (s script) Data(c *loop.Conn, p []byte) int {
	if s.data == nil {
		return len(p)
	}
	return s.data(c, p)
}

func (s script) EOF(c *loop.Conn) {
	if s.eof == nil {
		c.Close(loop.CausePeer)
		return
	}
	s.eof(c)
}

func (s script) Expired(c *loop.Conn) {
	if s.expired != nil {
		s.expired(c)
	}
}

func (s script) Closed(c *loop.Conn, cause loop.Cause) {
	if s.closed != nil {
		s.closed(c, cause)
	}
}

// start runs a group on a free port of the loopback interface until the test
// ends.
func start(t testing.TB, cfg loop.Config) (*loop.Group, string) {
	t.Helper()
	g := startLoops(t, cfg)
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
	})
	return g, ln.Addr().String()
}

// startLoops runs a group without a listener until the test ends.
func startLoops(t testing.TB, cfg loop.Config) *loop.Group {
	t.Helper()
	g, err := loop.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.Close()
		if n := g.Open(); n != 0 {
			t.Errorf("%d connections are open after Close", n)
		}
		if n := g.Stats().Queued; n != 0 {
			t.Errorf("%d bytes are queued after Close", n)
		}
	})
	return g
}

// startOn runs a group on a network in memory until the test ends.
func startOn(t testing.TB, n *polltest.Net, cfg loop.Config) *loop.Group {
	t.Helper()
	cfg.NewPoller = n.Poller
	if cfg.Loops == 0 {
		cfg.Loops = 1
	}
	// Runs after the group's own, which closes it.
	t.Cleanup(func() {
		if err := n.Misuse(); err != nil {
			t.Error(err)
		}
		if open := n.Open(); open != 0 {
			t.Errorf("%d descriptors are open after Close", open)
		}
	})
	return startLoops(t, cfg)
}

// connect makes a connection over n.
func connect(t testing.TB, n *polltest.Net, g *loop.Group) *polltest.Peer {
	t.Helper()
	p, err := n.Dial(g.Adopt)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// dial connects over the loopback interface.
func dial(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return c.(*net.TCPConn)
}

// on runs fn on a loop and waits for it.
func on(t testing.TB, l *loop.Loop, fn func()) {
	t.Helper()
	done := make(chan struct{})
	if !l.Post(func() { defer close(done); fn() }) {
		t.Fatal("the loop has ended")
	}
	await(t, "a posted function", done)
}

// await waits for one thing from a channel, or its end.
func await[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	v, ok := arrives(ch)
	if !ok {
		t.Fatalf("not within 20 s: %s", what)
	}
	return v
}

// arrives is await for goroutines that must not end the test.
func arrives[T any](ch <-chan T) (v T, ok bool) {
	select {
	case v = <-ch:
		return v, true
	case <-time.After(20 * time.Second):
		return v, false
	}
}

// speak sends and wants it back.
func speak(t testing.TB, c io.ReadWriter, text string) {
	t.Helper()
	if err := spoken(c, text); err != nil {
		t.Fatal(err)
	}
}

// spoken is speak for goroutines that must not end the test.
func spoken(c io.ReadWriter, text string) error {
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if string(got) != text {
		return fmt.Errorf("%q came back as %q", text, got)
	}
	return nil
}

// text returns n bytes in which no two places look alike.
func text(n int) []byte {
	b := make([]byte, 0, n+20)
	for i := 0; len(b) < n; i++ {
		b = append(strconv.AppendInt(b, int64(i), 10), ',')
	}
	return b[:n]
}

// burstSizes are around every size at which the loop's buffer turns over.
func burstSizes() []int {
	const buffer = loop.MaxRest + loop.ReadSize
	return []int{
		1, loop.ReadSize - 1, loop.ReadSize, loop.ReadSize + 1,
		buffer - 1, buffer, buffer + 1, 1<<20 - 1, 1 << 20, 1<<20 + 1,
	}
}

// TestBurst: what arrives in one burst, longer than the loop's buffer, is all
// read although nothing follows it, not even a FIN.
func TestBurst(t *testing.T) {
	_, addr := start(t, echoConfig())
	for _, n := range burstSizes() {
		c := dial(t, addr)
		sent := text(n)
		go func() { _, _ = c.Write(sent) }()
		got := make([]byte, n)
		if k, err := io.ReadFull(c, got); err != nil {
			t.Fatalf("%d of %d bytes: %v", k, n, err)
		}
		if !bytes.Equal(got, sent) {
			t.Fatalf("%d bytes came back different", n)
		}
	}
}

// TestBurstOfRecords: a record that straddles the buffer's end is presented
// again with its other half (invariant 5).
func TestBurstOfRecords(t *testing.T) {
	const record = 1000 // is no divisor of the buffer
	cfg := loop.Config{Accept: func(*loop.Conn) loop.Handler {
		return script{data: func(c *loop.Conn, p []byte) int {
			if len(p) < record {
				return 0
			}
			_ = c.SendCopy(p[:record])
			return record
		}}
	}}
	_, addr := start(t, cfg)
	for _, n := range burstSizes() {
		n = (n + record - 1) / record * record
		c := dial(t, addr)
		sent := text(n)
		go func() { _, _ = c.Write(sent) }()
		got := make([]byte, n)
		if k, err := io.ReadFull(c, got); err != nil {
			t.Fatalf("%d of %d bytes: %v", k, n, err)
		}
		if !bytes.Equal(got, sent) {
			t.Fatalf("%d bytes came back different", n)
		}
	}
}
