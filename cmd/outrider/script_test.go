package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"outrider": main})
}

// TestScripts runs the command as its users do: testdata/script has one file
// for each thing that they do with it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Values[processesKey{}] = map[string]*process{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  cmdExits,
			"start":  cmdStart,
			"await":  cmdAwait,
			"signal": cmdSignal,
			"ended":  cmdEnded,
			"http":   cmdHTTP,
			"hold":   cmdHold,
		},
	})
}

// cmdExits is `exits CODE PROGRAM ARG...`: like exec, for one exit code.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program [args...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

type processesKey struct{}

// process is a running outrider and what it has logged.
type process struct {
	cmd   *exec.Cmd
	lines chan string // closed when stderr ends
	wait  func() error

	mu  sync.Mutex
	log bytes.Buffer
}

func processOf(ts *testscript.TestScript, name string) *process {
	p := ts.Value(processesKey{}).(map[string]*process)[name]
	if p == nil {
		ts.Fatalf("no process %s", name)
	}
	return p
}

// cmdStart is `start NAME ARG...`: runs outrider in the background, waits
// until it listens and puts the address into $NAME, that for pushes alone into
// $NAME_push, that for operators into $NAME_internal.
func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: start name [args...]")
	}
	program := filepath.Join(filepath.SplitList(ts.Getenv("PATH"))[0], "outrider")
	cmd := exec.Command(program, args[1:]...)
	cmd.Dir = ts.Getenv("WORK")
	for _, name := range []string{"PATH", "PORT", "OUTRIDER_LISTEN", "OUTRIDER_API_KEY", "OUTRIDER_API_KEYS", "OUTRIDER_CONFIG"} {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	p := &process{cmd: cmd, lines: make(chan string, 100), wait: sync.OnceValue(cmd.Wait)}
	ts.Value(processesKey{}).(map[string]*process)[args[0]] = p
	ts.Defer(func() {
		_ = cmd.Process.Kill()
		for range p.lines { // wait closes stderr: what is in it comes first
		}
		_ = p.wait()
	})
	go p.scan(stderr)
	ts.Setenv(args[0], p.await(ts, `"msg":"listening"`).Address)
	for _, second := range []struct{ flag, suffix, msg string }{
		{"--push-listen", "_push", `"msg":"listening for pushes"`},
		{"--internal-listen", "_internal", `"msg":"listening for operators"`},
	} {
		if slices.Contains(args, second.flag) {
			ts.Setenv(args[0]+second.suffix, p.await(ts, second.msg).Address)
		}
	}
}

func (p *process) scan(stderr io.Reader) {
	defer close(p.lines)
	for s := bufio.NewScanner(stderr); s.Scan(); {
		p.mu.Lock()
		fmt.Fprintln(&p.log, s.Text())
		p.mu.Unlock()
		p.lines <- s.Text()
	}
}

// line is what the scripts look at in a line of the log.
type line struct {
	Address string `json:"address"`
}

// await reads the log up to a line that matches.
func (p *process) await(ts *testscript.TestScript, pattern string) (found line) {
	re := regexp.MustCompile(pattern)
	for text := range p.lines {
		if re.MatchString(text) {
			_ = json.Unmarshal([]byte(text), &found)
			return found
		}
	}
	ts.Fatalf("it ended without logging %q:\n%s", pattern, p.logged())
	return found
}

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// cmdAwait is `await NAME PATTERN`.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await name pattern")
	}
	processOf(ts, args[0]).await(ts, args[1])
}

// cmdSignal is `signal NAME TERM`.
func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP}
	if neg || len(args) != 2 || signals[args[1]] == nil {
		ts.Fatalf("usage: signal name TERM|INT|HUP")
	}
	ts.Check(processOf(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

// cmdEnded is `ended NAME CODE`: waits for the end; its log goes to NAME.log.
// A process that a signal ended has the code -1.
func cmdEnded(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ended name code")
	}
	p := processOf(ts, args[0])
	for range p.lines {
	}
	_ = p.wait()
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".log"), []byte(p.logged()), 0o600))
	if code := p.cmd.ProcessState.ExitCode(); strconv.Itoa(code) != args[1] {
		ts.Fatalf("exit code %d, want %s; its log:\n%s", code, args[1], p.logged())
	}
}

// cmdHTTP is `http METHOD URL STATUS [BODY [HEADER]]`: a request, whose answer
// is then in stdout.
func cmdHTTP(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 5 {
		ts.Fatalf("usage: http method url status [body [header]]")
	}
	args = append(args, "", "")[:5]
	req, err := http.NewRequest(args[0], args[1], strings.NewReader(args[3]))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/json")
	if name, value, ok := strings.Cut(args[4], ": "); ok {
		req.Header.Set(name, value)
	}
	req.Close = true
	answer, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n", body)
	if strconv.Itoa(answer.StatusCode) != args[2] {
		ts.Fatalf("status %d, want %s: %s", answer.StatusCode, args[2], body)
	}
}

// cmdHold is `hold ADDRESS`: begins a request and does not finish it.
func cmdHold(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold address")
	}
	conn, err := net.Dial("tcp", args[0])
	ts.Check(err)
	ts.Defer(func() { conn.Close() })
	_, err = io.WriteString(conn, "POST /device_push HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n")
	ts.Check(err)
	_, err = bufio.NewReader(conn).ReadString('\n') // 100 Continue: it is being served
	ts.Check(err)
}
