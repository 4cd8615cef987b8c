package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// Comparison is one server's figures beside another's.
type Comparison struct {
	Version int     `json:"version"`
	Ours    *Report `json:"ours"`
	// Others are the reports that ours is compared with: of a run before and
	// one after it, or one that was read from a file.
	Others []*Report `json:"others"`
	Vs     string    `json:"vs"`
}

// Compare runs the scenarios against another server, against the one that the
// options name, and against the other one again: what changed between the
// first and the last is the machine's doing, and bounds what the difference to
// ours means. vs is a target as in Options.Targets, or a file with a report.
func Compare(ctx context.Context, o *Options, scenarios []Scenario, vs string) (*Comparison, error) {
	c := &Comparison{Version: reportVersion, Vs: vs}
	other := *o
	other.Targets = []string{vs}
	_, err := os.Stat(vs)
	fromFile := err == nil && !startsServer(vs)
	if fromFile {
		r, err := ReadReport(vs)
		if err != nil {
			return nil, misuse("vs: %w", err)
		}
		c.Others = append(c.Others, r)
	} else {
		other.Push, other.PID = nil, nil
		if err := other.validate(); err != nil {
			return nil, err
		}
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	for _, turn := range []struct {
		opts *Options
		ours bool
	}{{&other, false}, {o, true}, {&other, false}} {
		if fromFile && !turn.ours || ctx.Err() != nil {
			continue
		}
		r, err := Run(ctx, turn.opts, scenarios)
		if r != nil && turn.ours {
			c.Ours = r
		} else if r != nil {
			c.Others = append(c.Others, r)
		}
		if err != nil {
			return c, fmt.Errorf("%s: %w", turn.opts.Targets[0], err)
		}
	}
	return c, nil
}

// Line is one figure, of both.
type Line struct {
	Figure
	Scenario string
	Others   []float64 // in the order of the runs
	Mean     float64   // of them
	Ratio    float64   // ours for each of theirs; 0 if it makes no sense
}

// Lines returns what both have measured.
func (c *Comparison) Lines() (lines []Line) {
	if c.Ours == nil {
		return nil
	}
	for _, o := range c.Ours.Outcomes {
		for _, f := range figuresOf(o) {
			l := Line{Figure: f, Scenario: o.Scenario}
			for _, other := range c.Others {
				for _, g := range other.Figures(o.Scenario) {
					if g.Name == f.Name {
						l.Others = append(l.Others, g.Value)
						l.Mean += g.Value
					}
				}
			}
			if n := len(l.Others); n > 0 {
				l.Mean /= float64(n)
			}
			if l.Mean > 0 && !f.Bare {
				l.Ratio = f.Value / l.Mean
			}
			lines = append(lines, l)
		}
	}
	return lines
}

// goal says what a figure should be at most, and whether it is; there may be
// none.
func (l Line) goal() (text string, ok bool) {
	switch {
	case l.AtMost > 0 && l.Ratio > 0:
		return fmt.Sprintf("%.2f x", l.AtMost), l.Ratio <= l.AtMost
	case l.None:
		return l.Unit.format(0), l.Value == 0
	case l.Good > 0:
		return l.Unit.format(l.Good), l.Value <= l.Good
	}
	return "", false
}

// verdict says whether a figure's goal is met.
func (l Line) verdict() string {
	switch text, ok := l.goal(); {
	case text == "":
		return ""
	case ok:
		return "at most " + text + ": met"
	default:
		return "at most " + text + ": NOT met"
	}
}

// WriteTable writes both side by side.
func (c *Comparison) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if c.Ours == nil {
		fmt.Fprintln(table, "interrupted before the server's own run")
		return table.Flush()
	}
	fmt.Fprintln(table, c.Ours.headline())
	scenario := ""
	for _, l := range c.Lines() {
		if l.Scenario != scenario {
			scenario = l.Scenario
			fmt.Fprintf(table, "\n%s\tours\t%s\tits runs\tratio\tgoal\n", scenario, c.Vs)
		}
		theirs, runs, ratio := "", "", ""
		if len(l.Others) > 0 {
			theirs = l.Unit.format(l.Mean)
		}
		for i, v := range l.Others {
			if len(l.Others) > 1 {
				runs += [2]string{"", " .. "}[min(i, 1)] + l.Unit.format(v)
			}
		}
		if l.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", l.Ratio)
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t%s\n", l.Name, l.Unit.format(l.Value), theirs, runs, ratio, l.verdict())
	}
	notes := *c.Ours
	for _, r := range c.Others {
		notes.Others = max(notes.Others, r.Others)
		notes.Interrupted = notes.Interrupted || r.Interrupted
	}
	notes.writeNotes(table)
	return table.Flush()
}

// WriteFile writes the comparison as JSON.
func (c *Comparison) WriteFile(file string) error { return writeJSON(file, c) }
