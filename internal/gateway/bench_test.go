package gateway_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/valyala/fasthttp"

	"outrider/internal/gateway"
	"outrider/pushhttp"
)

const topic = "rider_Tianhe_Qu_notification"

// audience is riders of one topic, whose uids begin at 1, and what each of them has been pushed and not read.
type audience struct {
	*server
	riders []*client
	unread int
	frame  []byte
}

// newAudience serves a gateway with n riders, all of whom receive the frame of a push of text.
func newAudience(b *testing.B, n int, text string) *audience {
	a := &audience{server: serve(b, gateway.Config{})}
	for i := range n {
		a.riders = append(a.riders, a.join(b, 4, "/rider").set(fmt.Sprintf(`{"uid":%d,"topic":%q,"token":"t"}`, i+1, topic)))
	}
	packet := fmt.Sprintf("42/rider,[\"message\",%q]", text)
	a.frame = ws.MustCompileFrame(ws.NewTextFrame([]byte(packet)))
	return a
}

// unreadLimit is how many pushes wait in the kernel before they are read; a frame here is some 300 bytes.
const unreadLimit = 64

// pushed notes a push to the first n riders, and now and then, while nothing is measured, has them read all they were
// pushed. So what is measured ends with the kernel, and the server never has to hold anything back.
func (a *audience) pushed(b *testing.B, n int, result pushhttp.Result) {
	if result.Matched != n || result.Written != n {
		b.Fatalf("result %+v, want matched and written %d", result, n)
	}
	a.wrote(b, n)
}

func (a *audience) wrote(b *testing.B, n int) {
	if a.unread++; a.unread < unreadLimit {
		return
	}
	b.StopTimer()
	a.read(b, n)
	b.StartTimer()
}

func (a *audience) read(b *testing.B, n int) {
	buf := make([]byte, a.unread*len(a.frame))
	for _, c := range a.riders[:n] {
		if _, err := io.ReadFull(c.conn, buf); err != nil {
			b.Fatal(err)
		}
		if last := buf[len(buf)-len(a.frame):]; string(last) != string(a.frame) {
			b.Fatalf("received %q, want %q", last, a.frame)
		}
	}
	a.unread = 0
}

func BenchmarkPushDevice(b *testing.B) {
	a := newAudience(b, 1, string(data))
	uids := []string{"1"}
	b.ReportAllocs()
	for b.Loop() {
		a.pushed(b, 1, a.PushDevice("rider", uids, data))
	}
	a.read(b, 1)
}

func BenchmarkPushTopic(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			a := newAudience(b, n, string(data))
			b.ReportAllocs()
			for b.Loop() {
				a.pushed(b, n, a.PushTopic("rider", topic, data))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/member")
			a.read(b, n)
		})
	}
}

// BenchmarkRequest is a push from its HTTP request to the kernel: what pushhttp, the gateway and all below it do for one
// rider. The connection of the caller is left out.
func BenchmarkRequest(b *testing.B) {
	for _, bm := range []struct{ name, path, contentType, body, text string }{
		{
			"push=device/body=json", "/device_push", "application/json",
			`{"type":"rider","uid":1,"data":` + string(data) + `}`, string(data),
		},
		{
			"push=device/body=form", "/device_push", "application/x-www-form-urlencoded",
			`type=rider&uid=1&data%5Btitle%5D=New+Order&data%5Bid%5D=5`, `{"title":"New Order","id":"5"}`,
		},
		{
			"push=topic/body=json", "/topic_push", "application/json",
			`{"type":"rider","topic":"` + topic + `","data":` + string(data) + `}`, string(data),
		},
	} {
		b.Run(bm.name, func(b *testing.B) {
			a := newAudience(b, 1, bm.text)
			h, err := pushhttp.New(pushhttp.Config{Publisher: a.Gateway})
			if err != nil {
				b.Fatal(err)
			}
			ctx := new(fasthttp.RequestCtx)
			ctx.Init(new(fasthttp.Request), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4000}, nil)
			ctx.Request.Header.SetMethod("POST")
			ctx.Request.SetRequestURI(bm.path)
			ctx.Request.Header.SetHost("127.0.0.1:3000")
			ctx.Request.Header.SetContentType(bm.contentType)
			ctx.Request.SetBodyString(bm.body)
			b.ReportAllocs()
			for b.Loop() {
				ctx.Response.Reset()
				h.ServeHTTP(ctx)
				a.wrote(b, 1)
			}
			if status := ctx.Response.StatusCode(); status != fasthttp.StatusOK {
				b.Fatal(ctx.Response.String())
			}
			a.read(b, 1)
		})
	}
}

// BenchmarkSetConnect is a rider who moves from one topic to another and back, from the client's frame to the answer in
// its hands.
func BenchmarkSetConnect(b *testing.B) {
	a := newAudience(b, 1, "")
	conn := a.riders[0].conn
	var requests [2][]byte
	for i, topic := range []string{"rider_Tianhe_Qu_notification", "rider_Yuexiu_Qu_notification"} {
		packet := `42/rider,1["set_connect",{"uid":1,"type":"rider","topic":"` + topic + `","token":"t"}]`
		requests[i] = ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(packet))))
	}
	answer := ws.MustCompileFrame(ws.NewTextFrame([]byte(`43/rider,1[` + success + `]`)))
	got := make([]byte, len(answer))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := conn.Write(requests[i%2]); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(conn, got); err != nil {
			b.Fatal(err)
		}
	}
	if !strings.HasSuffix(string(got), success+"]") {
		b.Errorf("received %q, want %q", got, answer)
	}
}
