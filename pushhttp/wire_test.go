package pushhttp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"outrider/pushhttp"
)

const patience = 10 * time.Second // for what should come at once

// start serves h on a listener of its own.
func start(t testing.TB, h *pushhttp.Handler, cfg pushhttp.ServerConfig) (address string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := pushhttp.NewServer(h, cfg)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.ShutdownWithContext(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return ln.Addr().String()
}

// peer is one connection to the API, below HTTP.
type peer struct {
	t testing.TB
	*net.TCPConn
	r *bufio.Reader
}

func dial(t testing.TB, address string) *peer {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &peer{t, c.(*net.TCPConn), bufio.NewReader(c)}
}

func (p *peer) send(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p, text); err != nil {
		p.t.Fatalf("send: %v", err)
	}
}

// reply reads one answer.
func (p *peer) reply() reply {
	p.t.Helper()
	response, err := http.ReadResponse(p.r, nil)
	if err != nil {
		p.t.Fatalf("no answer: %v", err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatalf("answer: %v", err)
	}
	r := reply{status: response.StatusCode, header: response.Header, body: string(body), closes: response.Close}
	if response.StatusCode >= 200 {
		r.decode(p.t)
	}
	return r
}

// rawReply reads one answer that is not the API's.
func (p *peer) rawReply() (status int, body string) {
	p.t.Helper()
	response, err := http.ReadResponse(p.r, nil)
	if err != nil {
		p.t.Fatalf("no answer: %v", err)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatalf("answer: %v", err)
	}
	return response.StatusCode, string(text)
}

// ended checks that the server has closed the connection, and says nothing more before.
func (p *peer) ended() {
	p.t.Helper()
	rest, err := io.ReadAll(p.r)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		p.t.Errorf("the connection is still open")
	}
	if len(rest) > 0 {
		p.t.Errorf("more came: %q", rest)
	}
}

// post is a request with a JSON body, and further header lines.
func post(path, body string, lines ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n", path)
	for _, line := range lines {
		b.WriteString(line + "\r\n")
	}
	if !strings.Contains(strings.Join(lines, ""), "Transfer-Encoding") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	return b.String() + "\r\n" + body
}

const clearTable = `{"topic":"h5_1_5_base_notification"}`

// TestKeepAlive makes pushes one after the other on one connection: they
// arrive in order, and what answers is the same each time.
func TestKeepAlive(t *testing.T) {
	h, publisher := newHandler(t, pushhttp.Config{})
	p := dial(t, start(t, h, pushhttp.ServerConfig{}))
	last := ""
	for i := range 20 {
		p.send(post("/device_push", fmt.Sprintf(`{"type":"rider","uid":1,"data":%d}`, i)))
		r := p.reply()
		if r.status != 200 || r.closes {
			t.Fatalf("push %d: %d %v %s", i, r.status, r.header, r.body)
		}
		if r.json.Result.ID <= last {
			t.Errorf("push %d: id %s after %s", i, r.json.Result.ID, last)
		}
		last = r.json.Result.ID
		if got, want := publisher.taken(), fmt.Sprintf("device rider 1 %d", i); len(got) != 1 || got[0] != want {
			t.Errorf("push %d: %q", i, got)
		}
	}
	// What is refused does not end the connection.
	p.send(post("/device_push", `{"type":"rider"`))
	if r := p.reply(); r.status != 400 {
		t.Errorf("got %d", r.status)
	}
	p.send(post("/clear_table", clearTable))
	if r := p.reply(); r.status != 200 {
		t.Errorf("got %d", r.status)
	}
}

// TestAnswerHeader says which fields an answer has: none that names the
// server, none with anything of the request.
func TestAnswerHeader(t *testing.T) {
	h, _ := newHandler(t, pushhttp.Config{})
	p := dial(t, start(t, h, pushhttp.ServerConfig{}))
	for _, request := range []string{
		post("/clear_table", clearTable, "X-Echo: echoed", "Origin: http://127.0.0.1"),
		post("/echoed", clearTable),
		post("/device_push", `{"type":"echoed"}`, "Content-Encoding: echoed"),
		post("/clear_table", clearTable, "Origin: http://echoed"),
	} {
		p.send(request)
		r := p.reply()
		for name, values := range r.header {
			if !strings.Contains(" Content-Type Content-Length Date X-Content-Type-Options Www-Authenticate ", " "+name+" ") {
				t.Errorf("%d: %s: %q", r.status, name, values)
			}
			if strings.Contains(strings.Join(values, ""), "echoed") {
				t.Errorf("%d: %s: %q is of the request", r.status, name, values)
			}
		}
	}
}

// TestPipelined is row 35: three pushes in one segment, three answers in order.
func TestPipelined(t *testing.T) {
	h, publisher := newHandler(t, pushhttp.Config{})
	p := dial(t, start(t, h, pushhttp.ServerConfig{}))
	p.send(post("/device_push", `{"type":"rider","uid":1,"data":1}`) +
		post("/topic_push", `{"type":"rider","topic":"t","data":2}`) +
		post("/clear_table", clearTable))
	last := ""
	for i := range 3 {
		r := p.reply()
		if r.status != 200 || r.json.Result.ID <= last {
			t.Errorf("answer %d: %d %s", i, r.status, r.body)
		}
		last = r.json.Result.ID
	}
	if got := strings.Join(publisher.taken(), ", "); got != "device rider 1 1, topic rider t 2, clear h5_1_5_base_notification" {
		t.Errorf("pushed %s", got)
	}
}

// TestPipelinedRefusal has requests in one segment of which the second is
// refused with its body unread: earlier answers are not lost, and later
// requests are not answered.
func TestPipelinedRefusal(t *testing.T) {
	h, publisher := newHandler(t, pushhttp.Config{MaxBody: 1000})
	p := dial(t, start(t, h, pushhttp.ServerConfig{}))
	p.send(post("/clear_table", clearTable) + post("/clear_table", clearTable+strings.Repeat(" ", 1000)) + post("/clear_table", clearTable))
	if r := p.reply(); r.status != 200 {
		t.Errorf("first: %d %s", r.status, r.body)
	}
	if r := p.reply(); r.status != 413 || !r.closes {
		t.Errorf("second: %d %s", r.status, r.body)
	}
	p.ended()
	if calls := publisher.taken(); len(calls) != 1 {
		t.Errorf("pushed %q", calls)
	}
}

// TestByteByByte is row 37.
func TestByteByByte(t *testing.T) {
	h, _ := newHandler(t, pushhttp.Config{})
	p := dial(t, start(t, h, pushhttp.ServerConfig{}))
	_ = p.SetNoDelay(true)
	for _, b := range []byte(post("/clear_table", clearTable)) {
		p.send(string(b))
	}
	if r := p.reply(); r.status != 200 {
		t.Errorf("got %d %s", r.status, r.body)
	}
}

func chunked(size int, text string) string {
	var b strings.Builder
	for part := range chunks(text, size) {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(part), part)
	}
	return b.String() + "0\r\n\r\n"
}

func chunks(text string, size int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for len(text) > 0 {
			n := min(size, len(text))
			if !yield(text[:n]) {
				return
			}
			text = text[n:]
		}
	}
}

// TestChunked is rows 33 and 34.
func TestChunked(t *testing.T) {
	h, publisher := newHandler(t, pushhttp.Config{})
	p := dial(t, start(t, h, pushhttp.ServerConfig{}))
	many := `{"type":"rider","uid":1,"data":"` + strings.Repeat("x", 60_000) + `"}`
	for _, tt := range []struct {
		name, body string
		size       int
	}{
		{"one chunk", clearTable, 1000},
		{"chunks of 7", clearTable, 7},
		{"row 33: 60,000 one-byte chunks", many, 1},
	} {
		path := "/clear_table"
		if tt.body == many {
			path = "/device_push"
		}
		began := time.Now()
		p.send(post(path, chunked(tt.size, tt.body), "Transfer-Encoding: chunked"))
		if r := p.reply(); r.status != 200 {
			t.Errorf("%s: %d %s", tt.name, r.status, r.body)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: took %v", tt.name, took)
		}
		if calls := publisher.taken(); len(calls) != 1 {
			t.Errorf("%s: %d pushes", tt.name, len(calls))
		}
	}
	// The chunked coding of one request does not leak into the next.
	p.send(post("/clear_table", clearTable))
	if r := p.reply(); r.status != 200 {
		t.Errorf("after chunks: %d %s", r.status, r.body)
	}
}

// TestContinue is row 36.
func TestContinue(t *testing.T) {
	const expect = "Expect: 100-continue"
	h, publisher := newHandler(t, pushhttp.Config{MaxBody: 1000})
	address := start(t, h, pushhttp.ServerConfig{ReadTimeout: 300 * time.Millisecond})
	t.Run("body asked for", func(t *testing.T) {
		p := dial(t, address)
		request := post("/clear_table", clearTable, expect)
		head, body, _ := strings.Cut(request, "\r\n\r\n")
		p.send(head + "\r\n\r\n")
		if r := p.reply(); r.status != 100 {
			t.Fatalf("got %d %s", r.status, r.body)
		}
		p.send(body)
		if r := p.reply(); r.status != 200 {
			t.Errorf("got %d %s", r.status, r.body)
		}
		p.send(post("/clear_table", clearTable))
		if r := p.reply(); r.status != 200 {
			t.Errorf("next: %d %s", r.status, r.body)
		}
		publisher.taken()
	})
	t.Run("body does not come", func(t *testing.T) {
		p := dial(t, address)
		p.send("POST /clear_table HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n" + expect + "\r\n\r\n")
		if r := p.reply(); r.status != 100 {
			t.Fatalf("got %d %s", r.status, r.body)
		}
		if r := p.reply(); r.json.Code != pushhttp.CodeTimeout {
			t.Errorf("got %d %s", r.status, r.body)
		}
		p.ended()
	})
	for name, tt := range map[string]struct {
		request string
		code    pushhttp.Code
	}{
		"body too large":   {"POST /clear_table HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n", pushhttp.CodeBodyTooLarge},
		"no such path":     {"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n", pushhttp.CodeNotFound},
		"wrong method":     {"PUT /clear_table HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n", pushhttp.CodeMethodNotAllowed},
		"wrong media type": {"POST /clear_table HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n", pushhttp.CodeMediaType},
		"not local":        {"POST /clear_table HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.0.0.1\r\nContent-Length: 10\r\n", pushhttp.CodeNotLocal},
	} {
		t.Run(name+" is refused without a body", func(t *testing.T) {
			p := dial(t, address)
			p.send(tt.request + expect + "\r\n\r\n")
			if r := p.reply(); r.json.Code != tt.code {
				t.Errorf("got %d %s", r.status, r.body)
			}
			p.ended()
		})
	}
	if calls := publisher.taken(); calls != nil {
		t.Errorf("pushed %q", calls)
	}
}

// TestTooLargeBody is row 114: 10 MB are refused at once, and the answer
// reaches a caller who goes on sending.
func TestTooLargeBody(t *testing.T) {
	const size = 10 << 20
	h, publisher := newHandler(t, pushhttp.Config{})
	address := start(t, h, pushhttp.ServerConfig{})
	t.Run("refused before any of the body was sent", func(t *testing.T) {
		p := dial(t, address)
		p.send(fmt.Sprintf("POST /device_push HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n{", size))
		if r := p.reply(); r.json.Code != pushhttp.CodeBodyTooLarge || !r.closes {
			t.Errorf("got %d %s", r.status, r.body)
		}
	})
	for name, request := range map[string]string{
		"sent to its end":   post("/device_push", strings.Repeat(" ", size)),
		"sent as one chunk": post("/device_push", fmt.Sprintf("%x\r\n%s", size, strings.Repeat(" ", size)), "Transfer-Encoding: chunked"),
		"sent in chunks":    post("/device_push", chunked(4096, strings.Repeat(" ", size)), "Transfer-Encoding: chunked"),
	} {
		t.Run(name, func(t *testing.T) {
			p := dial(t, address)
			p.send(request) // all of it: a reset would fail it
			if r := p.reply(); r.json.Code != pushhttp.CodeBodyTooLarge {
				t.Errorf("got %d %s", r.status, r.body)
			}
		})
	}
	if calls := publisher.taken(); calls != nil {
		t.Errorf("pushed %q", calls)
	}
}

// TestServeConn serves a connection that somebody else accepted, and of which
// the first bytes were read before.
func TestServeConn(t *testing.T) {
	h, _ := newHandler(t, pushhttp.Config{})
	server := pushhttp.NewServer(h, pushhttp.ServerConfig{})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	served := make(chan error, 1)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			served <- err
			return
		}
		part := make([]byte, 10)
		if _, err = io.ReadFull(c, part); err != nil {
			served <- err
			return
		}
		served <- server.ServeConn(&readBefore{c, io.MultiReader(bytes.NewReader(part), c)})
	}()
	p := dial(t, ln.Addr().String())
	p.send(post("/clear_table", clearTable) + post("/clear_table", clearTable, "Connection: close"))
	for range 2 {
		if r := p.reply(); r.status != 200 {
			t.Errorf("got %d %s", r.status, r.body)
		}
	}
	p.ended()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

type readBefore struct {
	net.Conn
	r io.Reader
}

func (c *readBefore) Read(p []byte) (int, error) { return c.r.Read(p) }
