package bench

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Sample is the state of a run at one moment: what curves over time are drawn
// from.
type Sample struct {
	At       float64 `json:"at"` // seconds since the report's start
	Phase    string  `json:"phase"`
	CPU      float64 `json:"cpu"` // seconds that the servers have used
	RSS      int64   `json:"rss"` // of the servers
	Ready    int     `json:"ready"`
	Messages uint64  `json:"messages"`
}

// sampleEvery is how often the servers are looked at: seldom enough that it
// costs nothing, often enough for a curve.
const sampleEvery = 500 * time.Millisecond

// sampler looks at a session's servers, and at the machine, until it is
// stopped.
type sampler struct {
	session *session
	start   time.Time
	began   time.Time
	before  machineUse
	stop    chan struct{}
	running sync.WaitGroup
	samples []Sample // the goroutine's until it has ended
}

func (s *session) startSampler(start time.Time) *sampler {
	m := &sampler{session: s, start: start, began: time.Now(), before: s.machineUse(), stop: make(chan struct{})}
	m.running.Go(m.run)
	return m
}

func (m *sampler) run() {
	every := time.NewTicker(sampleEvery)
	defer every.Stop()
	for {
		m.sample()
		select {
		case <-every.C:
		case <-m.stop:
			return
		}
	}
}

func (m *sampler) sample() {
	phase, counts := m.session.progress.state()
	sample := Sample{At: time.Since(m.start).Seconds(), Phase: phase, Ready: counts.Ready, Messages: counts.Messages}
	for _, t := range m.session.targets {
		if t.process.pid == 0 {
			return
		}
		cpu, err := t.process.cpu()
		if err != nil {
			return
		}
		sample.CPU += cpu.Seconds()
		sample.RSS += t.process.resident()
	}
	m.samples = append(m.samples, sample)
}

// end stops the sampler and adds what it saw to the report.
func (m *sampler) end(r *Report) {
	close(m.stop)
	m.running.Wait()
	r.Samples = append(r.Samples, m.samples...)
	after := m.session.machineUse()
	if !m.before.known || !after.known {
		return
	}
	elapsed := time.Since(m.began).Seconds()
	others := (after.all - m.before.all) - (after.ours - m.before.ours)
	// Averaged over the servers of the run, by time.
	r.Others = (r.Others*r.observed + max(0, others.Seconds())) / (r.observed + elapsed)
	r.observed += elapsed
}

// resident is the resident memory by the kernel's running count: cheap, and
// accurate enough for a curve.
func (p process) resident() int64 {
	text, err := os.ReadFile(p.path("statm"))
	if err != nil {
		return 0
	}
	const rss = 1
	fields := strings.Fields(string(text))
	if len(fields) <= rss {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[rss], 10, 64)
	return pages * int64(os.Getpagesize())
}

// machineUse is the CPU time that was used up to a moment: by all that runs on
// the machine, and by the harness and its servers.
type machineUse struct {
	all, ours time.Duration
	known     bool
}

func (s *session) machineUse() (use machineUse) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return machineUse{}
	}
	line, _, _ := strings.Cut(string(text), "\n")
	// cpu user nice system idle iowait irq softirq steal ...
	const idle, iowait, last = 4, 5, 8
	for i, field := range strings.Fields(line) {
		n, err := strconv.ParseInt(field, 10, 64)
		if i == 0 || i == idle || i == iowait || i > last || err != nil {
			continue
		}
		use.all += time.Duration(n) * time.Second / hertz
	}
	pids := []int{os.Getpid()}
	for _, h := range s.crew.workers {
		pids = append(pids, h.pid)
	}
	for _, t := range s.targets {
		pids = append(pids, t.process.pid)
	}
	use.known = true
	slices.Sort(pids)
	for _, pid := range slices.Compact(pids) { // a simulation is its own server
		cpu, err := process{pid}.cpu()
		if err != nil || pid == 0 {
			return machineUse{}
		}
		use.ours += cpu
	}
	return use
}
