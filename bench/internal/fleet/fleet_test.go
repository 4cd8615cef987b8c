package fleet_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"outrider/bench/internal/fleet"
	"outrider/bench/internal/floor"
	"outrider/bench/internal/gatewaytest"
	"outrider/engineio"
)

const patience = 10 * time.Second

// log is an observer that passes on what it is told.
type log struct {
	ready, acked, closed chan string
	messages             chan string
}

func newLog() *log {
	return &log{
		ready: make(chan string, 4096), acked: make(chan string, 4096),
		closed: make(chan string, 4096), messages: make(chan string, 4096),
	}
}

func (l *log) Opened(int, int64)       {}
func (l *log) Ready(i int, took int64) { l.ready <- fmt.Sprint(i) }
func (l *log) Acked(i int, ok bool)    { l.acked <- fmt.Sprint(i, " ", ok) }
func (l *log) LoggedOut(i int)         { l.acked <- fmt.Sprint(i, " logged out") }
func (l *log) Message(i int, text []byte, _ int64) {
	l.messages <- fmt.Sprint(i, " ", string(text))
}

func (l *log) Event(i int, name, text []byte, _ int64) {
	l.messages <- fmt.Sprint(i, " ", string(name), " ", string(text))
}

func (l *log) Closed(i int, cause fleet.Cause, ready bool) {
	l.closed <- fmt.Sprint(i, " ", cause, " ", ready)
}
func (l *log) Turn(int64) time.Duration { return -1 }

func expect(t *testing.T, from chan string, want string) {
	t.Helper()
	if got := next(t, from); got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func next(t *testing.T, from chan string) string {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(patience):
		t.Fatal("nothing came")
		return ""
	}
}

// run starts a fleet that ends with the test.
func run(t *testing.T, cfg fleet.Config) (*fleet.Fleet, *log) {
	t.Helper()
	l := newLog()
	cfg.Observer = l
	f, err := fleet.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- f.Run() }()
	t.Cleanup(func() {
		f.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return f, l
}

// servers are what every test of a WebSocket runs against: ours and the floor.
func servers(t *testing.T, ping time.Duration) map[string][2]netip.AddrPort {
	g := gatewaytest.Start(t, engineio.Config{PingInterval: ping, PingTimeout: patience})
	s, err := floor.New(floor.Config{Listen: netip.MustParseAddrPort("127.0.0.1:0"), PingInterval: ping, PingTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- s.Run(ctx) }()
	addr := s.Addr()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return map[string][2]netip.AddrPort{"gateway": {g.Clients, g.Pushes}, "floor": {addr, addr}}
}

func post(t *testing.T, to netip.AddrPort, endpoint, body string) {
	t.Helper()
	resp, err := http.Post("http://"+to.String()+endpoint, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", endpoint, resp.Status)
	}
}

// TestEveryProfile connects one client of each profile, and pushes to it.
func TestEveryProfile(t *testing.T) {
	for name, addr := range servers(t, time.Minute) {
		for revision := uint8(3); revision <= 4; revision++ {
			for transport := fleet.WebSocket; transport <= fleet.Upgrade; transport++ {
				if name == "floor" && transport != fleet.WebSocket {
					continue
				}
				for kind := fleet.Rider; kind <= fleet.Show; kind++ {
					p := fleet.Profile{Revision: revision, Transport: transport, Kind: kind}
					t.Run(fmt.Sprintf("%s/v%d/%v/%v", name, revision, transport, kind), func(t *testing.T) {
						t.Parallel()
						testProfile(t, p, addr[0], addr[1])
					})
				}
			}
		}
	}
}

func testProfile(t *testing.T, p fleet.Profile, clients, pushes netip.AddrPort) {
	user := 100*uint64(p.Revision) + 10*uint64(p.Transport) + uint64(p.Kind) // another one in each test
	f, l := run(t, fleet.Config{
		Targets: []netip.AddrPort{clients}, Clients: 1, First: user, Topics: 1000,
		Profile: func(uint64) fleet.Profile { return p },
	})
	if f.Profile(0) != p || f.User(0) != user {
		t.Fatalf("profile %v, user %d, want %v, %d", f.Profile(0), f.User(0), p, user)
	}
	f.Do(func() { f.Dial(0) })
	expect(t, l.ready, "0")
	expect(t, l.messages, `0 "connect success"`)
	if p.Kind == fleet.Show {
		return
	}
	audience := p.Kind.Audience()
	if p.Kind.Known() {
		post(t, pushes, "/device_push", fmt.Sprintf(`{"type":%q,"uid":"%d","data":{"n":1}}`, audience, user))
		expect(t, l.messages, `0 "{\"n\":1}"`)
	}
	if p.Kind.Topical() {
		post(t, pushes, "/topic_push", fmt.Sprintf(`{"type":%q,"topic":%q,"data":{"n":2}}`, audience, p.Kind.AppendTopic(nil, user)))
		expect(t, l.messages, `0 "{\"n\":2}"`)
	}
	f.Do(func() { f.Emit(0, `["logout"]`); f.SetConnect(0) })
	expect(t, l.acked, "0 true")
	f.Do(func() { f.Close(0) })
	expect(t, l.closed, "0 local true")
}

// TestHeartbeats: clients of both revisions live from heartbeats, on every
// transport.
func TestHeartbeats(t *testing.T) {
	const ping = 200 * time.Millisecond
	for name, addr := range servers(t, ping) {
		t.Run(name, func(t *testing.T) {
			profiles := []fleet.Profile{{Revision: 3}, {Revision: 4}}
			if name == "gateway" {
				profiles = append(profiles,
					fleet.Profile{Revision: 3, Transport: fleet.Polling}, fleet.Profile{Revision: 4, Transport: fleet.Polling},
					fleet.Profile{Revision: 3, Transport: fleet.Upgrade}, fleet.Profile{Revision: 4, Transport: fleet.Upgrade})
			}
			f, l := run(t, fleet.Config{
				Targets: []netip.AddrPort{addr[0]}, Clients: len(profiles), First: 1,
				Profile: func(n uint64) fleet.Profile { return profiles[n-1] },
			})
			f.Do(func() {
				for i := range profiles {
					f.Dial(i)
				}
			})
			for range profiles {
				next(t, l.ready)
			}
			want := uint64(5 * len(profiles))
			for deadline := time.Now().Add(patience); ; <-time.After(ping / 4) {
				var stats fleet.Stats
				f.Do(func() { stats = f.Stats() })
				if stats.Heartbeats >= want {
					break
				}
				if len(l.closed) > 0 || time.Now().After(deadline) {
					t.Fatalf("%d heartbeats, want %d; %d closed", stats.Heartbeats, want, len(l.closed))
				}
			}
		})
	}
}

// TestFailures: what goes wrong has a name.
func TestFailures(t *testing.T) {
	silent := listen(t, func(net.Conn) {})
	rude := listen(t, func(c net.Conn) { c.Close() })
	refusing := listen(t, func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") })
	babbling := listen(t, func(c net.Conn) { fmt.Fprint(c, "SSH-2.0-OpenSSH_9.6\r\n\r\n") })
	nobody := netip.MustParseAddrPort("127.0.0.1:1")
	for _, test := range []struct {
		name   string
		target netip.AddrPort
		want   string
	}{
		{"nobody listens", nobody, "0 connect false"},
		{"no answer", silent, "0 timeout false"},
		{"hung up", rude, "0 peer false"},
		{"refused", refusing, "0 refused false"},
		{"not HTTP", babbling, "0 protocol false"},
	} {
		for transport := fleet.WebSocket; transport <= fleet.Polling; transport++ {
			t.Run(fmt.Sprintf("%s/%v", test.name, transport), func(t *testing.T) {
				t.Parallel()
				f, l := run(t, fleet.Config{
					Targets: []netip.AddrPort{test.target}, Clients: 1, Timeout: 100 * time.Millisecond,
					Profile: func(uint64) fleet.Profile { return fleet.Profile{Revision: 4, Transport: transport} },
				})
				f.Do(func() { f.Dial(0) })
				got := next(t, l.closed)
				if test.want == "0 peer false" && got == "0 reset false" {
					return // it hung up on a request that it had not read
				}
				if got != test.want {
					t.Fatalf("got %q, want %q", got, test.want)
				}
			})
		}
	}
}

// listen accepts, and does with each connection what serve does; it is closed
// when the test ends.
func listen(t *testing.T, serve func(net.Conn)) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			serve(c)
		}
	}()
	return netip.MustParseAddrPort(ln.Addr().String())
}

// TestSilence: a server that does not answer pings, or does not send them, is
// left.
func TestSilence(t *testing.T) {
	for revision := uint8(3); revision <= 4; revision++ {
		t.Run(fmt.Sprint("v", revision), func(t *testing.T) {
			t.Parallel()
			target := listen(t, func(c net.Conn) {
				_, _ = c.Read(make([]byte, 4096))
				fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
				for _, text := range []string{
					`0{"sid":"A","upgrades":[],"pingInterval":60,"pingTimeout":60}`,
					`40/socket/rider,{"sid":"B"}`,
					`43/socket/rider,0[{"code":0,"message":""}]`,
				} {
					fmt.Fprintf(c, "\x81%c%s", len(text), text)
				}
			})
			f, l := run(t, fleet.Config{
				Targets: []netip.AddrPort{target}, Clients: 1,
				Profile: func(uint64) fleet.Profile { return fleet.Profile{Revision: revision} },
			})
			f.Do(func() { f.Dial(0) })
			expect(t, l.ready, "0")
			expect(t, l.closed, "0 silent true")
		})
	}
}

// TestDialAt dials later, and again from Closed.
func TestDialAt(t *testing.T) {
	addr := servers(t, time.Minute)["floor"]
	f, l := run(t, fleet.Config{
		Targets: []netip.AddrPort{addr[0]}, Clients: 1, First: 1,
		Profile: func(uint64) fleet.Profile { return fleet.Profile{Revision: 4} },
	})
	for range 2 {
		f.Do(func() { f.DialAt(0, f.Now()+int64(120*time.Millisecond)) })
		expect(t, l.ready, "0")
		f.Do(func() { f.Close(0) })
		expect(t, l.closed, "0 local true")
	}
	f.Do(func() { f.DialAt(0, f.Now()+int64(time.Minute)); f.Close(0); f.Dial(0) })
	expect(t, l.ready, "0")
}

// TestPause: who does not read gets nothing, who reads again gets all of it.
func TestPause(t *testing.T) {
	addr := servers(t, time.Minute)["floor"]
	f, l := run(t, fleet.Config{
		Targets: []netip.AddrPort{addr[0]}, Clients: 1, First: 1,
		Profile: func(uint64) fleet.Profile { return fleet.Profile{Revision: 4} },
	})
	f.Do(func() { f.Dial(0) })
	expect(t, l.ready, "0")
	expect(t, l.messages, `0 "connect success"`)
	f.Do(func() { f.Pause(0) })
	for n := range 3 {
		post(t, addr[1], "/device_push", fmt.Sprintf(`{"type":"rider","uid":1,"data":{"n":%d}}`, n))
	}
	f.Do(func() { f.ReadSome(0, 10) })
	if len(l.messages) > 0 {
		t.Fatalf("%q came in 10 bytes", <-l.messages)
	}
	f.Do(func() { f.ReadSome(0, 40) })
	expect(t, l.messages, `0 "{\"n\":0}"`)
	f.Do(func() { f.Resume(0) })
	expect(t, l.messages, `0 "{\"n\":1}"`)
	expect(t, l.messages, `0 "{\"n\":2}"`)
}

// TestMemory weighs clients that are connected and idle.
func TestMemory(t *testing.T) {
	const n, most = 1500, 500
	addr := servers(t, time.Minute)["floor"]
	before := heap()
	f, l := run(t, fleet.Config{
		Targets: []netip.AddrPort{addr[0]}, Clients: n, First: 1,
		Profile: func(uint64) fleet.Profile { return fleet.Profile{Revision: 4} },
	})
	for from := 0; from < n; from += 100 {
		f.Do(func() {
			for i := from; i < from+100; i++ {
				f.Dial(i)
			}
		})
		for range 100 {
			next(t, l.ready)
			next(t, l.messages)
		}
	}
	each := (heap() - before) / n // the floor's, and the test's channels, included
	t.Logf("%d bytes for each client", each)
	if each > most {
		t.Errorf("%d bytes for each client, want at most %d", each, most)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
