package fleet_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"outrider/bench/internal/fleet"
	"outrider/bench/internal/gatewaytest"
	"outrider/engineio"
)

// TestDeparture: what a server sees of a client that closes, that breaks off,
// and that falls silent.
func TestDeparture(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(f *fleet.Fleet)
		want error
	}{
		{"close", func(f *fleet.Fleet) { f.Close(0) }, io.EOF},
		{"reset", func(f *fleet.Fleet) { f.Abort(0) }, syscall.ECONNRESET},
		{"silence", func(f *fleet.Fleet) { f.Silence(0) }, os.ErrDeadlineExceeded},
	} {
		for revision := uint8(3); revision <= 4; revision++ {
			t.Run(fmt.Sprintf("%s/v%d", test.name, revision), func(t *testing.T) {
				t.Parallel()
				conns := make(chan net.Conn, 1)
				target := listen(t, func(c net.Conn) {
					_, _ = c.Read(make([]byte, 4096))
					fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
					for _, text := range []string{
						`0{"sid":"A","upgrades":[],"pingInterval":1000,"pingTimeout":50}`,
						`40/socket/rider,{"sid":"B"}`,
						`43/socket/rider,0[{"code":0,"message":""}]`,
					} {
						fmt.Fprintf(c, "\x81%c%s", len(text), text)
					}
					conns <- c
				})
				f, l := run(t, fleet.Config{
					Targets: []netip.AddrPort{target}, Clients: 1,
					Profile: func(uint64) fleet.Profile { return fleet.Profile{Revision: revision} },
				})
				f.Do(func() { f.Dial(0) })
				expect(t, l.ready, "0")
				c := <-conns
				const ping = "\x81\x81MASK2"
				f.Do(func() { test.do(f) })
				// Longer than until a heartbeat: one of revision 3 would be sent,
				// and one of revision 4 missed.
				_ = c.SetReadDeadline(time.Now().Add(1500 * time.Millisecond))
				for {
					n, err := c.Read(make([]byte, 4096))
					if errors.Is(err, test.want) {
						break
					}
					if err != nil {
						t.Fatalf("the server reads %v, want %v", err, test.want)
					}
					if n == len(ping) {
						t.Fatal("a heartbeat of a client that is silent")
					}
				}
				if test.name == "silence" {
					f.Do(func() { f.Close(0) })
				}
				expect(t, l.closed, "0 local true")
			})
		}
	}
}

// TestLogout: a logout is acknowledged, and told apart from a set_connect.
func TestLogout(t *testing.T) {
	g := gatewaytest.Start(t, engineio.Config{})
	for transport := fleet.WebSocket; transport <= fleet.Upgrade; transport++ {
		f, l := run(t, fleet.Config{
			Targets: []netip.AddrPort{g.Clients}, Clients: 1, First: 1 + uint64(transport),
			Profile: func(uint64) fleet.Profile { return fleet.Profile{Revision: 4, Transport: transport} },
		})
		f.Do(func() { f.Logout(0); f.Dial(0) })
		expect(t, l.ready, "0")
		f.Do(func() { f.Logout(0); f.SetConnect(0); f.Logout(0) })
		expect(t, l.acked, "0 logged out")
		expect(t, l.acked, "0 true")
		expect(t, l.acked, "0 logged out")
	}
}
