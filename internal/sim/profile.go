package sim

import (
	"bytes"
	"fmt"
	"os"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// Parts of the CPU time that no package of the module is to be named for.
const (
	// PartCollector is the garbage collector in the background.
	PartCollector = "garbage collector"
	// PartScheduler is the rest of the runtime: goroutines, timers, parking.
	PartScheduler = "scheduler"
)

// module is what the names of our functions begin with.
const module = "outrider/"

// profiler takes a CPU profile, and shares its time out among packages: a
// sample goes to the innermost function of the module that is on its stack, so
// that a package answers for what it has the runtime and the standard library
// do. That is how the wheel's part is told from that of the heartbeats that it
// rings: what wheel.Advance calls back is the engine's.
type profiler struct{ text bytes.Buffer }

func startProfiler() (*profiler, error) {
	p := new(profiler)
	if err := pprof.StartCPUProfile(&p.text); err != nil {
		return nil, fmt.Errorf("sim: %w", err)
	}
	return p, nil
}

// stop ends the profile and returns the CPU time of each part, by package path
// below the module's. The profile goes to a file, if one is named.
func (p *profiler) stop(file string) (map[string]time.Duration, error) {
	pprof.StopCPUProfile()
	if file != "" {
		if err := os.WriteFile(file, p.text.Bytes(), 0o644); err != nil {
			return nil, err
		}
	}
	parsed, err := profile.Parse(&p.text)
	if err != nil {
		return nil, fmt.Errorf("sim: CPU profile: %w", err)
	}
	parts := map[string]time.Duration{}
	for _, s := range parsed.Sample {
		const nanoseconds = 1 // the second of a CPU profile's two values
		parts[partOf(s)] += time.Duration(s.Value[nanoseconds])
	}
	return parts, nil
}

// partOf says who answers for a sample.
func partOf(s *profile.Sample) string {
	part := PartScheduler
	for _, location := range s.Location { // innermost first, as are the lines of functions that were inlined
		for _, line := range location.Line {
			name := line.Function.Name
			if path, ours := strings.CutPrefix(name, module); ours {
				return packageOf(path)
			}
			if strings.HasPrefix(name, "runtime.gcBgMarkWorker") || strings.HasPrefix(name, "runtime.bgsweep") ||
				strings.HasPrefix(name, "runtime.bgscavenge") {
				part = PartCollector
			}
		}
	}
	return part
}

// packageOf cuts a function's name off its package's path, type arguments
// first: they have slashes and dots of their own.
func packageOf(function string) string {
	function, _, _ = strings.Cut(function, "[")
	slash := strings.LastIndexByte(function, '/')
	dot := strings.IndexByte(function[slash+1:], '.')
	if dot < 0 {
		return function
	}
	return function[:slash+1+dot]
}

// writeHeap writes the heap's profile to a file. A collection must have just
// ended: the profile is as of the last one.
func writeHeap(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := pprof.Lookup("heap").WriteTo(f, 0); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
