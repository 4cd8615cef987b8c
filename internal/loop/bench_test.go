package loop_test

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"

	"outrider/internal/loop"
)

// drained connects a client that throws away what it gets, and returns the
// server's end.
func drained(t testing.TB) *loop.Conn {
	conns := make(chan *loop.Conn, 1)
	_, addr := start(t, loop.Config{Accept: func(c *loop.Conn) loop.Handler {
		conns <- c
		return script{}
	}})
	client, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 256<<10)
		for {
			if _, err := client.Read(b); err != nil {
				return
			}
		}
	})
	t.Cleanup(func() { _ = client.Close(); wg.Wait() })
	return await(t, "a connection", conns)
}

// sendAll sends b, and waits while the client is behind.
func sendAll(t testing.TB, c *loop.Conn, b []byte) {
	for c.Queued() > 64<<10 {
		runtime.Gosched() // the queue is not what is measured
	}
	if err := c.Send(b); err != nil {
		t.Fatal(err)
	}
}

// TestHotPathsDoNotAllocate: a push to a connection where nothing waits, and
// a task.
func TestHotPathsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	c := drained(t)
	b := text(100)
	if n := testing.AllocsPerRun(1000, func() { sendAll(t, c, b) }); n >= 1 {
		t.Errorf("Send allocates %v times", n)
	}
	if n := testing.AllocsPerRun(1000, func() { c.Pause(); c.Resume() }); n >= 1 {
		t.Errorf("Pause and Resume allocate %v times", n)
	}
	ran := make(chan struct{}, 1)
	task := func() { ran <- struct{}{} }
	if n := testing.AllocsPerRun(1000, func() { c.Loop().Post(task); <-ran }); n >= 1 {
		t.Errorf("Post allocates %v times", n)
	}
}

// BenchmarkSend is a push to an idle connection.
func BenchmarkSend(b *testing.B) {
	for _, size := range []int{16, 128, 1 << 10} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			c := drained(b)
			frame := text(size)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				sendAll(b, c, frame)
			}
		})
	}
}

// BenchmarkEcho is a round trip over the loopback interface, the client's two
// system calls included.
func BenchmarkEcho(b *testing.B) {
	for _, conns := range []int{1, 100} {
		b.Run(fmt.Sprintf("conns=%d", conns), func(b *testing.B) {
			_, addr := start(b, echoConfig())
			clients := make([]net.Conn, conns)
			for i := range clients {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					b.Fatal(err)
				}
				defer c.Close()
				clients[i] = c
			}
			message, got := text(128), make([]byte, 128)
			b.ReportAllocs()
			for b.Loop() {
				for _, c := range clients {
					if _, err := c.Write(message); err != nil {
						b.Fatal(err)
					}
				}
				for _, c := range clients {
					if _, err := io.ReadFull(c, got); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*conns), "ns/echo")
		})
	}
}

// BenchmarkAcceptClose is a connection's whole life: connect, accept, adopt,
// close by a reset. Half of it is the client's.
func BenchmarkAcceptClose(b *testing.B) {
	g, addr := start(b, loop.Config{Accept: func(*loop.Conn) loop.Handler { return script{} }})
	b.ReportAllocs()
	for b.Loop() {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
	eventually(b, "all are closed", func() bool { return g.Open() == 0 })
}

// BenchmarkPost is a task's way to a loop, as a rule one that is awake.
func BenchmarkPost(b *testing.B) {
	g := startLoops(b, loop.Config{Loops: 1})
	l := g.Loops()[0]
	n := 0 // owned by the loop
	task := func() { n++ }
	b.ReportAllocs()
	for b.Loop() {
		l.Post(task)
	}
	on(b, l, func() {
		if n < b.N {
			b.Errorf("%d of %d tasks ran", n, b.N)
		}
	})
}

// BenchmarkPostAsleep wakes a loop that sleeps, and waits for the task.
func BenchmarkPostAsleep(b *testing.B) {
	g := startLoops(b, loop.Config{Loops: 1})
	l := g.Loops()[0]
	ran := make(chan struct{})
	task := func() { ran <- struct{}{} }
	b.ReportAllocs()
	for b.Loop() {
		l.Post(task)
		<-ran
	}
}
