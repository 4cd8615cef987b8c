package main

import (
	"context"
	"os"
	"strings"
	"testing"
)

// asServer is the variable that makes the test binary our server, as which the
// driver starts it.
const asServer = "OUTRIDER_BENCH_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		main()
		return
	}
	os.Setenv(asServer, "1") // for those that it starts
	os.Exit(m.Run())
}

// TestLibrary measures our server, both ways, with few clients.
func TestLibrary(t *testing.T) {
	var out strings.Builder
	err := run(t.Context(), []string{
		"-n=3", "-binary=2", "-audience=20", "-broadcasts=3", "-warm=10ms", "-for=50ms", "-settle=10ms",
	}, &out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"echo, 3 clients", "ack, 3 clients", "binary, 2 clients", "broadcast, 20 clients", "inline/ours",
		"a second", "server CPU each", "last arrival, median", "memory an idle client",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in the table:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "failed") {
		t.Errorf("a server failed:\n%s", &out)
	}
}

// TestLibraryFails: a server that does not do as the driver expects is an error,
// and a gap in the table.
func TestLibraryFails(t *testing.T) {
	o := &options{clients: 1, servers: []contender{{"no", []string{"false", addrMark}}}}
	var out strings.Builder
	if err := o.measure(t.Context(), &out); err == nil || !strings.Contains(err.Error(), "ended before it listened") {
		t.Errorf("error %v for a server that ends at once", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.measure(ctx, &out); err == nil {
		t.Error("no error from a run that was interrupted")
	}
}

func TestParse(t *testing.T) {
	for _, args := range []string{
		"-n=1", "-n=19000", "-binary=1000", "-audience=19000", "-broadcasts=10000", "-for=20s", "-peer=x=y {addr}",
	} {
		if _, err := parse([]string{args}); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	}
	for args, want := range map[string]string{
		"-n=0": "-n", "-n=19001": "19000", "-binary=1001": "1000", "-audience=19001": "19000", "-broadcasts=10001": "10000",
		"-for=20001ms": "20s", "-warm=0s": "-warm", "-peer=x": "NAME=COMMAND", "-peer=x=y": addrMark, "word": "word",
	} {
		if _, err := parse([]string{args}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %s", args, err, want)
		}
	}
}
