package sim

import (
	"bufio"
	"math"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Memory is what a process takes at a moment, in bytes.
type Memory struct {
	Heap     int64 // objects, dead ones included that are not swept yet
	Scan     int64 // of what is alive, the part that the collector reads
	Runtime  int64 // all that the runtime has of the system: heap, stacks, its own
	Resident int64 // of the process
}

// sub returns what has come since.
func (m Memory) sub(before Memory) Memory {
	return Memory{m.Heap - before.Heap, m.Scan - before.Scan, m.Runtime - before.Runtime, m.Resident - before.Resident}
}

// Names of package metrics.
const (
	metricObjects  = "/memory/classes/heap/objects:bytes"
	metricScan     = "/gc/scan/heap:bytes"
	metricTotal    = "/memory/classes/total:bytes"
	metricReleased = "/memory/classes/heap/released:bytes"
	metricAllocs   = "/gc/heap/allocs:bytes"
	metricCycles   = "/gc/cycles/total:gc-cycles"
	metricGC       = "/cpu/classes/gc/total:cpu-seconds"
	metricPauses   = "/sched/pauses/total/gc:seconds"
	metricStopping = "/sched/pauses/stopping/gc:seconds"
)

// memory reads what the process takes now.
func memory() Memory {
	s := []metrics.Sample{{Name: metricObjects}, {Name: metricScan}, {Name: metricTotal}, {Name: metricReleased}}
	metrics.Read(s)
	of := func(i int) int64 { return int64(s[i].Value.Uint64()) }
	return Memory{Heap: of(0), Scan: of(1), Runtime: of(2) - of(3), Resident: resident()}
}

// resident is Rss of smaps_rollup, 0 if it cannot be read. (VmRSS is counted
// for each processor apart, and may be some pages off.)
func resident() int64 {
	f, err := os.Open("/proc/self/smaps_rollup")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "Rss:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

// collect collects garbage twice: what finalizers and pools held the first time
// goes the second.
func collect() {
	runtime.GC()
	runtime.GC()
}

// Period is what a stretch of time took.
type Period struct {
	Elapsed time.Duration
	CPU     time.Duration // of the process
	GC      time.Duration // of that, the collector's; whole cycles only
	Cycles  int           // of the collector
	Allocs  int64         // bytes that were allocated on the heap
	// Pauses are the times for which a collection stopped everything, from the
	// request to stop. Stopping is the part until everything stood.
	Pauses, Stopping []time.Duration
}

// meter looks at what the process has used so far.
type meter struct {
	at               time.Time
	cpu              time.Duration
	gc               float64
	cycles, allocs   uint64
	pauses, stopping *metrics.Float64Histogram
}

func startMeter() meter {
	s := []metrics.Sample{{Name: metricCycles}, {Name: metricGC}, {Name: metricPauses}, {Name: metricStopping}, {Name: metricAllocs}}
	metrics.Read(s)
	return meter{
		at: time.Now(), cpu: processCPU(), cycles: s[0].Value.Uint64(), gc: s[1].Value.Float64(),
		pauses: s[2].Value.Float64Histogram(), stopping: s[3].Value.Float64Histogram(), allocs: s[4].Value.Uint64(),
	}
}

// period is what was used since.
func (m meter) period() Period {
	now := startMeter()
	return Period{
		Elapsed: now.at.Sub(m.at), CPU: now.cpu - m.cpu,
		GC: time.Duration((now.gc - m.gc) * 1e9), Cycles: int(now.cycles - m.cycles),
		Allocs: int64(now.allocs - m.allocs),
		Pauses: since(m.pauses, now.pauses), Stopping: since(m.stopping, now.stopping),
	}
}

// since lists what a histogram has counted more than before, each as the upper
// bound of its bucket: the truth is up to a quarter less.
func since(before, after *metrics.Float64Histogram) (values []time.Duration) {
	for i, n := range after.Counts {
		bound := after.Buckets[i+1]
		if math.IsInf(bound, 1) {
			bound = after.Buckets[i]
		}
		more := int(n - before.Counts[i])
		values = append(values, slices.Repeat([]time.Duration{time.Duration(bound * 1e9)}, more)...)
	}
	return values
}

// processCPU is the CPU time of all threads.
func processCPU() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
