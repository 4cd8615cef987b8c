package sim

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"outrider/internal/gateway"
	"outrider/internal/seam"
	"outrider/socketio"
)

// run is a simulation under way.
type run struct {
	cfg     *Config
	net     *Network
	io      *socketio.Server
	gateway *gateway.Gateway
	result  *Result

	received atomic.Int64 // messages, when they were counted last

	mu    sync.Mutex    // held while Config.Progress is called
	told  Progress      // phase and steps; guarded by mu
	ended chan struct{} // closed to end the goroutine that tells of progress
}

// Run does a simulation and says what it measured. When ctx ends it ends soon,
// and what was measured by then is no error. After an error the result has what
// came before.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	r := &run{cfg: &cfg, result: new(Result), ended: make(chan struct{})}
	if err := r.open(); err != nil {
		return nil, err
	}
	var telling sync.WaitGroup
	telling.Go(r.tell)
	err := r.phases(ctx)
	if closed := r.close(ctx); err == nil {
		err = closed
	}
	close(r.ended)
	telling.Wait()
	if released := r.net.release(); err == nil {
		err = released
	}
	return r.result, err
}

// open puts the server together, on the network of clients.
func (r *run) open() (err error) {
	if r.net, err = newNetwork(r.cfg); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = r.net.release()
		}
	}()
	r.result.ClientSize = r.net.size()
	seam.Use(&r.cfg.IO.Engine, r.net)
	if r.io, err = socketio.NewServer(r.cfg.IO); err != nil {
		return err
	}
	if r.gateway, err = gateway.New(r.io, r.cfg.Gateway); err != nil {
		_ = r.io.Close()
	}
	return err
}

// phases is what is measured, in order. The first measurement of memory comes
// before anything else has been allocated, and the collections that are asked
// for come last: they leave the process smaller than it is by itself.
func (r *run) phases(ctx context.Context) error {
	if !r.connect(ctx) {
		return nil
	}
	if r.net.ready.Load() == 0 {
		return fmt.Errorf("sim: no session became ready; %d writes made no sense", r.net.odd.Load())
	}
	for _, phase := range []func(context.Context) error{r.weigh, r.pushUIDs, r.pushAll, r.idle, r.collections} {
		if ctx.Err() != nil {
			return nil
		}
		if err := phase(ctx); err != nil {
			return err
		}
	}
	return nil
}

// connect connects all, and reports false if ctx ended first.
func (r *run) connect(ctx context.Context) bool {
	collect()
	r.result.Empty = memory()
	r.phase("connect", r.cfg.Sessions)
	m := startMeter()
	r.net.start(min(r.cfg.AtOnce, r.cfg.Sessions))
	select {
	case <-r.net.settled:
	case <-ctx.Done():
	}
	r.result.Connect = m.period()
	r.result.Sessions, r.result.Failed = int(r.net.ready.Load()), int(r.net.failed.Load())
	r.result.Connected = r.grown()
	return ctx.Err() == nil
}

// grown is what the sessions take, without the clients.
func (r *run) grown() Memory {
	m := memory().sub(r.result.Empty)
	m.Resident -= r.net.size() // a page of it is resident as soon as one of its clients is; all have been
	return m
}

// weigh measures what is alive.
func (r *run) weigh(context.Context) error {
	r.phase("weigh", 0)
	collect()
	r.result.Alive = r.grown()
	if r.cfg.HeapProfile != "" {
		return writeHeap(r.cfg.HeapProfile)
	}
	return nil
}

// idle leaves the sessions alone with their heartbeats.
func (r *run) idle(ctx context.Context) error {
	r.phase("idle", 0)
	profiler, err := startProfiler()
	if err != nil {
		return err
	}
	beats, m := r.net.beats(), startMeter()
	sleep(ctx, r.cfg.Idle)
	r.result.Idle = m.period()
	r.result.Heartbeats = int(r.net.beats() - beats)
	r.result.Rested = r.grown()
	r.result.Parts, err = profiler.stop(r.cfg.CPUProfile)
	return err
}

// collections asks for garbage collections, while heartbeats go on.
func (r *run) collections(ctx context.Context) error {
	r.phase("collect", r.cfg.Collections)
	m := startMeter()
	for i := 0; i < r.cfg.Collections && ctx.Err() == nil; i++ {
		runtime.GC()
		r.step(i + 1)
	}
	r.result.Collections = m.period()
	return nil
}

// closeTimeout bounds the end of a run.
const closeTimeout = 2 * time.Minute

// close closes all sessions as a server that is shut down does; at once when
// ctx has ended.
func (r *run) close(ctx context.Context) error {
	r.phase("close", 0)
	r.net.stopped.Store(true)
	r.result.Lost, r.result.Odd = int(r.net.lost.Load()), int(r.net.odd.Load())
	if ctx.Err() != nil {
		return r.io.Close()
	}
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	m := startMeter()
	if err := r.io.Shutdown(ctx); err != nil {
		return fmt.Errorf("sim: %d sessions were not closed: %w", r.net.ready.Load(), err)
	}
	r.result.Close = m.period()
	return nil
}

// sleep waits until d has passed or ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// tellEvery is how often the run says how far it is.
const tellEvery = 200 * time.Millisecond

// phase begins the next part of the run.
func (r *run) phase(name string, total int) {
	r.mu.Lock()
	r.told = Progress{Phase: name, Total: total}
	r.mu.Unlock()
	r.progress()
}

// step says how much of the phase is done.
func (r *run) step(done int) {
	r.mu.Lock()
	r.told.Done = done
	r.mu.Unlock()
}

// tell tells of progress until the run has ended.
func (r *run) tell() {
	every := time.NewTicker(tellEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			r.progress()
		case <-r.ended:
			return
		}
	}
}

// progress tells how far the run is, if somebody wants to know.
func (r *run) progress() {
	if r.cfg.Progress == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p, n := r.told, r.net
	p.Ready, p.Failed, p.Lost = int(n.ready.Load()), int(n.failed.Load()), int(n.lost.Load())
	p.Heartbeats, p.Messages = int(n.beats()), int(r.received.Load())
	if p.Phase == "connect" {
		p.Done = p.Ready
	}
	r.cfg.Progress(p)
}
