package socketio_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"outrider/socketio"
)

// TestLargeEvents sends events of nearly the largest size there and back: they need many reads and many writes.
func TestLargeEvents(t *testing.T) {
	const size = 700_000
	data := bytes.Repeat([]byte("0123456789abcde\n"), size/16)
	text := strings.Repeat("大单🍜x", size/12)
	_, addr := start(t, socketio.Config{}, echo)

	t.Run("websocket", func(t *testing.T) {
		for _, eio := range []string{"3", "4"} {
			c := dial(t, addr, eio)
			c.join("/")
			c.expect(`42["auth",{}]`)
			c.send(`42["message",{"hello":"friend","json":["` + text + `"]}]`)
			want := text
			if eio == "3" { // PROTOCOL.md 2.2
				want = strings.NewReplacer("大", `\u5927`, "单", `\u5355`, "🍜", `\ud83c\udf5c`).Replace(text)
			}
			if got := c.read(); got != `42["message-back",{"hello":"friend","json":["`+want+`"]}]` {
				t.Errorf("EIO %s: the JSON came back as %d bytes", eio, len(got))
			}
			c.send(`451-["message",{"image":{"_placeholder":true,"num":0}}]`)
			c.sendBinary(data...)
			c.expect(`451-["message-back",{"image":{"_placeholder":true,"num":0}}]`)
			if got := c.read(); got != "b"+string(data) {
				t.Errorf("EIO %s: the attachment came back as %d bytes", eio, len(got))
			}
		}
	})
	t.Run("polling", func(t *testing.T) {
		url := "http://" + addr + "/socket.io/?EIO=4&transport=polling"
		url += "&sid=" + request(t, http.MethodGet, url, "")[len(`0{"sid":"`):][:20]
		request(t, http.MethodPost, url, "40")
		got := request(t, http.MethodGet, url, "")
		for !strings.HasSuffix(got, `42["auth",{}]`) {
			got += request(t, http.MethodGet, url, "")
		}
		packet := "b" + base64.StdEncoding.EncodeToString(data)
		request(t, http.MethodPost, url, `451-["message",{"_placeholder":true,"num":0}]`+"\x1e"+packet)
		want := `451-["message-back",{"_placeholder":true,"num":0}]` + "\x1e" + packet
		got = request(t, http.MethodGet, url, "")
		for len(got) < len(want) { // head and attachment may come in different answers
			got += "\x1e" + request(t, http.MethodGet, url, "")
		}
		if got != want {
			t.Errorf("came back as %d bytes, want %d", len(got), len(want))
		}
	})
}
