package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"outrider/bench/internal/fleet"
)

// command is what a worker can be asked to do. It returns soon after the
// context has ended, with what it has by then.
type command func(ctx context.Context, w *worker, with json.RawMessage) (any, error)

// does makes a command of a function whose request is a value.
func does[T any](fn func(ctx context.Context, w *worker, with T) (any, error)) command {
	return func(ctx context.Context, w *worker, with json.RawMessage) (any, error) {
		var value T
		if len(with) > 0 {
			if err := json.Unmarshal(with, &value); err != nil {
				return nil, fmt.Errorf("%T: %w", value, err)
			}
		}
		return fn(ctx, w, value)
	}
}

// coreCommands are what scenarios have in common. Those of their own are in
// Scenario.commands.
func coreCommands() map[string]command {
	return map[string]command{
		"start":    does(startFleet),
		"connect":  does(connect),
		"watch":    does(watch),
		"await":    does(await),
		"receipts": does(receiptsOf),
		"stats":    does(stats),
		"drop":     does(drop),
	}
}

// WorkerMain is a worker process: it does what lines of JSON on in ask for and
// answers on out, until in ends.
func WorkerMain(in io.Reader, out io.Writer) error {
	if err := raiseFileLimit(); err != nil {
		return err
	}
	w := newWorker(out)
	defer w.end()
	return w.serve(in)
}

// worker is the part of the harness that has clients.
type worker struct {
	commands map[string]command
	running  sync.WaitGroup // of the command under way
	looping  sync.WaitGroup // of the fleet
	failed   error          // why the fleet's loop ended

	mu     sync.Mutex // of what follows
	out    *json.Encoder
	cancel context.CancelFunc // of the command under way

	// owned by the fleet's goroutine once there is one
	fleet    *fleet.Fleet
	ramp     *ramp
	receipts *receipts
	dropped  chan struct{} // closed when no client is connected any more
	told     int64         // when counts were sent
	counts   Counts
	// also is told all that the worker is told: a scenario's own observer.
	also fleet.Observer
	// socket says what sockets are like from now on; nil: as they are.
	socket func(client int) fleet.SocketOptions
	first  uint64 // number of client 0, set by start
}

func newWorker(out io.Writer) *worker {
	w := &worker{
		commands: coreCommands(), out: json.NewEncoder(out),
		receipts: newReceipts(watchWith{}), also: unmoved{},
	}
	for _, s := range Scenarios() {
		maps.Copy(w.commands, s.commands)
	}
	return w
}

func (w *worker) end() {
	w.interrupt()
	w.running.Wait()
	if w.fleet != nil {
		w.fleet.Stop()
	}
	w.looping.Wait()
}

func (w *worker) serve(in io.Reader) error {
	lines := json.NewDecoder(in)
	for {
		var req request
		switch err := lines.Decode(&req); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("worker: %w", err)
		}
		if req.Do == doCancel {
			w.interrupt()
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		w.mu.Lock()
		w.cancel = cancel
		w.mu.Unlock()
		w.running.Go(func() {
			defer cancel()
			w.answer(req.ID, w.do(ctx, req))
		})
	}
}

func (w *worker) interrupt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancel != nil {
		w.cancel()
	}
}

func (w *worker) do(ctx context.Context, req request) (ans answer) {
	c := w.commands[req.Do]
	if c == nil {
		return answer{Error: fmt.Sprintf("no command %q", req.Do)}
	}
	result, err := c(ctx, w, req.With)
	if err != nil {
		return answer{Error: err.Error()}
	}
	if ans.Result, err = json.Marshal(result); err != nil {
		return answer{Error: err.Error()}
	}
	return ans
}

func (w *worker) answer(id int, ans answer) {
	ans.ID = id
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.out.Encode(ans) // who does not read it any more has gone, and ends in soon
}

// onLoop runs fn on the fleet's goroutine.
func (w *worker) onLoop(fn func()) error {
	if w.fleet == nil {
		return errors.New("there are no clients yet")
	}
	if !w.fleet.Do(fn) {
		return fmt.Errorf("the clients' loop has ended: %w", w.failed)
	}
	return nil
}

func startFleet(_ context.Context, w *worker, with startWith) (any, error) {
	if w.fleet != nil {
		return nil, errors.New("there are clients already")
	}
	if err := with.Profiles.check(); err != nil {
		return nil, err
	}
	f, err := fleet.New(fleet.Config{
		Targets: with.Targets, Path: with.Path, Clients: with.Clients, First: with.First,
		Profile: with.Profiles.of, Topics: with.Topics, Timeout: with.Timeout,
		Source: with.source(), Socket: w.socketOf, Observer: w,
	})
	if err != nil {
		return nil, err
	}
	w.fleet, w.first = f, with.First
	w.looping.Go(func() { w.failed = f.Run() })
	return statsResult{RSS: ownRSS()}, nil
}

func (w *worker) socketOf(client int) fleet.SocketOptions {
	if w.socket == nil {
		return fleet.SocketOptions{}
	}
	return w.socket(client)
}

func connect(ctx context.Context, w *worker, with connectWith) (any, error) {
	if with.InFlight < 1 || with.From < 0 || with.To < with.From {
		return nil, fmt.Errorf("connect: %+v makes no sense", with)
	}
	before := ownRSS()
	var r *ramp
	if err := w.onLoop(func() {
		with.To = min(with.To, w.fleet.Clients())
		r = newRamp(with, w.fleet.Clock().Now())
		w.ramp = r
	}); err != nil {
		return nil, err
	}
	select {
	case <-r.done:
	case <-ctx.Done():
	}
	var result connectResult
	err := w.onLoop(func() {
		r.stop()
		result = r.result(w.fleet.Clock().Now())
	})
	result.Grown = ownRSS() - before
	return result, err
}

func watch(_ context.Context, w *worker, with watchWith) (any, error) {
	return struct{}{}, w.onLoop(func() { w.receipts = newReceipts(with) })
}

// await waits until what is wanted has come, for as long as the request says.
func await(ctx context.Context, w *worker, with awaitWith) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, with.Timeout)
	defer cancel()
	var done <-chan struct{}
	if err := w.onLoop(func() {
		want, push := with.Total, uint64(0)
		if want == 0 && with.Push > 0 {
			want, push = w.members(with.Kind, with.Topic), with.Push
		}
		done = w.receipts.await(want, push)
	}); err != nil {
		return nil, err
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
	var result receiptsSummary
	err := w.onLoop(func() {
		r := w.receipts
		r.done = nil
		result = receiptsSummary{Total: r.total, Missing: max(0, r.missing())}
	})
	return result, err
}

// receiptsOf returns the counts since the last watch.
func receiptsOf(_ context.Context, w *worker, _ struct{}) (any, error) {
	var result json.RawMessage
	var failed error
	err := w.onLoop(func() {
		r := w.receipts // while nobody adds to it
		result, failed = json.Marshal(receiptsResult{Total: r.total, Due: r.due, Sent: r.sent, Pushes: r.pushes})
	})
	return result, errors.Join(err, failed)
}

// members counts the clients of a topic that are ready.
func (w *worker) members(kind fleet.Kind, topic uint64) (n int64) {
	for i := range w.fleet.Clients() {
		if w.fleet.Ready(i) && w.fleet.Topic(i) == topic && w.fleet.Profile(i).Kind == kind {
			n++
		}
	}
	return n
}

func stats(_ context.Context, w *worker, _ struct{}) (any, error) {
	var result statsResult
	err := w.onLoop(func() { result = statsResult{Stats: w.fleet.Stats(), RSS: ownRSS()} })
	return result, err
}

// drop closes all clients.
func drop(ctx context.Context, w *worker, _ struct{}) (any, error) {
	dropped := make(chan struct{})
	if err := w.onLoop(func() {
		w.dropped = dropped
		for i := range w.fleet.Clients() {
			w.fleet.Close(i)
		}
		w.checkDropped()
	}); err != nil {
		return nil, err
	}
	select {
	case <-dropped:
	case <-ctx.Done():
	}
	return struct{}{}, nil
}

func (w *worker) checkDropped() {
	if s := w.fleet.Stats(); w.dropped != nil && s.ReadyNow+s.DialedNow == 0 {
		close(w.dropped)
		w.dropped = nil
	}
}

func ownRSS() int64 {
	u, err := process{os.Getpid()}.usage()
	if err != nil {
		return 0
	}
	return u.RSS
}

// raiseFileLimit lets the process open as many files as it may.
func raiseFileLimit() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return os.NewSyscallError("getrlimit", err)
	}
	limit.Cur = limit.Max
	return os.NewSyscallError("setrlimit", unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
}

// source says which of the worker's addresses a client connects from: as many
// clients in a row as an address has ports to spare.
func (with startWith) source() func(client int) netip.Addr {
	if with.Sources == 0 {
		return nil
	}
	sources := []netip.Addr{with.Source}
	for len(sources) < with.Sources {
		sources = append(sources, sources[len(sources)-1].Next())
	}
	return func(client int) netip.Addr { return sources[client%len(sources)] }
}
