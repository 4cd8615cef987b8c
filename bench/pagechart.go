package bench

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"outrider/bench/internal/chart"
)

// title says what a histogram of a scenario is; one that is not listed is
// called by its name.
func title(scenario, histogram string) string {
	switch scenario + "." + histogram {
	case "connect.opened":
		return "Dial until the engine is open"
	case "connect.settled":
		return "Dial until set_connect is acknowledged"
	case "fanout.arrivals":
		return "Push until arrival, all clients"
	case "fanout.first":
		return "Push until the first arrival"
	case "fanout.last":
		return "Push until the last arrival"
	case "storm.returned":
		return "Cut until back, all clients"
	case "storm.settled":
		return "Dial until back"
	case "slow.alone":
		return "All read: push due until its arrival"
	case "slow.filling":
		return "Kernels fill: push due until its arrival, quick clients"
	case "slow.beside":
		return "Beside slow ones: push due until its arrival, quick clients"
	case "slow.slow_closed":
		return "1 KB a second: first push until closed"
	case "slow.stuck_closed":
		return "Nothing read: first push until closed"
	case "unicast.answers":
		return "Push due until its answer"
	case "unicast.due":
		return "Push due until its arrival"
	case "unicast.sent":
		return "Push written until its arrival"
	case "unicast.flat_answers":
		return "Flat out: push due until its answer"
	case "unicast.flat_due":
		return "Flat out: push due until its arrival"
	case "unicast.flat_sent":
		return "Flat out: push written until its arrival"
	}
	return strings.ReplaceAll(histogram, "_", " ")
}

// latencyFigures draws each distribution that a scenario has.
func latencyFigures(id, scenario string, all lineup) (figures []*figure, err error) {
	names := map[string]bool{}
	for _, e := range all {
		for _, r := range e.Reports {
			if o := find(r.Outcomes, scenario); o != nil {
				for name := range maps.Keys(o.Histograms) {
					names[name] = true
				}
			}
		}
	}
	for i, name := range slices.Sorted(maps.Keys(names)) {
		f, err := latencyFigure(fmt.Sprintf("%s-latency%d", id, i+1), scenario, name, all)
		if err != nil {
			return nil, err
		}
		if f != nil {
			figures = append(figures, f)
		}
	}
	return figures, nil
}

// distribution adds up what the runs of a server have measured.
func (e *Entrant) distribution(scenario, name string) *Histogram {
	sum := NewHistogram()
	for _, r := range e.Reports {
		if o := find(r.Outcomes, scenario); o != nil {
			sum.Merge(o.Histograms[name])
		}
	}
	return sum
}

// nines are the percentiles that are marked: each has a tenth beyond it of what
// the one before has.
var nines = []string{"0", "90", "99", "99.9", "99.99", "99.999", "99.9999", "99.99999"}

// latencyFigure draws a distribution by percentile, the rare ones as wide as
// the frequent: what HdrHistogram's own plots do. Nil if there is none.
func latencyFigure(id, scenario, name string, all lineup) (*figure, error) {
	f := &figure{Title: title(scenario, name), Head: []string{"server", "count", "p50", "p90", "p99", "p99.9", "most"}}
	lines := chart.Lines{ID: id, Title: scenario + ": " + f.Title, X: chart.Scale{Label: "percentile"}}
	least, most := math.Inf(1), 0.
	for i, e := range all {
		h := e.distribution(scenario, name)
		if h.Count() == 0 {
			continue
		}
		end := math.Log10(float64(max(h.Count(), 10)))
		lines.X.Max = max(lines.X.Max, end)
		lines.Series = append(lines.Series, chart.Series{Class: i, Pieces: [][]chart.Point{h.curve(end)}})
		least, most = min(least, float64(h.Quantile(0))), max(most, float64(h.Max()))
		f.Key = append(f.Key, server{Name: e.Name, Class: i})
		line := []string{e.Name, fmt.Sprint(h.Count())}
		for _, q := range []float64{.5, .9, .99, .999, 1} {
			line = append(line, Time.format(float64(h.Quantile(q))))
		}
		f.Rows = append(f.Rows, line)
		lines.Desc += fmt.Sprintf("%s: half within %s, 99 %% within %s, all within %s. ", e.Name, line[2], line[4], line[6])
	}
	if len(lines.Series) == 0 {
		return nil, nil
	}
	for n, text := range nines[:min(len(nines), int(lines.X.Max)+1)] {
		lines.X.Ticks = append(lines.X.Ticks, chart.Tick{At: float64(n), Text: text + " %"})
	}
	if lines.X.Max < 3 {
		lines.X.Ticks = append(lines.X.Ticks, chart.Tick{At: math.Log10(2), Text: "50 %"})
	}
	lines.Y = latencyScale(least, most)
	if lines.Y.Log {
		f.Note = "Logarithmic scale."
	}
	var err error
	f.SVG, err = lines.SVG()
	return f, err
}

// latencyScale is linear where the curves can then be read.
func latencyScale(least, most float64) chart.Scale {
	const wide = 12
	if most > wide*max(least, 1) {
		return chart.Logarithmic("latency", least, most, Time.format)
	}
	return chart.Linear("latency", most, 1, 5, Time.format)
}

// curve is the distribution up to 1-10^-end, by the number of nines.
func (h *Histogram) curve(end float64) (points []chart.Point) {
	const step = .05
	for at := 0.; at < end; at += step {
		points = append(points, chart.Point{X: at, Y: float64(h.Quantile(1 - math.Pow(10, -at)))})
	}
	return append(points, chart.Point{X: end, Y: float64(h.Max())})
}

// barsFigure draws what has a ratio to the yardstick. Nil if nothing has.
func barsFigure(id, scenario string, all lineup, places []place) (*figure, error) {
	last := len(all) - 1
	yardstick := all[last].Name
	bars := chart.Bars{ID: id, Title: scenario + ": ratio to " + yardstick, Base: 1}
	f := &figure{Title: "Ratio to " + yardstick, Note: "Logarithmic scale; the full line is " + yardstick + "."}
	least, most := .5, 2.
	for _, p := range places {
		g := chart.Group{Name: p.Name}
		if p.Unit == PerSecond {
			g.Name += " (more is better)"
		}
		for i, ratio := range p.Ratios[:last] {
			if ratio > 0 {
				g.Bars = append(g.Bars, chart.Bar{Class: i, Value: ratio, Text: formatRatio(ratio) + " ×"})
				least, most = min(least, ratio), max(most, ratio)
				bars.Desc += fmt.Sprintf("%s, %s: %s times. ", p.Name, all[i].Name, formatRatio(ratio))
			}
		}
		if len(g.Bars) == 0 {
			continue
		}
		if p.AtMost > 0 {
			g.Goal, f.Note = p.AtMost, "Logarithmic scale; the full line is "+yardstick+", the short dashes are the goals for "+all[0].Name+"."
		}
		bars.Groups = append(bars.Groups, g)
	}
	if len(bars.Groups) == 0 {
		return nil, nil
	}
	for i, e := range all[:last] {
		f.Key = append(f.Key, server{Name: e.Name, Class: i})
	}
	bars.Scale = chart.Logarithmic("times "+yardstick, least, most, func(v float64) string { return fmt.Sprintf("%g", v) })
	var err error
	f.SVG, err = bars.SVG()
	return f, err
}
