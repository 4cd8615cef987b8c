package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"testing"
)

// notice is one line from driver.js: what a listener of a client was called with.
type notice struct {
	Client    int               `json:"client"`
	Notice    string            `json:"notice"`              // connect, event, ack, upgrade, heartbeat, disconnect, connect_error
	ID        string            `json:"id,omitempty"`        // connect
	Recovered bool              `json:"recovered,omitempty"` // connect
	Event     string            `json:"event,omitempty"`     // event
	Ack       int               `json:"ack,omitempty"`       // ack: the emit's number
	Args      []json.RawMessage `json:"args,omitempty"`      // event, ack
	Transport string            `json:"transport,omitempty"` // the transport at that moment
	Reason    string            `json:"reason,omitempty"`    // disconnect
	Error     json.RawMessage   `json:"error,omitempty"`     // connect_error
}

func (n notice) String() string {
	text, _ := json.Marshal(n)
	return string(text)
}

// order is one line to driver.js.
type order struct {
	Order   string            `json:"order"` // open, emit, close
	Client  int               `json:"client"`
	URL     string            `json:"url,omitempty"`
	Options map[string]any    `json:"options,omitempty"`
	Event   string            `json:"event,omitempty"`
	Args    []json.RawMessage `json:"args,omitempty"`
	Ack     int               `json:"ack,omitempty"`
}

// driver is a Node process that holds clients of one version for all tests.
type driver struct {
	cmd    *exec.Cmd
	stderr logBuffer
	alive  context.Context // ends with the process's output
	end    context.CancelFunc

	mu      sync.Mutex
	stdin   io.WriteCloser
	last    int // the newest client's number
	clients map[int]func(notice)
}

func startDriver(version string) (*driver, error) {
	if err := installClients(); err != nil {
		return nil, err
	}
	d := &driver{
		cmd:     exec.Command("node", "driver.js", version),
		clients: make(map[int]func(notice)),
	}
	d.alive, d.end = context.WithCancel(context.Background())
	d.cmd.Stderr = &d.stderr
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	if d.stdin, err = d.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w (the end-to-end tests need Node)", err)
	}
	go d.read(stdout)
	return d, nil
}

// read hands each notice to its client until the process ends.
func (d *driver) read(stdout io.Reader) {
	defer d.end()
	lines := bufio.NewScanner(stdout)
	lines.Buffer(make([]byte, 64<<10), 64<<20)
	for lines.Scan() {
		var n notice
		if err := json.Unmarshal(lines.Bytes(), &n); err != nil {
			fmt.Fprintf(&d.stderr, "not a notice: %s\n", lines.Bytes())
			continue
		}
		d.mu.Lock()
		deliver := d.clients[n.Client]
		d.mu.Unlock()
		if deliver != nil {
			deliver(n)
		}
	}
}

// add makes room for a client whose notices go to deliver, and returns its number.
func (d *driver) add(deliver func(notice)) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	d.clients[d.last] = deliver
	return d.last
}

func (d *driver) remove(client int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.clients, client)
}

func (d *driver) send(o order) error {
	// json.Marshal writes U+2028 as an escape, which Node's line reader needs: it takes the character for a line's end.
	line, err := json.Marshal(o)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	_, err = d.stdin.Write(append(line, '\n'))
	return err
}

// lazyDriver is the driver of one version from when it is first needed.
type lazyDriver struct {
	version string
	once    sync.Once
	driver  *driver
	err     error
}

func (l *lazyDriver) start(t *testing.T) *driver {
	t.Helper()
	l.once.Do(func() { l.driver, l.err = startDriver(l.version) })
	if l.err != nil {
		t.Fatalf("driver of socket.io-client %s: %v", l.version, l.err)
	}
	return l.driver
}

// stop lets the process end by ending its input.
func (l *lazyDriver) stop() {
	if l.driver == nil {
		return
	}
	l.driver.stdin.Close()
	<-l.driver.alive.Done()
	l.driver.cmd.Wait()
}
