package loop_test

import (
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// helperDescriptors is the descriptor limit of the helper.
const helperDescriptors = 128

// knock connects, and says whether it was served; if not it was closed.
func knock(t *testing.T, addr string) (c *net.TCPConn, served bool) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		t.Errorf("the port is closed: %v", err)
		return nil, false
	}
	c = conn.(*net.TCPConn)
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if err := spoken(c, "hello"); err != nil {
		if os.IsTimeout(err) {
			t.Error("neither served nor refused within 10 s")
		}
		_ = c.Close()
		return nil, false
	}
	return c, true
}

// knockMany knocks n times at once.
func knockMany(t *testing.T, addr string, n int) (served []*net.TCPConn) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if c, ok := knock(t, addr); ok {
				mu.Lock()
				defer mu.Unlock()
				served = append(served, c)
			}
		})
	}
	wg.Wait()
	return served
}

// TestNoDescriptorsLeft: a server at its descriptor limit keeps those it has,
// turns everybody else away soon and at little cost, says so once a second,
// and serves again as soon as there is room.
func TestNoDescriptorsLeft(t *testing.T) {
	t.Parallel()
	p := startHelper(t, "few-descriptors")
	begin := time.Now()
	in := knockMany(t, p.addr, 2*helperDescriptors)
	defer func() {
		for _, c := range in {
			_ = c.Close()
		}
	}()
	if n := len(in); n < helperDescriptors-30 || n >= helperDescriptors {
		t.Fatalf("%d were served with %d descriptors", n, helperDescriptors)
	}

	// A siege: as many as are refused come again at once.
	before, siege := p.cpu(t), time.Now()
	var refusals atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for time.Since(siege) < 1500*time.Millisecond {
				if c, ok := knock(t, p.addr); ok {
					t.Error("served without a descriptor")
					_ = c.Close()
				}
				refusals.Add(1)
			}
		})
	}
	wg.Wait()
	used, took := p.cpu(t)-before, time.Since(siege)
	t.Logf("%d served; then %d refused in %v with %v of processor time", len(in), refusals.Load(), took, used)
	if used > took/5 {
		t.Errorf("refusing took %v of processor time in %v", used, took)
	}
	for _, c := range in {
		if err := spoken(c, "still here"); err != nil {
			t.Fatalf("one of those in was lost: %v", err)
		}
	}

	const freed = 50
	for _, c := range in[:freed] {
		_ = c.Close()
	}
	in = in[freed:]
	end := time.Now().Add(10 * time.Second)
	for back := 0; back < freed; {
		again := knockMany(t, p.addr, freed-back)
		in = append(in, again...)
		if back += len(again); time.Now().After(end) {
			t.Fatalf("only %d of %d places are served again", back, freed)
		}
	}
	p.end(t)
	lines := strings.Count(p.stderr.String(), "accept failed")
	if most := int(time.Since(begin)/time.Second) + 1; lines == 0 || lines > most {
		t.Errorf("%d lines of complaint, want 1 to %d:\n%s", lines, most, p.stderr)
	}
}
