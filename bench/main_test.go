package bench_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"outrider/bench"
)

// part is the variable that makes the test binary a part of the harness, which
// starts it again as cmd/outrider does.
const part = "OUTRIDER_BENCH_PART"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(part) {
	case "":
		os.Exit(m.Run())
	case "worker":
		err = bench.WorkerMain(os.Stdin, os.Stdout)
	case "floor": // --listen addr --ping-interval d
		var ping time.Duration
		if ping, err = time.ParseDuration(os.Args[4]); err == nil {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
			defer stop()
			err = bench.Floor(ctx, os.Args[2], ping, 2)
		}
	case "dies":
		err = fmt.Errorf("as it should")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// launch starts the test binary; env is a command that sets its part.
func launch(t *testing.T) bench.Launch {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	as := func(name string) []string { return []string{"/usr/bin/env", part + "=" + name, self} }
	return bench.Launch{Worker: as("worker"), Floor: as("floor")}
}

// small are options for a run of a second or two.
func small(t *testing.T) *bench.Options {
	o := bench.DefaultOptions()
	o.Launch = launch(t)
	o.Clients, o.InFlight = 60, 16
	o.Idle = 600 * time.Millisecond
	o.FanOuts = 3
	o.PushRate, o.PushFor, o.FlatOut, o.Conns = 500, 300*time.Millisecond, 300, 4
	return o
}
