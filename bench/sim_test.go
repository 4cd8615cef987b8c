package bench_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"outrider/bench"
)

// simulated is the outcome of a simulation of 1,000 sessions.
func simulated() *bench.Outcome {
	pauses := bench.NewHistogram()
	pauses.Record(int64(2 * time.Millisecond))
	return &bench.Outcome{
		Sums: map[string]float64{
			"ready": 1000, "heartbeats": 2000, "system elapsed": 2e6, "system messages": 5000, "idle server cpu": 3e9, "collections": 2, "collections cpu": 4e6,
		},
		Server: map[string]float64{"heap alive": 650e3, "heap scanned": 600e3, "connect cpu": 20e6, "close cpu": 10e6},
		Peaks: map[string]float64{
			"heap alive": 650e3, "idle wheel": .06, "idle gc": .004, "idle elapsed": 50e9,
		},
		Histograms: map[string]*bench.Histogram{
			"pause": pauses, "pause, stopping": pauses, "connect pause": bench.NewHistogram(),
		},
	}
}

// TestSimulate reports an outcome from outside like one of the harness's own:
// as a table, as a file that can be read again, and as a page with goals.
func TestSimulate(t *testing.T) {
	o := bench.DefaultOptions()
	o.Targets, o.FanOuts = []string{"without sockets"}, 0
	var progress strings.Builder
	o.Progress = &progress
	r, err := bench.Simulate(t.Context(), o, func(_ context.Context, w *bench.Watch) (*bench.Outcome, error) {
		w.Show("connect", 7, 1000, bench.Counts{Ready: 7})
		w.Show("idle", 0, 0, bench.Counts{Ready: 1000, Lost: 1})
		return simulated(), nil
	})
	if err != nil || r.Interrupted {
		t.Fatalf("%v, interrupted: %v", err, r.Interrupted)
	}
	if want := "connect 7/1000  ready 7  messages 0  heartbeats 0\nidle  ready 1000  messages 0  heartbeats 0  failed 0  lost 1\n"; progress.String() != want {
		t.Errorf("progress is\n%swant\n%s", progress.String(), want)
	}
	var table strings.Builder
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"without sockets: 1000 clients", "... timer wheel ", " 6 %", "heap a session, alive  ", "650 B", "20 µs"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, table.String())
		}
	}
	names := map[string]bool{}
	for _, f := range r.Figures("sim") {
		if names[f.Name] {
			t.Errorf("two figures are called %q", f.Name)
		}
		names[f.Name] = true
	}
	file := filepath.Join(t.TempDir(), "sim.json")
	if err := r.WriteFile(file); err != nil {
		t.Fatal(err)
	}
	text := pageOf(t, file)
	checkHTML(t, text)
	for _, want := range []string{"2 of 4 goals met", "sim, ... timer wheel: 6 %; at most 5 %", "sim, pause with all sessions, p99: 2.00 ms; at most 1 ms", "hold sessions without sockets"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, "fan-outs") {
		t.Error("the page tells of a load that there was not")
	}
}

// TestSimulateEnds: Ctrl-C is no error, a failure is, and either way there is
// a report of what was measured.
func TestSimulateEnds(t *testing.T) {
	failure := errors.New("as it should")
	for _, test := range []struct {
		cancelled bool
		err, want error
	}{{true, nil, nil}, {true, context.Canceled, nil}, {false, failure, failure}} {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := bench.Simulate(ctx, bench.DefaultOptions(), func(context.Context, *bench.Watch) (*bench.Outcome, error) {
			if test.cancelled {
				cancel()
			}
			return simulated(), test.err
		})
		cancel()
		if !errors.Is(err, test.want) || r.Interrupted != test.cancelled ||
			len(r.Figures("sim")) == 0 {
			t.Errorf("%+v: %v, interrupted: %v", test, err, r.Interrupted)
		}
	}
	if _, err := bench.Lookup("sim"); !errors.Is(err, bench.ErrUsage) {
		t.Errorf("a server can be loaded with a simulation: %v", err)
	}
}
