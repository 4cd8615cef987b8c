package engineio_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// wire is the client's end of a connection, of the kernel's or in memory.
type wire interface {
	io.ReadWriteCloser
	CloseWrite() error
	Reset()
}

type tcp struct{ *net.TCPConn }

func (c tcp) Reset() {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// client writes and reads one connection by hand. But for those that say so
// its methods fail the test, and belong on its goroutine.
type client struct {
	wire
	t testing.TB
	r *bufio.Reader
}

func (s *server) dial() *client {
	s.t.Helper()
	w := s.wire()
	s.t.Cleanup(func() { _ = w.Close() })
	return &client{wire: w, t: s.t, r: bufio.NewReader(w)}
}

// answer is an HTTP answer, read to its end.
type answer struct {
	*http.Response
	body string
}

func (a answer) String() string { return fmt.Sprintf("%d %q", a.StatusCode, a.body) }

// send writes bytes as they are.
func (c *client) send(data string) {
	c.t.Helper()
	if _, err := io.WriteString(c.wire, data); err != nil {
		c.t.Fatal(err)
	}
}

// request is the text of a request. A body brings its Content-Length.
func request(method, target, body string, headers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: test\r\n", method, target)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	if body != "" || method == http.MethodPost {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	return b.String() + "\r\n" + body
}

// engine is the target of a request for the engine.
func engine(query string) string { return "/engine.io/?" + query }

// answer reads the answer to a request of the method.
func (c *client) answer(method string) answer {
	c.t.Helper()
	res, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("answer without its end: %v", err)
	}
	return answer{res, string(body)}
}

func (c *client) get(query string, headers ...string) answer {
	c.t.Helper()
	c.send(request(http.MethodGet, engine(query), "", headers...))
	return c.answer(http.MethodGet)
}

func (c *client) post(query, body string, headers ...string) answer {
	c.t.Helper()
	c.send(request(http.MethodPost, engine(query), body, headers...))
	return c.answer(http.MethodPost)
}

// end fails the test unless the server ends the connection here.
func (c *client) end() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.r); err != nil || len(rest) > 0 {
		c.t.Fatalf("the connection has not ended but goes on with %q, %v", rest, err)
	}
}

// is fails the test unless the answer is the given one.
func (a answer) is(t testing.TB, status int, body string) answer {
	t.Helper()
	if a.StatusCode != status || a.body != body {
		t.Fatalf("answer %v, want %d %q", a, status, body)
	}
	return a
}

// refused fails the test unless the answer is the protocol's refusal.
func (a answer) refused(t testing.TB, code int, message string) answer {
	t.Helper()
	if got := a.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	return a.is(t, 400, fmt.Sprintf(`{"code":%d,"message":%q}`, code, message))
}

// handshake is the open packet.
type handshake struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int      `json:"pingInterval"`
	PingTimeout  int      `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"`
}

// parseHandshake reads an open packet, as it is or in a payload, of JSONP's
// form perhaps.
func parseHandshake(t testing.TB, text string) (h handshake) {
	t.Helper()
	_, object, _ := strings.Cut(strings.ReplaceAll(text, `\"`, `"`), "0{")
	if err := json.NewDecoder(strings.NewReader("{" + object)).Decode(&h); err != nil || len(h.SID) != 20 {
		t.Fatalf("open packet %q: %v", text, err)
	}
	return h
}

// pollClient is a session on polling. It makes a connection for each request,
// as clients behind some proxies do.
type pollClient struct {
	t     testing.TB
	srv   *server
	query string // with the sid
	sid   string
	get   *client // the poll that waits
}

// poll opens a session on polling. The query is the handshake's, without the
// transport.
func (s *server) poll(query string) *pollClient {
	s.t.Helper()
	c := s.dial()
	defer c.Close()
	a := c.get("transport=polling&" + query)
	if a.StatusCode != 200 {
		s.t.Fatalf("handshake: %v", a)
	}
	h := parseHandshake(s.t, a.body)
	return &pollClient{t: s.t, srv: s, query: "transport=polling&" + query + "&sid=" + h.SID, sid: h.SID}
}

// start sends a GET.
func (p *pollClient) start() {
	p.t.Helper()
	p.get = p.srv.dial()
	p.get.send(request(http.MethodGet, engine(p.query), ""))
}

// finish reads the answer to it, a payload.
func (p *pollClient) finish() string {
	p.t.Helper()
	a := p.get.answer(http.MethodGet)
	_ = p.get.Close()
	if a.StatusCode != 200 {
		p.t.Fatalf("poll answered %v", a)
	}
	return a.body
}

func (p *pollClient) receive() string {
	p.t.Helper()
	p.start()
	return p.finish()
}

// gone fails the test unless the session is not known any more.
func (p *pollClient) gone() {
	p.t.Helper()
	p.srv.dial().get(p.query).refused(p.t, 1, "Session ID unknown")
}

// deliver posts a payload.
func (p *pollClient) deliver(payload string, headers ...string) {
	p.t.Helper()
	p.post(payload, headers...).is(p.t, 200, "ok")
}

func (p *pollClient) post(payload string, headers ...string) answer {
	p.t.Helper()
	c := p.srv.dial()
	defer c.Close()
	return c.post(p.query, payload, headers...)
}

// socket is a WebSocket.
type socket struct{ *client }

const upgradeHeaders = "Connection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="

// switchTo asks for a WebSocket.
func (c *client) switchTo(query string, headers ...string) answer {
	c.t.Helper()
	c.send(request(http.MethodGet, engine(query), "", append([]string{upgradeHeaders}, headers...)...))
	return c.answer(http.MethodGet)
}

// upgrade makes a WebSocket of a new connection. The query lacks the
// transport.
func (s *server) upgrade(query string) *socket {
	s.t.Helper()
	c := s.dial()
	if a := c.switchTo("transport=websocket&" + query); a.StatusCode != 101 {
		s.t.Fatalf("upgrade: %v", a)
	}
	return &socket{c}
}

// websocket opens a session on WebSocket, of which the handler has been told
// when it returns.
func (s *server) websocket(query string) (*socket, handshake) {
	s.t.Helper()
	w := s.upgrade(query)
	h := parseHandshake(s.t, w.text())
	w.send(frame(ws.OpPing, "opened?"))
	if op, payload, err := w.next(); op != ws.OpPong || payload != "opened?" || err != nil {
		s.t.Fatalf("read %v %q, %v", op, payload, err)
	}
	return w, h
}

// probe begins the upgrade of a session, up to the answer to the probe.
func (p *pollClient) probe() *socket {
	p.t.Helper()
	w := p.srv.upgrade(strings.TrimPrefix(p.query, "transport=polling&"))
	w.say("2probe")
	w.hears("3probe")
	return w
}

// frame is a client's frame.
func frame(op ws.OpCode, payload string) string {
	f := ws.MaskFrameWith(ws.NewFrame(op, true, []byte(payload)), [4]byte{0x37, 0xfa, 0x21, 0x3d})
	return string(ws.MustCompileFrame(f))
}

// say sends a text.
func (w *socket) say(text string) {
	w.t.Helper()
	w.send(frame(ws.OpText, text))
}

// next reads a frame. It does not fail the test.
func (w *socket) next() (ws.OpCode, string, error) {
	h, err := ws.ReadHeader(w.r)
	if err != nil {
		return 0, "", err
	}
	payload := make([]byte, h.Length)
	_, err = io.ReadFull(w.r, payload)
	return h.OpCode, string(payload), err
}

// text reads a text.
func (w *socket) text() string {
	w.t.Helper()
	op, payload, err := w.next()
	if err != nil || op != ws.OpText {
		w.t.Fatalf("read %v %q, %v; want a text", op, payload, err)
	}
	return payload
}

// hears fails the test unless the next frames are the given texts.
func (w *socket) hears(texts ...string) {
	w.t.Helper()
	for _, want := range texts {
		if got := w.text(); got != want {
			w.t.Fatalf("read %q, want %q", got, want)
		}
	}
}

// closed fails the test unless the server closes the WebSocket here: with the
// status, 0 meaning none, and without words.
func (w *socket) closed(status ws.StatusCode) {
	w.t.Helper()
	op, payload, err := w.next()
	if err != nil || op != ws.OpClose {
		w.t.Fatalf("read %v %q, %v; want a close frame", op, payload, err)
	}
	got, words := ws.ParseCloseFrameData([]byte(payload))
	if got != status && (status != 0 || payload != "") || words != "" {
		w.t.Fatalf("close frame %q, want status %d", payload, status)
	}
	_ = w.CloseWrite()
	w.end()
}
