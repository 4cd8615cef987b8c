package pushhttp_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"runtime/pprof"
	"testing"
	"time"
)

// TestMain fails if anything that the tests started is still there after them.
func TestMain(m *testing.M) {
	if ln, err := net.Listen("tcp", "127.0.0.1:0"); err == nil { // the runtime's poller stays open
		ln.Close()
	}
	files := openFiles()
	code := m.Run()
	if left := leaks(files); left != "" && code == 0 {
		fmt.Println(left)
		code = 1
	}
	os.Exit(code)
}

// leaks waits until the descriptors are back to what they were and no
// goroutine is in this package, and says what is left after some seconds.
func leaks(files int) (left string) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		var stacks bytes.Buffer
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 2)
		left = ""
		for stack := range bytes.SplitSeq(stacks.Bytes(), []byte("\n\n")) {
			if bytes.Contains(stack, []byte("outrider/pushhttp.")) || bytes.Contains(stack, []byte("fasthttp.(*Server).Serve")) {
				left += string(stack) + "\n\n"
			}
		}
		if n := openFiles(); n > files {
			left += fmt.Sprintf("%d descriptors, there were %d", n, files)
		}
		if left == "" {
			return ""
		}
		<-tick.C
	}
	return left
}

func openFiles() int {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(files)
}
