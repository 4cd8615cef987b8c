package bench

import (
	"fmt"

	"outrider/bench/internal/chart"
)

// memoryFigure draws the servers' resident memory over time. Nil if nobody
// looked.
func memoryFigure(id string, all lineup) (*figure, error) {
	f := &figure{
		Title: "Resident memory of the servers over time",
		Head:  []string{"server", "phase", "from", "until", "at its end", "at most", "CPU"},
	}
	lines := chart.Lines{ID: id, Title: f.Title, X: chart.Scale{Label: "seconds since the run began"}}
	var long, most float64
	for i, e := range all {
		shown := false
		for _, r := range e.Reports {
			if len(r.Samples) == 0 {
				continue
			}
			phases := phasesOf(r.Samples)
			if len(lines.Series) == 0 {
				lines.Bands = bands(phases)
				f.Note = "A gap is a new server. The shades are the phases of " + e.Name + "."
			}
			lines.Series = append(lines.Series, chart.Series{Class: i, Pieces: memoryCurve(r.Samples)})
			peak := 0.
			for _, p := range phases {
				f.Rows = append(f.Rows, p.cells(e.Name))
				long, peak = max(long, p.until), max(peak, float64(p.peak))
			}
			most = max(most, peak)
			lines.Desc += fmt.Sprintf("%s: at most %s. ", e.Name, Bytes.format(peak))
			shown = true
		}
		if shown {
			f.Key = append(f.Key, server{Name: e.Name, Class: i})
		}
	}
	if len(lines.Series) == 0 {
		return nil, nil
	}
	lines.X.Ticks = chart.Linear("", long, 1, 8, func(v float64) string { return fmt.Sprintf("%g", v) }).Ticks
	lines.X.Max = lines.X.Ticks[len(lines.X.Ticks)-1].At
	lines.Y = chart.Linear("memory", most, 1<<20, 5, func(v float64) string { return fmt.Sprintf("%g MiB", v/(1<<20)) })
	var err error
	f.SVG, err = lines.SVG()
	return f, err
}

// memoryCurve begins anew where the servers did: their CPU time is less than
// it was.
func memoryCurve(samples []Sample) (pieces [][]chart.Point) {
	for i, s := range samples {
		if i == 0 || s.CPU < samples[i-1].CPU {
			pieces = append(pieces, nil)
		}
		last := len(pieces) - 1
		pieces[last] = append(pieces[last], chart.Point{X: s.At, Y: float64(s.RSS)})
	}
	return pieces
}

// phase is a part of a run, as its samples show it.
type phase struct {
	name        string
	from, until float64 // seconds
	rss, peak   int64
	cpu         float64 // seconds
}

// phasesOf cuts samples where their phase changes, or their servers.
func phasesOf(samples []Sample) (phases []phase) {
	for i, s := range samples {
		fresh := i == 0 || s.CPU < samples[i-1].CPU
		if fresh || s.Phase != samples[i-1].Phase {
			p := phase{name: s.Phase, from: s.At}
			if !fresh { // the change was since the last sample
				phases[len(phases)-1].until = s.At
			}
			phases = append(phases, p)
		}
		p := &phases[len(phases)-1]
		p.until, p.rss, p.peak = s.At, s.RSS, max(p.peak, s.RSS)
		if !fresh {
			p.cpu += s.CPU - samples[i-1].CPU
		}
	}
	return phases
}

func (p phase) cells(server string) []string {
	return []string{
		server, p.name, fmt.Sprintf("%.1f s", p.from), fmt.Sprintf("%.1f s", p.until),
		Bytes.format(float64(p.rss)), Bytes.format(float64(p.peak)), Time.format(p.cpu * 1e9),
	}
}

func bands(phases []phase) []chart.Band {
	all := make([]chart.Band, len(phases))
	for i, p := range phases {
		all[i] = chart.Band{From: p.from, To: p.until, Name: p.name}
	}
	return all
}
