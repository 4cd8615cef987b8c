package engineio_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"outrider/engineio"
	"outrider/internal/poll/polltest"
)

// FuzzServer gives a connection whatever bytes there are, in pieces. $sid in
// them stands for a session on polling. No panic, no call on a descriptor that
// is not the server's, and the connection ends with its client.
func FuzzServer(f *testing.F) {
	network := polltest.New(0, 0)
	s := serveOn(f, network, engineio.Config{
		PingInterval: time.Second, PingTimeout: time.Second, CORS: &engineio.CORS{}, Loops: 1, MaxPayload: 10_000,
	}, &recorder{message: echo, forget: true})
	for _, seed := range fuzzSeeds() {
		f.Add([]byte(seed), uint8(0))
		f.Add([]byte(seed), uint8(7))
	}
	f.Fuzz(func(t *testing.T, data []byte, chop uint8) {
		if bytes.Contains(data, []byte("$sid")) {
			handshake := (&server{Server: s.Server, t: t, wire: s.wire}).dial()
			a := handshake.get("EIO=4&transport=polling")
			data = bytes.ReplaceAll(data, []byte("$sid"), []byte(parseHandshake(t, a.body).SID))
			_ = handshake.Close()
		}
		peer, err := network.Dial(s.Adopt)
		if err != nil {
			t.Fatal(err)
		}
		peer.SetReadDeadline(time.Now().Add(patience))
		for step := int(chop); len(data) > 0; {
			n := len(data)
			if step > 0 {
				n = min(step, n)
			}
			if _, err := peer.Write(data[:n]); err != nil {
				break // the server has had enough
			}
			data = data[n:]
		}
		_ = peer.CloseWrite()
		if _, err := io.Copy(io.Discard, peer); err != nil && err != polltest.ErrReset {
			t.Fatalf("the connection does not end: %v", err)
		}
		_ = peer.Close()
		if err := network.Misuse(); err != nil {
			t.Fatal(err)
		}
		if n := s.Stats().Panics; n != 0 {
			t.Fatalf("%d panics", n)
		}
	})
}

func fuzzSeeds() []string {
	polling, session := engine("EIO=4&transport=polling"), engine("EIO=4&transport=polling&sid=$sid")
	frames := func(texts ...string) string {
		var b strings.Builder
		for _, text := range texts {
			b.WriteString(frame(ws.OpText, text))
		}
		return b.String()
	}
	return []string{
		request("GET", polling, ""),
		request("GET", polling+"&j=0", "", "Origin: http://page.test", "Accept-Encoding: gzip"),
		request("OPTIONS", polling, "", "Origin: http://page.test"),
		request("POST", session, "4a\x1ebAQID") + request("GET", session, ""),
		request("POST", session, "3") + request("POST", session, "1"),
		"POST " + session + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n4a\r\n0\r\n\r\n",
		request("GET", engine("EIO=4&transport=websocket"), "", upgradeHeaders) + frames("4a", "3", "1"),
		request("GET", engine("EIO=3&transport=websocket&b64=1"), "", upgradeHeaders) + frames("2", "b4AQID") + frame(ws.OpBinary, "\x04x") + frame(ws.OpClose, "\x03\xe8"),
		request("GET", engine("transport=websocket&sid=$sid"), "", upgradeHeaders) + frames("2probe", "5", "4a"),
		request("GET", engine("transport=websocket&sid=$sid"), "", upgradeHeaders) + frame(ws.OpPing, "x") + frames("4a"),
		request("GET", "/elsewhere", ""),
		request("HEAD", polling, "") + request("PUT", session, "x"),
	}
}
