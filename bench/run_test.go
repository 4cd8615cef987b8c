package bench_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"outrider/bench"
	"outrider/bench/internal/gatewaytest"
	"outrider/engineio"
)

// outcome returns what a report has of a scenario.
func outcome(t *testing.T, r *bench.Report, scenario string) *bench.Outcome {
	t.Helper()
	i := slices.IndexFunc(r.Outcomes, func(o *bench.Outcome) bool { return o.Scenario == scenario })
	if i < 0 {
		t.Fatalf("nothing of %s in the report", scenario)
	}
	return r.Outcomes[i]
}

// checkSums requires quantities of a scenario.
func checkSums(t *testing.T, r *bench.Report, scenario string, want map[string]float64) {
	t.Helper()
	sums := outcome(t, r, scenario).Sums
	for name, v := range want {
		if sums[name] != v {
			t.Errorf("%s: %s is %v, want %v", scenario, name, sums[name], v)
		}
	}
}

// checkAll requires that nothing was lost in a run of all scenarios with the
// options of small.
func checkAll(t *testing.T, r *bench.Report, o *bench.Options) {
	t.Helper()
	n := float64(o.Clients)
	checkSums(t, r, "connect", map[string]float64{"ready": n, "failed": 0})
	checkSums(t, r, "fanout", map[string]float64{"pushes": 3, "messages": 3 * n, "lost": 0})
	checkSums(t, r, "unicast", map[string]float64{
		"pushes": 150, "messages": 150, "lost": 0, "refused": 0, "unsent": 0, "surplus": 0,
		"flat_pushes": 300, "flat_messages": 300, "flat_lost": 0, "flat_refused": 0,
	})
	checkSums(t, r, "idle", map[string]float64{"clients": n, "lost": 0})
	if beats := outcome(t, r, "idle").Sums["heartbeats"]; beats < n {
		t.Errorf("%v heartbeats of %v clients", beats, n)
	}
	for _, o := range r.Outcomes {
		if o.Server["cpu"] <= 0 {
			t.Errorf("%s: the server took no CPU time", o.Scenario)
		}
		for name, h := range o.Histograms {
			if h.Count() == 0 || h.Max() <= 0 || h.Max() > time.Minute {
				t.Errorf("%s: %s has %d values up to %v", o.Scenario, name, h.Count(), h.Max())
			}
		}
	}
}

func all(t *testing.T) []bench.Scenario {
	t.Helper()
	found, err := bench.Lookup("connect", "fanout", "unicast", "idle")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestGateway runs everything against the gateway: both revisions, every
// transport, two workers, two servers.
func TestGateway(t *testing.T) {
	t.Parallel()
	o := small(t)
	o.Targets, o.Push = nil, nil
	for range 2 {
		g := gatewaytest.Start(t, engineio.Config{PingInterval: 500 * time.Millisecond})
		o.Targets = append(o.Targets, "http://"+g.Clients.String())
		o.Push = append(o.Push, "http://"+g.Pushes.String())
	}
	for mix, text := range map[*bench.Mix]string{&o.EIO: "3,4", &o.Transport: "websocket:2,polling,upgrade"} {
		if err := mix.Set(text); err != nil {
			t.Fatal(err)
		}
	}
	o.Workers, o.Idle = 2, 1200*time.Millisecond
	r, err := bench.Run(t.Context(), o, all(t))
	if err != nil {
		t.Fatal(err)
	}
	checkAll(t, r, o)
}

// TestKinds connects every kind, each of which has a set_connect of its own.
func TestKinds(t *testing.T) {
	t.Parallel()
	o := small(t)
	g := gatewaytest.Start(t, engineio.Config{})
	o.Targets, o.Push = []string{g.Clients.String()}, []string{g.Pushes.String()}
	if err := o.Kind.Set("rider,customer,app,pos,pad,h5,table,platform,show"); err != nil {
		t.Fatal(err)
	}
	o.Topics, o.Rate = 5, 300
	r, err := bench.Run(t.Context(), o, all(t)[:2])
	if err != nil {
		t.Fatal(err)
	}
	checkSums(t, r, "connect", map[string]float64{"ready": 60, "failed": 0})
	checkSums(t, r, "fanout", map[string]float64{"pushes": 3, "lost": 0})
	if _, err := bench.Run(t.Context(), o, all(t)[2:3]); !errors.Is(err, bench.ErrUsage) {
		t.Errorf("unicast to tables: %v", err)
	}
}

// TestCompare runs everything against the floor, which the harness starts, and
// against a floor in the place of ours.
func TestCompare(t *testing.T) {
	t.Parallel()
	o := small(t)
	o.Targets, o.PingInterval = []string{"floor"}, 200*time.Millisecond
	var progress bytes.Buffer
	o.Progress = &progress
	c, err := bench.Compare(t.Context(), o, all(t), "floor")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range append(c.Others, c.Ours) {
		checkAll(t, r, o)
	}
	ratios := 0
	for _, l := range c.Lines() {
		if len(l.Others) != 2 {
			t.Errorf("%s: %d values of the floor, want 2", l.Name, len(l.Others))
		}
		if l.Ratio == 0 {
			continue
		}
		ratios++
		if want := l.Value / ((l.Others[0] + l.Others[1]) / 2); math.Abs(l.Ratio-want) > 1e-9 {
			t.Errorf("%s: ratio %v, want %v", l.Name, l.Ratio, want)
		}
	}
	if ratios < 15 {
		t.Errorf("%d ratios", ratios)
	}
	var table bytes.Buffer
	if err := c.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CPU a heartbeat", "at most 1.30 x", "60 clients"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("no %q in the table:\n%s", want, &table)
		}
	}
	if !strings.Contains(progress.String(), "fanout 0/3") {
		t.Errorf("no phase of fanout in the progress:\n%s", &progress)
	}
	testFiles(t, c)
}

// testFiles writes a report, reads it, merges it with itself and compares with
// it.
func testFiles(t *testing.T, c *bench.Comparison) {
	file := filepath.Join(t.TempDir(), "report.json")
	if err := c.Ours.WriteFile(file); err != nil {
		t.Fatal(err)
	}
	r, err := bench.ReadReport(file)
	if err != nil {
		t.Fatal(err)
	}
	var before, after bytes.Buffer
	if err := errors.Join(c.Ours.WriteTable(&before), r.WriteTable(&after)); err != nil || before.String() != after.String() {
		t.Errorf("%v; the table was\n%s\nand is, after a file,\n%s", err, &before, &after)
	}
	merged, err := bench.Merge(r, c.Others[0])
	if err != nil {
		t.Fatal(err)
	}
	checkSums(t, merged, "fanout", map[string]float64{"messages": 2 * 3 * 60})
	a, b := outcome(t, r, "unicast"), outcome(t, c.Others[0], "unicast")
	sum := outcome(t, merged, "unicast")
	if got, want := sum.Histograms["due"].Count(), a.Histograms["due"].Count()+b.Histograms["due"].Count(); got != want {
		t.Errorf("%d latencies in the merged report, want %d", got, want)
	}
	if got, want := sum.Server["cpu"], a.Server["cpu"]+b.Server["cpu"]; got != want {
		t.Errorf("two servers used %v, want %v", got, want)
	}
	if merged, err = bench.Merge(r, r); err != nil || outcome(t, merged, "unicast").Server["cpu"] != a.Server["cpu"] {
		t.Errorf("%v; one server, seen twice, has used twice as much", err)
	}
	if _, err := bench.Merge(r); !errors.Is(err, bench.ErrUsage) {
		t.Errorf("a merge of one: %v", err)
	}
}

// TestInterrupt ends a run in the middle of a scenario: what was measured is
// reported.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	o := small(t)
	o.Targets, o.Idle, o.PingInterval = []string{"floor"}, time.Hour, 200*time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	o.Progress = writerFunc(func(p []byte) (int, error) {
		if strings.HasPrefix(string(p), "idle") {
			time.AfterFunc(300*time.Millisecond, cancel)
		}
		return len(p), nil
	})
	r, err := bench.Run(ctx, o, all(t)[3:])
	if err != nil {
		t.Fatal(err)
	}
	if !r.Interrupted {
		t.Error("the report does not say that it is not complete")
	}
	checkSums(t, r, "idle", map[string]float64{"clients": 60})
}

type writerFunc func(p []byte) (int, error)

func (w writerFunc) Write(p []byte) (int, error) { return w(p) }

// TestErrors: options that make no sense are refused before anything starts;
// what fails says why.
func TestErrors(t *testing.T) {
	for _, test := range []struct {
		name  string
		set   func(o *bench.Options)
		want  string
		usage bool
	}{
		{"no clients", func(o *bench.Options) { o.Clients = 0 }, "clients", true},
		{"too many", func(o *bench.Options) { o.Clients = 10_000_001 }, "clients", true},
		{"revision", func(o *bench.Options) { o.EIO = bench.Mix{{Name: "5", Weight: 1}} }, `"5"`, true},
		{"transport", func(o *bench.Options) { o.Transport = bench.Mix{{Name: "smoke", Weight: 1}} }, "smoke", true},
		{"kind", func(o *bench.Options) { o.Kind = bench.Mix{{Name: "king", Weight: 1}} }, "king", true},
		{"no end", func(o *bench.Options) { o.Idle = 25 * time.Hour }, "idle", true},
		{"no time", func(o *bench.Options) { o.PushFor = 0 }, "push-for", true},
		{"no rate", func(o *bench.Options) { o.PushRate = 0 }, "push-rate", true},
		{"too much", func(o *bench.Options) { o.PushRate, o.PushFor = 1e6, time.Hour }, "push-rate", true},
		{"negative rate", func(o *bench.Options) { o.Rate = -1 }, "rate", true},
		{"path", func(o *bench.Options) { o.Path = "socket.io" }, "path", true},
		{"user 0", func(o *bench.Options) { o.FirstUID = 0 }, "first-uid", true},
		{"no day", func(o *bench.Options) { o.City.For = 0 }, "city-for", true},
		{"no orders", func(o *bench.Options) { o.City.Orders = 0 }, "city-orders", true},
		{"too many orders", func(o *bench.Options) { o.City.Orders, o.City.For = 1e5, time.Hour }, "city-orders", true},
		{"no number", func(o *bench.Options) { o.City.Orders = math.NaN() }, "city-orders", true},
		{"restless", func(o *bench.Options) { o.City.Every = time.Second - 1 }, "city-every", true},
		{"no region", func(o *bench.Options) { o.City.Regions = 0 }, "city-regions", true},
		{"a small ledger", func(o *bench.Options) { o.City.LedgerBytes = 64<<10 - 1 }, "ledger-bytes", true},
		{"a large ledger", func(o *bench.Options) { o.City.LedgerBytes = 1<<40 + 1 }, "ledger-bytes", true},
		{"size", func(o *bench.Options) { o.Size = 1 << 20 }, "size", true},
		{"ping", func(o *bench.Options) { o.PingInterval = -1 }, "ping-interval", true},
		{"remote", func(o *bench.Options) { o.Targets = []string{"http://192.0.2.1:80"} }, "--allow-remote", true},
		{"remote push", func(o *bench.Options) { o.Push = []string{"http://192.0.2.1:80"} }, "--allow-remote", true},
		{"TLS", func(o *bench.Options) { o.Targets = []string{"https://127.0.0.1:443"} }, "TLS", true},
		{"path of a target", func(o *bench.Options) { o.Targets = []string{"http://127.0.0.1/socket"} }, "--path", true},
		{"no port", func(o *bench.Options) { o.Targets = []string{"127.0.0.1"} }, "port", true},
		{"no target", func(o *bench.Options) { o.Targets = nil }, "target", true},
		{"two push APIs", func(o *bench.Options) { o.Push = []string{"127.0.0.1:1", "127.0.0.1:2"} }, "push", true},
		{"two processes", func(o *bench.Options) { o.PID = []int{1, 2} }, "pid", true},
		{"cut", func(o *bench.Options) { o.Storm.Cut = "tea" }, `"tea"`, true},
		{"no time to come back", func(o *bench.Options) { o.Storm.Within = 0 }, "storm-within", true},
		{"too long a storm", func(o *bench.Options) { o.Storm.Within = 10*time.Minute + 1 }, "storm-within", true},
		{"more than all", func(o *bench.Options) { o.Slow.Slow, o.Slow.Stuck = 60, 41 }, "slow-share", true},
		{"less than none", func(o *bench.Options) { o.Slow.Stuck = -1 }, "stuck-share", true},
		{"no share", func(o *bench.Options) { o.Slow.Slow = math.NaN() }, "slow-share", true},
		{"no messages", func(o *bench.Options) { o.Slow.Rate = 0 }, "slow-rate", true},
		{"too many messages", func(o *bench.Options) { o.Slow.Rate, o.Slow.For = 1e5, 10*time.Minute; o.Topics = 2 }, "slow-rate", true},
		{"slow for ever", func(o *bench.Options) { o.Slow.For = 10*time.Minute + 1 }, "slow-for", true},
		{"slow size", func(o *bench.Options) { o.Slow.Size = 32<<10 + 1 }, "slow-size", true},
		{"nobody", func(o *bench.Options) { o.Targets = []string{"http://127.0.0.1:1"} }, "no client could connect: connect", false},
		{"it ends", func(o *bench.Options) { o.Targets = []string{"exec:/bin/false"} }, "it ended", false},
		{"none to start", func(o *bench.Options) { o.Targets = []string{"self"} }, "does not know how to start", false},
		{"no worker", func(o *bench.Options) { o.Launch.Worker = nil }, "does not know how to start a worker", false},
		{"a worker that dies", func(o *bench.Options) { o.Launch.Worker[1] = part + "=dies" }, "as it should", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := small(t)
			o.Targets = []string{"floor"}
			test.set(o)
			_, err := bench.Run(t.Context(), o, all(t)[:1])
			if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, bench.ErrUsage) != test.usage {
				t.Errorf("Run: %v, want %q, usage %v", err, test.want, test.usage)
			}
		})
	}
	if _, err := bench.Lookup("connect", "tea"); !errors.Is(err, bench.ErrUsage) {
		t.Errorf("Lookup: %v", err)
	}
	if err := bench.Floor(t.Context(), "0.0.0.0:0", time.Second, 1); !errors.Is(err, bench.ErrUsage) {
		t.Errorf("Floor on all addresses: %v", err)
	}
	if err := bench.Floor(t.Context(), "nonsense", time.Second, 1); !errors.Is(err, bench.ErrUsage) {
		t.Errorf("Floor on nonsense: %v", err)
	}
}
