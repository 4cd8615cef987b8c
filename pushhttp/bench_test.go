package pushhttp_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"outrider/pushhttp"
)

// sink is a Publisher that does nothing, which is what a benchmark of the way to it wants.
type sink struct{}

func (sink) PushDevice(string, []string, []byte) pushhttp.Result { return pushhttp.Result{Matched: 1} }

func (sink) PushTopic(string, string, []byte) pushhttp.Result { return pushhttp.Result{Matched: 1} }

func (sink) PushClient([]string, []byte) pushhttp.Result { return pushhttp.Result{Matched: 1} }

func (sink) PushSocket(string, []byte) pushhttp.Result { return pushhttp.Result{Matched: 1} }

func (sink) ClearTable(string) pushhttp.Result { return pushhttp.Result{Matched: 1} }

const order = `{"type":"order","title":"新订单 #4021","id":1234567890123456789,"items":[{"id":5,"name":"Kung Pao Chicken","qty":2},{"id":9,"name":"麻婆豆腐","qty":1}],"note":"no \"peanuts\""}`

var benchmarks = []struct{ name, path, contentType, body string }{
	{"push=device", "/device_push", "application/json", `{"type":"rider","uid":1234,"data":` + order + `}`},
	{"push=topic", "/topic_push", "application/json", `{"type":"rider","topic":"rider_Tianhe_Qu_notification","data":` + order + `}`},
	{"push=client", "/client_push", "application/json", `{"title":"Sale","body":"Half price","clients":["customer","app","h5"],"push_type":1}`},
	{"push=print", "/print_push", "application/json", `{"id":"/socket/merchant#Y9rW7OqAAAABBBBCCCC1","data":` + order + `}`},
	{"push=form", "/device_push", "application/x-www-form-urlencoded", `type=rider&uid=1234&data%5Btitle%5D=New+Order&data%5Bitems%5D%5B0%5D%5Bid%5D=5&data%5Bitems%5D%5B0%5D%5Bname%5D=Kung+Pao`},
	{"push=device-64k", "/device_push", "application/json", `{"type":"rider","uid":1234,"data":[` + strings.Repeat(order+",", 300) + `0]}`},
	{"push=uids-10k", "/device_push", "application/json", `{"type":"rider","uid":[` + strings.TrimSuffix(manyUIDs(10_000), ",") + `],"data":1}`},
}

func manyUIDs(n int) string {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "%d,", 100_000+i)
	}
	return b.String()
}

// BenchmarkPush is the way from a request to the Publisher and back to an
// answer, without a connection.
func BenchmarkPush(b *testing.B) {
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			h, _ := newHandler(b, pushhttp.Config{Publisher: sink{}})
			ctx := newRequest(bm.path, bm.contentType, bm.body)
			b.ReportAllocs()
			b.SetBytes(int64(len(bm.body)))
			for b.Loop() {
				ctx.Response.Reset()
				h.ServeHTTP(ctx)
			}
			if ctx.Response.StatusCode() != 200 {
				b.Fatal(ctx.Response.String())
			}
		})
	}
}

// TestPushAllocations bounds what a push costs on its way to the Publisher: no
// allocation but the texts that the Publisher may keep.
func TestPushAllocations(t *testing.T) {
	for _, bm := range benchmarks[:5] {
		h, _ := newHandler(t, pushhttp.Config{Publisher: sink{}, Keys: []pushhttp.Key{pushhttp.NewKey("", "secret")}})
		ctx := newRequest(bm.path, bm.contentType, bm.body)
		ctx.Request.Header.Set("Authorization", "Bearer secret")
		want := 1.0
		if strings.HasPrefix(bm.path, "/client_push") {
			want = 0 // clients have names of ours
		}
		if n := testing.AllocsPerRun(200, func() {
			ctx.Response.Reset()
			h.ServeHTTP(ctx)
		}); n > want && !raceEnabled {
			t.Errorf("%s: %v allocations, want %v", bm.name, n, want)
		}
	}
}
