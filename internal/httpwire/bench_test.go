package httpwire_test

import (
	"strings"
	"testing"

	"outrider/internal/httpwire"
)

func TestHotPathDoesNotAllocate(t *testing.T) {
	for name, input := range map[string]string{
		"polling GET":       pollingGET,
		"WebSocket upgrade": webSocketGET,
		"POST with length":  post("Content-Length: 2\r\n", "{}"),
		"POST in chunks":    chunked("2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n"),
	} {
		var head httpwire.Head
		src := []byte(input)
		allocs := testing.AllocsPerRun(100, func() {
			exchange(&head, src)
			_, _, _ = head.Get("sec-websocket-key"), head.Get("Cookie"), head.Count("origin")
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
	buf := make([]byte, 0, 256)
	allocs := testing.AllocsPerRun(100, func() {
		dst := httpwire.AppendStatus(buf[:0], 200)
		dst = httpwire.AppendHeader(dst, "Content-Type", "text/plain; charset=UTF-8")
		dst = httpwire.AppendHeader(dst, "Access-Control-Allow-Origin", buf[:20])
		httpwire.AppendEnd(httpwire.AppendContentLength(dst, 12345))
	})
	if allocs != 0 {
		t.Errorf("a response: %v allocations", allocs)
	}
}

func BenchmarkHead(b *testing.B) {
	for name, input := range map[string]string{"polling": pollingGET, "upgrade": webSocketGET} {
		b.Run("request="+name, func(b *testing.B) {
			var head httpwire.Head
			src := []byte(input)
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if n, err := head.Parse(src, httpwire.Limits{}); n == 0 || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// BenchmarkHeadTrickle is the worst a slow sender can make of a head: 8 KiB, one byte in a segment. ns/segment is the mean cost of
// looking at the head again.
func BenchmarkHeadTrickle(b *testing.B) {
	fill := func(s string) string { return strings.Repeat(s, 8<<10/len(s)) }
	for name, input := range map[string]string{
		"value": line + "A: " + fill("a"), "target": "GET /" + fill("a"),
		"lines": line + host + strings.Repeat("Accept-Language: "+strings.Repeat("a", 70)+"\r\n", 99), "tabs": line + "A: " + fill("\t"),
	} {
		b.Run("head="+name, func(b *testing.B) {
			var head httpwire.Head
			src := []byte(input)[:8<<10-300]
			b.ReportAllocs()
			for b.Loop() {
				for i := range src {
					if n, err := head.Parse(src[:i], httpwire.Limits{}); n != 0 || err != nil {
						b.Fatal(i, n, err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(src)), "ns/segment")
		})
	}
}

func BenchmarkBody(b *testing.B) {
	const size = 64 << 10
	for name, input := range map[string]string{
		"length":        post("Content-Length: 65536\r\n", strings.Repeat("a", size)),
		"chunks=4KiB":   chunked(strings.Repeat("1000\r\n"+strings.Repeat("a", 4<<10)+"\r\n", size/(4<<10)) + "0\r\n\r\n"),
		"chunks=1 byte": chunked(strings.Repeat("1\r\na\r\n", size) + "0\r\n\r\n"),
	} {
		b.Run("body="+name, func(b *testing.B) {
			var head httpwire.Head
			src := []byte(input)
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				exchange(&head, src)
			}
		})
	}
}

func BenchmarkQueryValue(b *testing.B) {
	raw := []byte("EIO=4&transport=polling&t=PdlTq2w&sid=lv_VI97HAXpY6yYWAAAB")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := httpwire.QueryValue(raw, "sid", nil); !ok {
			b.Fatal("no sid")
		}
	}
}
