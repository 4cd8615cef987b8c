package gateway_test

import (
	"fmt"
	"sync"
	"testing"

	"outrider/internal/gateway"
)

// TestFanOut: from twice the share of one processor on, a push to a topic is
// made by several. Every rider gets it once, and what its caller pushes next
// comes behind it.
func TestFanOut(t *testing.T) {
	const most = 2 * gateway.FanOutShare
	s := serve(t, gateway.Config{})
	riders := make([]*client, most)
	var joining sync.WaitGroup
	for k := range 16 {
		joining.Go(func() {
			for i := k; i < most-1; i += 16 {
				riders[i] = s.join(t, 4, "/rider").set(fmt.Sprintf(`{"uid":%d,"topic":"east"}`, i+1))
			}
		})
	}
	joining.Wait()
	if t.Failed() {
		t.FailNow()
	}
	push := func(n int, text string) {
		t.Helper()
		want(t, s.PushTopic("rider", "east", []byte(text+"1")), n, 0)
		want(t, s.PushClient([]string{"rider"}, []byte(text+"2")), n, 0)
		want(t, s.PushTopic("rider", "openfood_rider", []byte(text+"3")), n, 0)
		for _, c := range riders[:n] {
			for _, last := range []string{"1", "2", "3"} {
				c.message(text + last)
			}
		}
	}
	push(most-1, "1") // by one
	riders[most-1] = s.join(t, 3, "/socket/rider").set(fmt.Sprintf(`{"uid":%d,"topic":"east"}`, most))
	push(most, "2") // by two
	for _, c := range riders {
		c.quiet()
	}
}
