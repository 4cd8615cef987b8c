package websocket_test

import (
	"testing"

	"github.com/gobwas/ws"

	"outrider/internal/websocket"
)

// TestAllocs is invariant 2, and the second half of 3.
func TestAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget")
	}
	tooBig := appendFrame(nil, true, ws.OpBinary, make([]byte, 2000))
	tests := []struct {
		name   string
		stream []byte
		want   int // messages
	}{
		{"small text", frames(1, ws.OpText, 32), 1},
		{"ping", frames(1, ws.OpPing, 4), 1},
		{"64 KiB of binary", frames(1, ws.OpBinary, 64<<10), 1},
		{"200 texts in one read", frames(200, ws.OpText, 64), 200},
		{"partial header", frames(1, ws.OpText, 300)[:7], 0},
		{"over the limit", tooBig, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lim := websocket.Limits{MaxMessage: 1 << 20}
			if tt.name == "over the limit" {
				lim.MaxMessage = 1000
			}
			allocs := testing.AllocsPerRun(100, func() {
				var r websocket.Reader
				if got := readAll(&r, tt.stream, lim); got != tt.want {
					t.Fatalf("%d messages, want %d", got, tt.want)
				}
			})
			if allocs != 0 {
				t.Errorf("%v allocations", allocs)
			}
		})
	}
}

// frames returns n client's frames with payloads of size bytes. Their mask is zero: unmasking costs what it costs, and the bytes stay as
// they are for the next round.
func frames(n int, op ws.OpCode, size int) []byte {
	payload := make([]byte, size)
	for i := range payload {
		payload[i] = 'a' + byte(i%26)
	}
	var out []byte
	for range n {
		f := ws.NewFrame(op, true, payload)
		f.Header.Masked = true
		out = append(out, ws.MustCompileFrame(f)...)
	}
	return out
}

// readAll returns how many messages there are in src. A fault ends it.
func readAll(r *websocket.Reader, src []byte, lim websocket.Limits) (messages int) {
	for {
		_, n, ok, err := r.Next(src, lim)
		if !ok || err != nil {
			return messages
		}
		messages++
		src = src[n:]
	}
}
