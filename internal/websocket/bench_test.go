package websocket_test

import (
	"testing"

	"github.com/gobwas/ws"

	"outrider/internal/websocket"
)

// readSize is what an event loop reads in one turn.
const readSize = 16 << 10

func BenchmarkNext(b *testing.B) {
	benchmarks := []struct {
		name   string
		stream []byte
		read   int
	}{
		{"text/size=32/whole", frames(1, ws.OpText, 32), readSize},
		{"text/size=1k/whole", frames(1, ws.OpText, 1<<10), readSize},
		{"text/size=64k/whole", frames(1, ws.OpText, 64<<10), 1 << 20},
		{"text/size=64k/reads=16k", frames(1, ws.OpText, 64<<10), readSize},
		{"text/size=1M/reads=16k", frames(1, ws.OpText, 1<<20), readSize},
		{"binary/size=1M/reads=16k", frames(1, ws.OpBinary, 1<<20), readSize},
		{"text/size=32/frames=400/one-read", frames(400, ws.OpText, 32), 1 << 20},
		{"ping/size=0/frames=1000/one-read", frames(1000, ws.OpPing, 0), 1 << 20},
	}
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			b.SetBytes(int64(len(bm.stream)))
			b.ReportAllocs()
			var r websocket.Reader
			lim := websocket.Limits{MaxMessage: 1 << 20}
			want := 1
			if bm.read == 1<<20 {
				want = readAll(&r, bm.stream, lim)
			}
			for b.Loop() {
				got := 0
				for at := 0; at < len(bm.stream); at += bm.read {
					got += readAll(&r, bm.stream[at:min(at+bm.read, len(bm.stream))], lim)
				}
				if got != want {
					b.Fatalf("%d messages, want %d", got, want)
				}
			}
		})
	}
}

func BenchmarkAppendClose(b *testing.B) {
	b.ReportAllocs()
	dst := make([]byte, 0, 128)
	for b.Loop() {
		dst = websocket.AppendClose(dst[:0], ws.StatusMessageTooBig, "message exceeds the size limit")
	}
}

func BenchmarkAppendPong(b *testing.B) {
	b.ReportAllocs()
	dst, payload := make([]byte, 0, 128), []byte("the ping's payload")
	for b.Loop() {
		dst = websocket.AppendPong(dst[:0], payload)
	}
}
