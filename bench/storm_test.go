package bench_test

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"outrider/bench"
	"outrider/bench/internal/gatewaytest"
	"outrider/engineio"
)

func lookup(t *testing.T, names ...string) []bench.Scenario {
	t.Helper()
	found, err := bench.Lookup(names...)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// twoGateways makes a run's targets gateways within the test.
func twoGateways(t *testing.T, o *bench.Options, engine engineio.Config) {
	o.Targets, o.Push, o.Workers = nil, nil, 2
	for range 2 {
		g := gatewaytest.Start(t, engine)
		o.Targets = append(o.Targets, "http://"+g.Clients.String())
		o.Push = append(o.Push, "http://"+g.Pushes.String())
	}
}

// TestStorm: all come back within socket.io's first delay and are reached,
// whatever their transport, in two workers, from two servers.
func TestStorm(t *testing.T) {
	t.Parallel()
	o := small(t)
	twoGateways(t, o, engineio.Config{})
	for mix, text := range map[*bench.Mix]string{
		&o.EIO: "3,4", &o.Transport: "websocket:2,polling,upgrade", &o.Kind: "rider:3,pos,table",
	} {
		if err := mix.Set(text); err != nil {
			t.Fatal(err)
		}
	}
	o.Topics = 3
	r, err := bench.Run(t.Context(), o, lookup(t, "storm"))
	if err != nil {
		t.Fatal(err)
	}
	checkSums(t, r, "storm", map[string]float64{
		"cut": 60, "back": 60, "away": 0, "failed": 0, "lost": 0,
		"pushes": 2 * 2 * 3, "refused": 0, "unreached": 0, // two servers, riders and merchants, three topics
	})
	storm := outcome(t, r, "storm")
	back := storm.Histograms["returned"]
	// The delay is from 500 ms to 1500 ms; on a busy machine it takes longer.
	if first, last := back.Quantile(0), back.Max(); back.Count() != 60 || first < 500*time.Millisecond || last < time.Second || last > 10*time.Second {
		t.Errorf("%d are back, after %v to %v", back.Count(), first, last)
	}
	if s := storm.Server; s["cpu"] <= 0 || s["steady"] <= 0 || s["peak"] < s["steady"] {
		t.Errorf("the server: %v", s)
	}
	met := map[string]bool{}
	for _, f := range r.Figures("storm") {
		met[f.Name] = true
	}
	for _, want := range []string{"99 % are back", "all are back", "not back in time", "at most, of before", "... messages lost"} {
		if !met[want] {
			t.Errorf("there is no figure %q", want)
		}
	}
}

// TestStormFailures: a server that is not there yet makes the delays longer,
// and one that stays away is reported.
func TestStormFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		away, within time.Duration
		back         float64
	}{
		"comes": {1600 * time.Millisecond, time.Minute, 20}, // after all first attempts
		"stays": {time.Hour, 1700 * time.Millisecond, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := small(t)
			g := gatewaytest.Start(t, engineio.Config{})
			door := openDoor(t, g.Clients)
			o.Targets, o.Push = []string{door.addr.String()}, []string{g.Pushes.String()}
			o.Clients, o.Storm.Within, o.Storm.Cut = 20, test.within, "fin"
			o.Progress = writerFunc(func(p []byte) (int, error) {
				if strings.HasPrefix(string(p), "storm 0") {
					door.closed.Store(true)
					timer := time.AfterFunc(test.away, func() { door.closed.Store(false) })
					t.Cleanup(func() { timer.Stop() })
				}
				return len(p), nil
			})
			r, err := bench.Run(t.Context(), o, lookup(t, "storm"))
			if err != nil {
				t.Fatal(err)
			}
			checkSums(t, r, "storm", map[string]float64{"cut": 20, "back": test.back, "away": 20 - test.back, "unreached": 0})
			storm := outcome(t, r, "storm")
			if failed := storm.Sums["failed"]; failed < 20 {
				t.Errorf("%v attempts failed, want at least one of each", failed)
			}
			// The second delay begins when the first attempt has failed.
			back := storm.Histograms["returned"]
			if first := back.Quantile(0); test.back > 0 && first < 1500*time.Millisecond {
				t.Errorf("the first was back after %v, want two delays", first)
			}
			for _, f := range r.Figures("storm") {
				if test.back == 0 && strings.HasSuffix(f.Name, "are back") {
					t.Errorf("%s: %v, although nobody is", f.Name, f.Value)
				}
			}
		})
	}
}

// door passes connections on, unless it is closed: then they are hung up on.
type door struct {
	addr   netip.AddrPort
	closed atomic.Bool
}

func openDoor(t *testing.T, to netip.AddrPort) *door {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	d := &door{addr: netip.MustParseAddrPort(ln.Addr().String())}
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			if d.closed.Load() {
				in.Close()
				continue
			}
			go d.pass(in, to)
		}
	}()
	return d
}

func (d *door) pass(in net.Conn, to netip.AddrPort) {
	defer in.Close()
	out, err := net.Dial("tcp", to.String())
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(out, in)
		out.Close()
	}()
	_, _ = io.Copy(in, out)
}

// TestSlow: slow clients are closed, the others miss nothing, and afterwards
// all are there again.
func TestSlow(t *testing.T) {
	t.Parallel()
	o := small(t)
	twoGateways(t, o, engineio.Config{MaxQueue: 64 << 10})
	o.Topics = 2
	o.Slow = bench.SlowOptions{Slow: 20, Stuck: 10, Rate: 10, For: 1500 * time.Millisecond, Size: 32 << 10}
	r, err := bench.Run(t.Context(), o, lookup(t, "slow", "fanout"))
	if err != nil {
		t.Fatal(err)
	}
	slow := outcome(t, r, "slow")
	s := slow.Sums
	if s["quick"]+s["slow"]+s["stuck"] != 60 || s["slow"] == 0 || s["stuck"] == 0 {
		t.Fatalf("%v quick, %v slow, %v stuck of 60", s["quick"], s["slow"], s["stuck"])
	}
	checkSums(t, r, "slow", map[string]float64{
		"pushes": 2 * 2 * (15 + 5 + 15), "refused": 0, "unsent": 0, "unreached": 0, "quick_closed": 0,
		"slow_closed": s["slow"], "stuck_closed": s["stuck"], "alone_messages": 60 * 15,
	})
	for name, each := range map[string]float64{"alone": 15, "filling": 5, "beside": 15} {
		if n := slow.Histograms[name].Count(); float64(n) != s["quick"]*each {
			t.Errorf("%s: %d latencies of %v clients and %v messages", name, n, s["quick"], each)
		}
	}
	checkSums(t, r, "fanout", map[string]float64{"pushes": 3, "messages": 3 * 30, "lost": 0}) // a topic has 30 clients
	if s := slow.Server; s["before"] <= 0 || s["peak"] < s["before"] {
		t.Errorf("the server: %v", s)
	}
}

// TestCutShort ends runs in the middle: what was measured by then is reported,
// and nothing that was not.
func TestCutShort(t *testing.T) {
	t.Parallel()
	for phase, absent := range map[string]string{
		"storm 0":         "away",
		"slow: all read":  "unreached",
		"slow: some read": "",
	} {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			o := small(t)
			o.Targets = []string{"floor"}
			ctx, cancel := context.WithCancel(t.Context())
			o.Progress = writerFunc(func(p []byte) (int, error) {
				if strings.HasPrefix(string(p), phase) {
					time.AfterFunc(200*time.Millisecond, cancel)
				}
				return len(p), nil
			})
			o.Slow.For = 500 * time.Millisecond
			name, _, _ := strings.Cut(phase, " ")
			name = strings.TrimSuffix(name, ":")
			start := time.Now()
			r, err := bench.Run(ctx, o, lookup(t, name))
			if err != nil || !r.Interrupted || time.Since(start) > 20*time.Second {
				t.Fatalf("%v after %v", err, time.Since(start))
			}
			sums := outcome(t, r, name).Sums
			if _, ok := sums[absent]; ok {
				t.Errorf("%s: %v of a run that was cut short", absent, sums[absent])
			}
		})
	}
}
