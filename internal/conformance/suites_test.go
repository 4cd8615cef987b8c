package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// serveAll serves all programs on free ports until the test ends, and returns
// their URLs.
func serveAll(t *testing.T) map[string]string {
	t.Helper()
	all := programs()
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error, len(all))
	urls := make(map[string]string)
	for _, p := range all {
		addr, err := p.serve(ctx, "127.0.0.1:0", failed)
		if err != nil {
			t.Fatal(err)
		}
		urls[p.name] = "http://" + addr.String()
	}
	t.Cleanup(func() {
		cancel()
		for range all {
			<-failed
		}
	})
	return urls
}

// TestPrograms opens a session with each program.
func TestPrograms(t *testing.T) {
	for name, url := range serveAll(t) {
		path := "/engine.io/"
		if strings.HasPrefix(name, "socketio") {
			path = "/socket.io/"
		}
		res, err := http.Get(url + path + "?EIO=4&transport=polling")
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%s: handshake answered %s, %v", name, res.Status, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestSuites runs the official suites of a checkout of
// github.com/socketio/socket.io, which REF names, and counts: see suites.sh.
func TestSuites(t *testing.T) {
	if os.Getenv("REF") == "" {
		t.Skip("REF does not name a checkout of github.com/socketio/socket.io: make suites REF=dir")
	}
	urls := serveAll(t)
	for _, suite := range []struct{ variable, program, want string }{
		{"EIO3_URL", "engine", "engine.io-v3: passed 23, failed 0, skipped 1"},
		{"EIO4_URL", "engine", "engine.io-v4: passed 25, failed 0, skipped 0"},
		{"SIO5_URL", "socketio", "socket.io-v5: passed 32, failed 0, skipped 0"},
		{"EIOC_URL", "engine-client", "engine.io-client: passed 83, failed 0, skipped 1"},
		{"SIOC_URL", "socketio-client", "socket.io-client: passed 109, failed 0, skipped 0"},
	} {
		t.Run(suite.variable, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
			defer cancel()
			run := exec.CommandContext(ctx, "bash", "suites.sh")
			run.Env = append(os.Environ(), suite.variable+"="+urls[suite.program])
			out, err := run.CombinedOutput()
			if err != nil || !strings.Contains(string(out), suite.want) {
				t.Errorf("want %s; got %v\n%s", suite.want, err, out)
			}
		})
	}
}
