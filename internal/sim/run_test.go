package sim_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"outrider/engineio"
	"outrider/internal/sim"
	"outrider/socketio"
)

// small is a simulation of a second.
func small(revision int) sim.Config {
	cfg := sim.DefaultConfig()
	cfg.Sessions, cfg.Revision, cfg.AtOnce = 2000, revision, 300
	cfg.UIDPushes, cfg.Callers, cfg.SystemPushes = 300, 3, 2
	cfg.Idle, cfg.Collections = 600*time.Millisecond, 2
	cfg.IO = socketio.Config{
		Engine:    engineio.Config{Paths: []string{"/socket/socket.io"}, PingInterval: 200 * time.Millisecond},
		Handshake: socketio.NoHandshake,
	}
	return cfg
}

func TestRun(t *testing.T) {
	for _, revision := range []int{4, 3} {
		cfg := small(revision)
		phases := map[string]bool{}
		cfg.Progress = func(p sim.Progress) { phases[p.Phase] = true }
		r, err := sim.Run(t.Context(), cfg)
		if err != nil {
			t.Fatalf("revision %d: %v", revision, err)
		}
		if r.Sessions != cfg.Sessions || r.Failed+r.Lost+r.Odd != 0 {
			t.Errorf("revision %d: %d sessions, %d failed, %d lost, %d writes made no sense", revision, r.Sessions, r.Failed, r.Lost, r.Odd)
		}
		// A session's objects are known (docs/adr/0006); the race detector and a
		// table that has just grown may double them.
		if each := r.Alive.Heap / int64(r.Sessions); each < 500 || each > 2000 {
			t.Errorf("revision %d: %d bytes a session are alive", revision, each)
		}
		if r.ClientSize != 32*int64(cfg.Sessions) {
			t.Errorf("revision %d: a client takes %d bytes, doc.go says 32", revision, r.ClientSize/int64(cfg.Sessions))
		}
		for name, p := range map[string]sim.Pushes{"uid": r.UIDPush, "posted": r.PostedPush, "callers": r.CallersPush, "system": r.SystemPush} {
			want := cfg.UIDPushes
			if name == "system" {
				want = cfg.SystemPushes
			}
			if len(p.Took) != want || p.Missed != 0 || p.Elapsed <= 0 {
				t.Errorf("revision %d: %s: %d pushes in %v, %d missed, want %d", revision, name, len(p.Took), p.Elapsed, p.Missed, want)
			}
		}
		// Three intervals, but for the ticks of the wheel and a slow machine.
		if r.Heartbeats < cfg.Sessions || r.Heartbeats > 4*cfg.Sessions {
			t.Errorf("revision %d: %d heartbeats of %d sessions", revision, r.Heartbeats, cfg.Sessions)
		}
		if r.Collections.Cycles < cfg.Collections || len(r.Collections.Pauses) < cfg.Collections || r.Collections.GC <= 0 {
			t.Errorf("revision %d: %d collections in %v with %d pauses", revision, r.Collections.Cycles, r.Collections.GC, len(r.Collections.Pauses))
		}
		if r.Connect.CPU <= 0 || r.Connect.Allocs < r.Alive.Heap || r.Close.Elapsed <= 0 {
			t.Errorf("revision %d: connect %+v, close %+v", revision, r.Connect, r.Close)
		}
		for _, phase := range []string{"connect", "weigh", "uid push", "system push", "idle", "collect", "close"} {
			if !phases[phase] {
				t.Errorf("revision %d: nothing was told of %q", revision, phase)
			}
		}
	}
}

// TestInterrupted ends a run in each phase: what was measured before is there,
// and that is no error.
func TestInterrupted(t *testing.T) {
	for _, phase := range []string{"connect", "weigh", "uid push", "system push", "idle", "collect"} {
		cfg := small(4)
		cfg.Idle = time.Hour
		if phase == "collect" {
			cfg.Idle = time.Millisecond
		}
		ctx, cancel := context.WithCancel(t.Context())
		cfg.Progress = func(p sim.Progress) {
			if p.Phase == phase {
				cancel()
			}
		}
		r, err := sim.Run(ctx, cfg)
		cancel()
		if err != nil || r.Connect.Elapsed <= 0 || r.Close.Elapsed != 0 {
			t.Errorf("in %s: %v, connect %v, close %v", phase, err, r.Connect.Elapsed, r.Close.Elapsed)
		}
		if r.Lost != 0 {
			t.Errorf("in %s: %d sessions were lost", phase, r.Lost)
		}
	}
}

// TestNobodyConnects has a server that refuses the clients' path.
func TestNobodyConnects(t *testing.T) {
	cfg := small(4)
	cfg.IO.Engine.AllowRequest = func(*engineio.Request) error { return errors.New("no") }
	r, err := sim.Run(t.Context(), cfg)
	if err == nil || r.Sessions != 0 || r.Failed != cfg.Sessions || r.Odd == 0 {
		t.Errorf("%v; %+v", err, r)
	}
}

func TestConfig(t *testing.T) {
	for name, change := range map[string]func(*sim.Config){
		"no session":       func(c *sim.Config) { c.Sessions = 0 },
		"too many":         func(c *sim.Config) { c.Sessions = sim.MaxSessions + 1 },
		"no topic":         func(c *sim.Config) { c.Topics = 0 },
		"none at once":     func(c *sim.Config) { c.AtOnce = 0 },
		"100,001 at once":  func(c *sim.Config) { c.AtOnce = 100_001 },
		"no caller":        func(c *sim.Config) { c.Callers = 0 },
		"1,025 callers":    func(c *sim.Config) { c.Callers = 1025 },
		"no push":          func(c *sim.Config) { c.UIDPushes = 0 },
		"1,001 to all":     func(c *sim.Config) { c.SystemPushes = 1001 },
		"1,001 collects":   func(c *sim.Config) { c.Collections = 1001 },
		"revision 5":       func(c *sim.Config) { c.Revision = 5 },
		"no idle time":     func(c *sim.Config) { c.Idle = 0 },
		"more than a day":  func(c *sim.Config) { c.Idle = 24*time.Hour + 1 },
		"no ping interval": func(c *sim.Config) { c.IO.Engine.PingInterval = 0 },
		"no path":          func(c *sim.Config) { c.IO.Engine.Paths = nil },
	} {
		cfg := small(4)
		change(&cfg)
		if r, err := sim.Run(t.Context(), cfg); !errors.Is(err, sim.ErrConfig) || r != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
