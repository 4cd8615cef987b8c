package floor_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws/wsutil"

	"outrider/bench/internal/floor"
)

const patience = 10 * time.Second

func serve(t *testing.T, cfg floor.Config) string {
	t.Helper()
	cfg.Listen = netip.MustParseAddrPort("127.0.0.1:0")
	s, err := floor.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	addr := s.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return addr
}

// client is one that has joined a namespace.
type client struct {
	t         *testing.T
	conn      net.Conn
	namespace string
}

// dial connects and joins, up to and including the greeting.
func dial(t *testing.T, addr string, eio int, namespace string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "GET /socket/socket.io/?EIO=%d&transport=websocket HTTP/1.1\r\nHost: floor\r\n\r\n", eio)
	head := make([]byte, 0, 256)
	for one := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); head = append(head, one[0]) {
		if _, err := conn.Read(one); err != nil {
			t.Fatal(err)
		}
	}
	c := &client{t: t, conn: conn, namespace: namespace}
	if open := c.next(); !strings.HasPrefix(open, `0{"sid":"`) {
		t.Fatalf("the open packet is %s", open)
	}
	if eio == 3 {
		c.expect("40")
	}
	c.send("40" + namespace + ",")
	if joined := c.next(); !strings.HasPrefix(joined, "40"+namespace+",") {
		t.Fatalf("the answer to CONNECT is %s", joined)
	}
	c.expect("42" + namespace + `,["message","connect success"]`)
	return c
}

func (c *client) next() string {
	c.t.Helper()
	text, err := wsutil.ReadServerText(c.conn)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

func (c *client) expect(text string) {
	c.t.Helper()
	if got := c.next(); got != text {
		c.t.Errorf("received %s, want %s", got, text)
	}
}

func (c *client) send(text string) {
	c.t.Helper()
	var frame bytes.Buffer // in one piece, as the floor wants it
	if err := wsutil.WriteClientText(&frame, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
	if _, err := frame.WriteTo(c.conn); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) set(object string) *client {
	c.t.Helper()
	c.send("42" + c.namespace + `,0["set_connect",` + object + `]`)
	c.expect("43" + c.namespace + `,0[{"code":0,"message":""}]`)
	return c
}

// message expects a push, given as a JSON string's inside.
func (c *client) message(text string) {
	c.t.Helper()
	c.expect("42" + c.namespace + `,["message","` + text + `"]`)
}

// push posts and requires how many are matched.
func push(t *testing.T, addr, endpoint, body string, want int) {
	t.Helper()
	resp, err := http.Post("http://"+addr+endpoint, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), fmt.Sprintf(`"matched":%d,"written":%d,`, want, want)) {
		t.Errorf("%s %s: %s, want %d matched", endpoint, body, text, want)
	}
}

func TestPushes(t *testing.T) {
	addr := serve(t, floor.Config{})
	rider := func(uid int, topic string) *client {
		return dial(t, addr, 3+uid%2, "/socket/rider").set(fmt.Sprintf(`{"uid":%d,"type":"rider","topic":%q,"token":"t"}`, uid, topic))
	}
	a, b, c := rider(1, "x"), rider(2, "x"), rider(3, "y")
	pos := dial(t, addr, 4, "/socket/merchant").set(`{"uid":1,"type":"merchant","topic":"x","client":"pos"}`)

	push(t, addr, "/device_push", `{"type":"rider","uid":"1","data":{"a":"\\"}}`, 1)
	a.message(`{\"a\":\"\\\\\"}`)
	push(t, addr, "/device_push", `{"type":"merchant","uid":1,"data":1}`, 1)
	pos.message(`1`)
	push(t, addr, "/device_push", `{"type":"rider","uid":4,"data":1}`, 0)
	push(t, addr, "/topic_push", `{"type":"rider","topic":"y","data":2}`, 1)
	c.message("2")
	push(t, addr, "/topic_push", `{"type":"rider","topic":"z","data":2}`, 0)
	push(t, addr, "/client_push", `{"clients":["rider"],"title":"a","body":"b","push_type":"c"}`, 3)
	for _, r := range []*client{a, b, c} {
		r.message(`{\"title\":\"a\",\"body\":\"b\",\"push_type\":\"c\"}`)
	}
	push(t, addr, "/client_push", `{"clients":["pos"],"title":"a","body":"b","push_type":"c"}`, 1)
	pos.message(`{\"title\":\"a\",\"body\":\"b\",\"push_type\":\"c\"}`)

	// Another topic, another user, another connection of the same user, gone.
	b.set(`{"uid":5,"type":"rider","topic":"y"}`)
	push(t, addr, "/device_push", `{"type":"rider","uid":2,"data":3}`, 0)
	push(t, addr, "/topic_push", `{"type":"rider","topic":"y","data":3}`, 2)
	b.message("3")
	c.message("3")
	again := rider(5, "y")
	push(t, addr, "/device_push", `{"type":"rider","uid":5,"data":4}`, 1)
	again.message("4")
	c.conn.Close()
	again.set(`{"uid":0,"type":"rider"}`) // as good as logout
	push(t, addr, "/topic_push", `{"type":"rider","topic":"y","data":5}`, 1)
	b.message("5")
}

// TestFanOut shares a fan-out among threads.
func TestFanOut(t *testing.T) {
	const n = 600
	addr := serve(t, floor.Config{Writers: 3})
	clients := make([]*client, n)
	for i := range clients {
		clients[i] = dial(t, addr, 4, "/socket/rider").set(fmt.Sprintf(`{"uid":%d,"type":"rider","topic":"x"}`, 1+i))
	}
	push(t, addr, "/topic_push", `{"type":"rider","topic":"x","data":1}`, n)
	for _, c := range clients {
		c.message("1")
	}
}

func TestHeartbeats(t *testing.T) {
	addr := serve(t, floor.Config{PingInterval: 100 * time.Millisecond})
	c := dial(t, addr, 4, "/socket/rider")
	for range 3 {
		c.expect("2")
		c.send("3")
	}
	c = dial(t, addr, 3, "/socket/rider")
	for range 3 {
		c.send("2")
		c.expect("3")
	}
}

// TestRequests: a request that comes in pieces, and two that come in one.
func TestRequests(t *testing.T) {
	addr := serve(t, floor.Config{})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	const body = `{"type":"rider","uid":1,"data":1}`
	request := fmt.Sprintf("POST /device_push HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	answer := func() {
		t.Helper()
		const want = `"matched":0,"written":0,"offline":0}}`
		got := ""
		for p := make([]byte, 1); !strings.HasSuffix(got, want); got += string(p) {
			if _, err := conn.Read(p); err != nil {
				t.Fatalf("%v after %q", err, got)
			}
		}
	}
	for cut := 1; cut < len(request); cut += 7 {
		for _, part := range []string{request[:cut], request[cut:]} {
			if _, err := io.WriteString(conn, part); err != nil {
				t.Fatal(err)
			}
		}
		answer()
	}
	if _, err := io.WriteString(conn, request+request); err != nil {
		t.Fatal(err)
	}
	answer()
	answer()
}

// TestStrangers: what the floor does not understand is closed, and no more.
func TestStrangers(t *testing.T) {
	addr := serve(t, floor.Config{})
	for _, text := range []string{"x", "GET / HTTP/1.1\r\n\r\n", "GET /?EIO="} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%q was answered", text)
		}
		conn.Close()
	}
	c := dial(t, addr, 4, "/socket/rider")
	c.send("9")
	if _, err := wsutil.ReadServerText(c.conn); err == nil {
		t.Error("there is a packet of type 9")
	}
}
