package loop_test

import (
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"
)

// TestMain runs the tests and then looks whether anything was left open:
// every group must give back its descriptors and its goroutines. A test
// binary that was started again as a helper serves instead.
func TestMain(m *testing.M) {
	if role := os.Getenv(helperEnv); role != "" {
		os.Exit(helper(role))
	}
	flag.Parse()
	warmUp()
	fds, goroutines := descriptors(), runtime.NumGoroutine()
	code := m.Run()
	if code == 0 && !leftAt(fds, goroutines) {
		code = 1
	}
	os.Exit(code)
}

// warmUp makes the runtime open what it keeps: its poller.
func warmUp() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	_ = ln.Close()
}

// descriptors counts the open descriptors of the process.
func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	return len(entries) - 1 // the directory itself
}

// leftAt reports whether the process comes back to so many descriptors and
// goroutines within five seconds.
func leftAt(fds, goroutines int) bool {
	ok := within(5*time.Second, func() bool {
		return descriptors() <= fds && runtime.NumGoroutine() <= goroutines
	})
	if !ok {
		fmt.Fprintf(os.Stderr, "left open: %d descriptors of %d, %d goroutines of %d\n",
			descriptors(), fds, runtime.NumGoroutine(), goroutines)
		listDescriptors()
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
	}
	return ok
}

func listDescriptors() {
	const dir = "/proc/self/fd/"
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if what, err := os.Readlink(dir + e.Name()); err == nil {
			fmt.Fprintln(os.Stderr, e.Name(), what)
		}
	}
}

// within polls until cond holds, and reports whether it did in time.
func within(d time.Duration, cond func() bool) bool {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(d); !cond(); <-tick.C {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// eventually fails the test unless cond comes to hold.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	if !within(10*time.Second, cond) {
		t.Fatalf("not within 10 s: %s", what)
	}
}
