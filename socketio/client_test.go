package socketio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"outrider/engineio"
	"outrider/socketio"
)

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// start serves a server on a loopback port until the test ends, and fails the test if a handler panicked unasked.
func start(t testing.TB, cfg socketio.Config, setup func(*socketio.Server)) (*socketio.Server, string) {
	t.Helper()
	s, err := socketio.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if setup != nil {
		setup(s)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Serve(ln); !errors.Is(err, engineio.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(func() {
		s.Close()
		wg.Wait()
		if st := s.Stats(); st.Connections != 0 || st.Sockets != 0 {
			t.Errorf("after the end: %+v", st)
		}
		if left := s.Leftovers(); left != "" {
			t.Errorf("after the end: %s", left)
		}
	})
	return s, ln.Addr().String()
}

// client is a raw WebSocket client: what it sends and expects are engine packets.
type client struct {
	t    testing.TB
	conn net.Conn
	eio  string
	sid  string // of the engine
}

// dial opens a session of revision eio ("3" or "4") and reads the open packet.
func dial(t testing.TB, addr, eio string, query ...string) *client {
	t.Helper()
	var url strings.Builder
	url.WriteString("ws://" + addr + "/socket.io/?transport=websocket&EIO=" + eio)
	for _, q := range query {
		url.WriteString("&" + q)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d := ws.Dialer{Header: ws.HandshakeHeaderHTTP{"X-Test": {"yes"}}}
	conn, early, _, err := d.Dial(ctx, url.String())
	if err != nil {
		t.Fatal(err)
	}
	if early != nil {
		conn = &bufferedConn{conn, early}
	}
	t.Cleanup(func() { conn.Close() })
	c := &client{t: t, conn: conn, eio: eio}
	var open struct{ SID string }
	text := c.read()
	if err := json.Unmarshal([]byte(text[1:]), &open); err != nil || text[0] != '0' {
		t.Fatalf("open packet %q, %v", text, err)
	}
	c.sid = open.SID
	return c
}

// bufferedConn reads what the dialer has read too much.
type bufferedConn struct {
	net.Conn
	early interface{ Read([]byte) (int, error) }
}

func (c *bufferedConn) Read(p []byte) (int, error) {
	if c.early != nil {
		if n, err := c.early.Read(p); n > 0 && err == nil {
			return n, nil
		}
		c.early = nil
	}
	return c.Conn.Read(p)
}

// join connects to a namespace and returns the socket's id.
func (c *client) join(namespace string) string {
	c.t.Helper()
	if c.eio == "3" {
		if namespace == "/" {
			c.expect("40")
			return c.sid
		}
		c.send("40" + namespace)
		c.expect("40" + namespace + ",")
		return namespace + "#" + c.sid
	}
	prefix := "40"
	if namespace != "/" {
		prefix += namespace + ","
	}
	c.send(prefix)
	text := c.read()
	rest, ok := strings.CutPrefix(text, prefix+`{"sid":"`)
	if !ok || len(rest) != 22 || !strings.HasSuffix(rest, `"}`) {
		c.t.Fatalf("CONNECT %q answered with %q", namespace, text)
	}
	return rest[:20]
}

func (c *client) send(packets ...string) {
	c.t.Helper()
	for _, p := range packets {
		if err := c.write(p); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *client) write(packet string) error { return wsutil.WriteClientText(c.conn, []byte(packet)) }

func (c *client) sendBinary(data ...byte) {
	c.t.Helper()
	if c.eio == "3" {
		data = append([]byte{4}, data...)
	}
	if err := wsutil.WriteClientBinary(c.conn, data); err != nil {
		c.t.Fatal(err)
	}
}

// read returns the next packet; a binary one begins with "b".
func (c *client) read() string {
	c.t.Helper()
	text, err := c.next()
	if err != nil {
		c.t.Fatalf("waiting for a packet: %v", err)
	}
	return text
}

func (c *client) next() (string, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	data, op, err := wsutil.ReadServerData(c.conn)
	if err != nil {
		return "", err
	}
	if op == ws.OpBinary {
		if c.eio == "3" {
			data = data[1:]
		}
		return "b" + string(data), nil
	}
	return string(data), nil
}

// expect reads packets, which must be these.
func (c *client) expect(packets ...string) {
	c.t.Helper()
	for _, want := range packets {
		if got := c.read(); got != want {
			c.t.Fatalf("got %q, want %q", got, want)
		}
	}
}

// expectClosed reads until the server closes. Packets before that are an error.
func (c *client) expectClosed() {
	c.t.Helper()
	text, err := c.next()
	var timeout net.Error
	if err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatalf("not closed: got %q, %v", text, err)
	}
}

// sync makes sure that all that was sent has been handled, without any answer: a duplicate CONNECT would close, an
// event with an acknowledgement is answered. The server must have syncHandler.
func (c *client) sync(namespace string) {
	c.t.Helper()
	prefix := ""
	if namespace != "/" {
		prefix = namespace + ","
	}
	c.send("42" + prefix + `99["sync"]`)
	c.expect("43" + prefix + "99[]")
}

func syncHandler(e *socketio.Event) { e.Ack() }

// wait receives from a channel of what handlers report.
func wait[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("nothing happened")
		panic("unreachable")
	}
}

// empty checks that nothing was reported.
func empty[T any](t *testing.T, ch <-chan T) {
	t.Helper()
	select {
	case v := <-ch:
		t.Errorf("unexpected: %v", v)
	default:
	}
}

// notes is what handlers write down in the order in which they run.
type notes struct {
	mu   sync.Mutex
	text []string
}

func (n *notes) add(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text = append(n.text, text)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.text, ", ")
}

// logBuffer collects what is logged.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
