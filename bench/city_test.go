package bench_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"outrider/bench"
	"outrider/bench/internal/gatewaytest"
	"outrider/bench/internal/ledger"
	"outrider/engineio"
)

// smallCity are options for a day of some seconds.
func smallCity(t *testing.T) (*bench.Options, []bench.Scenario) {
	t.Helper()
	o := small(t)
	o.Clients = 150
	o.City.For, o.City.Every, o.City.Regions = 3*time.Second, time.Second, 5
	o.City.Ledger = filepath.Join(t.TempDir(), "ledgers")
	found, err := bench.Lookup("city")
	if err != nil {
		t.Fatal(err)
	}
	return o, found
}

// checkLedger reads the ledger of a run anew.
func checkLedger(t *testing.T, o *bench.Options) (string, error) {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(o.City.Ledger, "*"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("ledgers: %v, %v", dirs, err)
	}
	var text bytes.Buffer
	err = bench.CheckLedger(&text, dirs[0])
	return text.String(), err
}

// TestCity has a day of both revisions, every transport, two workers, two
// servers; everybody moves, logs in and out, and falls off the network all the
// time. Nothing is wrong, and afterwards all are what they were.
func TestCity(t *testing.T) {
	t.Parallel()
	o, scenarios := smallCity(t)
	o.Targets, o.Push = nil, nil
	for range 2 {
		g := gatewaytest.Start(t, engineio.Config{PingInterval: time.Second})
		o.Targets = append(o.Targets, "http://"+g.Clients.String())
		o.Push = append(o.Push, "http://"+g.Pushes.String())
	}
	for mix, text := range map[*bench.Mix]string{&o.EIO: "3,4", &o.Transport: "websocket:2,polling,upgrade"} {
		if err := mix.Set(text); err != nil {
			t.Fatal(err)
		}
	}
	o.Workers = 2
	r, err := bench.Run(t.Context(), o, append(scenarios, all(t)[1]))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"refused": 0, "closes": 0, "claims_refused": 0, "foreign": 0}
	for _, s := range ledger.Sorts() {
		want[s.String()] = 0
	}
	checkSums(t, r, "city", want)
	city := outcome(t, r, "city")
	for _, act := range []string{"moves", "repeats", "logs out", "leaves", "breaks off", "falls silent"} {
		if city.Sums["acts: "+act] == 0 {
			t.Errorf("nobody %s", act)
		}
	}
	if s := city.Sums; s["pushes"] < 2000 || s["owed"] < 500 || s["receipts"] < s["owed"] || s["connections"] < 200 || s["logouts"] == 0 {
		t.Errorf("a city without life: %v", s)
	}
	text, err := checkLedger(t, o)
	if err != nil || !strings.Contains(text, "\nlost 0\n") {
		t.Errorf("the ledger that was kept: %v\n%s", err, text)
	}
	checkSums(t, r, "fanout", map[string]float64{"pushes": 3, "lost": 0})
	var table bytes.Buffer
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"phantom +0 +at most 0: met", "city: the ledger is in /", "rider:45,customer:30"} {
		if !regexp.MustCompile(want).Match(table.Bytes()) {
			t.Errorf("no %q in the table:\n%s", want, &table)
		}
	}
	merged, err := bench.Merge(r, r)
	if err != nil || outcome(t, merged, "city").Sums["receipts"] != 2*city.Sums["receipts"] {
		t.Errorf("merged: %v", err)
	}
}

// TestFaulty: the faults of a server, one in so many messages, are found, all
// of them and no others.
func TestFaulty(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		sort  ledger.Sort
		every int
		life  time.Duration
	}{
		{ledger.Lost, 10_000, 5 * time.Second},
		{ledger.Duplicate, 1000, 2 * time.Second},
		{ledger.Reordered, 1000, 2 * time.Second},
		{ledger.Phantom, 1000, 2 * time.Second},
	} {
		t.Run(fmt.Sprint(test.sort), func(t *testing.T) {
			t.Parallel()
			g := gatewaytest.Start(t, engineio.Config{})
			f := startFaulty(t, g.Clients.String(), test.sort, test.every)
			o, scenarios := smallCity(t)
			o.Targets, o.Push = []string{f.addr}, []string{g.Pushes.String()}
			if err := o.Kind.Set("app"); err != nil {
				t.Fatal(err)
			}
			// One push after the other, to devices that keep their places:
			// every fault is one for certain.
			o.Conns, o.City.Orders, o.City.For, o.City.Every = 1, 300, test.life, 24*time.Hour
			r, err := bench.Run(t.Context(), o, scenarios)
			if err != nil {
				t.Fatal(err)
			}
			made := f.faults()
			if made[test.sort] == 0 {
				t.Errorf("%v messages without a fault", outcome(t, r, "city").Sums["receipts"])
			}
			for _, s := range ledger.Sorts() {
				if got := outcome(t, r, "city").Sums[s.String()]; got != float64(made[s]) {
					t.Errorf("%v: found %v, made %d", s, got, made[s])
				}
			}
			if text, err := checkLedger(t, o); err == nil || !strings.Contains(text, test.sort.String()+": push ") {
				t.Errorf("the ledger that was kept: %v\n%s", err, text)
			}
		})
	}
}

// TestCityInterrupt ends a day at noon. What was measured by then is checked,
// and a ledger without a fault does not stay.
func TestCityInterrupt(t *testing.T) {
	t.Parallel()
	o, scenarios := smallCity(t)
	g := gatewaytest.Start(t, engineio.Config{})
	o.Targets, o.Push = []string{g.Clients.String()}, []string{g.Pushes.String()}
	o.City.For, o.City.Ledger = time.Hour, ""
	ctx, cancel := context.WithCancel(t.Context())
	o.Progress = writerFunc(func(p []byte) (int, error) {
		if strings.HasPrefix(string(p), "city 0/") {
			time.AfterFunc(time.Second, cancel)
		}
		return len(p), nil
	})
	r, err := bench.Run(ctx, o, scenarios)
	if err != nil {
		t.Fatal(err)
	}
	city := outcome(t, r, "city")
	if !r.Interrupted || city.Sums["pushes"] == 0 || city.Sums["receipts"] == 0 || len(city.Notes) > 0 {
		t.Errorf("interrupted %v: %v, %v", r.Interrupted, city.Sums, city.Notes)
	}
	checkSums(t, r, "city", map[string]float64{"lost": 0, "phantom": 0, "reordered": 0, "duplicate": 0})
}

// TestLedgerFull: a ledger that does not fit is an error, not a verdict.
func TestLedgerFull(t *testing.T) {
	t.Parallel()
	o, scenarios := smallCity(t)
	g := gatewaytest.Start(t, engineio.Config{})
	o.Targets, o.Push = []string{g.Clients.String()}, []string{g.Pushes.String()}
	o.City.LedgerBytes, o.City.Orders = 64<<10, 400 // of which 64 kB are half
	r, err := bench.Run(t.Context(), o, scenarios)
	if err == nil || !strings.Contains(err.Error(), ledger.ErrFull.Error()) {
		t.Fatalf("%v", err)
	}
	if _, judged := outcome(t, r, "city").Sums["lost"]; judged {
		t.Error("it was checked")
	}
	if _, err := os.Stat(o.City.Ledger); err != nil {
		t.Error(err)
	}
}
