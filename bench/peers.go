package bench

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Peers is our figures beside those of servers that would otherwise be picked,
// and the floor's.
type Peers struct {
	Version int `json:"version"`
	// Entrants are ours, the others, and last the floor, which ran both before
	// and after all others.
	Entrants []*Entrant `json:"entrants"`
}

// Peer is another server by a name for tables.
type Peer struct{ Name, Target string }

// ParsePeer reads NAME=TARGET, the target as in Options.Targets.
func ParsePeer(text string) (Peer, error) {
	name, target, ok := strings.Cut(text, "=")
	if !ok || name == "" || target == "" {
		return Peer{}, misuse("peer: must be like NAME=TARGET, is %q", text)
	}
	return Peer{name, target}, nil
}

// RunPeers runs the scenarios against the floor, against the server that the
// options name, against each of the others, and against the floor again.
func RunPeers(ctx context.Context, o *Options, scenarios []Scenario, others []Peer) (*Peers, error) {
	p := &Peers{Version: reportVersion}
	p.enter("ours", strings.Join(o.Targets, " "))
	turns := []*Options{o}
	for _, peer := range append(slices.Clone(others), Peer{targetFloor, targetFloor}) {
		p.enter(peer.Name, peer.Target)
		other := *o
		other.Targets, other.Push, other.PID = []string{peer.Target}, nil, nil
		turns = append(turns, &other)
	}
	for _, turn := range turns {
		if err := turn.validate(); err != nil {
			return nil, err
		}
	}
	floor := len(turns) - 1
	for i := -1; i <= floor && ctx.Err() == nil; i++ {
		at := i
		if i < 0 {
			at = floor
		}
		e := p.Entrants[at]
		r, err := Run(ctx, turns[at], scenarios)
		if r != nil {
			e.Reports = append(e.Reports, r)
		}
		if err != nil {
			return p, fmt.Errorf("%s: %w", e.Target, err)
		}
	}
	return p, nil
}

func (p *Peers) enter(name, target string) {
	p.Entrants = append(p.Entrants, &Entrant{Name: name, Target: target})
}

// WriteTable writes all side by side. The goals are for ours.
func (p *Peers) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	all := lineup(p.Entrants)
	if len(all[0].Reports) == 0 {
		fmt.Fprintln(table, "interrupted before our own run")
		return table.Flush()
	}
	fmt.Fprintln(table, all[0].Reports[0].headline())
	last := len(all) - 1
	for _, scenario := range all.scenarios() {
		fmt.Fprintf(table, "\n%s", scenario)
		for _, e := range all {
			fmt.Fprintf(table, "\t%s", e.Name)
		}
		for _, e := range all[:last] {
			fmt.Fprintf(table, "\t%s/%s", e.Name, all[last].Name)
		}
		fmt.Fprintln(table, "\tgoal for ours")
		for _, line := range all.places(scenario) {
			fmt.Fprintf(table, "  %s", line.Name)
			for _, values := range line.Values {
				fmt.Fprintf(table, "\t%s", values.format(line.Unit))
			}
			for _, ratio := range line.Ratios[:last] {
				fmt.Fprintf(table, "\t%s", formatRatio(ratio))
			}
			fmt.Fprintf(table, "\t%s\n", line.verdict())
		}
	}
	all.circumstances().writeNotes(table)
	return table.Flush()
}

// circumstances is a report that has the worst of all runs' circumstances.
func (l lineup) circumstances() *Report {
	var worst Report
	for _, e := range l {
		for _, r := range e.Reports {
			worst.Machine = r.Machine
			worst.Outcomes = append(worst.Outcomes, r.Outcomes...)
			worst.Others = max(worst.Others, r.Others)
			worst.Interrupted = worst.Interrupted || r.Interrupted
		}
	}
	return &worst
}

// WriteFile writes all reports as JSON.
func (p *Peers) WriteFile(file string) error { return writeJSON(file, p) }

// format writes the mean; nothing if there is none.
func (r runs) format(unit Unit) string {
	if mean, ok := r.mean(); ok {
		return unit.format(mean)
	}
	return ""
}

// formatRatio writes two digits behind the point while they say something;
// nothing for 0.
func formatRatio(ratio float64) string {
	switch {
	case ratio == 0:
		return ""
	case ratio >= 100:
		return fmt.Sprintf("%.0f", ratio)
	case ratio >= 10:
		return fmt.Sprintf("%.1f", ratio)
	}
	return fmt.Sprintf("%.2f", ratio)
}
