package fleet_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"outrider/bench/internal/fleet"
)

// welcome does a server's half of all that makes a client ready, in one write.
func welcome(c net.Conn) {
	_, _ = c.Read(make([]byte, 4096))
	out := []byte("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
	for _, text := range []string{
		`0{"sid":"A","upgrades":[],"pingInterval":60000,"pingTimeout":60000}`,
		`40/socket/rider,{"sid":"B"}`,
		`43/socket/rider,0[{"code":0,"message":""}]`,
	} {
		out = append(append(out, 0x81, byte(len(text))), text...)
	}
	_, _ = c.Write(out)
}

// messages are frames of 100 bytes with a message each.
func messages(n int) []byte {
	const head, tail = `42/socket/rider,["message","`, `"]`
	frame := append([]byte{0x81, 98}, head...)
	frame = append(frame, bytes.Repeat([]byte("x"), 100-len(frame)-len(tail))...)
	return bytes.Repeat(append(frame, tail...), n)
}

// one is a fleet of one client at a target.
func one(target netip.AddrPort) fleet.Config {
	return fleet.Config{
		Targets: []netip.AddrPort{target}, Clients: 1,
		Profile: func(uint64) fleet.Profile { return fleet.Profile{Revision: 4} },
	}
}

// TestThrottle: who reads 1,000 bytes every 100 ms gets ten messages of 100
// bytes each time, and not one earlier. After Resume it gets the rest at once.
func TestThrottle(t *testing.T) {
	const each, every, turns = 10, 100 * time.Millisecond, 5
	send := make(chan struct{})
	f, l := run(t, one(listen(t, func(c net.Conn) {
		welcome(c)
		<-send
		_, _ = c.Write(messages(40 * each))
		_, _ = io.Copy(io.Discard, c)
	})))
	f.Do(func() { f.Dial(0) })
	expect(t, l.ready, "0")
	start := time.Now()
	f.Do(func() {
		f.Throttle(0, 100*each, every)
		f.Throttle(0, 100*each, every) // again: not twice as fast
	})
	close(send)
	for n := range each * turns {
		next(t, l.messages)
		// The data may have missed the first turn; the turns do not come early.
		if turn := time.Duration(n/each + 1); time.Since(start) < turn*every-every/10 {
			t.Fatalf("message %d came after %v, want turn %d", n, time.Since(start), turn)
		}
	}
	f.Do(func() { f.Resume(0) })
	for range 40*each - each*turns {
		next(t, l.messages)
	}
	if len(l.closed) > 0 {
		t.Errorf("closed: %s", <-l.closed)
	}
}

// TestHangUp: a client that reads nothing shows when the server has hung up,
// and neither kernel has read much for it.
func TestHangUp(t *testing.T) {
	const most = 200 << 10
	type sent struct{ bytes, segment int }
	results := make(chan sent, 1)
	cfg := one(listen(t, func(c net.Conn) {
		welcome(c)
		pong := make([]byte, 4096)
		for n := 0; n == 0 || pong[n-6] != 0x8A; { // the client is slow now
			var err error
			if n, err = c.Read(pong); err != nil {
				return
			}
		}
		raw, _ := c.(*net.TCPConn).SyscallConn()
		var r sent
		_ = raw.Control(func(fd uintptr) { r.segment, _ = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG) })
		_ = c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		r.bytes, _ = c.Write(messages(100_000))
		results <- r
		c.Close()
	}))
	cfg.Socket = func(int) fleet.SocketOptions { return fleet.SocketOptions{ReceiveBuffer: 4096, MaxSegment: 1460} }
	f, l := run(t, cfg)
	f.Do(func() { f.Dial(0) })
	expect(t, l.ready, "0")
	f.Do(func() { f.Throttle(0, 0, 0) })
	expect(t, l.closed, "0 reset true")
	if r := <-results; r.bytes == 0 || r.bytes > most || r.segment > 1460 {
		t.Errorf("the kernels took %d bytes in segments of %d, want at most %d in 1460", r.bytes, r.segment, most)
	}
}

// TestCut: Close ends the stream, Abort resets it.
func TestCut(t *testing.T) {
	for name, want := range map[string]error{"Close": io.EOF, "Abort": syscall.ECONNRESET} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			f, l := run(t, one(listen(t, func(c net.Conn) {
				welcome(c)
				for {
					if _, err := c.Read(make([]byte, 4096)); err != nil {
						ended <- err
						return
					}
				}
			})))
			f.Do(func() { f.Dial(0) })
			expect(t, l.ready, "0")
			f.Do(func() {
				if name == "Close" {
					f.Close(0)
				} else {
					f.Abort(0)
				}
			})
			expect(t, l.closed, "0 local true")
			if err := <-ended; !errors.Is(err, want) {
				t.Errorf("the server read %v, want %v", err, want)
			}
		})
	}
}
