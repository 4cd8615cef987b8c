package engineio_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"outrider/engineio"
	"outrider/internal/poll/polltest"
)

// tick is the resolution of the timers in these tests: the coarsest.
const tick = 100 * time.Millisecond

// timings are what the heartbeat is tested with: the default, and either of
// the two periods much longer than the other.
var timings = []struct{ interval, timeout time.Duration }{
	{25 * time.Second, 20 * time.Second},
	{5 * time.Second, 60 * time.Second},
	{60 * time.Second, 5 * time.Second},
}

// forTimings runs fn in virtual time with each of timings.
func forTimings(t *testing.T, fn func(t *testing.T, s *server, interval, timeout time.Duration)) {
	for _, tm := range timings {
		t.Run(fmt.Sprintf("interval=%v/timeout=%v", tm.interval, tm.timeout), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := engineio.Config{PingInterval: tm.interval, PingTimeout: tm.timeout}
				fn(t, serveOn(t, polltest.New(0, 0), cfg, nil), tm.interval, tm.timeout)
			})
		})
	}
}

// inBubble runs fn in virtual time with a server of the default timing.
func inBubble(t *testing.T, fn func(t *testing.T, s *server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		fn(t, serveOn(t, polltest.New(0, 0), engineio.Config{}, nil))
	})
}

// between fails the test unless the time since start is in the interval.
func between(t testing.TB, what string, start time.Time, low, high time.Duration) {
	t.Helper()
	if d := time.Since(start); d < low || d > high {
		t.Errorf("%s came after %v, want %v to %v", what, d, low, high)
	}
}

// TestFirstPing: the first ping of revision 4 comes up to an eighth of the
// interval early, so that sessions which were opened together drift apart.
func TestFirstPing(t *testing.T) {
	forTimings(t, func(t *testing.T, s *server, interval, _ time.Duration) {
		seen := map[time.Duration]bool{}
		for range 32 {
			w, _ := s.websocket("EIO=4")
			opened := time.Now()
			w.hears("2")
			between(t, "the first ping", opened, interval-interval/8, interval+tick)
			seen[time.Since(opened)] = true
			_ = w.Close()
		}
		if len(seen) < 4 {
			t.Errorf("32 sessions were pinged after %d different times", len(seen))
		}
	})
}

// TestPongMovesPing: the next ping comes one interval after the pong, however
// late that was.
func TestPongMovesPing(t *testing.T) {
	forTimings(t, func(t *testing.T, s *server, interval, timeout time.Duration) {
		w, _ := s.websocket("EIO=4")
		w.hears("2")
		for _, delay := range []time.Duration{0, timeout / 2, timeout - 2*tick} {
			time.Sleep(delay)
			w.say("3")
			pong := time.Now()
			w.hears("2")
			between(t, "the ping after a pong", pong, interval, interval+tick)
		}
	})
}

// TestPingTimeout: without a pong the session ends one timeout after the
// ping, to a tick, whatever else its client says.
func TestPingTimeout(t *testing.T) {
	forTimings(t, func(t *testing.T, s *server, _, timeout time.Duration) {
		w, _ := s.websocket("EIO=4")
		w.hears("2")
		ping := time.Now()
		time.Sleep(timeout / 2)
		w.say("4no pong")
		w.hears("4no pong")
		w.send(frame(ws.OpText, "4half a frame")[:9])
		w.closed(0)
		between(t, "the close frame", ping, timeout-tick, timeout+tick)
		if got := s.rec.ended(t, 0); got != engineio.ReasonPingTimeout {
			t.Errorf("reason %q", got)
		}
	})
}

// TestPingTimeoutPolling: the poll that waits is told.
func TestPingTimeoutPolling(t *testing.T) {
	forTimings(t, func(t *testing.T, s *server, _, timeout time.Duration) {
		p := s.poll("EIO=4")
		if got := p.receive(); got != "2" {
			t.Fatalf("first poll brought %q", got)
		}
		ping := time.Now()
		if got := p.receive(); got != "1" {
			t.Fatalf("second poll brought %q", got)
		}
		between(t, "the close packet", ping, timeout-tick, timeout+tick)
		p.gone()
		if got := s.rec.ended(t, 0); got != engineio.ReasonPingTimeout {
			t.Errorf("reason %q", got)
		}
	})
}

// TestPingsPolling: pings go out by polls, pongs come in by POST.
func TestPingsPolling(t *testing.T) {
	forTimings(t, func(t *testing.T, s *server, interval, timeout time.Duration) {
		p := s.poll("EIO=4")
		last := time.Now()
		low := interval - interval/8
		for range 3 {
			if got := p.receive(); got != "2" {
				t.Fatalf("poll brought %q", got)
			}
			between(t, "the ping", last, low, interval+tick)
			time.Sleep(timeout / 2)
			p.deliver("3")
			last, low = time.Now(), interval
		}
	})
}

// TestPingTimeoutUnread: a ping that no poll has fetched counts as sent.
func TestPingTimeoutUnread(t *testing.T) {
	forTimings(t, func(t *testing.T, s *server, interval, timeout time.Duration) {
		opened := time.Now()
		p := s.poll("EIO=4")
		if got := s.rec.ended(t, 0); got != engineio.ReasonPingTimeout {
			t.Errorf("reason %q", got)
		}
		between(t, "the end", opened, interval-interval/8+timeout, interval+timeout+2*tick)
		p.gone()
	})
}

// TestHeartbeat3: in revision 3 the client pings and is answered at once; its
// next ping has interval and timeout together.
func TestHeartbeat3(t *testing.T) {
	forTimings(t, func(t *testing.T, s *server, interval, timeout time.Duration) {
		w, _ := s.websocket("EIO=3")
		for range 3 {
			time.Sleep(interval + timeout - tick)
			w.say("2")
			asked := time.Now()
			w.hears("3")
			between(t, "the pong", asked, 0, 0)
		}
		last := time.Now()
		time.Sleep(interval)
		w.say("4no ping")
		w.hears("4no ping")
		w.closed(0)
		between(t, "the close frame", last, interval+timeout, interval+timeout+tick)
		if got := s.rec.ended(t, 0); got != engineio.ReasonPingTimeout {
			t.Errorf("reason %q", got)
		}
	})
}

func TestHeartbeat3Polling(t *testing.T) {
	forTimings(t, func(t *testing.T, s *server, interval, timeout time.Duration) {
		p := s.poll("EIO=3&b64=1")
		for range 3 {
			time.Sleep(interval + timeout - tick)
			p.deliver("1:2")
			if got := p.receive(); got != "1:3" {
				t.Fatalf("poll brought %q", got)
			}
		}
		last := time.Now()
		if got := p.receive(); got != "1:1" {
			t.Fatalf("last poll brought %q", got)
		}
		between(t, "the close packet", last, interval+timeout, interval+timeout+tick)
		p.gone()
	})
}

// TestWrongDirection: a ping from a client of revision 4 and a pong from one
// of revision 3 end the session (PROTOCOL §1.10).
func TestWrongDirection(t *testing.T) {
	for query, packet := range map[string]string{"EIO=4": "2", "EIO=3": "3"} {
		t.Run(query+"/websocket", func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *server) {
				w, _ := s.websocket(query)
				w.say(packet)
				w.closed(0)
				if got := s.rec.ended(t, 0); got != engineio.ReasonTransportError {
					t.Errorf("reason %q", got)
				}
			})
		})
		t.Run(query+"/polling", func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *server) {
				p := s.poll(query)
				if query == "EIO=3" {
					packet = "1:" + packet
				}
				p.deliver(packet)
				p.gone()
				if got := s.rec.ended(t, 0); got != engineio.ReasonTransportError {
					t.Errorf("reason %q", got)
				}
			})
		})
	}
}

// TestHeartbeatProbe: on an open WebSocket of revision 3 the ping of a probe
// is a ping like others, and its answer carries no data.
func TestHeartbeatProbe(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		w, _ := s.websocket("EIO=3")
		w.say("2probe")
		w.hears("3")
	})
}

// TestHeartbeatUpgrade: an upgrade neither restarts the interval nor drops the
// timeout, and a pong on the new transport answers a ping that went out on
// the old one.
func TestHeartbeatUpgrade(t *testing.T) {
	const interval, timeout = 25 * time.Second, 20 * time.Second
	t.Run("interval", func(t *testing.T) {
		inBubble(t, func(t *testing.T, s *server) {
			opened := time.Now()
			p := s.poll("EIO=4")
			time.Sleep(10 * time.Second)
			w := p.probe()
			w.say("5")
			w.hears("2")
			between(t, "the first ping", opened, interval-interval/8, interval+tick)
		})
	})
	t.Run("ping out", func(t *testing.T) {
		inBubble(t, func(t *testing.T, s *server) {
			p := s.poll("EIO=4")
			p.receive()
			ping := time.Now()
			time.Sleep(15 * time.Second)
			w := p.probe()
			w.say("5")
			w.closed(0)
			between(t, "the close frame", ping, timeout-tick, timeout+tick)
			if got := s.rec.ended(t, 0); got != engineio.ReasonPingTimeout {
				t.Errorf("reason %q", got)
			}
		})
	})
	t.Run("ping unread", func(t *testing.T) {
		inBubble(t, func(t *testing.T, s *server) {
			p := s.poll("EIO=4")
			time.Sleep(interval + tick) // the ping waits for a poll that does not come
			w := p.probe()
			w.say("5")
			w.hears("2")
			w.say("3")
			w.hears("2")
		})
	})
	t.Run("pong", func(t *testing.T) {
		inBubble(t, func(t *testing.T, s *server) {
			p := s.poll("EIO=4")
			p.receive()
			w := p.probe()
			w.say("5")
			time.Sleep(timeout - 2*tick)
			w.say("3")
			pong := time.Now()
			w.hears("2")
			between(t, "the ping after the pong", pong, interval, interval+tick)
		})
	})
	t.Run("revision 3", func(t *testing.T) {
		inBubble(t, func(t *testing.T, s *server) {
			opened := time.Now()
			p := s.poll("EIO=3")
			time.Sleep(30 * time.Second)
			w := p.probe()
			w.say("5")
			w.closed(0)
			between(t, "the close frame", opened, interval+timeout, interval+timeout+tick)
		})
	})
}

// TestOverdueRequest: a request that comes after the deadline is refused
// though the timer has not come round yet.
func TestOverdueRequest(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		p := s.poll("EIO=3")
		time.Sleep(45*time.Second - tick/3) // the next deadline is between two ticks
		p.deliver("1:2")
		p.receive()
		time.Sleep(45 * time.Second)
		p.post("1:2").refused(t, 1, "Session ID unknown")
		p.gone()
		if n := s.Stats().Sessions; n != 1 {
			t.Errorf("%d sessions: the timer was first", n)
		}
		if got := s.rec.ended(t, 0); got != engineio.ReasonPingTimeout {
			t.Errorf("reason %q", got)
		}
	})
}

// TestStall: while the process stands still nobody's time passes, and what the
// clients said meanwhile is read before anybody is judged. Who stays silent
// is evicted all the same, later by as much.
func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const stall = 40 * time.Second
		network := polltest.New(0, 0)
		s := serveOn(t, network, engineio.Config{}, nil)
		opened := time.Now()
		var pinging, pinged []*socket
		for range 10 {
			w, _ := s.websocket("EIO=3")
			pinging = append(pinging, w)
			w, _ = s.websocket("EIO=4")
			pinged = append(pinged, w)
		}
		polls, silent := s.poll("EIO=4"), s.poll("EIO=3")
		polls.receive()
		for _, w := range pinged {
			w.hears("2")
		}
		time.Sleep(15 * time.Second) // of the 20 that they have

		network.Stop()
		time.Sleep(stall)
		for _, w := range pinging {
			w.say("2")
		}
		for _, w := range pinged {
			w.say("3")
		}
		post := polls.srv.dial()
		post.send(request("POST", engine(polls.query), "3"))
		network.Continue()

		post.answer("POST").is(t, 200, "ok")
		for _, w := range pinging {
			w.hears("3")
		}
		if st := s.Stats(); st.Sessions != 22 || st.Stalls != 1 {
			t.Errorf("%d sessions and %d stalls, want 22 and 1", st.Sessions, st.Stalls)
		}
		if got := silent.receive(); got != "1:1" {
			t.Errorf("the silent client's poll brought %q", got)
		}
		between(t, "its end", opened, 45*time.Second+stall-2*time.Second, 45*time.Second+stall+tick)
		for _, w := range pinged {
			w.hears("2")
		}
	})
}
