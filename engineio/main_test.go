package engineio_test

import (
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"
	"time"
)

// TestMain looks for goroutines and descriptors that the tests have left.
func TestMain(m *testing.M) {
	if ln, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		_ = ln.Close() // the runtime's poller has its descriptors from here on
	}
	goroutines, descriptors := runtime.NumGoroutine(), openDescriptors()
	code := m.Run()
	fuzzing := flag.Lookup("test.fuzz").Value.String() != "" // which leaves its own
	if code == 0 && !fuzzing && !settles(func() bool {
		return runtime.NumGoroutine() <= goroutines && openDescriptors() <= descriptors
	}) {
		fmt.Fprintf(os.Stderr, "left over: %d goroutines and %d descriptors more than at the start\n",
			runtime.NumGoroutine()-goroutines, openDescriptors()-descriptors)
		buf := make([]byte, 1<<20)
		_, _ = os.Stderr.Write(buf[:runtime.Stack(buf, true)])
		code = 1
	}
	os.Exit(code)
}

// settles waits a little for something that no event announces.
func settles(cond func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		if cond() {
			return true
		}
		<-tick.C
	}
	return false
}

func openDescriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
