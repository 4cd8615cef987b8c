package e2e_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	manyRiders = 15_000

	// What may be added for all riders together, and for each one.
	maxMoreGoroutines = 16
	maxBytesPerRider  = 2_500
)

// TestManyRiders holds 15,000 riders that have said who they are: the gateway has no goroutine more than for none but a
// constant, and under 2,500 bytes of resident memory for each; a push to the topic of all arrives once at each.
func TestManyRiders(t *testing.T) {
	if testing.Short() {
		t.Skip("holds 15,000 connections")
	}
	internal := freeAddr(t)
	// No ping falls into the test, so that a rider's next packet is the push.
	g := startGateway(t, "--ping-interval", "10m", "--internal-listen", internal)
	g.wantPush(t, "topic_push", `{"type":"rider","topic":"everywhere","data":0}`, 0)
	goroutines, resident := g.goroutines(t, internal), g.resident(t)

	fleet := connectFleet(t, g)
	g.checkGoroutines(t, internal, goroutines)
	g.checkMemory(t, resident)

	for n := range 2 { // the second is the first one's proof: nothing else arrived between them
		g.wantPush(t, "topic_push", fmt.Sprintf(`{"type":"rider","topic":"everywhere","data":{"n":%d}}`, n), manyRiders)
		fleet.all(t, func(_ int, c *rawWebSocket) error {
			return c.expect(fmt.Sprintf(`42/socket/rider,["message","{\"n\":%d}"]`, n))
		})
	}

	g.checkMemory(t, resident) // a push leaves nothing behind

	fleet.all(t, func(_ int, c *rawWebSocket) error { return c.conn.Close() })
	g.eventually(t, "topic_push", `{"type":"rider","topic":"everywhere","data":0}`, wantOffline(manyRiders))
	g.checkGoroutines(t, internal, goroutines)
}

// checkGoroutines requires that the gateway's goroutines come back to what they were before the riders, but for a
// constant. Those of its pool end when they have been idle for some time.
func (g *gateway) checkGoroutines(t *testing.T, internal string, before int) {
	t.Helper()
	now := 0
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-time.After(50 * time.Millisecond) {
		if now = g.goroutines(t, internal); now <= before+maxMoreGoroutines {
			t.Logf("%d goroutines, %d with no rider", now, before)
			return
		}
	}
	t.Errorf("%d goroutines, %d with no rider: want at most %d more", now, before, maxMoreGoroutines)
}

// checkMemory requires the limit for each rider.
func (g *gateway) checkMemory(t *testing.T, before int) {
	t.Helper()
	each := (g.resident(t) - before) / manyRiders
	t.Logf("%d bytes resident for each rider, over %d KiB with none", each, before>>10)
	if each >= maxBytesPerRider {
		t.Errorf("%d bytes resident for each rider, want less than %d", each, maxBytesPerRider)
	}
}

// fleet are the riders' connections. They have no goroutines of their own: what arrives waits in the kernel until the
// test reads it.
type fleet []*rawWebSocket

func connectFleet(t *testing.T, g *gateway) fleet {
	t.Helper()
	riders := make(fleet, manyRiders)
	t.Cleanup(func() {
		for _, c := range riders {
			if c != nil {
				c.conn.Close()
			}
		}
	})
	began := time.Now()
	riders.all(t, func(i int, _ *rawWebSocket) (err error) {
		riders[i], err = connectRider(t.Context(), g.addr, i)
		return err
	})
	t.Logf("connected %d riders in %v", len(riders), time.Since(began).Round(time.Millisecond))
	return riders
}

// all calls do for each rider, 16 at a time.
func (f fleet) all(t *testing.T, do func(int, *rawWebSocket) error) {
	t.Helper()
	const workers = 16
	failures := make(chan error, workers)
	var running sync.WaitGroup
	for w := range workers {
		running.Go(func() {
			for i := w; i < len(f); i += workers {
				if err := do(i, f[i]); err != nil {
					failures <- fmt.Errorf("rider %d: %w", i, err)
					return
				}
			}
		})
	}
	running.Wait()
	close(failures)
	for err := range failures {
		t.Error(err)
	}
	if t.Failed() {
		t.FailNow()
	}
}

// connectRider connects rider i, every other one as an old client, and returns when set_connect was acknowledged. The
// riders come from several addresses: one has fewer ports than there may be connections.
func connectRider(ctx context.Context, addr string, i int) (*rawWebSocket, error) {
	revision := 3 + i%2
	c, err := dialWebSocket(ctx, net.IPv4(127, 0, 0, byte(2+i%8)), addr, fmt.Sprintf("/socket/socket.io/?EIO=%d&transport=websocket", revision))
	if err != nil {
		return nil, err
	}
	if _, err := c.next(); err != nil { // open
		return c, err
	}
	if revision == 3 {
		if err := c.expect("40"); err != nil {
			return c, err
		}
	}
	if err := c.send("40/socket/rider,"); err != nil {
		return c, err
	}
	if _, err := c.next(); err != nil { // connect
		return c, err
	}
	if err := c.expect(`42/socket/rider,["message","connect success"]`); err != nil {
		return c, err
	}
	const setConnect = `42/socket/rider,0["set_connect",{"uid":%d,"type":"rider","topic":"everywhere","token":"fcm-token-of-rider-%d"}]`
	if err := c.send(fmt.Sprintf(setConnect, 1+i, 1+i)); err != nil {
		return c, err
	}
	return c, c.expect(`43/socket/rider,0[{"code":0,"message":""}]`)
}

// goroutines asks the internal listener how many goroutines the gateway has.
func (g *gateway) goroutines(t *testing.T, internal string) int {
	t.Helper()
	resp, err := g.http.Get("http://" + internal + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var n int
	if _, err := fmt.Fscanf(resp.Body, "goroutine profile: total %d", &n); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("goroutine profile: %d %v", resp.StatusCode, err)
	}
	return n
}

// resident returns the gateway's resident memory in bytes.
func (g *gateway) resident(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	kib, _, _ := strings.Cut(after, "kB")
	n, err := strconv.Atoi(strings.TrimSpace(kib))
	if err != nil {
		t.Fatalf("/proc/%d/status: %v", g.cmd.Process.Pid, err)
	}
	return n << 10
}
