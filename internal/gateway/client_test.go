package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"outrider/engineio"
	"outrider/internal/gateway"
	"outrider/socketio"
)

// patience bounds every wait for something that must happen; only a failing
// test waits for it.
const patience = 10 * time.Second

// server is a gateway on a port of its own.
type server struct {
	*gateway.Gateway
	addr string
}

func serve(t testing.TB, cfg gateway.Config) *server {
	t.Helper()
	io, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(io, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- io.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := io.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, engineio.ErrServerClosed) {
			t.Error(err)
		}
	})
	return &server{g, ln.Addr().String()}
}

// client is one socket in one namespace over a WebSocket of its own, packet by
// packet: what it expects next is all that it may get.
type client struct {
	t         testing.TB
	conn      net.Conn
	namespace string
	id        string // the socket's
	asked     int    // acknowledgements so far
}

// join connects as a client of Engine.IO 3 or 4 and joins a namespace, up to
// and including the greeting.
func (s *server) join(t testing.TB, eio int, namespace string) *client {
	t.Helper()
	url := fmt.Sprintf("ws://%s/socket.io/?EIO=%d&transport=websocket", s.addr, eio)
	conn, br, _, err := ws.Dial(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, conn: conn, namespace: namespace}
	if br != nil { // frames that came with the answer to the upgrade
		c.conn = &early{conn, br}
	}
	t.Cleanup(c.lose)
	open := c.sid("0")
	if eio == 3 {
		c.expect("40")
		c.send("40" + namespace)
		c.expect("40" + namespace + ",")
		c.id = namespace + "#" + open
	} else {
		c.send("40" + namespace + ",")
		c.id = c.sid("40" + namespace + ",")
	}
	c.event(`["message","connect success"]`)
	return c
}

// early is a connection of which a part was read already.
type early struct {
	net.Conn
	read interface{ Read([]byte) (int, error) }
}

func (e *early) Read(p []byte) (int, error) { return e.read.Read(p) }

// sid reads a packet of that prefix and returns the sid in it.
func (c *client) sid(prefix string) string {
	c.t.Helper()
	packet := c.next()
	var payload struct{ SID string }
	data, ok := strings.CutPrefix(packet, prefix)
	if err := json.Unmarshal([]byte(data), &payload); !ok || err != nil || payload.SID == "" {
		c.t.Fatalf("received %s, want %s{\"sid\":...}", packet, prefix)
	}
	return payload.SID
}

func (c *client) next() string {
	c.t.Helper()
	if err := c.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
	text, err := wsutil.ReadServerText(c.conn)
	if err != nil {
		c.t.Fatalf("%s: %v", c.namespace, err)
	}
	return string(text)
}

func (c *client) expect(packet string) {
	c.t.Helper()
	if got := c.next(); got != packet {
		c.t.Errorf("received %s, want %s", got, packet)
	}
}

func (c *client) send(packet string) {
	c.t.Helper()
	if err := wsutil.WriteClientText(c.conn, []byte(packet)); err != nil {
		c.t.Fatal(err)
	}
}

// event expects an event, given as its JSON array.
func (c *client) event(array string) {
	c.t.Helper()
	c.expect("42" + c.namespace + "," + array)
}

// message expects a push: the JSON text as one string.
func (c *client) message(text string) {
	c.t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		c.t.Fatal(err)
	}
	c.event(`["message",` + string(quoted) + `]`)
}

// emit sends an event and asks for nothing.
func (c *client) emit(array string) {
	c.t.Helper()
	c.send("42" + c.namespace + "," + array)
}

// ask sends an event with an acknowledgement, and returns what has to come for
// it to be right: as events are handled in order, nothing else came before.
func (c *client) ask(array string) (ack func(answer string)) {
	c.t.Helper()
	c.asked++
	id := c.asked
	c.send(fmt.Sprintf("42%s,%d%s", c.namespace, id, array))
	return func(answer string) {
		c.t.Helper()
		c.expect(fmt.Sprintf("43%s,%d[%s]", c.namespace, id, answer))
	}
}

const success = `{"code":0,"message":""}`

// set emits set_connect with the object and expects nothing but success.
func (c *client) set(object string) *client {
	c.t.Helper()
	c.ask(`["set_connect",` + object + `]`)(success)
	return c
}

// quiet checks that nothing is on its way: a logout is acknowledged next. It
// ends the registration.
func (c *client) quiet() {
	c.t.Helper()
	c.ask(`["logout"]`)(success)
}

func (c *client) lose() { c.conn.Close() }
