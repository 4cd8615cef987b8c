package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// wire is a way in which a caller's HTTP library may write a request. Each piece is a segment of its own.
type wire struct {
	name   string
	pieces []string
}

func pushWires(host, body string) []wire {
	head := "POST /device_push HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/json\r\n"
	length := fmt.Sprintf("Content-Length: %d\r\n", len(body))
	half := len(body) / 2
	return []wire{
		{"in one piece", []string{head + length + "\r\n" + body}},
		{"body after the head", []string{head + length + "\r\n", body}},
		{"body in pieces", []string{head + length + "\r\n" + body[:half], body[half:]}},
		{"head in pieces", []string{head[:9], head[9:40], head[40:] + length, "\r", "\n" + body}},
		{"chunked", []string{
			head + "Transfer-Encoding: chunked\r\n\r\n" +
				fmt.Sprintf("%x\r\n%s\r\n", half, body[:half]), fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body)-half, body[half:]),
		}},
		{"HTTP/1.0", []string{strings.Replace(head, "HTTP/1.1", "HTTP/1.0", 1) + length + "\r\n" + body}},
		{"closing", []string{head + "Connection: close\r\n" + length + "\r\n" + body}},
		{"path with a query", []string{strings.Replace(head, "/device_push", "/socket/device_push?v=1", 1) + length + "\r\n" + body}},
		{"lower-case names", []string{strings.Replace(strings.ToLower(head+length), "post /device_push http", "POST /device_push HTTP", 1) + "\r\n" + body}},
	}
}

// TestPushWires: the push API reads a request however it is cut into segments.
func TestPushWires(t *testing.T) {
	g := startGateway(t)
	s := onePerGeneration[0].join(t, g, "/socket/customer")
	s.setConnect(t, `{"uid":1,"type":"customer","token":"t"}`)
	const body = `{"type":"customer","uid":1,"data":{"title":"新订单"}}`
	for _, w := range pushWires(g.addr, body) {
		t.Run(w.name, func(t *testing.T) {
			conn := g.dial(t)
			for i, piece := range w.pieces {
				if i > 0 {
					<-time.After(2 * time.Millisecond) // lets the gateway read what it has, most times
				}
				write(t, conn, piece)
			}
			wantOK(t, bufio.NewReader(conn))
			s.wantMessage(t, `{"title":"新订单"}`)
		})
	}
	g.wantNothing(t, s)
}

// TestPushExpectContinue: curl, and so PHP, asks before it sends a longer body.
func TestPushExpectContinue(t *testing.T) {
	g := startGateway(t)
	s := onePerGeneration[1].join(t, g, "/socket/customer")
	s.setConnect(t, `{"uid":1,"type":"customer","token":"t"}`)
	text := `"` + strings.Repeat("long ", 1000) + `"`
	body := `{"type":"customer","uid":1,"data":` + text + `}`

	conn := g.dial(t)
	reader := bufio.NewReader(conn)
	write(t, conn, fmt.Sprintf("POST /device_push HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", g.addr, len(body)))
	resp, err := http.ReadResponse(reader, nil)
	if err != nil || resp.StatusCode != http.StatusContinue {
		t.Fatalf("answered %v %v, want 100 Continue", resp, err)
	}
	write(t, conn, body)
	wantOK(t, reader)
	s.wantMessage(t, text)
}

// TestPushPipelined: requests that follow one another without waiting are answered, and arrive, in order.
func TestPushPipelined(t *testing.T) {
	g := startGateway(t)
	s := onePerGeneration[0].join(t, g, "/socket/customer")
	s.setConnect(t, `{"uid":1,"type":"customer","token":"t"}`)
	conn := g.dial(t)
	var requests strings.Builder
	const count = 20
	for n := range count {
		body := fmt.Sprintf(`{"type":"customer","uid":1,"data":%d}`, n)
		fmt.Fprintf(&requests, "POST /device_push HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", g.addr, len(body), body)
	}
	write(t, conn, requests.String())
	reader := bufio.NewReader(conn)
	for n := range count {
		wantOK(t, reader)
		s.wantMessage(t, fmt.Sprint(n))
	}
	g.wantNothing(t, s)
}

// TestOneConnectionForAll: a proxy keeps connections to the gateway and sends whatever comes next on any of them, a
// client's poll or a push. Where the gateway wants another connection it must say so.
func TestOneConnectionForAll(t *testing.T) {
	g := startGateway(t)
	g.http.Transport.(*http.Transport).MaxConnsPerHost = 1
	for _, path := range []string{"/socket.io/", "/socket/socket.io/"} {
		for range 3 {
			p, sid := rawHandshakeOn(t, g.http, g, path)
			p.post(t, frame("40/merchant"))
			g.wantPush(t, "topic_push", `{"type":"merchant","topic":"none","data":1}`, 0)
			p.poll(t, frame("40", "40/merchant,", `42/merchant,["message","connect success"]`))
			g.wantPush(t, "print_push", `{"id":"/merchant#`+sid+`","data":1}`, 1)
			p.poll(t, frame(`42/merchant,["message","1"]`))
		}
	}
}

func (g *gateway) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func write(t *testing.T, conn net.Conn, piece string) {
	t.Helper()
	if _, err := io.WriteString(conn, piece); err != nil {
		t.Fatal(err)
	}
}

// wantOK reads an answer, which must accept the push.
func wantOK(t *testing.T, reader *bufio.Reader) {
	t.Helper()
	resp, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), `{"code":0,"message":""`) {
		t.Fatalf("answered %d %s %v", resp.StatusCode, body, err)
	}
}
