package poll_test

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"outrider/internal/poll"
)

// BenchmarkTrigger is what docs/adr/0002-level-triggered.md quotes: the cost
// of reading one message from each of many sockets.
//
//   - level: one read for each event; what is left is reported again.
//   - edge-until-again: reads until EAGAIN, as edge-triggering demands.
//   - edge-until-short: reads until a read is short, the usual shortcut.
func BenchmarkTrigger(b *testing.B) {
	for _, size := range []int{64, 64 << 10} {
		for _, mode := range []string{"level", "edge-until-again", "edge-until-short"} {
			b.Run(fmt.Sprintf("size=%d/mode=%s", size, mode), func(b *testing.B) {
				readMessages(b, size, mode)
			})
		}
	}
}

func readMessages(b *testing.B, size int, mode string) {
	const conns, buffer = 100, 16 << 10
	var edge uint32
	if mode != "level" {
		edge = unix.EPOLLET
	}
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(ep)
	var clients []int
	for range conns {
		client, server := pair(b)
		clients = append(clients, client)
		ev := unix.EpollEvent{Events: unix.EPOLLIN | edge, Fd: int32(server)}
		if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, server, &ev); err != nil {
			b.Fatal(err)
		}
	}
	message, buf := make([]byte, size), make([]byte, buffer)
	events := make([]unix.EpollEvent, 256)
	calls := 0
	for b.Loop() {
		b.StopTimer()
		for _, fd := range clients {
			if n, err := unix.Write(fd, message); n != size || err != nil {
				b.Fatalf("wrote %d bytes, %v", n, err)
			}
		}
		b.StartTimer()
		for got := 0; got < conns*size; {
			n, err := unix.EpollWait(ep, events, -1)
			if err != nil {
				b.Fatal(err)
			}
			calls++
			for _, ev := range events[:n] {
				for {
					k, err := unix.Read(int(ev.Fd), buf)
					calls++
					if err != nil {
						break // EAGAIN
					}
					got += k
					if mode == "level" || mode == "edge-until-short" && k < buffer {
						break
					}
				}
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*conns), "ns/message")
	b.ReportMetric(float64(calls)/float64(b.N*conns), "calls/message")
}

// pair returns two connected sockets with room for a large message.
func pair(b *testing.B) (client, server int) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = unix.Close(fds[0]); _ = unix.Close(fds[1]) })
	if err := unix.SetsockoptInt(fds[0], unix.SOL_SOCKET, unix.SO_SNDBUF, 256<<10); err != nil {
		b.Fatal(err)
	}
	return fds[0], fds[1]
}

// BenchmarkMod is what arming or disarming the write interest costs, which
// edge-triggering would not have to pay.
func BenchmarkMod(b *testing.B) {
	p, err := poll.New()
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	_, fd := pair(b)
	if err := p.Add(fd, 1, poll.Read); err != nil {
		b.Fatal(err)
	}
	interest := poll.Read
	for b.Loop() {
		interest ^= poll.Write
		if err := p.Mod(fd, 1, interest); err != nil {
			b.Fatal(err)
		}
	}
}
