package e2e_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for something that must happen. It is long because only a failing test waits for it.
const patience = 20 * time.Second

// gateway is one running process of the binary under test.
type gateway struct {
	addr   string // host:port of clients and push API
	cmd    *exec.Cmd
	log    logBuffer
	exited chan struct{} // closed when the process is gone; cmd.ProcessState is set then
	http   *http.Client
}

// startGateway starts a gateway on a port of its own and returns when it accepts connections. When the test ends the
// gateway is asked to stop as an operator would ask, and must exit with 0. Its log is shown if the test failed.
func startGateway(t *testing.T, flags ...string) *gateway {
	t.Helper()
	g := &gateway{addr: freeAddr(t)}
	g.launch(t, append([]string{"--listen", g.addr}, flags...), nil)
	return g
}

// launch runs `outrider serve` with the arguments given, and env beside the tests' own environment.
func (g *gateway) launch(t *testing.T, args, env []string) {
	t.Helper()
	g.exited = make(chan struct{})
	g.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: patience}
	g.cmd = exec.Command(shared.binary, append([]string{"serve"}, args...)...)
	g.cmd.Env = append(environment(), env...)
	g.cmd.Stdout, g.cmd.Stderr = &g.log, &g.log
	// A test binary that panics or runs out of time calls no cleanup: the kernel then ends the gateway.
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := g.cmd.Start(); err != nil {
		t.Fatalf("starting the gateway: %v", err)
	}
	go func() {
		g.cmd.Wait()
		close(g.exited)
	}()
	t.Cleanup(func() { g.stop(t) })
	g.waitReady(t)
}

// environment is the tests' own, without what would configure a gateway.
func environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "OUTRIDER_") && !strings.HasPrefix(kv, "PORT=") {
			env = append(env, kv)
		}
	}
	return env
}

// waitReady asks until there is an answer. To be accepted is not enough: a process that another test is about to start has, for the
// moment between fork and exec, a copy of the listener with which freeAddr looked at this port.
func (g *gateway) waitReady(t *testing.T) {
	t.Helper()
	deadline := time.After(patience)
	for {
		err := g.answers()
		if err == nil {
			return
		}
		select {
		case <-g.exited:
			t.Fatalf("the gateway ended at its start: %v", g.cmd.ProcessState)
		case <-deadline:
			t.Fatalf("the gateway does not answer: %v", err)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// answers makes a request.
func (g *gateway) answers() error {
	conn, err := net.Dial("tcp", g.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		return err
	}
	conn.SetReadDeadline(time.Now().Add(patience))
	_, err = conn.Read(make([]byte, 1))
	return err
}

// terminate sends SIGTERM and waits for the process to end.
func (g *gateway) terminate(t *testing.T) {
	t.Helper()
	g.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-g.exited:
	case <-time.After(patience):
		g.cmd.Process.Kill()
		<-g.exited
		t.Errorf("the gateway was still running %v after SIGTERM", patience)
		return
	}
	if code := g.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the gateway ended with %v, want exit status 0", g.cmd.ProcessState)
	}
}

func (g *gateway) stop(t *testing.T) {
	g.http.CloseIdleConnections()
	g.terminate(t)
	if t.Failed() {
		t.Logf("log of the gateway at %s:\n%s", g.addr, g.log.tail())
	}
}

// nextPort starts anywhere below the range from which the kernel takes the ports of outgoing connections, so that a
// client's connection cannot take a port between its choice and the gateway's start.
var nextPort = newPortCounter()

func newPortCounter() *atomic.Uint32 {
	counter := new(atomic.Uint32)
	counter.Store(rand.Uint32N(10_000))
	return counter
}

// freeAddr returns a loopback address on which nothing listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 1000 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(20_000+int(nextPort.Add(1)%10_000)))
		if ln, err := net.Listen("tcp", addr); err == nil {
			ln.Close()
			return addr
		}
	}
	t.Fatal("no free port between 20000 and 30000")
	return ""
}

// logBuffer keeps what a process wrote.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// tail returns the last 8 KiB.
func (b *logBuffer) tail() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.buf.Bytes()
	if len(text) > 8<<10 {
		text = text[len(text)-8<<10:]
	}
	return string(text)
}
