package http1_test

import (
	"errors"
	"testing"

	"outrider/bench/internal/http1"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name, in     string
		status, n    int
		body, server string
		err          error
	}{
		{name: "body", in: "HTTP/1.1 200 OK\r\nServer: x y \r\nContent-Length: 2\r\n\r\nok!", status: 200, n: 54, body: "ok", server: "x y"},
		{name: "any case", in: "HTTP/1.1 400 Bad Request\r\nCONTENT-LENGTH:0\r\nserver:z\r\n\r\n", status: 400, n: 56, server: "z"},
		{name: "switching", in: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x010", status: 101, n: 56},
		{name: "no reason", in: "HTTP/1.1 204\r\n\r\n", status: 204, n: 16},
		{name: "head not there", in: "HTTP/1.1 200 OK\r\nContent-Len"},
		{name: "body not there", in: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"},
		{name: "nothing", in: ""},
		{name: "chunked", in: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", err: http1.ErrResponse},
		{name: "length", in: "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", err: http1.ErrResponse},
		{name: "too long", in: "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", err: http1.ErrResponse},
		{name: "no status", in: "HTTP/1.1 xyz\r\n\r\n", err: http1.ErrResponse},
		{name: "old", in: "HTTP/1.0 200 OK\r\n\r\n", err: http1.ErrResponse},
		{name: "not HTTP", in: "SSH-2.0-OpenSSH_9.6\r\n\r\n", err: http1.ErrResponse},
		{name: "endless head", in: string(make([]byte, http1.MaxHead+1)), err: http1.ErrResponse},
	} {
		t.Run(test.name, func(t *testing.T) {
			resp, n, err := http1.Parse([]byte(test.in))
			if !errors.Is(err, test.err) || n != test.n || resp.Status != test.status && n > 0 {
				t.Fatalf("Parse = %d %d %v, want %d %d %v", resp.Status, n, err, test.status, test.n, test.err)
			}
			if n > 0 && (string(resp.Body) != test.body || string(resp.Header("server")) != test.server) {
				t.Errorf("body %q, server %q, want %q, %q", resp.Body, resp.Header("server"), test.body, test.server)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 2\r\n\r\nok!"))
	f.Add([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		resp, n, err := http1.Parse(in)
		if n < 0 || n > len(in) || n < len(resp.Body) || err != nil && n != 0 {
			t.Fatalf("%d bytes of %d, a body of %d, %v", n, len(in), len(resp.Body), err)
		}
	})
}
