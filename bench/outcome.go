package bench

import "time"

// Outcome is what one scenario measured, in quantities that add up: so that
// several runs, on several machines, make one. What people want to know of it
// are the scenario's figures.
type Outcome struct {
	Scenario string `json:"scenario"`
	// Sums are counts of the clients' side: the runs' sum is the whole.
	Sums map[string]float64 `json:"sums,omitempty"`
	// Server is what the servers' processes used. Runs against the same process
	// have seen the same: the greatest counts.
	Server map[string]float64 `json:"server,omitempty"`
	// Peaks are durations and extremes: the greatest counts.
	Peaks map[string]float64 `json:"peaks,omitempty"`
	// Histograms are distributions of a latency.
	Histograms map[string]*Histogram `json:"histograms,omitempty"`
	// Notes are what cannot be said in figures.
	Notes []string `json:"notes,omitempty"`
}

func newOutcome(scenario string) *Outcome {
	return &Outcome{
		Scenario: scenario,
		Sums:     map[string]float64{}, Server: map[string]float64{}, Peaks: map[string]float64{},
		Histograms: map[string]*Histogram{},
	}
}

// record adds a histogram, which may be nil, to the one of that name.
func (o *Outcome) record(name string, h *Histogram) {
	if o.Histograms[name] == nil {
		o.Histograms[name] = NewHistogram()
	}
	o.Histograms[name].Merge(h)
}

// merge adds another run's outcome of the same scenario.
func (o *Outcome) merge(other *Outcome, sameServer bool) {
	for name, v := range other.Sums {
		o.Sums[name] += v
	}
	for name, v := range other.Peaks {
		o.Peaks[name] = max(o.Peaks[name], v)
	}
	for name, v := range other.Server {
		if sameServer {
			o.Server[name] = max(o.Server[name], v)
		} else {
			o.Server[name] += v
		}
	}
	for name, h := range other.Histograms {
		o.record(name, h)
	}
	o.Notes = append(o.Notes, other.Notes...)
}

// Figure is one line of a table.
type Figure struct {
	Name  string
	Value float64
	Unit  Unit
	// AtMost is the goal for the ratio to the floor; 0: there is none.
	AtMost float64
	// Good is the goal for the value itself; 0: there is none.
	Good float64
	// None is the goal that the value is 0.
	None bool
	// Bare figures are not compared: they say how the run went.
	Bare bool
}

// Unit says how a value is written.
type Unit uint8

// The units.
const (
	Count Unit = iota
	PerSecond
	Bytes
	Time    // nanoseconds
	Times   // what something is a multiple of
	Percent // of 1, which is one processor where it is of them
)

// figures collects lines, and leaves out what was not measured.
type figures struct {
	outcome *Outcome
	all     []Figure
}

// sum and peak add a quantity as it is.
func (f *figures) sum(name, key string, unit Unit) *Figure {
	v, ok := f.outcome.Sums[key]
	return f.add(name, v, unit, ok)
}

func (f *figures) peak(name, key string, unit Unit) *Figure {
	v, ok := f.outcome.Peaks[key]
	return f.add(name, v, unit, ok)
}

// per adds a quantity of the server for each of a sum, each one of the clients'
// side.
func (f *figures) per(name, key, each string, unit Unit) *Figure {
	v, ok := f.outcome.Server[key]
	n := f.outcome.Sums[each]
	return f.add(name, v/max(n, 1), unit, ok && n > 0)
}

func (f *figures) each(name, key, each string, unit Unit) *Figure {
	v, ok := f.outcome.Sums[key]
	n := f.outcome.Sums[each]
	return f.add(name, v/max(n, 1), unit, ok && n > 0)
}

// none adds a count of what should not happen.
func (f *figures) none(name, key string) {
	line := f.sum(name, key, Count)
	line.Bare, line.None = true, true
}

// good gives a figure a goal, and keeps it from being compared.
func (f *Figure) good(most float64) { f.Bare, f.Good = true, most }

// server adds a quantity of the servers as it is.
func (f *figures) server(name, key string) *Figure {
	v, ok := f.outcome.Server[key]
	return f.add(name, v, Bytes, ok)
}

// growth adds what a quantity of the servers is of another.
func (f *figures) growth(name, key, of string) *Figure {
	v, ok := f.outcome.Server[key]
	base := f.outcome.Server[of]
	return f.add(name, v/max(base, 1), Times, ok && base > 0)
}

// slowdown adds what a point of a distribution is of another's.
func (f *figures) slowdown(name, key, of string, q float64) *Figure {
	a, b := f.outcome.Histograms[key], f.outcome.Histograms[of]
	if a == nil || b == nil || a.Count() == 0 || b.Count() == 0 {
		return &Figure{}
	}
	return f.add(name, float64(a.Quantile(q))/float64(max(b.Quantile(q), 1)), Times, true)
}

// share adds the time by which a share of a sum was done: the distribution has
// those that were. It is left out where it did not come to that.
func (f *figures) share(name, key, all string, q float64) *Figure {
	h, n := f.outcome.Histograms[key], f.outcome.Sums[all]
	if h == nil || n == 0 || float64(h.Count()) < q*n {
		return &Figure{}
	}
	return f.add(name, float64(h.Quantile(min(1, q*n/float64(h.Count())))), Time, true)
}

// rate adds a sum for each second of a peak.
func (f *figures) rate(name, key, elapsed string) *Figure {
	v, ok := f.outcome.Sums[key]
	d := f.outcome.Peaks[elapsed]
	return f.add(name, v*float64(time.Second)/max(d, 1), PerSecond, ok && d > 0)
}

// quantile adds a point of a distribution.
func (f *figures) quantile(name, key string, q float64) *Figure {
	h := f.outcome.Histograms[key]
	if h == nil || h.Count() == 0 {
		return &Figure{}
	}
	return f.add(name, float64(h.Quantile(q)), Time, true)
}

func (f *figures) add(name string, value float64, unit Unit, ok bool) *Figure {
	if !ok {
		return &Figure{}
	}
	f.all = append(f.all, Figure{Name: name, Value: value, Unit: unit})
	return &f.all[len(f.all)-1]
}
