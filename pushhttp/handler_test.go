package pushhttp_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"outrider/pushhttp"
)

// limits is a Limiter that says one thing.
type limits struct {
	allow bool
	wait  time.Duration
	key   string
}

func (l *limits) Allow(key string) (time.Duration, bool) {
	l.key = key
	return l.wait, l.allow
}

func TestLimiter(t *testing.T) {
	for wait, want := range map[time.Duration]string{0: "", time.Millisecond: "1", 90 * time.Second: "90", 1500 * time.Millisecond: "2"} {
		h, publisher := newHandler(t, pushhttp.Config{Limiter: &limits{wait: wait}})
		r := serve(t, h, newRequest("/clear_table", asJSON, clearTable))
		if r.json.Code != pushhttp.CodeTooManyRequests || r.header.Get("Retry-After") != want {
			t.Errorf("wait %v: %d %v %s", wait, r.status, r.header, r.body)
		}
		if calls := publisher.taken(); calls != nil {
			t.Errorf("pushed %q", calls)
		}
	}
}

func TestReady(t *testing.T) {
	ready := false
	h, publisher := newHandler(t, pushhttp.Config{Ready: func() bool { return ready }})
	r := serve(t, h, newRequest("/clear_table", asJSON, clearTable))
	if r.json.Code != pushhttp.CodeUnavailable || r.header.Get("Retry-After") != "1" || publisher.taken() != nil {
		t.Errorf("not ready: %d %v %s", r.status, r.header, r.body)
	}
	ready = true
	if r := serve(t, h, newRequest("/clear_table", asJSON, clearTable)); r.status != 200 {
		t.Errorf("ready: %d %s", r.status, r.body)
	}
}

// TestPanic has everything panic that is not ours: the caller is answered,
// the log says why, and the server goes on.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	publisher := &recorder{panics: true}
	h, _ := newHandler(t, pushhttp.Config{
		Publisher: publisher,
		Fallback:  func(*fasthttp.RequestCtx) { panic("the page is broken") },
		Logger:    slog.New(slog.NewTextHandler(&log, nil)),
	})
	address := start(t, h, pushhttp.ServerConfig{})
	for path, cause := range map[string]string{"/clear_table": "the publisher is broken", "/page": "the page is broken"} {
		log.Reset()
		p := dial(t, address)
		p.send(post(path, clearTable))
		if r := p.reply(); r.json.Code != pushhttp.CodeInternal || strings.Contains(r.body, cause) {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
		p.ended()
		if !strings.Contains(log.String(), cause) {
			t.Errorf("%s: the log says %s", path, log.String())
		}
	}
	publisher.panics = false
	p := dial(t, address)
	p.send(post("/clear_table", clearTable))
	if r := p.reply(); r.status != 200 {
		t.Errorf("afterwards: %d %s", r.status, r.body)
	}
}

// TestFallback has other paths handled elsewhere, with bodies that are bounded and read.
func TestFallback(t *testing.T) {
	h, _ := newHandler(t, pushhttp.Config{MaxBody: 100, Fallback: func(ctx *fasthttp.RequestCtx) {
		fmt.Fprintf(ctx, "%s %s %s", ctx.Method(), ctx.Path(), ctx.PostBody())
		ctx.SetStatusCode(299)
	}})
	address := start(t, h, pushhttp.ServerConfig{})
	p := dial(t, address)
	for name, tt := range map[string]struct{ request, want string }{
		"page":        {"GET /rider HTTP/1.1\r\nHost: a\r\n\r\n", "GET /rider "},
		"post":        {post("/v1/batch", "hello"), "POST /v1/batch hello"},
		"any type":    {"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi", "PUT /x hi"},
		"chunked":     {post("/x", chunked(3, "hello"), "Transfer-Encoding: chunked"), "POST /x hello"},
		"the largest": {post("/x", strings.Repeat("x", 100)), "POST /x " + strings.Repeat("x", 100)},
	} {
		p.send(tt.request)
		status, body := p.rawReply()
		if status != 299 || body != tt.want {
			t.Errorf("%s: %d %q", name, status, body)
		}
	}
	p.send(post("/clear_table", clearTable))
	if r := p.reply(); r.status != 200 {
		t.Errorf("endpoint: %d %s", r.status, r.body)
	}
	p.send(post("/x", strings.Repeat("x", 101)))
	if r := p.reply(); r.json.Code != pushhttp.CodeBodyTooLarge {
		t.Errorf("too large: %d %s", r.status, r.body)
	}
}

// TestGiveBack has a connection go back to the server that it came from when a
// request on it is that server's: with every byte of it, and of what follows,
// and after the answers that are due.
func TestGiveBack(t *testing.T) {
	const ours = "/socket.io/"
	type given struct {
		conn net.Conn
		read []byte
	}
	for name, request := range map[string]string{
		"poll":            "GET /socket.io/?EIO=3&transport=polling HTTP/1.1\r\nhost: a\r\nX-Odd:  kept \r\n\r\n",
		"post":            "POST /socket.io/?sid=x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n2:40x",
		"empty post":      "POST /socket.io/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
		"chunked post":    "POST /socket.io/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n40\r\n0\r\n\r\n",
		"pipelined":       "GET /socket.io/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /socket.io/2 HTTP/1.1\r\nHost: a\r\n\r\n",
		"upgrade":         "GET /socket.io/ HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n\x81\x85\x01\x02\x03\x04",
		"no fields":       "GET /socket.io/ HTTP/1.0\r\n\r\n",
		"larger than all": "POST /socket.io/ HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n" + strings.Repeat("x", 50_000),
	} {
		t.Run(name, func(t *testing.T) {
			back := make(chan given, 1)
			h, publisher := newHandler(t, pushhttp.Config{GiveBack: func(path []byte) func(net.Conn, []byte) {
				if !strings.HasPrefix(string(path), ours) {
					return nil
				}
				return func(c net.Conn, read []byte) { back <- given{c, read} }
			}})
			p := dial(t, start(t, h, pushhttp.ServerConfig{}))
			p.send(post("/clear_table", clearTable) + post("/clear_table", clearTable) + request)
			for range 2 {
				if r := p.reply(); r.status != 200 {
					t.Fatalf("got %d %s", r.status, r.body)
				}
			}
			var g given
			select {
			case g = <-back:
			case <-time.After(patience):
				t.Fatal("the connection was not given back")
			}
			defer g.conn.Close()
			_ = g.conn.SetDeadline(time.Now().Add(patience))
			p.send("more")
			got := make([]byte, len(request)+len("more"))
			n := copy(got, g.read)
			if _, err := io.ReadFull(g.conn, got[n:]); err != nil || n != len(g.read) || string(got) != request+"more" {
				t.Errorf("%v\n got %.300q\nwant %.300q", err, got, request+"more")
			}
			if calls := publisher.taken(); len(calls) != 2 {
				t.Errorf("pushed %q", calls)
			}
			if _, err := io.WriteString(g.conn, "answer"); err != nil {
				t.Error(err)
			}
			answer := make([]byte, 6)
			if _, err := io.ReadFull(p.r, answer); err != nil || string(answer) != "answer" {
				t.Errorf("%q, %v", answer, err)
			}
		})
	}
	t.Run("other paths stay", func(t *testing.T) {
		h, _ := newHandler(t, pushhttp.Config{GiveBack: func([]byte) func(net.Conn, []byte) { return nil }})
		p := dial(t, start(t, h, pushhttp.ServerConfig{}))
		p.send(post("/x", ""))
		if r := p.reply(); r.status != 404 {
			t.Errorf("got %d %s", r.status, r.body)
		}
	})
}

// TestConcurrent is row 125: 200 concurrent pushes, all 200.
func TestConcurrent(t *testing.T) {
	h, publisher := newHandler(t, pushhttp.Config{})
	address := start(t, h, pushhttp.ServerConfig{})
	ids := make(chan string, 200)
	var wg sync.WaitGroup
	for i := range 200 {
		p := dial(t, address)
		wg.Go(func() {
			_, _ = io.WriteString(p, post("/device_push", fmt.Sprintf(`{"type":"rider","uid":[%d,"x%d"],"data":{"n": %d}}`, i+1, i, i)))
			if r := p.reply(); r.status == 200 {
				ids <- r.json.Result.ID
			}
		})
	}
	wg.Wait()
	close(ids)
	unique := map[string]bool{}
	for id := range ids {
		unique[id] = true
	}
	if len(unique) != 200 {
		t.Errorf("%d answers with different ids", len(unique))
	}
	pushed := map[string]bool{}
	for _, call := range publisher.taken() {
		pushed[call] = true
	}
	for i := range 200 {
		if want := fmt.Sprintf(`device rider %d|x%d {"n":%d}`, i+1, i, i); !pushed[want] {
			t.Errorf("missing %q", want)
		}
	}
}

// TestReset is row 126: callers that reset the connection in mid-request push
// nothing, and those that do so right after it once at most.
func TestReset(t *testing.T) {
	h, publisher := newHandler(t, pushhttp.Config{})
	address := start(t, h, pushhttp.ServerConfig{})
	request := post("/clear_table", clearTable)
	for i := range 60 {
		p := dial(t, address)
		_ = p.SetLinger(0)
		p.send(request[:len(request)*i/60])
		p.Close()
	}
	for range 60 {
		p := dial(t, address)
		_ = p.SetLinger(0)
		p.send(request)
		p.Close()
	}
	p := dial(t, address)
	p.send(post("/topic_push", `{"type":"h5","topic":"last","data":1}`))
	if r := p.reply(); r.status != 200 {
		t.Errorf("got %d %s", r.status, r.body)
	}
	if n := len(publisher.taken()); n > 61 {
		t.Errorf("%d pushes by 61 requests", n)
	}
}

// TestHalfClose has a caller that says it is done with sending: it is answered.
func TestHalfClose(t *testing.T) {
	h, _ := newHandler(t, pushhttp.Config{})
	p := dial(t, start(t, h, pushhttp.ServerConfig{}))
	p.send(post("/clear_table", clearTable))
	_ = p.CloseWrite()
	if r := p.reply(); r.status != 200 {
		t.Errorf("got %d %s", r.status, r.body)
	}
	p.ended()
}

// TestCutBody has a body that ends too early: whatever it says, it is no push.
func TestCutBody(t *testing.T) {
	h, publisher := newHandler(t, pushhttp.Config{})
	address := start(t, h, pushhttp.ServerConfig{})
	for _, request := range []string{
		"POST /clear_table HTTP/1.1\r\nHost: a\r\nContent-Length: 37\r\n\r\n" + clearTable,
		"POST /clear_table HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n24\r\n" + clearTable + "\r\n",
		"POST /clear_table HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n25\r\n" + clearTable,
	} {
		p := dial(t, address)
		p.send(request)
		_ = p.CloseWrite()
		if r := p.reply(); r.json.Code != pushhttp.CodeHTTP {
			t.Errorf("got %d %s", r.status, r.body)
		}
		p.ended()
		if calls := publisher.taken(); calls != nil {
			t.Errorf("pushed %q", calls)
		}
	}
}

// TestManyUIDs is row 117: 120,000 uids in less than four seconds.
func TestManyUIDs(t *testing.T) {
	list := strings.TrimSuffix(manyUIDs(120_000), ",")
	for name, uid := range map[string]string{
		"integers": "[" + list + "]",
		"strings":  `["` + strings.ReplaceAll(list, ",", `","`) + `"]`,
		"list":     `"` + list + `"`,
	} {
		t.Run(name, func(t *testing.T) {
			h, publisher := newHandler(t, pushhttp.Config{MaxBody: 2 << 20, MaxUIDs: 120_000})
			began := time.Now()
			r := serve(t, h, newRequest("/device_push", asJSON, `{"type":"rider","uid":`+uid+`,"data":1}`))
			if took := time.Since(began); r.status != 200 || took > 4*time.Second {
				t.Errorf("%d after %v: %s", r.status, took, r.body)
			}
			if want := "device rider " + strings.ReplaceAll(list, ",", "|") + " 1"; publisher.taken()[0] != want {
				t.Error("these are not the uids")
			}
			h, _ = newHandler(t, pushhttp.Config{MaxBody: 2 << 20})
			if r := serve(t, h, newRequest("/device_push", asJSON, `{"type":"rider","uid":`+uid+`,"data":1}`)); r.json.Code != pushhttp.CodeTooManyUIDs {
				t.Errorf("by default: %d %s", r.status, r.body)
			}
		})
	}
}
