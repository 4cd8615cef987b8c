package websocket_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"outrider/internal/websocket"
)

// exchange is the two directions of a connection for gobwas/ws.
type exchange struct {
	*strings.Reader
	bytes.Buffer
}

func (e *exchange) Read(p []byte) (int, error) { return e.Reader.Read(p) }

// upgrade is gobwas/ws's answer to a handshake.
func upgrade(version, key string) (answer string, err error) {
	e := &exchange{Reader: strings.NewReader("GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: " + version + "\r\nSec-WebSocket-Key: " + key + "\r\n\r\n")}
	_, err = ws.Upgrade(e)
	return e.Buffer.String(), err
}

// TestAppendSwitch: the RFC's example (§1.3), and others as gobwas/ws answers them.
func TestAppendSwitch(t *testing.T) {
	out, ok := websocket.AppendSwitch([]byte("before "), []byte("13"), []byte("dGhlIHNhbXBsZSBub25jZQ=="))
	if !ok || !bytes.HasPrefix(out, []byte("before HTTP/1.1 101 ")) ||
		!bytes.Contains(out, []byte("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")) {
		t.Errorf("the RFC's example: %q %v", out, ok)
	}
	for _, c := range []struct{ version, key string }{
		{"13", "dGhlIHNhbXBsZSBub25jZQ=="},
		{"13", "AAAAAAAAAAAAAAAAAAAAAA=="},
		{"13", "x3JJHMbDL1EzLkh9GBhXDw=="},
		{"13", "x3JJHMbDL1EzLkh9GBhXDw="},
		{"13", "x3JJHMbDL1EzLkh9GBhXDw==="},
		{"13", "no base64, but 24 chars."},
		{"13", ""},
		{"8", "dGhlIHNhbXBsZSBub25jZQ=="},
		{"", "dGhlIHNhbXBsZSBub25jZQ=="},
		{"013", "dGhlIHNhbXBsZSBub25jZQ=="},
	} {
		want, err := upgrade(c.version, c.key)
		got, ok := websocket.AppendSwitch(nil, []byte(c.version), []byte(c.key))
		if ok != (err == nil) {
			t.Errorf("version %q, key %q: %v, gobwas/ws %v", c.version, c.key, ok, err)
		}
		if ok && string(got)+"\r\n" != want {
			t.Errorf("version %q, key %q:\n%q\ngobwas/ws\n%q", c.version, c.key, got, want)
		}
		if !ok && len(got) > 0 {
			t.Errorf("version %q, key %q: refused, but %q", c.version, c.key, got)
		}
	}
}

func BenchmarkAppendSwitch(b *testing.B) {
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out, _ = websocket.AppendSwitch(out[:0], []byte("13"), []byte("dGhlIHNhbXBsZSBub25jZQ=="))
	}
}
