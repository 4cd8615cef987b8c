package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestImports is the layering as a policy: what each package of the module may
// import of the others. A package that is not listed here has no place yet.
func TestImports(t *testing.T) {
	allowed := map[string][]string{
		"registry":             {},
		"pushhttp":             {}, // it declares the Publisher that it calls
		"internal/httpwire":    {},
		"internal/poll":        {},
		"internal/websocket":   {},
		"internal/wheel":       {},
		"internal/loop":        {"internal/poll", "internal/wheel"},
		"internal/seam":        {"internal/poll"},
		"engineio":             {"internal/httpwire", "internal/loop", "internal/poll", "internal/seam", "internal/websocket", "internal/wheel"},
		"socketio":             {"engineio", "registry"},
		"socketio/adaptertest": {"engineio", "socketio"}, // for the tests of adapters, also of other modules
		"internal/gateway":     {"engineio", "pushhttp", "registry", "socketio"},
		"internal/sim":         {"internal/gateway", "internal/poll", "internal/seam", "pushhttp", "socketio"}, // beside the server, and below it
		"internal/conformance": {"engineio", "socketio"},
		"internal/e2e":         {},
		"cmd/outrider":         {"bench", "engineio", "internal/gateway", "internal/sim", "pushhttp", "socketio"},
	}
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "outrider/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		imports := strings.Fields(line)
		name := strings.TrimPrefix(imports[0], "outrider/")
		may, listed := allowed[name]
		if strings.HasSuffix(name, "test") && !listed { // polltest and its like
			continue
		}
		bench := name == "bench" || strings.HasPrefix(name, "bench/")
		if !listed && !bench {
			t.Errorf("%s: not in the list of packages", name)
		}
		for _, path := range imports[1:] {
			of, ours := strings.CutPrefix(path, "outrider/")
			if bench { // measures what anybody can use: public packages, and its own; a timer wheel is no part of that
				ours = ours && strings.HasPrefix(of, "internal/") && of != "internal/wheel"
			}
			if ours && !slices.Contains(may, of) {
				t.Errorf("%s may not import %s", name, of)
			}
		}
	}
}
