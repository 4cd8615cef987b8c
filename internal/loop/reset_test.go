package loop_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"

	"outrider/internal/loop"
	"outrider/internal/poll/polltest"
)

// TestResetAtEveryByte: wherever a connection breaks, while it is read or
// while it is written, straight or from the queue, the handler hears it once,
// and nothing stays behind. What arrived before is delivered.
func TestResetAtEveryByte(t *testing.T) {
	const size, window = 40, 16
	for _, fate := range []struct {
		name    string
		in, out func(n int) int
	}{
		{"reading", func(n int) int { return n }, func(int) int { return -1 }},
		{"writing", func(int) int { return -1 }, func(n int) int { return n }},
	} {
		for n := range size + 1 {
			t.Run(fmt.Sprintf("%s/%d", fate.name, n), func(t *testing.T) {
				var got []byte
				cfg := loop.Config{Accept: func(*loop.Conn) loop.Handler {
					return script{data: func(_ *loop.Conn, p []byte) int {
						got = append(got, p...)
						return len(p)
					}}
				}}
				bubble(t, window, cfg, func(f *fixture) {
					p, c := f.connect()
					p.ResetAfter(fate.in(n), fate.out(n))
					_, _ = p.Write(text(size))
					if err := c.Send(text(size)); err != nil && !errors.Is(err, loop.ErrClosed) {
						f.Fatalf("Send: %v", err)
					}
					taken, err := io.ReadAll(p)
					if err == nil {
						f.Fatalf("the peer read %d bytes and a clean end", len(taken))
					}
					f.wantClosed(p, loop.CauseError)
					if c.Queued() != 0 || f.group.Stats().Queued != 0 {
						f.Fatal("bytes are queued for a connection that is closed")
					}
					if !bytes.HasPrefix(text(size), got) || fate.name == "reading" && len(got) != n {
						f.Fatalf("%d bytes were delivered of the %d before the reset", len(got), n)
					}
					if err := c.Send([]byte("x")); !errors.Is(err, loop.ErrClosed) {
						f.Fatalf("Send after the reset: %v", err)
					}
					synctest.Wait()
					if len(f.causes) > 0 {
						f.Fatal("Closed was called twice")
					}
				})
			})
		}
	}
}

// TestResetIsNoticedByOneThatDoesNotRead: paused, or with the peer's FIN
// behind it and the answer still to come.
func TestResetIsNoticedByOneThatDoesNotRead(t *testing.T) {
	for name, before := range map[string]func(p *polltest.Peer, c *loop.Conn){
		"paused":      func(_ *polltest.Peer, c *loop.Conn) { c.Pause() },
		"half-closed": func(p *polltest.Peer, _ *loop.Conn) { _ = p.CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := loop.Config{Accept: func(*loop.Conn) loop.Handler {
				return script{eof: func(*loop.Conn) {}}
			}}
			bubble(t, 0, cfg, func(f *fixture) {
				p, c := f.connect()
				before(p, c)
				synctest.Wait()
				if p.Interest() != 0 || p.Closed() {
					f.Fatalf("interest %b, closed %v", p.Interest(), p.Closed())
				}
				p.Reset()
				f.wantClosed(p, loop.CauseError)
			})
		})
	}
}

// TestPollerRefuses: a connection that the poller has no room for is closed,
// and counted no longer; the next is welcome.
func TestPollerRefuses(t *testing.T) {
	bubble(t, 0, echoConfig(), func(f *fixture) {
		f.net.Refuse(errors.New("test: no space for a watch"))
		p := connect(f.T, f.net, f.group)
		f.isClosed(p)
		if open := f.group.Open(); open != 0 || len(f.conns) != 0 {
			f.Fatalf("%d connections, %d accepted", open, len(f.conns))
		}
		f.net.Refuse(nil)
		p, _ = f.connect()
		f.say(p, "hello")
		f.hears(p, "hello")
	})
}
