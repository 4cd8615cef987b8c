package loop_test

import (
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// helperDeadline is what the helper's connections have until their peer must
// have said something.
const helperDeadline = 2 * time.Second

// TestStoppedProcess: a server that gets SIGSTOP for twice its deadline, while
// its peers go on, evicts nobody when it continues, and afterwards those who
// have really fallen silent.
func TestStoppedProcess(t *testing.T) {
	t.Parallel()
	const conns, beat = 100, 250 * time.Millisecond
	p := startHelper(t, "deadlines")
	var clients []net.Conn
	var evicted atomic.Int64
	gone := make(chan struct{}, conns)
	for range conns {
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clients = append(clients, c)
		go func() {
			_, _ = c.Read(make([]byte, 1)) // the server says nothing
			evicted.Add(1)
			gone <- struct{}{}
		}()
	}
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	beats := func(d time.Duration) {
		for end := time.Now().Add(d); time.Now().Before(end); <-ticker.C {
			for _, c := range clients {
				_, _ = c.Write([]byte("x"))
			}
		}
	}
	send := func(sig syscall.Signal) {
		if err := p.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	beats(2 * beat)
	send(syscall.SIGSTOP)
	beats(2 * helperDeadline)
	send(syscall.SIGCONT)
	beats(helperDeadline / 2)
	if n := evicted.Load(); n > 0 {
		t.Errorf("%d of %d were evicted by a stop of the process", n, conns)
	}
	for range conns {
		await(t, "the eviction of the silent", gone)
	}
	var expired, stalls, panics int
	if _, err := fmt.Sscanf(p.end(t), "expired=%d stalls=%d panics=%d", &expired, &stalls, &panics); err != nil {
		t.Fatal(err)
	}
	if expired != conns || stalls == 0 || panics != 0 {
		t.Errorf("%d expired, %d stalls, %d panics; want all, some, none", expired, stalls, panics)
	}
}
