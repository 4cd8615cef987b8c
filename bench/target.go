package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Targets that the harness starts.
const (
	targetSelf  = "self"
	targetFloor = "floor"
	targetExec  = "exec:"
)

func startsServer(name string) bool {
	return name == targetSelf || name == targetFloor || strings.HasPrefix(name, targetExec)
}

// target is one server under test.
type target struct {
	name    string
	clients netip.AddrPort
	push    netip.AddrPort
	process process       // pid 0: not known
	child   *exec.Cmd     // nil: not started here
	ended   chan struct{} // closed when the child has
	words   *tail         // the last that it said
}

// resolve finds the address of a URL, or of an address without a scheme.
func resolve(text string) (netip.AddrPort, error) {
	host := text
	if strings.Contains(text, "://") {
		u, err := url.Parse(text)
		switch {
		case err != nil:
			return netip.AddrPort{}, err
		case u.Scheme != "http":
			return netip.AddrPort{}, fmt.Errorf("%s: only http, without TLS", text)
		case strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
			return netip.AddrPort{}, fmt.Errorf("%s: must have no path; the engine's is --path", text)
		case u.Port() == "":
			host = net.JoinHostPort(u.Hostname(), "80")
		default:
			host = u.Host
		}
	}
	addr, err := net.ResolveTCPAddr("tcp", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port := addr.AddrPort()
	if port.Port() == 0 || !port.Addr().IsValid() {
		return netip.AddrPort{}, fmt.Errorf("%s: not an address like http://127.0.0.1:3000", text)
	}
	return netip.AddrPortFrom(port.Addr().Unmap(), port.Port()), nil
}

// openTargets finds the servers, or starts them with that heartbeat.
func openTargets(ctx context.Context, o *Options, ping time.Duration) (targets []*target, err error) {
	defer func() {
		if err != nil {
			closeTargets(targets)
		}
	}()
	for i, name := range o.Targets {
		t := &target{name: name}
		targets = append(targets, t)
		if startsServer(name) {
			if err := t.start(ctx, o, ping); err != nil {
				return targets, fmt.Errorf("%s: %w", name, err)
			}
		} else if t.clients, err = resolve(name); err != nil {
			return targets, err
		}
		t.push = t.clients
		if len(o.Push) > 0 {
			if t.push, err = resolve(o.Push[i]); err != nil {
				return targets, err
			}
		}
		if len(o.PID) > 0 {
			t.process.pid = o.PID[i]
		} else if t.clients.Addr().IsLoopback() {
			t.process, _ = listenerOf(t.clients) // without it there are no figures of the server's own
		}
	}
	return targets, nil
}

func closeTargets(targets []*target) {
	for _, t := range targets {
		t.stop()
	}
}

// startup bounds how long a server may take until it listens.
const startup = 15 * time.Second

// start runs a server on a free port of 127.0.0.1.
func (t *target) start(ctx context.Context, o *Options, ping time.Duration) (err error) {
	if t.clients, err = freePort(ctx); err != nil {
		return err
	}
	command := t.command(o, ping)
	if len(command) == 0 {
		return errors.New("this binary does not know how to start it")
	}
	t.words = &tail{}
	t.child = exec.Command(command[0], command[1:]...)
	t.child.Env = append(os.Environ(), o.Launch.Env...)
	t.child.Stdout, t.child.Stderr = t.words, t.words
	// A group of its own: Ctrl-C is for the harness, which ends it when it has
	// been measured. It must not outlive the harness either.
	t.child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := t.child.Start(); err != nil {
		t.child = nil
		return err
	}
	t.ended = make(chan struct{})
	go func() {
		_ = t.child.Wait()
		close(t.ended)
	}()
	return t.await(ctx)
}

func (t *target) command(o *Options, ping time.Duration) []string {
	args := []string{"--listen", t.clients.String(), "--ping-interval", ping.String()}
	switch {
	case t.name == targetSelf && len(o.Launch.Gateway) > 0:
		return append(append([]string(nil), o.Launch.Gateway...), args...)
	case t.name == targetFloor && len(o.Launch.Floor) > 0:
		return append(append([]string(nil), o.Launch.Floor...), args...)
	}
	line, _ := strings.CutPrefix(t.name, targetExec)
	command := strings.Fields(line)
	fill := strings.NewReplacer("{addr}", t.clients.String(), "{port}", strconv.Itoa(int(t.clients.Port())),
		"{ping}", strconv.FormatInt(ping.Milliseconds(), 10))
	for i, word := range command {
		command[i] = fill.Replace(word)
	}
	if line == t.name {
		return nil
	}
	return command
}

func freePort(ctx context.Context) (netip.AddrPort, error) {
	var cfg net.ListenConfig
	ln, err := cfg.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer ln.Close()
	return netip.ParseAddrPort(ln.Addr().String())
}

// await returns when the server takes connections.
func (t *target) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startup)
	defer cancel()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", t.clients.String())
		if err == nil {
			return c.Close()
		}
		select {
		case <-t.ended:
			return fmt.Errorf("it ended: %s", t.words)
		case <-ctx.Done():
			return fmt.Errorf("it does not listen on %v: %w; it said: %s", t.clients, ctx.Err(), t.words)
		case <-retry.C:
		}
	}
}

// stop ends a server that was started here. It need not take leave of clients
// that are gone, so it gets a second.
func (t *target) stop() {
	if t.child == nil {
		return
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		_ = syscall.Kill(-t.child.Process.Pid, signal)
		select {
		case <-t.ended:
			return
		case <-time.After(time.Second):
		}
	}
	<-t.ended
}

// tail keeps the end of what a process says.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const most = 4 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if len(t.text) > most {
		t.text = append(t.text[:0], t.text[len(t.text)-most:]...)
	}
	return len(p), nil
}

// String returns it on one line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.Join(bytes.Fields(t.text), []byte(" ")))
}
