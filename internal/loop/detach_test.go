package loop_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"outrider/internal/loop"
)

// handover is what a handler gives to a new owner.
type handover struct {
	c    *loop.Conn
	conn net.Conn
	rest []byte
	err  error
}

// detach hands the connection over, with the bytes that p begins with.
func detach(c *loop.Conn, p []byte) handover {
	fd, err := c.Detach()
	if err != nil {
		return handover{c: c, err: err}
	}
	f := os.NewFile(uintptr(fd), "")
	conn, err := net.FileConn(f)
	return handover{c, conn, bytes.Clone(p), errors.Join(err, f.Close())}
}

// TestDetachLosesNothing: the new owner gets what was read and what was not,
// the old pointer is harmless, and the slot belongs to the next connection.
func TestDetachLosesNothing(t *testing.T) {
	presented := make(chan int, 2)
	handed := make(chan handover, 1)
	next := make(chan *loop.Conn, 1)
	expired := make(chan *loop.Conn, 1)
	closed := make(chan *loop.Conn, 2)
	first := true
	g, addr := start(t, loop.Config{Loops: 1, Tick: 10 * time.Millisecond, Accept: func(c *loop.Conn) loop.Handler {
		s := script{
			expired: func(c *loop.Conn) { expired <- c },
			closed:  func(c *loop.Conn, _ loop.Cause) { closed <- c },
		}
		if first {
			first = false
			s.data = func(c *loop.Conn, p []byte) int {
				presented <- len(p)
				if len(p) < 10 {
					return 0 // the new owner gets the rest too
				}
				// Fires when the slot is the next connection's.
				c.SetDeadline(c.Loop().Now() + int64(50*time.Millisecond))
				handed <- detach(c, p)
				return len(p)
			}
			return s
		}
		s.data = echo{}.Data
		next <- c
		return s
	}})

	client := dial(t, addr)
	for _, part := range []string{"GET /", " elsewhere"} {
		if _, err := client.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
		await(t, "the part", presented)
	}
	h := await(t, "the hand-over", handed)
	if h.err != nil {
		t.Fatal(h.err)
	}
	defer h.conn.Close()
	if got := string(h.rest); got != "GET / elsewhere" {
		t.Fatalf("handed over with %q", got)
	}
	if open := g.Open(); open != 0 {
		t.Fatalf("%d connections are counted", open)
	}

	other := dial(t, addr)
	c := await(t, "the next connection", next)
	if slot, was := uint32(c.Token()), uint32(h.c.Token()); slot != was || c.Token() == h.c.Token() {
		t.Fatalf("token %#x, before %#x; want the same slot, another generation", c.Token(), h.c.Token())
	}
	// All that the old pointer could do to the new owner or to its heir.
	if err := h.c.Send([]byte("x")); !errors.Is(err, loop.ErrClosed) {
		t.Fatalf("Send on a detached connection: %v", err)
	}
	h.c.Pause()
	h.c.Resume()
	h.c.Finish()
	h.c.Close(loop.CauseLocal)
	if a := h.c.RemoteAddr(); a.IsValid() {
		t.Fatalf("a detached connection is from %v", a)
	}
	on(t, c.Loop(), func() { c.SetDeadline(c.Loop().Now() + int64(100*time.Millisecond)) })
	if got := await(t, "a deadline", expired); got != c {
		t.Fatal("the detached connection's deadline came")
	}
	speak(t, other, "the heir lives")
	if _, err := h.conn.Write([]byte("the new owner writes")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 20)
	if _, err := io.ReadFull(client, got); err != nil || string(got) != "the new owner writes" {
		t.Fatalf("read %q, %v", got, err)
	}
	if len(closed) > 0 {
		t.Fatal("Closed was called")
	}
}

// TestDetachFails: of a connection that is closed, finished, or has bytes to
// send, which the new owner could not know of.
func TestDetachFails(t *testing.T) {
	for name, before := range map[string]func(c *loop.Conn){
		"closed":   func(c *loop.Conn) { c.Close(loop.CauseLocal) },
		"finished": func(c *loop.Conn) { c.Finish() },
		"sending":  func(c *loop.Conn) { _ = c.Send(make([]byte, 32<<20)) },
	} {
		t.Run(name, func(t *testing.T) {
			handed := make(chan handover, 1)
			_, addr := start(t, loop.Config{Accept: func(*loop.Conn) loop.Handler {
				return script{data: func(c *loop.Conn, p []byte) int {
					before(c)
					handed <- detach(c, p)
					return len(p)
				}}
			}})
			if _, err := dial(t, addr).Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			if h := await(t, "the hand-over", handed); !errors.Is(h.err, loop.ErrClosed) {
				t.Fatalf("Detach: %v, want ErrClosed", h.err)
			}
		})
	}
}

// TestDetachInAccept: a connection may be handed over before it has said
// anything.
func TestDetachInAccept(t *testing.T) {
	handed := make(chan handover, 1)
	_, addr := start(t, loop.Config{Accept: func(c *loop.Conn) loop.Handler {
		handed <- detach(c, nil)
		return script{}
	}})
	client := dial(t, addr)
	h := await(t, "the hand-over", handed)
	if h.err != nil {
		t.Fatal(h.err)
	}
	defer h.conn.Close()
	for _, c := range [][2]net.Conn{{client, h.conn}, {h.conn, client}} {
		if _, err := c[0].Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(c[1], got); err != nil || string(got) != "hello" {
			t.Fatalf("read %q, %v", got, err)
		}
	}
}
