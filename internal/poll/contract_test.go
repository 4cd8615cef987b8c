package poll_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"outrider/internal/poll"
	"outrider/internal/poll/polltest"
)

// The contract of Poller, over the kernel's and over the fake that the loop
// is tested with: what the fake promises must be what the kernel does.

// peer is the other end of a watched descriptor.
type peer interface {
	io.ReadWriteCloser
	CloseWrite() error
	Reset()
}

// system makes pollers and descriptors for them.
type system struct {
	poller  func(t *testing.T) poll.Poller
	connect func(t *testing.T, p poll.Poller) (fd int, other peer)
}

func systems() map[string]func() system {
	return map[string]func() system{"epoll": kernel, "polltest": memory}
}

// each runs a test over both systems.
func each(t *testing.T, test func(t *testing.T, sys system)) {
	for name, sys := range systems() {
		t.Run(name, func(t *testing.T) { test(t, sys()) })
	}
}

type tcpPeer struct{ *net.TCPConn }

func (p tcpPeer) Reset() {
	_ = p.SetLinger(0)
	_ = p.Close()
}

func kernel() system {
	return system{
		poller: func(t *testing.T) poll.Poller {
			p, err := poll.New()
			if err != nil {
				t.Fatal(err)
			}
			return p
		},
		connect: connectTCP,
	}
}

// connectTCP returns the accepted end of a loopback connection as a bare
// descriptor.
func connectTCP(t *testing.T, p poll.Poller) (int, peer) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	f, err := accepted.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	unix.CloseOnExec(fd)
	if err := errors.Join(unix.SetNonblock(fd, true), f.Close(), accepted.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return fd, tcpPeer{c.(*net.TCPConn)}
}

func memory() system {
	n := polltest.New(0, 0)
	return system{
		poller: func(t *testing.T) poll.Poller {
			p, err := n.Poller()
			if err != nil {
				t.Fatal(err)
			}
			return p
		},
		connect: func(t *testing.T, _ poll.Poller) (fd int, other peer) {
			p, _ := n.Dial(func(got int) error { fd = got; return nil })
			return fd, p
		},
	}
}

// watched is a poller with one descriptor in it.
type watched struct {
	poll.Poller
	t     *testing.T
	fd    int
	other peer
}

const token = 1<<62 | 7<<32 | 3

func watch(t *testing.T, sys system, in poll.Interest) *watched {
	t.Helper()
	p := sys.poller(t)
	fd, other := sys.connect(t, p)
	if err := p.Add(fd, token, in); err != nil {
		t.Fatal(err)
	}
	w := &watched{p, t, fd, other}
	t.Cleanup(func() {
		_ = w.other.Close()
		if w.fd >= 0 {
			w.close()
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *watched) close() {
	if err := w.CloseFD(w.fd); err != nil {
		w.t.Error(err)
	}
	w.fd = -1
}

// next is what the descriptor is reported ready for, 0 if it is not at once.
func (w *watched) next() poll.Ready {
	w.t.Helper()
	return w.within(0)
}

func (w *watched) within(d time.Duration) poll.Ready {
	w.t.Helper()
	events := make([]poll.Event, 4)
	n, err := w.Wait(events, d)
	if err != nil || n > 1 {
		w.t.Fatalf("Wait = %d, %v", n, err)
	}
	if n == 0 {
		return 0
	}
	if events[0].Token != token {
		w.t.Fatalf("token %#x, want %#x", events[0].Token, uint64(token))
	}
	return events[0].Ready
}

func (w *watched) want(r poll.Ready) {
	w.t.Helper()
	if got := w.within(10 * time.Second); got != r {
		w.t.Fatalf("ready for %b, want %b", got, r)
	}
}

func (w *watched) read(n int) string {
	w.t.Helper()
	b := make([]byte, n)
	k, err := w.Read(w.fd, b)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b[:k])
}

func (w *watched) write(s string) {
	w.t.Helper()
	if _, err := io.WriteString(w.other, s); err != nil {
		w.t.Fatal(err)
	}
}

// TestLevelTriggered: what was left unread is reported again, without any
// new byte, until it is read.
func TestLevelTriggered(t *testing.T) {
	each(t, func(t *testing.T, sys system) {
		w := watch(t, sys, poll.Read)
		if r := w.next(); r != 0 {
			t.Fatalf("ready for %b before anything was sent", r)
		}
		w.write("abc")
		for _, want := range []string{"a", "b", "c"} {
			w.want(poll.Readable)
			w.want(poll.Readable)
			if got := w.read(1); got != want {
				t.Fatalf("read %q, want %q", got, want)
			}
		}
		if r := w.next(); r != 0 {
			t.Fatalf("ready for %b when all was read", r)
		}
		if n, err := w.Read(w.fd, make([]byte, 1)); n != 0 || !errors.Is(err, poll.ErrAgain) {
			t.Fatalf("Read of nothing = %d, %v; want ErrAgain", n, err)
		}
	})
}

// TestInterest: only what was asked for is reported, from the next Wait on.
func TestInterest(t *testing.T) {
	each(t, func(t *testing.T, sys system) {
		w := watch(t, sys, 0)
		w.write("x")
		if r := w.within(20 * time.Millisecond); r != 0 {
			t.Fatalf("ready for %b, with no interest", r)
		}
		for _, step := range []struct {
			in   poll.Interest
			want poll.Ready
		}{
			{poll.Read, poll.Readable},
			{poll.Write, poll.Writable},
			{poll.Read | poll.Write, poll.Readable | poll.Writable},
		} {
			if err := w.Mod(w.fd, token, step.in); err != nil {
				t.Fatal(err)
			}
			w.want(step.want)
		}
		if err := w.Mod(w.fd, token, 0); err != nil {
			t.Fatal(err)
		}
		if r := w.within(20 * time.Millisecond); r != 0 {
			t.Fatalf("ready for %b, with no interest any more", r)
		}
	})
}

// TestEndOfStream: the peer's FIN is readable, for ever, behind what came
// before it; with our own it is Failed, asked for or not.
func TestEndOfStream(t *testing.T) {
	each(t, func(t *testing.T, sys system) {
		w := watch(t, sys, poll.Read)
		w.write("last")
		if err := w.other.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		w.want(poll.Readable)
		if got := w.read(10); got != "last" {
			t.Fatalf("read %q before the end", got)
		}
		for range 3 {
			w.want(poll.Readable)
			if got := w.read(10); got != "" {
				t.Fatalf("read %q at the end", got)
			}
		}
		if _, err := w.Write(w.fd, []byte("answer")); err != nil {
			t.Fatalf("Write after the peer's FIN: %v", err)
		}
		if err := errors.Join(w.Mod(w.fd, token, 0), w.Shutdown(w.fd)); err != nil {
			t.Fatal(err)
		}
		w.want(poll.Failed)
		if got, err := io.ReadAll(w.other); err != nil || string(got) != "answer" {
			t.Fatalf("the peer read %q, %v; want the answer and the end", got, err)
		}
	})
}

// TestResetIsReportedUnasked: also to a connection that is not read at the
// moment.
func TestResetIsReportedUnasked(t *testing.T) {
	each(t, func(t *testing.T, sys system) {
		w := watch(t, sys, 0)
		w.other.Reset()
		w.want(poll.Failed)
		if _, err := w.Read(w.fd, make([]byte, 1)); err == nil || errors.Is(err, poll.ErrAgain) {
			t.Fatalf("Read of a reset connection: %v", err)
		}
	})
}

// TestCloseWithUnreadBytesResets: why Finish exists.
func TestCloseWithUnreadBytesResets(t *testing.T) {
	each(t, func(t *testing.T, sys system) {
		w := watch(t, sys, poll.Read)
		w.write("never read")
		w.want(poll.Readable)
		w.close()
		if got, err := io.ReadAll(w.other); err == nil {
			t.Fatalf("the peer read %q and a clean end", got)
		}
	})
}

// TestWriteUntilTheSocketIsFull: short writes, then ErrAgain; writable again
// when the peer has read.
func TestWriteUntilTheSocketIsFull(t *testing.T) {
	each(t, func(t *testing.T, sys system) {
		w := watch(t, sys, poll.Read)
		total, chunk := 0, make([]byte, 1<<20)
		var err error
		for err == nil {
			var n int
			n, err = w.Writev(w.fd, [][]byte{chunk[:10], nil, chunk})
			total += n
		}
		if !errors.Is(err, poll.ErrAgain) || total == 0 {
			t.Fatalf("%d bytes, then %v; want ErrAgain in the end", total, err)
		}
		if n, err := w.Write(w.fd, chunk); n != 0 || !errors.Is(err, poll.ErrAgain) {
			t.Fatalf("Write to a full socket = %d, %v", n, err)
		}
		if err := w.Mod(w.fd, token, poll.Read|poll.Write); err != nil {
			t.Fatal(err)
		}
		if r := w.next(); r != 0 {
			t.Fatalf("ready for %b, want nothing", r)
		}
		if _, err := io.ReadFull(w.other, make([]byte, total)); err != nil {
			t.Fatal(err)
		}
		w.want(poll.Writable)
	})
}

// TestTooManyBuffers are refused, not cut.
func TestTooManyBuffers(t *testing.T) {
	each(t, func(t *testing.T, sys system) {
		w := watch(t, sys, poll.Read)
		bufs := make([][]byte, 1025)
		for i := range bufs {
			bufs[i] = []byte("x")
		}
		if n, err := w.Writev(w.fd, bufs); err == nil {
			t.Fatalf("%d buffers of %d were taken", n, len(bufs))
		}
		if n, err := w.Writev(w.fd, bufs[:1024]); n != 1024 || err != nil {
			t.Fatalf("Writev = %d, %v", n, err)
		}
	})
}

// TestDeletedIsNotReported: neither after Del nor after CloseFD.
func TestDeletedIsNotReported(t *testing.T) {
	each(t, func(t *testing.T, sys system) {
		w := watch(t, sys, poll.Read)
		w.write("x")
		w.want(poll.Readable)
		if err := w.Add(w.fd, token, poll.Read); err == nil {
			t.Fatal("a descriptor was added twice")
		}
		if err := w.Mod(w.fd, token, poll.Read|poll.Write); err != nil {
			t.Fatal(err)
		}
		w.close()
		if r := w.within(20 * time.Millisecond); r != 0 {
			t.Fatalf("a closed descriptor is ready for %b", r)
		}

		w = watch(t, sys, poll.Read)
		w.write("x")
		w.want(poll.Readable)
		if err := w.Del(w.fd); err != nil {
			t.Fatal(err)
		}
		if r := w.within(20 * time.Millisecond); r != 0 {
			t.Fatalf("a deleted descriptor is ready for %b", r)
		}
		if _, ok := w.Poller.(*poll.Epoll); !ok {
			w.fd = -1 // it has a new owner, who does not exist
			return
		}
		if err := w.Mod(w.fd, token, poll.Read); err == nil {
			t.Fatal("Mod of a deleted descriptor succeeded")
		}
	})
}

// TestWake: a wake-up ends the present Wait or the next one, once, and is no
// event.
func TestWake(t *testing.T) {
	each(t, func(t *testing.T, sys system) {
		w := watch(t, sys, poll.Read)
		for range 3 { // many wake-ups are one
			if err := w.Wake(); err != nil {
				t.Fatal(err)
			}
		}
		if r := w.within(-1); r != 0 {
			t.Fatalf("a wake-up was reported as %b", r)
		}
		begin := time.Now()
		if r := w.within(30 * time.Millisecond); r != 0 || time.Since(begin) < 30*time.Millisecond {
			t.Fatalf("woken twice: %b after %v", r, time.Since(begin))
		}
		woken := make(chan error, 1)
		go func() {
			_, err := w.Wait(make([]poll.Event, 1), -1)
			woken <- err
		}()
		if err := w.Wake(); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-woken:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a Wait that nothing else ends was not woken")
		}
	})
}

// TestWaitIsNeverEarly: a loop that is woken a moment before its deadline
// would spin.
func TestWaitIsNeverEarly(t *testing.T) {
	each(t, func(t *testing.T, sys system) {
		p := sys.poller(t)
		defer p.Close()
		for _, d := range []time.Duration{1, time.Millisecond - 1, time.Millisecond, time.Millisecond + 1, 7 * time.Millisecond} {
			begin := time.Now()
			if n, err := p.Wait(make([]poll.Event, 1), d); n != 0 || err != nil {
				t.Fatalf("Wait = %d, %v", n, err)
			}
			if took := time.Since(begin); took < d {
				t.Fatalf("Wait(%v) returned after %v", d, took)
			}
		}
	})
}

// TestMoreReadyThanEvents: nobody starves behind a batch that is full.
func TestMoreReadyThanEvents(t *testing.T) {
	p, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const conns = 10
	for i := range conns {
		fd, other := connectTCP(t, p)
		defer unix.Close(fd)
		if err := p.Add(fd, uint64(i), poll.Read); err != nil {
			t.Fatal(err)
		}
		if _, err := other.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[uint64]bool{}
	events := make([]poll.Event, 3)
	for range 1000 {
		n, err := p.Wait(events, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range events[:n] {
			seen[ev.Token] = true // and left unread
		}
		if len(seen) == conns {
			return
		}
	}
	t.Fatalf("%d of %d were reported", len(seen), conns)
}

func TestErrorsNameTheCall(t *testing.T) {
	p, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for name, call := range map[string]func() error{
		"epoll_ctl add": func() error { return p.Add(-1, 1, poll.Read) },
		"epoll_ctl mod": func() error { return p.Mod(-1, 1, poll.Read) },
		"epoll_ctl del": func() error { return p.Del(-1) },
		"read":          func() error { _, err := p.Read(-1, make([]byte, 1)); return err },
		"write":         func() error { _, err := p.Write(-1, make([]byte, 1)); return err },
		"writev":        func() error { _, err := p.Writev(-1, [][]byte{make([]byte, 1)}); return err },
		"shutdown":      func() error { return p.Shutdown(-1) },
		"close":         func() error { return p.CloseFD(-1) },
	} {
		err := call()
		if e, ok := errors.AsType[*os.SyscallError](err); !ok || e.Syscall != name || !errors.Is(err, unix.EBADF) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
