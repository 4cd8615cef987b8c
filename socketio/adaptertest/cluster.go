package adaptertest

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"outrider/engineio"
	"outrider/socketio"
)

const (
	nodes    = 3
	perNode  = 2
	patience = 10 * time.Second // how long a test waits for what must come
)

// cluster is servers that an adapter joins, with clients: the first two on the first server, and so on.
type cluster struct {
	t       *testing.T
	servers []*socketio.Server
	addrs   []string
	connect chan *socketio.Socket // who joins "/"
	leave   chan *socketio.Socket // who leaves it
	clients []*client
	sockets []*socketio.Socket // of the clients
}

// start serves on all adapters, without clients.
func start(t *testing.T, adapters []socketio.Adapter, cfg socketio.Config) *cluster {
	t.Helper()
	c := &cluster{t: t, connect: make(chan *socketio.Socket, 1), leave: make(chan *socketio.Socket, 100)}
	for _, a := range adapters {
		cfg.Adapter = a
		s, err := socketio.NewServer(cfg)
		if err != nil {
			t.Fatal(err)
		}
		s.Of("/").OnConnect(func(s *socketio.Socket) { c.connect <- s })
		s.Of("/").OnDisconnect(func(s *socketio.Socket, _ socketio.DisconnectReason) { c.leave <- s })
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var serving sync.WaitGroup
		serving.Go(func() {
			if err := s.Serve(ln); !errors.Is(err, engineio.ErrServerClosed) {
				t.Errorf("Serve: %v", err)
			}
		})
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			serving.Wait()
		})
		c.servers, c.addrs = append(c.servers, s), append(c.addrs, ln.Addr().String())
	}
	return c
}

// populate connects the clients.
func (c *cluster) populate() *cluster {
	c.t.Helper()
	for _, addr := range c.addrs {
		for range perNode {
			client := dial(c.t, addr)
			client.send("40")
			client.welcome()
			c.clients = append(c.clients, client)
			c.sockets = append(c.sockets, wait(c.t, c.connect))
		}
	}
	return c
}

// ns is "/" of a node.
func (c *cluster) ns(node int) *socketio.Namespace { return c.servers[node].Of("/") }

// join puts clients into a room.
func (c *cluster) join(room string, clients ...int) {
	c.t.Helper()
	for _, i := range clients {
		if err := c.sockets[i].Join(room); err != nil {
			c.t.Fatal(err)
		}
	}
}

// heard returns what clients, or all of them, have been sent: all that there is until an event arrives that the node sends
// now.
func (c *cluster) heard(node int, clients ...int) [][]string {
	c.t.Helper()
	if _, err := c.ns(node).Emit("end"); err != nil {
		c.t.Fatal(err)
	}
	all := make([][]string, len(c.clients))
	for i, client := range c.clients {
		if len(clients) > 0 && !slices.Contains(clients, i) {
			continue
		}
		for packet := client.read(); packet != `42["end"]`; packet = client.read() {
			all[i] = append(all[i], packet)
		}
	}
	return all
}

// client is a raw WebSocket client of protocol 5.
type client struct {
	t    *testing.T
	conn net.Conn
	from io.Reader
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d := ws.Dialer{Header: ws.HandshakeHeaderHTTP{"X-Test": {"yes"}}}
	conn, early, _, err := d.Dial(ctx, "ws://"+addr+"/socket.io/?EIO=4&transport=websocket&name=value")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &client{t: t, conn: conn, from: conn}
	if early != nil {
		c.from = early // it goes on with conn
	}
	if open := c.read(); open[0] != '0' {
		t.Fatalf("open packet %q", open)
	}
	return c
}

func (c *client) send(packet string) {
	c.t.Helper()
	if err := wsutil.WriteClientText(c.conn, []byte(packet)); err != nil {
		c.t.Fatal(err)
	}
}

// read returns the next packet; a binary one begins with "b".
func (c *client) read() string {
	c.t.Helper()
	if err := c.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
	rw := struct {
		io.Reader
		io.Writer
	}{c.from, c.conn}
	data, op, err := wsutil.ReadServerData(rw)
	if err != nil {
		c.t.Fatalf("waiting for a packet: %v", err)
	}
	if op == ws.OpBinary {
		return "b" + string(data)
	}
	return string(data)
}

func (c *client) expect(packets ...string) {
	c.t.Helper()
	for _, want := range packets {
		if got := c.read(); got != want {
			c.t.Fatalf("got %q, want %q", got, want)
		}
	}
}

// welcome reads the answer to CONNECT.
func (c *client) welcome() string {
	c.t.Helper()
	packet := c.read()
	if !strings.HasPrefix(packet, "40") {
		c.t.Fatalf("CONNECT answered with %q", packet)
	}
	return packet
}

// wait receives what a handler reports.
func wait[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("nothing happened")
		panic("unreachable")
	}
}
