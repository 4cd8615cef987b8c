package loop_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"outrider/internal/loop"
	"outrider/internal/poll"
	"outrider/internal/poll/polltest"
)

// TestWriteInterestIsArmedWhileSomethingWaits: invariant 4, at the byte where
// it turns.
func TestWriteInterestIsArmedWhileSomethingWaits(t *testing.T) {
	const window = 1000
	bubble(t, window, loop.Config{}, func(f *fixture) {
		p, c := f.connect()
		f.wantQueue(c, p, 0)
		for _, n := range []int{1, window - 1, window, window + 1, 3*window + 1} {
			sent := text(n)
			if err := c.Send(sent); err != nil {
				f.Fatal(err)
			}
			for left := n; left > 0; {
				f.wantQueue(c, p, max(0, left-window))
				k := min(left, window/2+1)
				if got := f.take(p, k); !bytes.Equal(got, sent[n-left:][:k]) {
					f.Fatalf("of %d bytes those from %d differ", n, n-left)
				}
				left -= k
			}
			f.wantQueue(c, p, 0)
		}
	})
}

// TestPauseKeepsWriting: a connection that is not read still empties its
// queue.
func TestPauseKeepsWriting(t *testing.T) {
	bubble(t, 100, loop.Config{}, func(f *fixture) {
		p, c := f.connect()
		c.Pause()
		synctest.Wait()
		if in := p.Interest(); in != 0 {
			f.Fatalf("interest %b while paused with nothing to send", in)
		}
		if err := c.Send(text(150)); err != nil {
			f.Fatal(err)
		}
		f.wantQueue(c, p, 50)
		if in := p.Interest(); in != poll.Write {
			f.Fatalf("interest %b while paused with something to send", in)
		}
		f.take(p, 150)
		f.wantQueue(c, p, 0)
		c.Resume()
		synctest.Wait()
		if in := p.Interest(); in != poll.Read {
			f.Fatalf("interest %b after Resume", in)
		}
	})
}

// TestQueueKeepsTheOrder: more buffers than one writev takes, empty ones
// among them, shared and copied ones in turn, leave in the order in which
// they were sent however little the peer takes at a time.
func TestQueueKeepsTheOrder(t *testing.T) {
	bubble(t, 100, loop.Config{}, func(f *fixture) {
		rng := rand.New(rand.NewPCG(1, 1))
		p, c := f.connect()
		sent := text(20_000)
		scratch := make([]byte, 10)
		buffers := 0
		for at := 0; at < len(sent); buffers++ {
			n := min(rng.IntN(10), len(sent)-at)
			b := scratch[:copy(scratch, sent[at:at+n])]
			at += n
			var err error
			if buffers%2 == 0 {
				err = c.SendCopy(b)
			} else {
				err = c.Send(bytes.Clone(b))
			}
			if err != nil {
				f.Fatal(err)
			}
			clear(scratch)
		}
		if most := buffers / loop.MaxIOV; most < 30 {
			f.Fatalf("only %d buffers", buffers)
		}
		var got []byte
		for len(got) < len(sent) {
			got = append(got, f.take(p, min(1+rng.IntN(150), len(sent)-len(got)))...)
			f.wantQueue(c, p, max(0, len(sent)-len(got)-100))
		}
		if !bytes.Equal(got, sent) {
			f.Fatal("the bytes differ")
		}
	})
}

// TestMaxQueue: a queue may be at its bound and not over it, but a single
// buffer may wait whatever its size.
func TestMaxQueue(t *testing.T) {
	const bound = 1000
	for name, test := range map[string]struct {
		sizes []int
		slow  bool
	}{
		"at the bound":              {sizes: []int{600, bound - 600}},
		"one over the bound":        {sizes: []int{600, bound - 600 + 1}, slow: true},
		"a single one at the bound": {sizes: []int{bound}},
		"a single one over it":      {sizes: []int{5 * bound}},
		"one byte behind that":      {sizes: []int{5 * bound, 1}, slow: true},
		"nothing behind that":       {sizes: []int{bound, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 100, loop.Config{MaxQueue: bound}, func(f *fixture) {
				p, c := f.connect()
				if err := c.Send(text(100)); err != nil { // fills the socket
					f.Fatal(err)
				}
				total := int64(0)
				for i, n := range test.sizes {
					err := c.Send(text(n))
					if last := i == len(test.sizes)-1; last && test.slow {
						f.wantSlow(c, p, err)
						return
					}
					if err != nil {
						f.Fatalf("buffer %d: %v", i, err)
					}
					total += int64(n)
				}
				f.wantQueue(c, p, int(total))
				if q := f.group.Stats().Queued; q != total {
					f.Fatalf("the group counts %d queued bytes of %d", q, total)
				}
				c.Close(loop.CauseLocal)
				f.wantClosed(p, loop.CauseLocal)
				if q := f.group.Stats().Queued; q != 0 {
					f.Fatalf("the group counts %d queued bytes of none", q)
				}
			})
		})
	}
}

// wantSlow checks what became of a connection whose Send returned err.
func (f *fixture) wantSlow(c *loop.Conn, p *polltest.Peer, err error) {
	f.Helper()
	if !errors.Is(err, loop.ErrSlow) {
		f.Fatalf("Send over the bound: %v, want ErrSlow", err)
	}
	if err := c.Send([]byte("x")); !errors.Is(err, loop.ErrClosed) {
		f.Fatalf("Send after ErrSlow: %v, want ErrClosed", err)
	}
	f.wantClosed(p, loop.CauseSlow)
	if s := f.group.Stats(); s.Slow != 1 || s.Queued != 0 || s.Conns != 0 {
		f.Fatalf("%+v; want one slow, nothing queued, nobody there", s)
	}
}

// TestMaxQueued: all queues together may be at the bound of the process; who
// sends the byte over it is closed, and nobody else.
func TestMaxQueued(t *testing.T) {
	const bound = 1000
	bubble(t, 100, loop.Config{MaxQueued: bound}, func(f *fixture) {
		p1, c1 := f.connect()
		p2, c2 := f.connect()
		for c, n := range map[*loop.Conn]int{c1: 600, c2: bound - 600} {
			if err := c.Send(text(100 + n)); err != nil {
				f.Fatal(err)
			}
		}
		f.wantQueue(c1, p1, 600)
		f.wantQueue(c2, p2, 400)
		if err := c2.Send(nil); err != nil {
			f.Fatalf("nothing more, at the bound: %v", err)
		}
		if f.group.Reserve(1) {
			f.Fatal("a byte was reserved over the bound")
		}
		if err := c2.Send([]byte("x")); !errors.Is(err, loop.ErrSlow) {
			f.Fatalf("a byte over the bound: %v, want ErrSlow", err)
		}
		f.wantClosed(p2, loop.CauseSlow)
		f.wantQueue(c1, p1, 600)
		if q := f.group.Stats().Queued; q != 600 {
			f.Fatalf("%d bytes are counted, want 600", q)
		}
		if !f.group.Reserve(400) || f.group.Reserve(1) {
			f.Fatal("Reserve does not go to the bound exactly")
		}
		f.group.Release(400)
		if got := f.take(p1, 700); !bytes.Equal(got, text(700)) {
			f.Fatal("the bystander's bytes differ")
		}
		if q := f.group.Stats().Queued; q != 0 {
			f.Fatalf("%d bytes are counted when all have left", q)
		}
	})
}

// TestSlowReaderOverTheKernel: a peer that does not read costs its bound and
// the kernel's buffers, then its connection; a bystander notices nothing.
func TestSlowReaderOverTheKernel(t *testing.T) {
	causes := make(chan loop.Cause, 1)
	conns := make(chan *loop.Conn, 2)
	g, addr := start(t, loop.Config{Accept: func(c *loop.Conn) loop.Handler {
		conns <- c
		return script{
			data:   echo{}.Data,
			closed: func(_ *loop.Conn, cause loop.Cause) { causes <- cause },
		}
	}})
	dial(t, addr) // never reads
	slow := await(t, "a connection", conns)
	bystander := dial(t, addr)
	await(t, "a connection", conns)

	chunk := text(64 << 10)
	sent, err := 0, error(nil)
	for ; err == nil; sent++ {
		if sent > 1<<12 {
			t.Fatal("256 MiB went to a peer that does not read")
		}
		err = slow.Send(chunk)
	}
	if !errors.Is(err, loop.ErrSlow) {
		t.Fatalf("Send: %v, want ErrSlow", err)
	}
	if cause := await(t, "Closed", causes); cause != loop.CauseSlow {
		t.Fatalf("closed because %v", cause)
	}
	speak(t, bystander, "still here")
	if s := g.Stats(); s.Slow != 1 || s.Queued != 0 || s.Conns != 1 {
		t.Fatalf("%+v; want one slow, nothing queued, one there", s)
	}
}
