package pushhttp_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"outrider/pushhttp"
)

// from is a caller with an address.
type from string

func (f from) RemoteAddr() netip.AddrPort { return netip.MustParseAddrPort(string(f)) }

const local = from("127.0.0.1:4000")

// offers are requests, and whether Answer is to take them.
var offers = []struct {
	name  string
	whole string
	want  pushhttp.Outcome
}{
	{"device", post("/device_push", `{"type":"rider","uid":1,"data":{"a":1}}`), pushhttp.Answered},
	{"device behind a proxy's prefix", post("/socket/device_push", `{"type":"rider","uid":"1,2","data":"x"}`), pushhttp.Answered},
	{"device with a query", post("/device_push?a=b", `{"type":"rider","uid":[1,2],"data":[]}`), pushhttp.Answered},
	{"print", post("/print_push", `{"id":"/socket/merchant#AAAAAAAAAAAAAAAAAAAA","data":1}`), pushhttp.Answered},
	{"form", strings.Replace(post("/device_push", `type=rider&uid=7&data%5Ba%5D=1`), asJSON, asForm, 1), pushhttp.Answered},
	{"16 uids", post("/device_push", `{"type":"rider","uid":[`+strings.TrimSuffix(manyUIDs(pushhttp.QuickUIDs), ",")+`],"data":1}`), pushhttp.Answered},
	{"17 uids", post("/device_push", `{"type":"rider","uid":[`+strings.TrimSuffix(manyUIDs(pushhttp.QuickUIDs+1), ",")+`],"data":1}`), pushhttp.NotTaken},
	{"syntax", post("/device_push", `{"type":"rider"`), pushhttp.Answered},
	{"missing", post("/device_push", `{"type":"rider","uid":1}`), pushhttp.Answered},
	{"kind", post("/device_push", `{"type":"driver","uid":1,"data":1}`), pushhttp.Answered},
	{"no id", post("/print_push", `{"data":1}`), pushhttp.Answered},
	{"no body", post("/device_push", ``), pushhttp.Answered},
	{"topic", post("/topic_push", `{"type":"rider","topic":"t","data":1}`), pushhttp.NotTaken},
	{"client", post("/client_push", `{"clients":["rider"],"title":"t"}`), pushhttp.NotTaken},
	{"table", post("/clear_table", clearTable), pushhttp.NotTaken},
	{"elsewhere", post("/socket/socket.io", `{}`), pushhttp.NotTaken},
	{"GET", "GET /device_push HTTP/1.1\r\nHost: a\r\n\r\n", pushhttp.NotTaken},
	{"media type", strings.Replace(post("/device_push", `{}`), asJSON, "text/plain", 1), pushhttp.NotTaken},
	{"last request", post("/device_push", `{"type":"rider","uid":1,"data":1}`, "Connection: close"), pushhttp.NotTaken},
	{"HTTP/1.0", strings.Replace(post("/device_push", `{"type":"rider","uid":1,"data":1}`), "HTTP/1.1", "HTTP/1.0", 1), pushhttp.NotTaken},
	{"expects 100", post("/device_push", `{"type":"rider","uid":1,"data":1}`, "Expect: 100-continue"), pushhttp.NotTaken},
	{"chunked", post("/device_push", "2\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), pushhttp.NotTaken},
	{"folded field", post("/device_push", `{"type":"rider","uid":1,"data":1}`, "A: b", " c"), pushhttp.NotTaken},
	{"long head", post("/device_push", `{"type":"rider","uid":1,"data":1}`, "A: "+strings.Repeat("a", 8<<10)), pushhttp.NotTaken},
}

// readAnswer parses what Answer appended.
func readAnswer(t testing.TB, text []byte) reply {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(text))
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || r.Buffered() > 0 {
		t.Fatalf("%v, and %d bytes behind the answer: %q", err, r.Buffered(), text)
	}
	got := reply{status: response.StatusCode, header: response.Header, body: string(body), closes: response.Close}
	got.decode(t)
	return got
}

// TestAnswerIsTheServers: what Answer takes it answers as a server does on a
// connection, to the header, and what it does not take it has not touched.
func TestAnswerIsTheServers(t *testing.T) {
	h, publisher := newHandler(t, pushhttp.Config{})
	publisher.result = pushhttp.Result{Matched: 3, Written: 2, Offline: 1}
	address := start(t, h, pushhttp.ServerConfig{})
	for _, offer := range offers {
		t.Run(offer.name, func(t *testing.T) {
			out, outcome := h.Answer(local, []byte("before"), []byte(offer.whole))
			if outcome != offer.want {
				t.Fatalf("outcome %d, want %d: %q", outcome, offer.want, out)
			}
			made := publisher.taken()
			if outcome == pushhttp.NotTaken {
				if string(out) != "before" || len(made) > 0 {
					t.Errorf("it was not taken, but %q was pushed and %q answered", made, out)
				}
				return
			}
			got := readAnswer(t, bytes.TrimPrefix(out, []byte("before")))
			p := dial(t, address)
			p.send(offer.whole)
			want := p.reply()
			if wanted := publisher.taken(); !slices.Equal(made, wanted) {
				t.Errorf("pushed %q, a server %q", made, wanted)
			}
			if g, w := comparable(got), comparable(want); g != w {
				t.Errorf("answer\n%s\na server's\n%s", g, w)
			}
		})
	}
}

// comparable is all of an answer but what is new each time.
func comparable(r reply) string {
	r.header.Del("Date")
	body := r.body
	if r.json.Result != nil {
		body = strings.Replace(body, r.json.Result.ID, "ID", 1)
	} else {
		body = strings.Replace(body, r.json.RequestID, "ID", 1)
	}
	r.header.Del("Content-Length")
	return fmt.Sprint(r.status, r.closes, r.header, body)
}

// TestAnswerAuthorises: the rules of who may push are the same.
func TestAnswerAuthorises(t *testing.T) {
	push := post("/device_push", `{"type":"rider","uid":1,"data":1}`)
	keyed := post("/device_push", `{"type":"rider","uid":1,"data":1}`, "X-API-Key: secret")
	open, _ := newHandler(t, pushhttp.Config{})
	locked, _ := newHandler(t, pushhttp.Config{Keys: []pushhttp.Key{pushhttp.NewKey("k", "secret")}})
	for _, c := range []struct {
		name  string
		h     *pushhttp.Handler
		peer  from
		whole string
		want  pushhttp.Outcome
	}{
		{"local", open, local, push, pushhttp.Answered},
		{"local, version 6", open, "[::1]:4000", push, pushhttp.Answered},
		{"from elsewhere", open, "192.0.2.1:4000", push, pushhttp.NotTaken},
		{"through a proxy", open, local, post("/device_push", `{"type":"rider","uid":1,"data":1}`, "X-Forwarded-For: 192.0.2.1"), pushhttp.NotTaken},
		{"with the key", locked, "192.0.2.1:4000", keyed, pushhttp.Answered},
		{"without a key", locked, local, push, pushhttp.NotTaken},
	} {
		if out, got := c.h.Answer(c.peer, nil, []byte(c.whole)); got != c.want {
			t.Errorf("%s: outcome %d, want %d: %q", c.name, got, c.want, out)
		}
	}
}

// limiter lets n pushes through and counts how often it was asked.
type limiter struct{ n, asked int }

func (l *limiter) Allow(string) (time.Duration, bool) {
	l.asked++
	return time.Second, l.asked <= l.n
}

// TestAnswerAsksTheLimiterOnce: a push that Answer does not take costs its
// caller nothing, and one that it takes costs one.
func TestAnswerAsksTheLimiterOnce(t *testing.T) {
	l := &limiter{n: 1}
	h, publisher := newHandler(t, pushhttp.Config{Limiter: l})
	for _, offer := range offers {
		if offer.want == pushhttp.NotTaken {
			h.Answer(local, nil, []byte(offer.whole))
		}
	}
	if l.asked != 0 {
		t.Fatalf("asked %d times for what was not taken", l.asked)
	}
	push := []byte(post("/device_push", `{"type":"rider","uid":1,"data":1}`))
	for _, want := range []int{200, 429, 429} {
		out, outcome := h.Answer(local, nil, push)
		if got := readAnswer(t, out); outcome != pushhttp.Answered || got.status != want {
			t.Errorf("outcome %d, %d %s, want %d", outcome, got.status, got.body, want)
		}
	}
	if made := publisher.taken(); len(made) != 1 || l.asked != 3 {
		t.Errorf("%d pushes, asked %d times", len(made), l.asked)
	}
}

// TestAnswerAfterPanic: the connection is not used again, and what is answered
// says so.
func TestAnswerAfterPanic(t *testing.T) {
	h, publisher := newHandler(t, pushhttp.Config{})
	publisher.panics = true
	out, outcome := h.Answer(local, nil, []byte(post("/device_push", `{"type":"rider","uid":1,"data":1}`)))
	if got := readAnswer(t, out); outcome != pushhttp.Final || got.status != 500 || !got.closes {
		t.Errorf("outcome %d, %d %v %s", outcome, got.status, got.header, got.body)
	}
	publisher.panics = false
	if _, outcome := h.Answer(local, nil, []byte(post("/device_push", `{"type":"rider","uid":1,"data":1}`))); outcome != pushhttp.Answered {
		t.Errorf("afterwards: outcome %d", outcome)
	}
}

// TestAnswerAllocations: the same as for ServeHTTP, the text of the uid.
func TestAnswerAllocations(t *testing.T) {
	h, _ := newHandler(t, pushhttp.Config{Publisher: sink{}})
	push := []byte(post("/device_push", `{"type":"rider","uid":1234,"data":`+order+`}`))
	out := make([]byte, 0, 1<<10)
	peer := pushhttp.Peer(local)
	n := testing.AllocsPerRun(200, func() { out, _ = h.Answer(peer, out[:0], push) })
	if n > 1 && !raceEnabled {
		t.Errorf("%v allocations, want 1", n)
	}
}

// BenchmarkAnswer is BenchmarkPush for a request where it was read: parsing
// and the answer's text included.
func BenchmarkAnswer(b *testing.B) {
	for _, bm := range benchmarks {
		whole := []byte(strings.Replace(post(bm.path, bm.body), asJSON, bm.contentType, 1))
		h, _ := newHandler(b, pushhttp.Config{Publisher: sink{}})
		out := make([]byte, 0, 1<<10)
		peer := pushhttp.Peer(local)
		if _, outcome := h.Answer(peer, out, whole); outcome == pushhttp.NotTaken {
			continue
		}
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				out, _ = h.Answer(peer, out[:0], whole)
			}
		})
	}
}

// FuzzAnswer offers what is almost a request. Whatever is taken is answered
// with one answer.
func FuzzAnswer(f *testing.F) {
	for _, offer := range offers {
		f.Add([]byte(offer.whole))
	}
	h, err := pushhttp.New(pushhttp.Config{Publisher: sink{}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, whole []byte) {
		out, outcome := h.Answer(local, nil, whole)
		if outcome == pushhttp.NotTaken {
			if len(out) > 0 {
				t.Errorf("not taken, but %q", out)
			}
			return
		}
		readAnswer(t, out)
	})
}
