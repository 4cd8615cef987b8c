package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// rawPolling is a client by hand, for what stock clients from npm do not do: Socket.IO-Client-Swift 15 sends no EIO.
type rawPolling struct {
	http *http.Client
	url  string // with the query of the session
}

func (p *rawPolling) do(t *testing.T, method, body string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, p.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	resp, err := p.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// poll polls until a payload holds want, which must be the payload's end, and returns nothing else: payloads before it
// are joined.
func (p *rawPolling) poll(t *testing.T, want string) {
	t.Helper()
	var got strings.Builder
	for !strings.HasSuffix(got.String(), want) {
		status, body := p.do(t, "GET", "")
		got.WriteString(body)
		if status != http.StatusOK || got.Len() > len(want) {
			t.Fatalf("polled %d %q, want %q", status, got.String(), want)
		}
	}
}

func (p *rawPolling) post(t *testing.T, payload string) {
	t.Helper()
	if status, body := p.do(t, "POST", payload); status != http.StatusOK || body != "ok" {
		t.Fatalf("posted %q: %d %q, want 200 ok", payload, status, body)
	}
}

// frame writes Engine.IO 3 text packets as a payload. They must be ASCII.
func frame(packets ...string) string {
	var payload strings.Builder
	for _, p := range packets {
		fmt.Fprintf(&payload, "%d:%s", len(p), p)
	}
	return payload.String()
}

// rawHandshake opens a polling session with connections of its own, and returns its client and id.
func rawHandshake(t *testing.T, g *gateway, path string) (*rawPolling, string) {
	t.Helper()
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return rawHandshakeOn(t, &http.Client{Transport: transport}, g, path)
}

func rawHandshakeOn(t *testing.T, client *http.Client, g *gateway, path string) (*rawPolling, string) {
	t.Helper()
	p := &rawPolling{http: client, url: "http://" + g.addr + path + "?transport=polling&b64=1"}
	status, body := p.do(t, "GET", "")
	length, packet, found := strings.Cut(body, ":")
	if status != http.StatusOK || !found || length != fmt.Sprint(len(packet)) {
		t.Fatalf("handshake answered %d %q, want one Engine.IO 3 packet", status, body)
	}
	sid := openedID(t, packet)
	p.url += "&sid=" + sid
	return p, sid
}

// openedID reads the session's id from an open packet.
func openedID(t *testing.T, packet string) string {
	t.Helper()
	var open struct {
		SID string `json:"sid"`
	}
	if json.Unmarshal([]byte(strings.TrimPrefix(packet, "0")), &open) != nil || len(open.SID) != 20 {
		t.Fatalf("open packet is %q", packet)
	}
	return open.SID
}

// TestNoVersionByPolling: a missing EIO counts as 3.
func TestNoVersionByPolling(t *testing.T) {
	for _, path := range []string{"/socket/socket.io/", "/socket/socket.io", "/socket.io/", "/socket.io"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			g := startGateway(t)
			p, sid := rawHandshake(t, g, path)
			p.poll(t, frame("40"))
			p.post(t, frame("40/merchant"))
			p.poll(t, frame("40/merchant,", `42/merchant,["message","connect success"]`))
			p.post(t, frame(`42/merchant,7["set_connect",{"uid":1,"type":"merchant","topic":"store_1_base_notification","client":"app","token":"t"}]`))
			p.poll(t, frame(`43/merchant,7[{"code":0,"message":""}]`))

			g.wantPush(t, "device_push", `{"type":"merchant","uid":1,"data":{"t":"é"}}`, 1)
			p.poll(t, frame(`42/merchant,["message","{\"t\":\"\u00e9\"}"]`))
			g.wantPush(t, "print_push", `{"id":"/merchant#`+sid+`","data":1}`, 1)
			p.poll(t, frame(`42/merchant,["message","1"]`))
			p.post(t, frame("2"))
			p.poll(t, frame("3"))
		})
	}
}

// TestNoVersionByWebSocket is the same on WebSocket only.
func TestNoVersionByWebSocket(t *testing.T) {
	for _, path := range []string{"/socket/socket.io/", "/socket.io"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			g := startGateway(t)
			c := dialRaw(t, g, path+"?transport=websocket")
			sid := openedID(t, c.read(t))
			c.want(t, "40")
			c.write(t, "40/merchant")
			c.want(t, "40/merchant,")
			c.want(t, `42/merchant,["message","connect success"]`)
			c.write(t, `42/merchant,7["set_connect",{"uid":1,"type":"merchant","topic":"store_1_base_notification","client":"app","token":"t"}]`)
			c.want(t, `43/merchant,7[{"code":0,"message":""}]`)
			g.wantPush(t, "device_push", `{"type":"merchant","uid":1,"data":{"t":"é"}}`, 1)
			c.want(t, `42/merchant,["message","{\"t\":\"\u00e9\"}"]`)
			g.wantPush(t, "print_push", `{"id":"/merchant#`+sid+`","data":1}`, 1)
			c.want(t, `42/merchant,["message","1"]`)
			c.write(t, "2")
			c.want(t, "3")
		})
	}
}

// TestNoVersionUpgrade: the upgrade of such a session, by hand.
func TestNoVersionUpgrade(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	p, sid := rawHandshake(t, g, "/socket.io/")
	p.post(t, frame("40/merchant"))
	p.poll(t, frame("40", "40/merchant,", `42/merchant,["message","connect success"]`))

	c := dialRaw(t, g, "/socket.io/?transport=websocket&sid="+sid)
	c.write(t, "2probe")
	c.want(t, "3probe")
	p.poll(t, frame("6"))
	g.wantPush(t, "print_push", `{"id":"/merchant#`+sid+`","data":"in the window"}`, 1)
	c.write(t, "5")
	c.want(t, `42/merchant,["message","\"in the window\""]`)
	if status, body := p.do(t, "GET", ""); status != http.StatusBadRequest || body != `{"code":3,"message":"Bad request"}` {
		t.Errorf("polled after the upgrade: %d %s", status, body)
	}
}

// TestStrangeVersion: an EIO that no client has is refused.
func TestStrangeVersion(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	for _, version := range []string{"2", "5", "44", "abc", "3.0"} {
		p := &rawPolling{http: g.http, url: "http://" + g.addr + "/socket.io/?transport=polling&EIO=" + version}
		status, body := p.do(t, "GET", "")
		if want := `{"code":5,"message":"Unsupported protocol version"}`; status != http.StatusBadRequest || body != want {
			t.Errorf("EIO=%s: answered %d %s, want 400 %s", version, status, body, want)
		}
	}
}

// rawWebSocket is a WebSocket client by hand. Nothing reads it but the test.
type rawWebSocket struct {
	conn net.Conn
	rw   io.ReadWriter // conn, after what came with the handshake's answer
}

// dialWebSocket connects from a loopback address of the caller's choice.
func dialWebSocket(ctx context.Context, source net.IP, addr, pathAndQuery string) (*rawWebSocket, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: source}}
	conn, early, _, err := ws.Dialer{NetDial: from.DialContext}.Dial(ctx, "ws://"+addr+pathAndQuery)
	if err != nil {
		return nil, err
	}
	c := &rawWebSocket{conn: conn, rw: conn}
	if early != nil {
		c.rw = struct {
			io.Reader
			io.Writer
		}{early, conn}
	}
	return c, conn.SetDeadline(time.Now().Add(3 * patience))
}

func (c *rawWebSocket) next() (string, error) {
	text, err := wsutil.ReadServerText(c.rw)
	return string(text), err
}

// expect reads the next packet, which must be as given.
func (c *rawWebSocket) expect(packet string) error {
	got, err := c.next()
	if err == nil && got != packet {
		err = fmt.Errorf("received %q, want %q", got, packet)
	}
	return err
}

func (c *rawWebSocket) send(packet string) error {
	return wsutil.WriteClientText(c.rw, []byte(packet))
}

func dialRaw(t *testing.T, g *gateway, pathAndQuery string) *rawWebSocket {
	t.Helper()
	c, err := dialWebSocket(t.Context(), net.IPv4(127, 0, 0, 1), g.addr, pathAndQuery)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.conn.Close() })
	return c
}

func (c *rawWebSocket) read(t *testing.T) string {
	t.Helper()
	text, err := c.next()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (c *rawWebSocket) want(t *testing.T, packet string) {
	t.Helper()
	if err := c.expect(packet); err != nil {
		t.Fatal(err)
	}
}

func (c *rawWebSocket) write(t *testing.T, packet string) {
	t.Helper()
	if err := c.send(packet); err != nil {
		t.Fatal(err)
	}
}
