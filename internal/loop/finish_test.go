package loop_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"outrider/internal/loop"
)

// TestFinishSendsTheQueueFirst: what waits leaves before the FIN, and the
// descriptor is kept until the peer's.
func TestFinishSendsTheQueueFirst(t *testing.T) {
	bubble(t, 100, loop.Config{}, func(f *fixture) {
		p, c := f.connect()
		if err := c.Send(text(1000)); err != nil {
			f.Fatal(err)
		}
		c.Finish()
		c.Finish() // twice is once
		if err := c.Send([]byte("x")); !errors.Is(err, loop.ErrClosed) {
			f.Fatalf("Send after Finish: %v, want ErrClosed", err)
		}
		got, err := io.ReadAll(p)
		if err != nil || !bytes.Equal(got, text(1000)) {
			f.Fatalf("%d of 1000 bytes, %v", len(got), err)
		}
		synctest.Wait()
		if p.Closed() {
			f.Fatal("closed before the peer's FIN")
		}
		_ = p.CloseWrite()
		synctest.Wait()
		if !p.Closed() {
			f.Fatal("open after both FINs")
		}
	})
}

// TestFinishReadsWhatTheHandlerDoesNot: closing with unread bytes would be a
// reset that destroys the answer under way. So it is with any rest: one that
// more is read behind, and one over the bound, which pauses the connection.
func TestFinishReadsWhatTheHandlerDoesNot(t *testing.T) {
	for _, rest := range []int{1, loop.MaxRest, loop.MaxRest + 1, loop.MaxRest + loop.ReadSize} {
		finishWithRest(t, rest)
	}
}

// finishWithRest refuses a peer that sends on and on, of which rest bytes
// have been read.
func finishWithRest(t *testing.T, rest int) {
	ready := false
	cfg := loop.Config{Accept: func(*loop.Conn) loop.Handler {
		return script{data: func(c *loop.Conn, _ []byte) int {
			if ready {
				_ = c.Send(text(5000))
				c.Finish()
			}
			return 0
		}}
	}}
	bubble(t, 100, cfg, func(f *fixture) {
		p, c := f.connect()
		f.say(p, string(text(rest)[:1])) // one event reads no more than ReadSize
		f.say(p, string(text(rest)[1:]))
		f.net.Stop()
		ready = true
		if _, err := p.Write(text(100_000)); err != nil {
			f.Fatal(err)
		}
		c.Resume()
		f.net.Continue()
		var got []byte
		for len(got) < 5000 {
			got = append(got, f.take(p, 50)...)
			if _, err := p.Write(text(1000)); err != nil {
				f.Fatal(err)
			}
		}
		if rest, err := io.ReadAll(p); err != nil || len(rest) != 0 || !bytes.Equal(got, text(5000)) {
			f.Fatalf("%d of 5000 bytes, then %d more, %v", len(got), len(rest), err)
		}
		if _, err := p.Write(text(1000)); err != nil {
			f.Fatalf("writing after the server's FIN: %v", err)
		}
		_ = p.Close()
		f.isClosed(p)
	})
}

// TestFinishWithAnUploadUnderWay is the same over the kernel: the peer is in
// the middle of four megabytes when it is refused, and gets all of the answer.
func TestFinishWithAnUploadUnderWay(t *testing.T) {
	answer := text(1 << 20)
	_, addr := start(t, loop.Config{Accept: func(*loop.Conn) loop.Handler {
		return script{data: func(c *loop.Conn, _ []byte) int {
			_ = c.Send(answer)
			c.Finish()
			return 0
		}}
	}})
	c := dial(t, addr)
	uploaded := make(chan error, 1)
	go func() {
		_, err := c.Write(make([]byte, 4<<20))
		uploaded <- errors.Join(err, c.CloseWrite())
	}()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, answer) {
		t.Fatalf("%d of %d bytes, %v", len(got), len(answer), err)
	}
	if err := await(t, "the upload", uploaded); err != nil {
		t.Fatal(err)
	}
}

// TestFinishEndsWithTheLinger: a peer that never closes, and one that never
// reads, are cut when Config.Linger is over, and not before.
func TestFinishEndsWithTheLinger(t *testing.T) {
	const linger = 3 * time.Second
	for name, queued := range map[string]int{"never closes": 0, "never reads": 500} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 100, loop.Config{Linger: linger}, func(f *fixture) {
				p, c := f.connect()
				if err := c.Send(text(100 + queued)); err != nil {
					f.Fatal(err)
				}
				begin := time.Now()
				c.Finish()
				synctest.Wait()
				if got := c.Queued(); got != queued {
					f.Fatalf("%d bytes wait, want %d", got, queued)
				}
				f.wantClosed(p, loop.CauseLocal)
				if took := time.Since(begin); took < linger || took > linger+200*time.Millisecond {
					f.Fatalf("closed after %v, want %v", took, linger)
				}
			})
		})
	}
}

// TestFinishAfterThePeersEnd: there is nothing to wait for but the queue.
func TestFinishAfterThePeersEnd(t *testing.T) {
	for _, queued := range []int{0, 500} {
		var conn *loop.Conn
		cfg := loop.Config{Accept: func(c *loop.Conn) loop.Handler {
			conn = c
			return script{eof: func(c *loop.Conn) {}}
		}}
		bubble(t, 100, cfg, func(f *fixture) {
			p, _ := f.connect()
			_ = p.CloseWrite()
			synctest.Wait()
			if err := conn.Send(text(100 + queued)); err != nil {
				f.Fatal(err)
			}
			conn.Finish()
			synctest.Wait()
			if p.Closed() != (queued == 0) {
				f.Fatalf("closed: %v, with %d bytes waiting", p.Closed(), queued)
			}
			if got, err := io.ReadAll(p); err != nil || !bytes.Equal(got, text(100+queued)) {
				f.Fatalf("%d of %d bytes, %v", len(got), 100+queued, err)
			}
			synctest.Wait()
			if !p.Closed() {
				f.Fatal("open after all was sent")
			}
		})
	}
}

// TestNothingIsHeardAfterFinish: of the handler's methods only Closed is
// called, also for what arrived in the same batch of events.
func TestNothingIsHeardAfterFinish(t *testing.T) {
	var heard []string
	cfg := loop.Config{Accept: func(c *loop.Conn) loop.Handler {
		c.SetDeadline(c.Loop().Now() + int64(time.Second))
		return script{
			data: func(c *loop.Conn, _ []byte) int {
				heard = append(heard, "data")
				c.Finish()
				return 1
			},
			eof:     func(*loop.Conn) { heard = append(heard, "eof") },
			expired: func(*loop.Conn) { heard = append(heard, "expired") },
		}
	}}
	bubble(t, 100, cfg, func(f *fixture) {
		p, c := f.connect()
		if _, err := p.Write([]byte("one or two")); err != nil {
			f.Fatal(err)
		}
		synctest.Wait()
		if _, err := p.Write([]byte("more")); err != nil {
			f.Fatal(err)
		}
		c.Resume()
		await(f.T, "the old deadline", time.After(2*time.Second))
		_ = p.CloseWrite()
		f.wantClosed(p, loop.CauseLocal)
		if len(heard) != 1 {
			f.Fatalf("the handler heard %q", heard)
		}
	})
}

// TestFinishBetweenEventAndHandler: Finish is called by another goroutine
// when the peer's FIN is already in the batch. What waits is still sent: the
// handler, which would close, does not hear of the FIN.
func TestFinishBetweenEventAndHandler(t *testing.T) {
	bubble(t, 100, loop.Config{}, func(f *fixture) { // its EOF closes
		p, c := f.connect()
		if err := c.Send(text(300)); err != nil {
			f.Fatal(err)
		}
		f.net.Between(c.Finish)
		_ = p.CloseWrite()
		synctest.Wait()
		if got, err := io.ReadAll(p); err != nil || !bytes.Equal(got, text(300)) {
			f.Fatalf("%d of 300 bytes, %v", len(got), err)
		}
		synctest.Wait()
		if !p.Closed() {
			f.Fatal("open after all was sent")
		}
	})
}

// TestHalfClose: a whole request and then FIN is answered, however late and
// however long the answer.
func TestHalfClose(t *testing.T) {
	for _, n := range []int{1, 1 << 20} {
		requests := make(chan *loop.Conn, 1)
		ended := make(chan struct{})
		_, addr := start(t, loop.Config{Accept: func(*loop.Conn) loop.Handler {
			return script{
				data: func(c *loop.Conn, p []byte) int { requests <- c; return len(p) },
				eof:  func(*loop.Conn) { close(ended) },
			}
		}})
		client := dial(t, addr)
		if _, err := client.Write([]byte("request")); err != nil {
			t.Fatal(err)
		}
		if err := client.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		c := await(t, "the request", requests)
		await(t, "the FIN", ended)
		if err := c.Send(text(n)); err != nil { // by another goroutine, later
			t.Fatal(err)
		}
		c.Finish()
		if got, err := io.ReadAll(client); err != nil || !bytes.Equal(got, text(n)) {
			t.Fatalf("%d of %d bytes, %v", len(got), n, err)
		}
	}
}
