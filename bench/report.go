package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// reportVersion changes when a field changes its meaning.
const reportVersion = 1

// Report is what a run has measured, and under what circumstances: what
// `-o file.json` writes, and merge, compare and report read.
type Report struct {
	Version     int        `json:"version"`
	Started     time.Time  `json:"started"`
	Machine     Machine    `json:"machine"`
	Merged      []Machine  `json:"merged,omitempty"` // the other machines of a merged report
	Options     Options    `json:"options"`
	Servers     []string   `json:"servers,omitempty"` // host/pid, where known
	Outcomes    []*Outcome `json:"outcomes"`
	Samples     []Sample   `json:"samples,omitempty"`
	Interrupted bool       `json:"interrupted,omitempty"`
	// Others is how many processors others were using meanwhile: a run on a
	// machine that is not idle measures that, too.
	Others   float64 `json:"others"`
	observed float64 // seconds
	began    time.Time
}

// Machine is where the harness ran.
type Machine struct {
	Host   string `json:"host"`
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"`
	Memory int64  `json:"memory"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
}

func newReport(o *Options) *Report {
	now := time.Now()
	return &Report{
		Version: reportVersion, Started: now.UTC().Truncate(time.Second), began: now,
		Machine: thisMachine(), Options: *o,
	}
}

func thisMachine() Machine {
	m := Machine{CPU: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()}
	m.Host, _ = os.Hostname()
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.Memory = int64(info.Totalram) * int64(info.Unit)
	}
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	return m
}

func (r *Report) has(scenario string) bool { return find(r.Outcomes, scenario) != nil }

func (r *Report) add(s *session, o *Outcome) {
	if o == nil {
		return
	}
	r.Outcomes = append(r.Outcomes, o)
	for _, t := range s.targets {
		if t.process.pid != 0 {
			r.Servers = append(r.Servers, fmt.Sprintf("%s/%d", r.Machine.Host, t.process.pid))
		}
	}
}

// ReadReport reads a file that WriteFile wrote.
func ReadReport(file string) (*Report, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if r.Version != reportVersion {
		return nil, fmt.Errorf("%s: is of version %d of the harness's reports, this is %d", file, r.Version, reportVersion)
	}
	return &r, nil
}

// WriteFile writes the report as JSON.
func (r *Report) WriteFile(file string) error { return writeJSON(file, r) }

func writeJSON(file string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// Figures returns the lines of a scenario.
func (r *Report) Figures(scenario string) []Figure {
	if o := find(r.Outcomes, scenario); o != nil {
		return figuresOf(o)
	}
	return nil
}

// WriteTable writes the figures for people.
func (r *Report) WriteTable(w io.Writer) error {
	if len(r.Outcomes) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, r.headline())
	for _, o := range r.Outcomes {
		fmt.Fprintf(table, "\n%s\n", o.Scenario)
		for _, f := range figuresOf(o) {
			fmt.Fprintf(table, "  %s\t%s", f.Name, f.Unit.format(f.Value))
			if verdict := (Line{Figure: f}).verdict(); verdict != "" {
				fmt.Fprintf(table, "\t%s", verdict)
			}
			fmt.Fprintln(table)
		}
	}
	r.writeNotes(table)
	return table.Flush()
}

// quietEnough is how much of a processor others may use before a table says
// so.
const quietEnough = .05

// writeNotes says what keeps the figures from being taken at their face.
func (r *Report) writeNotes(w io.Writer) {
	if r.Others > quietEnough {
		fmt.Fprintf(w, "\nthe machine was busy: others used %.2f of its %d processors\n", r.Others, r.Machine.CPUs)
	}
	for _, o := range r.Outcomes {
		for _, note := range o.Notes {
			fmt.Fprintf(w, "\n%s: %s\n", o.Scenario, note)
		}
	}
	if r.Interrupted {
		fmt.Fprintln(w, "\ninterrupted: this is what was measured until then")
	}
}

// headline says what was run where.
func (r *Report) headline() string {
	return fmt.Sprintf("%s: %d clients, Engine.IO %s, %s, %s; %d x %s, Linux %s, %s",
		strings.Join(r.Options.Targets, " "), r.Options.Clients, &r.Options.EIO, &r.Options.Transport, &r.Options.Kind,
		r.Machine.CPUs, r.Machine.CPU, r.Machine.Kernel, r.Machine.Go)
}

// format writes a value in a unit that suits its size.
func (u Unit) format(v float64) string {
	switch u {
	case PerSecond:
		return decimal(v) + "/s"
	case Bytes:
		switch {
		case v >= 10<<20 || v <= -10<<20:
			return decimal(v/(1<<20)) + " MiB"
		case v >= 100<<10 || v <= -100<<10:
			return decimal(v/(1<<10)) + " KiB"
		}
		return decimal(v) + " B"
	case Times:
		return fmt.Sprintf("%.2f x", v)
	case Time:
		switch {
		case v >= 1e9:
			return decimal(v/1e9) + " s"
		case v >= 1e6:
			return decimal(v/1e6) + " ms"
		}
		return decimal(v/1e3) + " µs"
	case Percent:
		return decimal(100*v) + " %"
	}
	return decimal(v)
}

// decimal writes three digits, or all before the point.
func decimal(v float64) string {
	switch a := max(v, -v); {
	case a >= 100 || a == float64(int64(a)):
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
