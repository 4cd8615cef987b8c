package httpwire_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/iotest"

	"github.com/valyala/fasthttp"

	"outrider/internal/httpwire"
)

// pipe returns both ends of a connection in memory, closed when the test ends.
func pipe(t *testing.T) (client, server net.Conn) {
	t.Helper()
	client, server = net.Pipe()
	t.Cleanup(func() {
		_ = client.Close()
		_ = server.Close()
	})
	return client, server
}

func TestConnReadsBytesReadBefore(t *testing.T) {
	client, server := pipe(t)
	pre := []byte("read before, ")
	conn := httpwire.NewConn(server, pre)
	clear(pre) // the loop reads the next connection into the same buffer
	go func() {
		_, _ = client.Write([]byte("read after"))
		_ = client.Close()
	}()
	if n, err := conn.Read(nil); n != 0 || err != nil {
		t.Errorf("Read(nil) = %d, %v", n, err)
	}
	got, err := io.ReadAll(iotest.OneByteReader(conn))
	if err != nil || string(got) != "read before, read after" {
		t.Errorf("got %q, %v", got, err)
	}
	if conn.RemoteAddr() != server.RemoteAddr() {
		t.Error("RemoteAddr is not the connection's")
	}
}

func TestConnRest(t *testing.T) {
	_, server := pipe(t)
	conn := httpwire.NewConn(server, []byte("read before")).(*httpwire.Conn)
	if n, err := conn.Read(make([]byte, len("read "))); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	if first, second := conn.Rest(), conn.Rest(); string(first) != "before" || second != nil {
		t.Errorf("rests %q and %q", first, second)
	}
}

func TestConnWithoutBytes(t *testing.T) {
	_, server := pipe(t)
	if conn := httpwire.NewConn(server, nil); conn != server {
		t.Errorf("got a %T around a connection of which nothing was read", conn)
	}
}

// A request that comes in on the loop's port in two parts is handed to fasthttp after the first, and its connection lives on there.
func TestConnHandOver(t *testing.T) {
	client, server := pipe(t)
	first := post("Content-Length: 4\r\n", "bo")
	served := make(chan error, 1)
	fast := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) { ctx.SetBody(append(ctx.Path(), ctx.PostBody()...)) }}
	go func() { served <- fast.ServeConn(httpwire.NewConn(server, []byte(first))) }()
	go func() {
		_, _ = io.WriteString(client, "dy"+"GET /q HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	}()
	in := bufio.NewReader(client)
	for _, want := range []string{"/pbody", "/q"} {
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(answer.Body); err != nil || string(got) != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
