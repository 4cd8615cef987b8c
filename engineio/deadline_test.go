package engineio_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"outrider/engineio"
	"outrider/internal/poll/polltest"
)

// TestHeadDeadline: a request's head has ten seconds in all, from the accept
// or from its first byte, however busily it trickles.
func TestHeadDeadline(t *testing.T) {
	for name, head := range map[string]string{
		"silent":  "",
		"partial": "GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *server) {
				start := time.Now()
				c := s.dial()
				c.send(head)
				c.end()
				between(t, "the end", start, 10*time.Second, 10*time.Second+tick)
			})
		})
	}
	t.Run("trickle", func(t *testing.T) {
		inBubble(t, func(t *testing.T, s *server) {
			start := time.Now()
			c := s.dial()
			for b := range strings.SplitSeq("GET / HTTP/1.1", "") {
				if time.Since(start) > 9*time.Second {
					break
				}
				c.send(b)
				time.Sleep(time.Second)
			}
			c.end()
			between(t, "the end", start, 10*time.Second, 10*time.Second+tick)
		})
	})
}

// TestSecondHeadDeadline: between requests there is the keep-alive time, and
// from the first byte of the next one the head's.
func TestSecondHeadDeadline(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		c := s.dial()
		c.get("transport=polling&EIO=4")
		time.Sleep(70 * time.Second)
		c.send("GET /engine.io/")
		start := time.Now()
		c.end()
		between(t, "the end", start, 10*time.Second, 10*time.Second+tick)
	})
}

// TestBodyDeadline: a body has 30 seconds; its session ends with it, as it does
// when the client goes away in mid-body.
func TestBodyDeadline(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		p := s.poll("EIO=3")
		start := time.Now()
		c := s.dial()
		c.send("POST " + engine(p.query) + " HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n4:4abc")
		c.end()
		between(t, "the end", start, 30*time.Second, 30*time.Second+tick)
		p.gone()
		if got := s.rec.ended(t, 0); got != engineio.ReasonTransportClose {
			t.Errorf("reason %q", got)
		}
	})
}

// TestKeepAliveDeadline: an idle connection is closed after 75 seconds, and not
// before; a poll that waits is not idle.
func TestKeepAliveDeadline(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		c := s.dial()
		c.get("transport=polling&EIO=4")
		start := time.Now()
		c.end()
		between(t, "the end", start, 75*time.Second, 75*time.Second+tick)
	})
	t.Run("poll", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := serveOn(t, polltest.New(0, 0), engineio.Config{PingInterval: 5 * time.Minute}, nil)
			p := s.poll("EIO=4")
			start := time.Now()
			if got := p.receive(); got != "2" {
				t.Errorf("poll brought %q", got)
			}
			between(t, "the ping", start, 4*time.Minute, 5*time.Minute+tick)
		})
	})
}

// TestUpgradeTimeout: a WebSocket that does not take over within ten seconds
// is closed. The session lives on, and another one may try.
func TestUpgradeTimeout(t *testing.T) {
	for name, begin := range map[string]func(p *pollClient) *socket{
		"silent": func(p *pollClient) *socket {
			return p.srv.upgrade(strings.TrimPrefix(p.query, "transport=polling&"))
		},
		"probed": (*pollClient).probe,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *server) {
				p := s.poll("EIO=4")
				start := time.Now()
				begin(p).closed(0)
				between(t, "the close frame", start, 10*time.Second, 10*time.Second+tick)
				p.deliver("4still polling")
				if got := p.receive(); got != "4still polling" {
					t.Errorf("poll brought %q", got)
				}
				w := p.probe()
				w.say("5")
				w.say("4upgraded")
				w.hears("4upgraded")
			})
		})
	}
}

// TestProbeReleasesPolls: from the probe on no poll waits longer than 100 ms,
// so that the client can stop polling (PROTOCOL §1.11).
func TestProbeReleasesPolls(t *testing.T) {
	for query, noop := range map[string]string{"EIO=4": "6", "EIO=3&b64=1": "1:6"} {
		t.Run(query, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *server) {
				p := s.poll(query)
				p.start()
				synctest.Wait()
				start := time.Now()
				w := p.probe()
				if got := p.finish(); got != noop {
					t.Errorf("the waiting poll brought %q", got)
				}
				between(t, "the first noop", start, 0, 0)
				for i := range 20 {
					time.Sleep(time.Duration(i) * 7 * time.Millisecond)
					start := time.Now()
					if got := p.receive(); got != noop {
						t.Errorf("poll brought %q", got)
					}
					between(t, "a noop", start, 0, 100*time.Millisecond)
				}
				w.say("5")
				w.say("4x")
				w.hears("4x")
			})
		})
	}
}

// TestCloseGrace: a session that the server closes while no poll waits is kept
// for 30 seconds, so that the client gets what was sent and the close packet.
func TestCloseGrace(t *testing.T) {
	closing := func(t *testing.T, s *server) *pollClient {
		p := s.poll("EIO=4")
		session := s.rec.session(t, 0)
		if err := session.Send([]byte("last words"), false); err != nil {
			t.Error(err)
		}
		session.Close()
		if err := session.Send(nil, false); err != engineio.ErrClosed {
			t.Errorf("Send after Close: %v", err)
		}
		if got := s.rec.ended(t, 0); got != engineio.ReasonForcedClose {
			t.Errorf("reason %q", got)
		}
		return p
	}
	t.Run("told", func(t *testing.T) {
		inBubble(t, func(t *testing.T, s *server) {
			p := closing(t, s)
			time.Sleep(engineio.CloseGrace - tick)
			p.post("4too late").refused(t, 1, "Session ID unknown")
			if got := p.receive(); got != "4last words\x1e1" {
				t.Errorf("poll brought %q", got)
			}
			p.gone()
		})
	})
	t.Run("forgotten", func(t *testing.T) {
		inBubble(t, func(t *testing.T, s *server) {
			p := closing(t, s)
			time.Sleep(engineio.CloseGrace + tick)
			synctest.Wait()
			if st := s.Stats(); st.Sessions != 0 || st.QueuedBytes != 0 {
				t.Errorf("%d sessions, %d bytes queued", st.Sessions, st.QueuedBytes)
			}
			p.gone()
		})
	})
}

// TestCloseCrossesPoll: a poll that was sent together with the close packet is
// released with a noop though it comes behind it; and whoever has the answer
// to the close packet finds no session.
func TestCloseCrossesPoll(t *testing.T) {
	for query, packets := range map[string][2]string{"EIO=4": {"1", "6"}, "EIO=3": {"1:1", "1:6"}} {
		inBubble(t, func(t *testing.T, s *server) {
			p := s.poll(query)
			_ = s.rec.session(t, 0).Send([]byte("unread"), false)
			post := s.dial()
			post.send(request("POST", engine(p.query), packets[0]))
			synctest.Wait()
			start := time.Now()
			if got := p.receive(); got != packets[1] {
				t.Errorf("the poll brought %q", got)
			}
			post.answer("POST").is(t, 200, "ok")
			between(t, "both", start, 0, 0)
			p.gone()

			p = s.poll(query)
			p.deliver(packets[0])
			between(t, "the answer to a close packet alone", start, 0, 2*tick)
			p.gone()
			for i := range 2 {
				if got := s.rec.ended(t, i); got != engineio.ReasonTransportClose {
					t.Errorf("reason %q", got)
				}
			}
			if st := s.Stats(); st.Sessions != 0 || st.QueuedBytes != 0 {
				t.Errorf("%d sessions, %d bytes queued", st.Sessions, st.QueuedBytes)
			}
		})
	}
}

// journal is a list of what was done, and when.
type journal struct {
	mu      sync.Mutex
	entries []string
	times   []time.Time
}

func (j *journal) add(what string) func() {
	return func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.entries = append(j.entries, what)
		j.times = append(j.times, time.Now())
	}
}

func (j *journal) is(t *testing.T, want ...string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Equal(j.entries, want) {
		t.Errorf("journal %q, want %q", j.entries, want)
	}
}

// TestAfter: functions run when their time has come, up to a tick later, in
// order with messages, also those that were set in Opened.
func TestAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		var opened time.Time
		delays := []time.Duration{300 * time.Millisecond, 2 * time.Second, 7 * time.Second, 24 * time.Second, 44 * time.Second, 100 * time.Second}
		rec := &recorder{
			opened: func(s *engineio.Session, _ *engineio.Request) {
				opened = time.Now()
				for _, i := range []int{3, 0, 5, 1, 4, 2} {
					s.After(delays[i], j.add(delays[i].String()))
				}
			},
			message: func(*engineio.Session, []byte, bool) { j.add("message")() },
		}
		s := serveOn(t, polltest.New(0, 0), engineio.Config{}, rec)
		w, _ := s.websocket("EIO=3")
		time.Sleep(time.Second)
		w.say("4x")
		for range 4 {
			time.Sleep(25 * time.Second)
			w.say("2")
			w.hears("3")
		}
		synctest.Wait()
		j.is(t, "300ms", "message", "2s", "7s", "24s", "44s", "1m40s")
		for i, k := range []int{0, 2, 3, 4, 5, 6} {
			if late := j.times[k].Sub(opened) - delays[i]; late < 0 || late > tick {
				t.Errorf("After(%v) ran %v late", delays[i], late)
			}
		}
	})
}

// TestAlarmStop: an alarm that is stopped in time does not ring, and says so.
func TestAlarmStop(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		var j journal
		s.poll("EIO=4")
		session := s.rec.session(t, 0)
		stopped := session.After(time.Second, j.add("stopped"))
		rung := session.After(time.Second, j.add("rung"))
		never := session.After(time.Hour, j.add("never"))
		if !stopped.Stop() || stopped.Stop() {
			t.Error("Stop reports the wrong thing of an alarm that has not rung")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		j.is(t, "rung")
		if rung.Stop() {
			t.Error("Stop reports true of an alarm that has rung")
		}
		session.Close()
		if never.Stop() || session.After(0, j.add("late")).Stop() {
			t.Error("Stop reports true after the session's end")
		}
		time.Sleep(2 * time.Hour)
		j.is(t, "rung")
	})
}

// TestAfterEnd: what is due after the session's end does not run, nor does
// what is posted then.
func TestAfterEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		rec := &recorder{closed: func(s *engineio.Session, _ engineio.CloseReason) {
			j.add("closed")()
			s.Post(j.add("posted in Closed"))
		}}
		s := serveOn(t, polltest.New(0, 0), engineio.Config{}, rec)
		w, _ := s.websocket("EIO=4")
		session := s.rec.session(t, 0)
		session.After(time.Second, j.add("after a second"))
		session.After(3*time.Second, j.add("after three"))
		time.Sleep(2 * time.Second)
		session.Post(j.add("posted"))
		session.Close()
		session.Post(j.add("posted after Close"))
		session.After(0, j.add("after Close"))
		w.closed(0)
		time.Sleep(time.Minute)
		j.is(t, "after a second", "posted", "closed")
	})
}

// TestOpenedFirst: whatever Opened asks for happens after it has returned.
func TestOpenedFirst(t *testing.T) {
	for _, query := range []string{"polling", "websocket"} {
		t.Run(query, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var j journal
				rec := &recorder{
					opened: func(s *engineio.Session, _ *engineio.Request) {
						s.Post(j.add("posted"))
						s.After(0, j.add("at once"))
						time.Sleep(500 * time.Millisecond)
						j.add("opened")()
						if query == "polling" {
							_ = s.Send([]byte("hello"), false)
						}
						s.Close()
					},
					closed: func(*engineio.Session, engineio.CloseReason) { j.add("closed")() },
				}
				s := serveOn(t, polltest.New(0, 0), engineio.Config{}, rec)
				if query == "polling" {
					p := s.poll("EIO=4")
					if got := p.receive(); got != "4hello\x1e1" {
						t.Errorf("poll brought %q", got)
					}
				} else {
					w := s.upgrade("EIO=4")
					w.text()
					w.closed(0)
				}
				time.Sleep(time.Second)
				j.is(t, "opened", "posted", "closed")
			})
		})
	}
}

// TestOpenDelay: the open packet is held back, and what the client says
// meanwhile is kept.
func TestOpenDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveOn(t, polltest.New(0, 0), engineio.Config{OpenDelay: time.Second}, nil)
		start := time.Now()
		w := s.upgrade("EIO=4&name=value")
		w.say("4early")
		parseHandshake(t, w.text())
		between(t, "the open packet", start, time.Second, time.Second+tick)
		w.hears("4early")

		w = s.upgrade("EIO=4")
		_ = w.Close() // before it is opened
		time.Sleep(2 * time.Second)
		if byID, byToken, _ := s.Tables(); byID != 1 || byToken != 1 {
			t.Errorf("%d and %d sessions in the tables, want 1", byID, byToken)
		}
	})
}
