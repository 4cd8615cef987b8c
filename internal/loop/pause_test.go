package loop_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"testing/synctest"

	"outrider/internal/loop"
	"outrider/internal/poll"
	"outrider/internal/poll/polltest"
)

// TestBackpressureLosesNothing: a handler that takes one frame at a time,
// gives it to a slow worker and pauses meanwhile, gets all 10,000 in order.
func TestBackpressureLosesNothing(t *testing.T) {
	const frames, size = 10_000, 9
	type work struct {
		c     *loop.Conn
		frame [size]byte
	}
	jobs := make(chan work, 1)
	_, addr := start(t, loop.Config{Accept: func(*loop.Conn) loop.Handler {
		return script{data: func(c *loop.Conn, p []byte) int {
			if len(p) < size {
				return 0
			}
			c.Pause()
			jobs <- work{c, [size]byte(p)} // never blocks: one is under way at a time
			return size
		}}
	}})
	client := dial(t, addr)
	go func() {
		var all []byte
		for i := range uint64(frames) {
			all = append(binary.BigEndian.AppendUint64(all, i), '\n')
		}
		_, _ = client.Write(all)
	}()
	for i := range uint64(frames) {
		w := await(t, "a frame", jobs)
		if got := binary.BigEndian.Uint64(w.frame[:]); got != i {
			t.Fatalf("frame %d came as number %d", got, i)
		}
		w.c.Resume()
	}
}

// TestPauseStopsReading: what the handler left is presented again by Resume,
// and nothing is read before.
func TestPauseStopsReading(t *testing.T) {
	var got []byte
	take := 3
	cfg := loop.Config{Accept: func(*loop.Conn) loop.Handler {
		return script{data: func(c *loop.Conn, p []byte) int {
			n := min(take, len(p))
			got = append(got, p[:n]...)
			c.Pause()
			return n
		}}
	}}
	bubble(t, 0, cfg, func(f *fixture) {
		p, c := f.connect()
		f.say(p, "abcdef")
		if string(got) != "abc" || p.Interest() != 0 {
			f.Fatalf("got %q, interest %b; want 3 bytes, and no more reading", got, p.Interest())
		}
		f.say(p, "ghi")
		if string(got) != "abc" || p.Unread() != 3 {
			f.Fatalf("got %q, and %d bytes are unread, while paused", got, p.Unread())
		}
		c.Pause() // twice is once
		c.Resume()
		synctest.Wait()
		if string(got) != "abcdef" || p.Unread() != 3 || p.Interest() != 0 {
			f.Fatalf("got %q, %d unread; want the rest only", got, p.Unread())
		}
		c.Resume()
		synctest.Wait()
		if string(got) != "abcdefghi" {
			f.Fatalf("got %q", got)
		}
	})
}

// say writes as the peer and waits until the loop sleeps.
func (f *fixture) say(p *polltest.Peer, text string) {
	f.Helper()
	if _, err := io.WriteString(p, text); err != nil {
		f.Fatal(err)
	}
	synctest.Wait()
}

// TestResumePresentsTheRestOfOneThatWasNotPaused: a handler that can take the
// next request now.
func TestResumePresentsTheRestOfOneThatWasNotPaused(t *testing.T) {
	var got []string
	ready := false
	cfg := loop.Config{Accept: func(*loop.Conn) loop.Handler {
		return script{
			data: func(_ *loop.Conn, p []byte) int {
				if !ready {
					return 0
				}
				got = append(got, string(p))
				return len(p)
			},
			eof: func(*loop.Conn) {},
		}
	}}
	bubble(t, 0, cfg, func(f *fixture) {
		p, c := f.connect()
		f.say(p, "first,")
		f.say(p, "second")
		_ = p.CloseWrite() // what came before the end is kept
		synctest.Wait()
		ready = true
		c.Resume()
		c.Resume()
		synctest.Wait()
		if len(got) != 1 || got[0] != "first,second" {
			f.Fatalf("got %q; want all that had been left, once", got)
		}
	})
}

// TestRestIsBounded: a handler that consumes nothing stops the reading when
// the rest is over its bound; at the bound there is one more read.
func TestRestIsBounded(t *testing.T) {
	for _, test := range []struct {
		rest   int
		paused bool
	}{{loop.MaxRest - 1, false}, {loop.MaxRest, false}, {loop.MaxRest + 1, true}} {
		var presented, got []byte
		take := false
		cfg := loop.Config{Accept: func(*loop.Conn) loop.Handler {
			return script{data: func(_ *loop.Conn, p []byte) int {
				presented = bytes.Clone(p)
				if !take {
					return 0
				}
				got = append(got, p...)
				return len(p)
			}}
		}}
		bubble(t, 0, cfg, func(f *fixture) {
			p, c := f.connect()
			sent := text(test.rest + 2*loop.ReadSize)
			f.say(p, string(sent[:10])) // one event reads no more than ReadSize
			f.say(p, string(sent[10:test.rest]))
			if paused := p.Interest()&poll.Read == 0; paused != test.paused {
				f.Fatalf("paused: %v, with a rest of %d", paused, test.rest)
			}
			f.say(p, string(sent[test.rest:]))
			if p.Interest()&poll.Read != 0 || p.Unread() == 0 {
				f.Fatalf("a rest of %d is not the end: %d unread", len(presented), p.Unread())
			}
			if len(presented) > loop.MaxRest+loop.ReadSize || !bytes.Equal(presented, sent[:len(presented)]) {
				f.Fatalf("%d bytes were presented, or different ones", len(presented))
			}
			take = true
			c.Resume()
			synctest.Wait()
			if !bytes.Equal(got, sent) {
				f.Fatalf("%d of %d bytes, or different ones", len(got), len(sent))
			}
		})
	}
}

// TestALittleRestKeepsNoLargeArray: nor does a rest that grows byte by byte
// take a new array for each.
func TestALittleRestKeepsNoLargeArray(t *testing.T) {
	left := loop.MaxRest
	cfg := loop.Config{Accept: func(*loop.Conn) loop.Handler {
		return script{data: func(_ *loop.Conn, p []byte) int { return max(0, len(p)-left) }}
	}}
	bubble(t, 0, cfg, func(f *fixture) {
		p, c := f.connect()
		f.say(p, string(text(loop.MaxRest)))
		if n := c.RestCap(); n < loop.MaxRest || n > 2*loop.MaxRest {
			f.Fatalf("%d bytes are kept in an array of %d", loop.MaxRest, n)
		}
		left = 10
		c.Resume()
		synctest.Wait()
		if n := c.RestCap(); n < 10 || n > 40 {
			f.Fatalf("10 bytes are kept in an array of %d", n)
		}
		left = 0
		c.Resume()
		synctest.Wait()
		if n := c.RestCap(); n != 0 {
			f.Fatalf("nothing is kept in an array of %d", n)
		}
	})
}
