package e2e_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// TestPushesDuringUpgrade pushes without a pause while clients upgrade from polling to WebSocket: every push that matched
// arrives, once, in order. The client's direction of the WebSocket is slow, so that each step of the upgrade (the
// handshake, the probe, the last poll, the switch) has pushes in it.
func TestPushesDuringUpgrade(t *testing.T) {
	const rounds = 12 // for each version
	matrix(t, versions, []transport{upgrade}, func(t *testing.T, g *gateway, c client) {
		before, after := 0, 0
		for round := range rounds {
			latency := time.Duration(round%4) * 7 * time.Millisecond
			network := startSlowRelay(t, g.addr, latency)
			b, a := upgradeUnderPushes(t, g, c, network, 1+round)
			before, after = before+b, after+a
		}
		t.Logf("%d pushes arrived by polling, %d by WebSocket", before, after)
		if before < rounds || after < rounds {
			t.Errorf("too few pushes around the upgrades: %d by polling, %d by WebSocket", before, after)
		}
	})
}

// upgradeUnderPushes connects one client under a stream of pushes to its uid and compares what was pushed with what
// arrived. It returns how many messages came on each transport.
func upgradeUnderPushes(t *testing.T, g *gateway, c client, network *relay, uid int) (byPolling, byWebSocket int) {
	t.Helper()
	s := c.joinWith(t, network.addr, "/socket/rider", nil)
	defer s.close()
	stream := startStream(g, uid)
	defer stream.stop()
	s.setConnect(t, fmt.Sprintf(`{"uid":%d,"type":"rider","topic":"east","token":"t"}`, uid))
	s.wait(t, "upgrade")
	pushed := stream.stopAfter(t, 20)

	for _, n := range pushed {
		if s.wantMessage(t, fmt.Sprint(n)).Transport == "polling" {
			byPolling++
		} else {
			byWebSocket++
		}
	}
	g.wantNothing(t, s)
	return byPolling, byWebSocket
}

// stream is one caller that pushes the numbers from 1 on to one rider, each as soon as the one before was answered.
type stream struct {
	last    atomic.Int64 // the number after which to stop; 0: none yet
	next    atomic.Int64 // the number being pushed
	matched []int        // by the pusher until done is closed
	err     error
	done    chan struct{}
}

func startStream(g *gateway, uid int) *stream {
	s := &stream{done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for n := 1; ; n++ {
			s.next.Store(int64(n))
			if last := s.last.Load(); last != 0 && int64(n) > last {
				return
			}
			a, err := g.try("POST", "/device_push", jsonBody, fmt.Sprintf(`{"type":"rider","uid":%d,"data":%d}`, uid, n))
			if err == nil && (a.status != http.StatusOK || a.Result.Matched != a.Result.Written) {
				err = fmt.Errorf("push %d: answered %d %s", n, a.status, a.body)
			}
			if err != nil {
				s.err = err
				return
			}
			if a.Result.Matched == 1 {
				s.matched = append(s.matched, n)
			}
		}
	}()
	return s
}

// stop ends the stream at once.
func (s *stream) stop() {
	s.last.CompareAndSwap(0, 1)
	<-s.done
}

// stopAfter lets so many more pushes through and returns the numbers of all that matched.
func (s *stream) stopAfter(t *testing.T, more int64) []int {
	t.Helper()
	s.last.Store(s.next.Load() + more)
	<-s.done
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.matched
}
