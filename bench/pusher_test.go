package bench

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// pushServer answers requests with what handle writes.
func pushServer(t *testing.T, handle http.HandlerFunc) netip.AddrPort {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

func startPusher(t *testing.T, addr netip.AddrPort, conns int) *pusher {
	t.Helper()
	p, err := newPusher(addr, conns)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

func appendStamp(dst []byte, s stamp) []byte {
	api := &pushAPI{host: "bench", key: "secret"}
	return api.device(dst, 0, 7, s)
}

// TestPusher: a schedule is kept, numbers follow each other, and requests are
// what the push API takes.
func TestPusher(t *testing.T) {
	t.Parallel()
	var next atomic.Uint64
	next.Store(5)
	addr := pushServer(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s, ok := parseStamp(body)
		if !ok || s.number != next.Add(1)-1 || s.sent < s.due || r.Header.Get("X-API-Key") != "secret" || r.URL.Path != "/device_push" {
			t.Errorf("%s %s", r.URL, body)
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	p := startPusher(t, addr, 1)
	result, err := p.run(t.Context(), pushJob{Rate: 200, For: 500 * time.Millisecond, Count: 1000, Append: appendStamp, First: 5})
	if err != nil || result.Sent != 100 || result.OK != 100 || result.Failed+result.Unsent != 0 || result.Answers.Count() != 100 {
		t.Fatalf("%+v, %v", result, err)
	}
	if result.Elapsed < 495*time.Millisecond {
		t.Errorf("100 pushes at 200 a second took %v", result.Elapsed)
	}
	result, err = p.run(t.Context(), pushJob{Count: 50, Append: appendStamp, First: 105})
	if err != nil || result.OK != 50 || next.Load() != 155 {
		t.Fatalf("flat out: %+v, %v", result, err)
	}
}

// TestCoordinatedOmission: a server that stands still for a while delays all
// pushes that were due meanwhile, and each counts with its delay; timed from
// when they were written, only the one that was under way would.
func TestCoordinatedOmission(t *testing.T) {
	t.Parallel()
	const stall = 400 * time.Millisecond
	var n atomic.Int64
	addr := pushServer(t, func(http.ResponseWriter, *http.Request) {
		if n.Add(1) == 21 {
			time.Sleep(stall)
		}
	})
	p := startPusher(t, addr, 1)
	late := 0
	result, err := p.run(t.Context(), pushJob{Rate: 100, For: time.Second, Count: 1000, Append: func(dst []byte, s stamp) []byte {
		if s.sent-s.due > int64(stall)/2 {
			late++
		}
		return appendStamp(dst, s)
	}})
	if err != nil || result.OK != 100 {
		t.Fatalf("%+v, %v", result, err)
	}
	// 40 pushes were due within the stall, half of them with more than half of
	// it to go.
	if p80 := result.Answers.Quantile(.8); p80 < stall/4 {
		t.Errorf("p80 is %v, although 40 of 100 pushes were due while the server stood still for %v", p80, stall)
	}
	if late < 10 {
		t.Errorf("%d pushes were written late", late)
	}
}

// TestPusherFailures: refusals, hang-ups and silence are counted, and the
// connections work again afterwards.
func TestPusherFailures(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	addr := pushServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch n.Add(1) % 3 {
		case 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 1:
			panic(http.ErrAbortHandler)
		}
	})
	p := startPusher(t, addr, 2)
	for range 2 {
		told, numbers := map[int]int{}, map[uint64]bool{}
		result, err := p.run(t.Context(), pushJob{Count: 30, First: 7, Append: appendStamp, Done: func(s stamp, a pushAnswer) {
			told[a.Status]++
			numbers[s.number] = (a.At > s.sent) == (a.Status != 0)
		}})
		if err != nil || result.Sent != 30 || result.OK != 10 || result.Failed != 20 {
			t.Fatalf("%+v, %v", result, err)
		}
		if told[200] != 10 || told[503] != 10 || told[0] != 10 || len(numbers) != 30 || !numbers[7] || !numbers[36] {
			t.Errorf("told of %v, of the pushes %v", told, numbers)
		}
	}

	release := make(chan struct{})
	addr = pushServer(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	told := 0
	result, err := startPusher(t, addr, 2).run(ctx, pushJob{
		Rate: 100, For: time.Second, Count: 1000, Append: appendStamp,
		Done: func(_ stamp, a pushAnswer) { told += 1 - a.Status },
	})
	if err != nil || told != 2 || result.Sent != 2 || result.Failed != 2 || result.Unsent < 10 || result.Unsent > 98 {
		t.Fatalf("%+v, %v", result, err)
	}
}

// TestPusherNonsense: what is no HTTP ends the job.
func TestPusherNonsense(t *testing.T) {
	t.Parallel()
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
			go func() {
				_, _ = http.ReadRequest(bufio.NewReader(c))
				_, _ = io.WriteString(c, "I am not a web server\r\n\r\n")
			}()
		}
	}()
	p := startPusher(t, netip.MustParseAddrPort(ln.Addr().String()), 1)
	if _, err := p.run(t.Context(), pushJob{Count: 1, Append: appendStamp}); err == nil || !strings.Contains(err.Error(), "I am not") {
		t.Errorf("run: %v", err)
	}
	ln.Close()
	if _, err := newPusher(p.addr, 1); err == nil {
		t.Error("there is a connection to nobody")
	}
}
