package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"outrider/bench"
)

// contender is a server by a name for the table. {addr} in its command is the
// address that it has to listen on.
type contender struct {
	name    string
	command []string
}

// parseContender reads NAME=COMMAND.
func parseContender(text string) (contender, error) {
	name, command, _ := strings.Cut(text, "=")
	words := strings.Fields(command)
	if name == "" || len(words) == 0 {
		return contender{}, fmt.Errorf("must be like NAME=COMMAND, is %q", text)
	}
	if !strings.Contains(command, addrMark) {
		return contender{}, fmt.Errorf("%s: the command has no %s, where the address belongs", name, addrMark)
	}
	return contender{name, words}, nil
}

const addrMark = "{addr}"

// server is a contender's process.
type server struct {
	addr   string
	cmd    *exec.Cmd
	cancel context.CancelFunc
	ended  chan struct{} // closed when the process has, with how in err
	err    error
}

const (
	// startup bounds how long a server may take until it accepts connections.
	startup = 15 * time.Second
	// retry is the time between looks whether it does.
	retry = 10 * time.Millisecond
	// farewell is how long a server may take to end when it is asked to.
	farewell = 5 * time.Second
)

// start runs a server and waits until it accepts connections.
func (c contender) start(ctx context.Context) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	words := make([]string, len(c.command))
	for i, word := range c.command {
		words[i] = strings.ReplaceAll(word, addrMark, addr)
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &server{addr: addr, cancel: cancel, ended: make(chan struct{})}
	s.cmd = exec.CommandContext(ctx, words[0], words[1:]...)
	s.cmd.Stderr = os.Stderr
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = farewell
	if err := s.cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	if err := s.await(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// await returns when a connection was accepted.
func (s *server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startup)
	defer cancel()
	ticks := time.NewTicker(retry)
	defer ticks.Stop()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", s.addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ticks.C:
		case <-s.ended:
			return fmt.Errorf("ended before it listened: %w", errors.Join(s.err, err))
		case <-ctx.Done():
			return fmt.Errorf("does not listen on %s: %w", s.addr, err)
		}
	}
}

// usage is what the server has used until now.
func (s *server) usage() (bench.Usage, error) { return bench.UsageOf(s.cmd.Process.Pid) }

// stop ends the process.
func (s *server) stop() {
	s.cancel()
	<-s.ended
}

// freeAddr is an address of this machine that nobody listens on now.
func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}
