package pushhttp_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"outrider/pushhttp"
)

// checker is a Publisher that fails the test if it is given what the package promises not to give.
type checker struct {
	t     *testing.T
	calls int
}

func (c *checker) check(data []byte, texts ...string) pushhttp.Result {
	c.calls++
	if data != nil {
		if compact, err := pushhttp.Compact(bytes.Clone(data), pushhttp.HighestDepth); err != nil || !bytes.Equal(compact, data) {
			c.t.Errorf("data %q is not compact JSON: %v", data, err)
		}
	}
	for i, text := range texts {
		if text == "" || len(text) > 512 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
			c.t.Errorf("pushed to %q", text)
		}
		for _, other := range texts[:i] {
			if other == text {
				c.t.Errorf("pushed to %q twice", text)
			}
		}
	}
	return pushhttp.Result{Matched: len(texts)}
}

func (c *checker) PushDevice(_ string, uids []string, data []byte) pushhttp.Result {
	return c.check(data, uids...)
}

func (c *checker) PushTopic(_, topic string, data []byte) pushhttp.Result {
	return c.check(data, topic)
}

func (c *checker) PushClient(clients []string, data []byte) pushhttp.Result {
	return c.check(data, clients...)
}
func (c *checker) PushSocket(id string, data []byte) pushhttp.Result { return c.check(data, id) }
func (c *checker) ClearTable(topic string) pushhttp.Result           { return c.check(nil, topic) }

// FuzzBody posts a body to an endpoint: it is pushed once and answered with
// 200, or not pushed and refused, and never a fault of ours.
func FuzzBody(f *testing.F) {
	for i, body := range []string{
		`{"type":"rider","uid":[1,"2,3"],"data":{"a":[1.50,"\u00e9"]}}`,
		`{"type":"rider","topic":"rider_Tianhe_Qu_notification","data":"x"}`,
		`{"title":"t","body":null,"clients":["app","merchant_pos"],"push_type":1}`,
		`{"id":"\/socket\/merchant#Y9rW7Oq","data":false}`,
		`{"topic":"h5_1_5_base_notification"}`,
		`type=rider&uid[]=1&uid[2]=5&data[title]=New+Order&data[items][0][id]=5`,
		`{"d\u0061ta":1,"data":2,"uid":-0,"uid":"0,1","type":"h5"}`,
		`title=t&clients[3]=h5`,
	} {
		f.Add(uint8(i), i >= 5, []byte(body))
	}
	f.Fuzz(func(t *testing.T, endpoint uint8, form bool, body []byte) {
		publisher := &checker{t: t}
		h, _ := newHandler(t, pushhttp.Config{Publisher: publisher, MaxBody: 1 << 16, MaxData: 1 << 12, MaxDepth: 20, MaxUIDs: 50})
		contentType := asJSON
		if form {
			contentType = asForm
		}
		r := serve(t, h, newRequest(endpoints[int(endpoint)%len(endpoints)], contentType, string(body)))
		if r.status >= 500 || (r.status == 200) != (publisher.calls == 1) || publisher.calls > 1 {
			t.Errorf("%d %s after %d pushes", r.status, r.body, publisher.calls)
		}
		if !json.Valid([]byte(r.body)) {
			t.Errorf("the answer is %s", r.body)
		}
	})
}

// FuzzConn serves whatever bytes come on a connection: there are as many
// pushes as answers with 200.
func FuzzConn(f *testing.F) {
	push := post("/clear_table", clearTable)
	for _, seed := range []string{
		push, push + push, push[:len(push)-3], "\r\n" + push, strings.ReplaceAll(push, "\r\n", "\n"),
		post("/clear_table", chunked(5, clearTable), "Transfer-Encoding: chunked"),
		post("/clear_table", chunked(5, clearTable), "Transfer-Encoding: chunked", "Content-Length: 5"),
		post("/clear_table", clearTable, "Expect: 100-continue"),
		post("/clear_table", strings.Repeat(" ", 3000)),
		"GET / HTTP/1.0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if bytes.Contains(in, []byte("HEAD")) {
			t.Skip("answers to HEAD cannot be read without knowing which they are")
		}
		publisher := &checker{t: t}
		h, _ := newHandler(t, pushhttp.Config{Publisher: publisher, MaxBody: 2000})
		c := &recorded{in: bytes.NewReader(in), closed: make(chan struct{})}
		_ = pushhttp.NewServer(h, pushhttp.ServerConfig{}).ServeConn(c)
		<-c.closed
		pushed := 0
		for r := bufio.NewReader(&c.out); ; {
			response, err := http.ReadResponse(r, nil)
			if err != nil {
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatalf("answered with %v after %q", err, in)
				}
				break
			}
			body, _ := io.ReadAll(response.Body)
			switch {
			case response.StatusCode == 200:
				pushed++
			case response.StatusCode >= 500:
				t.Errorf("%d %s", response.StatusCode, body)
			}
		}
		if pushed != publisher.calls {
			t.Errorf("%d pushes, %d answers with 200 to %q", publisher.calls, pushed, in)
		}
	})
}

// recorded is a connection from this machine on which everything has arrived.
type recorded struct {
	in     *bytes.Reader
	out    bytes.Buffer
	closed chan struct{}
}

func (c *recorded) Read(p []byte) (int, error)       { return c.in.Read(p) }
func (c *recorded) Write(p []byte) (int, error)      { return c.out.Write(p) }
func (c *recorded) Close() error                     { close(c.closed); return nil }
func (c *recorded) LocalAddr() net.Addr              { return stringAddr("127.0.0.1:3000") }
func (c *recorded) RemoteAddr() net.Addr             { return stringAddr("127.0.0.1:4000") }
func (c *recorded) SetDeadline(time.Time) error      { return nil }
func (c *recorded) SetReadDeadline(time.Time) error  { return nil }
func (c *recorded) SetWriteDeadline(time.Time) error { return nil }
