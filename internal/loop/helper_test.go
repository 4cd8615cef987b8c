package loop_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"outrider/internal/loop"
)

// A helper is this test binary, started again as a server in a process of
// its own: for what a test cannot do to the process that it runs in.

// helperEnv is the variable that says which helper to be.
const helperEnv = "OUTRIDER_LOOP_HELPER"

// helper serves until its standard input ends.
func helper(role string) int {
	var expired atomic.Int64
	cfg := loop.Config{Loops: 2, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	switch role {
	case "few-descriptors":
		cfg.Accept = echoConfig().Accept
		limit := unix.Rlimit{Cur: helperDescriptors, Max: helperDescriptors}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	case "deadlines":
		cfg.Accept = func(c *loop.Conn) loop.Handler {
			refresh := func(c *loop.Conn, p []byte) int {
				c.SetDeadline(c.Loop().Now() + int64(helperDeadline))
				return len(p)
			}
			refresh(c, nil)
			return script{data: refresh, expired: func(c *loop.Conn) {
				expired.Add(1)
				c.Close(loop.CauseLocal)
			}}
		}
	}
	g, err := loop.Start(cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go func() { _ = g.Serve(ln) }()
	fmt.Println(ln.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	stats := g.Stats()
	g.Close()
	fmt.Printf("expired=%d stalls=%d panics=%d\n", expired.Load(), stats.Stalls, stats.Panics)
	return 0
}

// process is a helper that runs.
type process struct {
	*exec.Cmd
	addr   string
	stdin  io.Closer
	stdout *bufio.Reader
	stderr *strings.Builder // to be read after end
}

func startHelper(t *testing.T, role string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0]), stderr: new(strings.Builder)}
	p.Env = append(os.Environ(), helperEnv+"="+role)
	p.Stderr = p.stderr
	stdin, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin, p.stdout = stdin, bufio.NewReader(stdout)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() })
	p.addr = p.line(t)
	return p
}

func (p *process) line(t *testing.T) string {
	t.Helper()
	s, err := p.stdout.ReadString('\n')
	if err != nil {
		_ = p.Wait()
		t.Fatalf("the helper says nothing: %v\n%s", err, p.stderr)
	}
	return strings.TrimSpace(s)
}

// end lets the helper end, and returns its last words.
func (p *process) end(t *testing.T) string {
	t.Helper()
	_ = p.stdin.Close()
	last := p.line(t)
	if err := p.Wait(); err != nil {
		t.Fatalf("the helper: %v\n%s", err, p.stderr)
	}
	return last
}

// cpu returns the processor time that the helper has used.
func (p *process) cpu(t *testing.T) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	// The fields behind the name, which is in parentheses.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	var user, system int64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		t.Fatal(err)
	}
	const hertz = 100 // of the clock that /proc counts in
	return time.Duration(user+system) * time.Second / hertz
}
