package httpwire_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"outrider/internal/httpwire"
)

// What a browser really sends.
var (
	pollingGET = lines(
		"GET /socket.io/?EIO=4&transport=polling&t=PdlTq2w&sid=lv_VI97HAXpY6yYWAAAB HTTP/1.1",
		"Host: push.example.com:3000",
		"Connection: keep-alive",
		`sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"`,
		`sec-ch-ua-platform: "Windows"`,
		"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
		"sec-ch-ua-mobile: ?0",
		"Accept: */*",
		"Origin: https://shop.example.com",
		"Sec-Fetch-Site: same-site",
		"Sec-Fetch-Mode: cors",
		"Sec-Fetch-Dest: empty",
		"Referer: https://shop.example.com/orders",
		"Accept-Encoding: gzip, deflate, br, zstd",
		"Accept-Language: en-GB,en;q=0.9,zh-CN;q=0.8",
		"Cookie: _ga=GA1.2.1234567890.1700000000; session=8f14e45fceea167a5a36dedd4bea2543; io=lv_VI97HAXpY6yYWAAAB",
	)
	webSocketGET = lines(
		"GET /socket.io/?EIO=4&transport=websocket&sid=lv_VI97HAXpY6yYWAAAB HTTP/1.1",
		"Host: push.example.com:3000",
		"Connection: Upgrade",
		"Pragma: no-cache",
		"Cache-Control: no-cache",
		"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
		"Upgrade: websocket",
		"Origin: https://shop.example.com",
		"Sec-WebSocket-Version: 13",
		"Accept-Encoding: gzip, deflate, br, zstd",
		"Accept-Language: en-GB,en;q=0.9,zh-CN;q=0.8",
		"Cookie: _ga=GA1.2.1234567890.1700000000; session=8f14e45fceea167a5a36dedd4bea2543; io=lv_VI97HAXpY6yYWAAAB",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
	)
)

// mustParse parses a head that is good and whole.
func mustParse(t testing.TB, input string) *httpwire.Head {
	t.Helper()
	var h httpwire.Head
	n, err := h.Parse([]byte(input), httpwire.Limits{})
	if err != nil || n == 0 {
		t.Fatalf("Parse(%q) = %d, %v", input, n, err)
	}
	return &h
}

func status(t testing.TB, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	refused, ok := errors.AsType[*httpwire.Error](err)
	if !ok {
		t.Fatalf("%v (%T) is not an *Error", err, err)
	}
	return refused.Status
}

func TestParse(t *testing.T) {
	input := "POST /socket.io/?EIO=3&b64=1 HTTP/1.1\r\nHost: h:1\r\nX-Empty:\r\nX-Spaces: \t a b \t \r\ncontent-length: 007\r\nx-empty: two\r\n\r\nbodybytes"
	h := mustParse(t, input)
	n, _ := h.Parse([]byte(input), httpwire.Limits{})
	if want := len(input) - len("bodybytes"); n != want {
		t.Errorf("n = %d, want %d", n, want)
	}
	want := request{
		Method: "POST", Target: "/socket.io/?EIO=3&b64=1", Path: "/socket.io/", Query: "EIO=3&b64=1", Proto: 1, KeepAlive: true,
		Headers: []string{"Host: h:1", "X-Empty: ", "X-Spaces: a b", "content-length: 007", "x-empty: two"},
	}
	if got := newRequest(h); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if h.ContentLength != 7 || h.Chunked {
		t.Errorf("ContentLength %d, Chunked %v", h.ContentLength, h.Chunked)
	}
	if got := h.Get("x-eMPTY"); got == nil || len(got) != 0 {
		t.Errorf("Get of an empty value = %#v, want the first one, empty and not nil", got)
	}
	if got := h.Get("X-None"); got != nil {
		t.Errorf("Get of a missing header = %q", got)
	}
	if got := mustParse(t, line+host+"X^: a\r\n\r\n").Get("x~"); got != nil {
		t.Errorf("Get folds more than letters: %q", got)
	}
	if one, two := h.Count("Host"), h.Count("X-EMPTY"); one != 1 || two != 2 {
		t.Errorf("Count = %d and %d, want 1 and 2", one, two)
	}
}

func TestTargets(t *testing.T) {
	for _, c := range []struct{ target, path, query string }{
		{"/", "/", ""},
		{"/?", "/", ""},
		{"/a/b?c?d=e", "/a/b", "c?d=e"},
		{"//a", "//a", ""},
		{"/http://x", "/http://x", ""},
		{"http://h/a?b", "/a", "b"},
		{"HTTPS://h:1/a", "/a", ""},
		{"http://h", "/", ""},
		{"http://h?b", "/", "b"},
		{"http://[::1]:80/", "/", ""},
	} {
		h := mustParse(t, "GET "+c.target+" HTTP/1.1\r\nHost: h\r\n\r\n")
		if string(h.Target) != c.target || string(h.Path) != c.path || string(h.RawQuery) != c.query {
			t.Errorf("%s: target %q path %q query %q", c.target, h.Target, h.Path, h.RawQuery)
		}
	}
	for _, target := range []string{"", " /", "a", "*", "?", "h:80", "http:", "http:/", "http://", "http:///a", "http://u@h/", "ftp://h/", "http:a", "h://x/", "/a b", "/a\tb", "/\x7f"} {
		if got := read("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n"); got.Status != 400 {
			t.Errorf("target %q: %d %s, want 400", target, got.Status, got.Reason)
		}
	}
}

func TestConnectionAndUpgrade(t *testing.T) {
	const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	for _, c := range []struct {
		proto, headers             string
		keepAlive, upgrade, expect bool
	}{
		{proto: "1.1", keepAlive: true},
		{proto: "1.0"},
		{proto: "1.1", headers: "Connection: close\r\n"},
		{proto: "1.1", headers: "Connection: foo,\t CLOSE\r\n"},
		{proto: "1.1", headers: "Connection: closed\r\n", keepAlive: true},
		{proto: "1.1", headers: "Connection: a\r\nConnection: close\r\n"},
		{proto: "1.0", headers: "Connection: Keep-Alive\r\n", keepAlive: true},
		{proto: "1.0", headers: "Connection: keep-alive, close\r\n"},
		{proto: "1.1", headers: upgrade, keepAlive: true, upgrade: true},
		{proto: "1.0", headers: upgrade},
		{proto: "1.1", headers: "connection: keep-alive, UPGRADE\r\nupgrade: WebSocket\r\n", keepAlive: true, upgrade: true},
		{proto: "1.1", headers: "Upgrade: websocket\r\n", keepAlive: true},
		{proto: "1.1", headers: "Connection: Upgrade\r\n", keepAlive: true},
		{proto: "1.1", headers: "Connection: Upgrade\r\nUpgrade: h2c\r\n", keepAlive: true},
		{proto: "1.1", headers: upgrade + "Upgrade: h2c\r\n", keepAlive: true},
		{proto: "1.1", headers: "Connection: Upgrade\r\nUpgrade: web\u017focket\r\n", keepAlive: true},
		{proto: "1.1", headers: upgrade + "Content-Length: 0\r\n", keepAlive: true, upgrade: true},
		{proto: "1.1", headers: upgrade + "Content-Length: 1\r\n", keepAlive: true},
		{proto: "1.1", headers: upgrade + "Transfer-Encoding: chunked\r\n", keepAlive: true},
		{proto: "1.1", headers: "Expect: 100-Continue\r\nContent-Length: 1\r\n", keepAlive: true, expect: true},
		{proto: "1.1", headers: "Expect: 100-continue\r\nContent-Length: 0\r\n", keepAlive: true},
		{proto: "1.1", headers: "Expect: 200-ok\r\nContent-Length: 1\r\n", keepAlive: true},
		{proto: "1.0", headers: "Expect: 100-continue\r\nContent-Length: 1\r\n"},
	} {
		h := mustParse(t, "GET / HTTP/"+c.proto+"\r\nHost: h\r\n"+c.headers+"\r\n")
		if h.KeepAlive != c.keepAlive || h.Upgrade != c.upgrade || h.Expect100 != c.expect {
			t.Errorf("%s %q: KeepAlive %v Upgrade %v Expect100 %v", c.proto, c.headers, h.KeepAlive, h.Upgrade, h.Expect100)
		}
	}
}

func TestHost(t *testing.T) {
	for _, c := range []struct {
		proto, headers string
		status         int
	}{
		{"1.1", "Host: h\r\n", 0},
		{"1.1", "Host:\r\n", 0},
		{"1.1", "Host: [::1]:80\r\n", 0},
		{"1.1", "Host: my_host.example\r\n", 0},
		{"1.0", "", 0},
		{"1.1", "", 400},
		{"1.1", "Host: h\r\nhost: h\r\n", 400},
		{"1.1", "Host:\r\nHost:\r\n", 400},
		{"1.0", "Host: h\r\nHost: h\r\n", 400},
		{"1.1", "Host: a b\r\n", 400},
		{"1.1", "Host: a/b\r\n", 400},
		{"1.1", "Host: u@h\r\n", 400},
		{"1.1", "Host: \xc3\xa9\r\n", 400},
	} {
		if got := read("GET / HTTP/" + c.proto + "\r\n" + c.headers + "\r\n"); got.Status != c.status {
			t.Errorf("%s %q: %d %s, want %d", c.proto, c.headers, got.Status, got.Reason, c.status)
		}
	}
}

// Each limit at its edge, and one beyond.
func TestHeadLimits(t *testing.T) {
	small := httpwire.Limits{MaxHead: 64, MaxHeaders: 3}
	head := func(size int) string {
		return line + host + "A: " + strings.Repeat("a", size-len(line+host+"A: \r\n\r\n")) + "\r\n\r\n"
	}
	target := func(size int) string {
		return "GET /" + strings.Repeat("a", size-len("GET / HTTP/1.0\r\n\r\n")) + " HTTP/1.0\r\n\r\n"
	}
	for _, c := range []struct {
		name, input string
		lim         httpwire.Limits
		status      int
	}{
		{"head", head(64), small, 0},
		{"head+1", head(65), small, 431},
		{"default head", head(8 << 10), httpwire.Limits{}, 0},
		{"default head+1", head(8<<10 + 1), httpwire.Limits{}, 431},
		{"request line", target(64), small, 0},
		{"request line+1", target(65), small, 431}, // its last byte is in, the blank line's is not
		{"request line+3", target(67), small, 414},
		{"headers", line + host + "a:1\r\nb:2\r\n\r\n", small, 0},
		{"headers+1", line + host + "a:1\r\nb:2\r\nc:3\r\n\r\n", small, 431},
		{"default headers", line + host + strings.Repeat("a:1\r\n", 99) + "\r\n", httpwire.Limits{}, 0},
		{"default headers+1", line + host + strings.Repeat("a:1\r\n", 100) + "\r\n", httpwire.Limits{}, 431},
		{"method", strings.Repeat("M", 24) + " / HTTP/1.0\r\n\r\n", httpwire.Limits{}, 0},
		{"method+1", strings.Repeat("M", 25) + " / HTTP/1.0\r\n\r\n", httpwire.Limits{}, 501},
		{"name", line + host + strings.Repeat("n", 256) + ": x\r\n\r\n", httpwire.Limits{}, 0},
		{"name+1", line + host + strings.Repeat("n", 257) + ": x\r\n\r\n", httpwire.Limits{}, 431},
		{"length", line + host + "Content-Length: " + strings.Repeat("9", 18) + "\r\n\r\n", httpwire.Limits{}, 0},
		{"length+1", line + host + "Content-Length: " + strings.Repeat("9", 19) + "\r\n\r\n", httpwire.Limits{}, 400},
	} {
		var h httpwire.Head
		n, err := h.Parse([]byte(c.input), c.lim)
		if got := status(t, err); got != c.status || c.status == 0 && n != len(c.input) {
			t.Errorf("%s: Parse = %d, %v, want status %d", c.name, n, err, c.status)
		}
	}
}

// Every byte in every place of a value and of a name, against the grammar.
func TestEveryByte(t *testing.T) {
	const tokens = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for c := range 256 {
		for at := range 18 {
			text := []byte("aaaaaaaaaaaaaaaaa")
			text = slices.Insert(text, at, byte(c))
			value := read(line + host + "X: " + string(text) + "\r\n\r\n")
			if good := c == '\t' || c >= 0x20 && c != 0x7f; (value.Status == 0) != good {
				t.Fatalf("byte %#02x at %d of a value: %d %s", c, at, value.Status, value.Reason)
			}
			name := read(line + host + string(text) + ": x\r\n\r\n")
			good := strings.IndexByte(tokens, byte(c)) >= 0 || c == ':' && at > 0
			if (name.Status == 0) != good {
				t.Fatalf("byte %#02x at %d of a name: %d %s", c, at, name.Status, name.Reason)
			}
		}
	}
}

// A Head serves many connections: nothing of one request may be seen in the next.
func TestHeadReuse(t *testing.T) {
	var h httpwire.Head
	busy := post("Transfer-Encoding: chunked\r\nConnection: close, upgrade\r\nUpgrade: websocket\r\nExpect: 100-continue\r\n", "")
	plain := "GET /x HTTP/1.0\r\n\r\n"
	for _, before := range []string{busy, busy[:len(busy)-3], busy[:10], "GET / HTTP/1.1\r\nHost: h\r\n\x00"} {
		_, _ = h.Parse([]byte(before), httpwire.Limits{})
		if n, err := h.Parse([]byte(plain), httpwire.Limits{}); err != nil || n != len(plain) {
			t.Fatalf("Parse = %d, %v", n, err)
		}
		if got, want := newRequest(&h), newRequest(mustParse(t, plain)); fmt.Sprint(got) != fmt.Sprint(want) || h.ContentLength != -1 || h.Chunked {
			t.Errorf("after %.20q: %+v, length %d, chunked %v", before, got, h.ContentLength, h.Chunked)
		}
	}
}

// The raw head goes on to gobwas/ws for the handshake: it must like what we call an upgrade, and find it as it came.
func TestUpgradeByGobwas(t *testing.T) {
	src := []byte(webSocketGET + "\x81\x85frame")
	var h httpwire.Head
	n, err := h.Parse(src, httpwire.Limits{})
	if err != nil || !h.Upgrade {
		t.Fatalf("Parse = %d, %v, Upgrade %v", n, err, h.Upgrade)
	}
	if string(src[:n]) != webSocketGET {
		t.Fatal("Parse changed its input")
	}
	var out bytes.Buffer
	_, err = ws.Upgrader{}.Upgrade(struct {
		io.Reader
		io.Writer
	}{bytes.NewReader(src[:n]), &out})
	if err != nil || !strings.HasPrefix(out.String(), "HTTP/1.1 101 ") {
		t.Fatalf("Upgrade: %v\n%s", err, &out)
	}
}
