package pushhttp_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/valyala/fasthttp"

	"outrider/pushhttp"
)

// recorder is a Publisher that writes down what it is asked for.
type recorder struct {
	mu     sync.Mutex
	calls  []string
	result pushhttp.Result
	panics bool
}

func (r *recorder) record(format string, args ...any) pushhttp.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.panics {
		panic("the publisher is broken")
	}
	r.calls = append(r.calls, fmt.Sprintf(format, args...))
	return r.result
}

// taken returns the calls since it was last asked.
func (r *recorder) taken() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls
	r.calls = nil
	return calls
}

func (r *recorder) PushDevice(kind string, uids []string, data []byte) pushhttp.Result {
	return r.record("device %s %s %s", kind, strings.Join(uids, "|"), data)
}

func (r *recorder) PushTopic(kind, topic string, data []byte) pushhttp.Result {
	return r.record("topic %s %s %s", kind, topic, data)
}

func (r *recorder) PushClient(clients []string, data []byte) pushhttp.Result {
	return r.record("client %s %s", strings.Join(clients, "|"), data)
}

func (r *recorder) PushSocket(id string, data []byte) pushhttp.Result {
	return r.record("socket %s %s", id, data)
}

func (r *recorder) ClearTable(topic string) pushhttp.Result { return r.record("clear %s", topic) }

func newHandler(t testing.TB, cfg pushhttp.Config) (*pushhttp.Handler, *recorder) {
	t.Helper()
	r := &recorder{}
	if cfg.Publisher == nil {
		cfg.Publisher = r
	}
	h, err := pushhttp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h, r
}

// reply is an answer as a caller sees it.
type reply struct {
	status int
	header http.Header
	closes bool // the connection
	body   string
	json   answer
}

type answer struct {
	Code      pushhttp.Code `json:"code"`
	Message   string        `json:"message"`
	RequestID string        `json:"request_id"`
	Result    *struct {
		ID      string `json:"id"`
		Matched int    `json:"matched"`
		Written int    `json:"written"`
		Offline int    `json:"offline"`
	} `json:"result"`
}

// serve lets h handle a request without a connection.
func serve(t testing.TB, h *pushhttp.Handler, ctx *fasthttp.RequestCtx) reply {
	t.Helper()
	h.ServeHTTP(ctx)
	r := reply{status: ctx.Response.StatusCode(), header: http.Header{}, body: string(ctx.Response.Body())}
	for name, value := range ctx.Response.Header.All() {
		r.header.Add(string(name), string(value))
	}
	r.decode(t)
	return r
}

// decode also checks what holds for every answer.
func (r *reply) decode(t testing.TB) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), &r.json); err != nil {
		t.Fatalf("the answer is not JSON: %v: %d %q", err, r.status, r.body)
	}
	if r.json.Code.Status() != r.status {
		t.Errorf("code %d in an answer with status %d", r.json.Code, r.status)
	}
	ok := r.status == 200
	if ok != (r.json.Message == "") || ok != (r.json.Result != nil) || ok != (r.json.RequestID == "") {
		t.Errorf("the answer is neither a result nor a problem: %d %s", r.status, r.body)
	}
	if got := r.header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
}

const (
	asJSON = "application/json"
	asForm = "application/x-www-form-urlencoded"
)

// newRequest is a POST from this machine.
func newRequest(path, contentType, body string) *fasthttp.RequestCtx {
	ctx := new(fasthttp.RequestCtx)
	ctx.Init(new(fasthttp.Request), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4000}, nil)
	ctx.Request.Header.SetMethod("POST")
	ctx.Request.SetRequestURI(path)
	ctx.Request.Header.SetHost("127.0.0.1:3000")
	ctx.Request.Header.SetContentType(contentType)
	ctx.Request.SetBodyString(body)
	return ctx
}
