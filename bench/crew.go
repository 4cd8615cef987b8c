package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// grace is how long workers may take to answer after they were told to end
// what they do.
const grace = 10 * time.Second

// crew is the workers of a run.
type crew struct {
	workers []*hand
	ids     int

	mu      sync.Mutex
	counts  []Counts // by worker, the latest
	watcher func(Counts)
}

// hand is the harness's end of one worker.
type hand struct {
	name    string
	pid     int // 0: a worker within this process
	lines   *json.Encoder
	in      io.Closer
	answers chan answer // closed when the worker has ended
	ended   func() error
}

// filesReserved is what a worker keeps open beside its clients.
const filesReserved = 64

// perWorker is how many clients one worker can have whose connections take so
// many files each, by the hard limit on open files.
func perWorker(files int) (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, os.NewSyscallError("getrlimit", err)
	}
	n := (int(min(limit.Max, 1<<30)) - filesReserved) / files
	if n < 1 {
		return 0, fmt.Errorf("bench: the limit of %d open files leaves none for clients", limit.Max)
	}
	return n, nil
}

// hire starts workers by the command.
func hire(command, env []string, n int, watcher func(Counts)) (*crew, error) {
	if len(command) == 0 {
		return nil, errors.New("bench: this binary does not know how to start a worker")
	}
	c := &crew{watcher: watcher}
	for i := range n {
		if err := c.start(fmt.Sprintf("worker %d", i+1), command, env); err != nil {
			c.dismiss()
			return nil, err
		}
	}
	return c, nil
}

func (c *crew) start(name string, command, env []string) error {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), env...)
	words := &tail{}
	cmd.Stderr = words
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the harness
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	h := c.add(name, in, out, func() error {
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("%w: %s", err, words)
		}
		return nil
	})
	h.pid = cmd.Process.Pid
	return nil
}

// add speaks with a worker through a pair of pipes; wait is called once, when
// its output has ended.
func (c *crew) add(name string, in io.WriteCloser, out io.Reader, wait func() error) *hand {
	h := &hand{
		name: name, lines: json.NewEncoder(in), in: in,
		answers: make(chan answer, 1), ended: sync.OnceValue(wait),
	}
	i := len(c.workers)
	c.workers = append(c.workers, h)
	c.mu.Lock()
	c.counts = append(c.counts, Counts{})
	c.mu.Unlock()
	go func() {
		defer close(h.answers)
		lines := json.NewDecoder(out)
		for {
			var ans answer
			switch {
			case lines.Decode(&ans) != nil:
				return
			case ans.Counts != nil:
				c.count(i, *ans.Counts)
			default:
				h.answers <- ans
			}
		}
	}()
	return h
}

// dismiss ends the workers, and with them their clients.
func (c *crew) dismiss() {
	for _, h := range c.workers {
		_ = h.in.Close()
	}
	for _, h := range c.workers {
		for range h.answers { // until it has ended
		}
		_ = h.ended()
	}
}

// ask makes all workers do something at once and returns their results, in the
// workers' order. When the context ends they are told to stop; what they have
// done by then comes back without an error.
func ask[R any](ctx context.Context, c *crew, do string, with func(worker int) any) ([]R, error) {
	c.ids++
	results := make([]R, len(c.workers))
	failed := make([]error, len(c.workers))
	var waiting sync.WaitGroup
	for i, h := range c.workers {
		text, err := json.Marshal(with(i))
		if err != nil {
			return nil, err
		}
		if err := h.lines.Encode(request{ID: c.ids, Do: do, With: text}); err != nil {
			return nil, fmt.Errorf("%s: %w", h.name, errors.Join(err, h.ended()))
		}
		id := c.ids
		waiting.Go(func() { failed[i] = h.wait(ctx, id, &results[i]) })
	}
	waiting.Wait()
	return results, errors.Join(failed...)
}

var errEnded = errors.New("unasked")

// wait reads a worker's answers up to the one.
func (h *hand) wait(ctx context.Context, id int, result any) error {
	stop, late := ctx.Done(), (<-chan time.Time)(nil)
	for {
		select {
		case <-stop:
			stop, late = nil, time.After(grace)
			if err := h.lines.Encode(request{Do: doCancel}); err != nil {
				return fmt.Errorf("%s: %w", h.name, err)
			}
		case <-late:
			return fmt.Errorf("%s: no answer", h.name)
		case ans, ok := <-h.answers:
			switch {
			case !ok:
				return fmt.Errorf("%s has ended: %w", h.name, errors.Join(errEnded, h.ended()))
			case ans.ID != id: // of one that was given up
			case ans.Error != "":
				return fmt.Errorf("%s: %s", h.name, ans.Error)
			default:
				return json.Unmarshal(ans.Result, result)
			}
		}
	}
}

func (c *crew) count(i int, counts Counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[i] = counts
	var sum Counts
	for _, n := range c.counts {
		sum.add(n)
	}
	c.watcher(sum)
}

// nothing is the request of those that need none.
func nothing(int) any { return struct{}{} }

// same is one request for all workers.
func same(with any) func(int) any { return func(int) any { return with } }
