package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// figure is one thing that was measured.
type figure struct {
	name   string
	value  float64
	format func(float64) string
}

// The formats of figures. Durations are in nanoseconds, sizes in bytes.
func count(v float64) string    { return fmt.Sprintf("%.0f", v) }
func plain(v float64) string    { return fmt.Sprintf("%.2f", v) }
func size(v float64) string     { return fmt.Sprintf("%.0f B", v) }
func duration(v float64) string { return significant(time.Duration(v)).String() }

// significant leaves three digits of a duration, and microseconds one behind
// the point.
func significant(d time.Duration) time.Duration {
	unit := 100 * time.Nanosecond
	for d >= 1000*unit {
		unit *= 10
	}
	return d.Round(unit)
}

// section is an operation on all servers, the first of which is what the others
// are divided by.
type section struct {
	title   string
	figures [][]figure // of each server, none if it has failed
}

// write writes all sections side by side.
func write(w io.Writer, servers []contender, sections []section) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, s := range sections {
		if i > 0 {
			fmt.Fprintln(table)
		}
		fmt.Fprint(table, s.title)
		for _, c := range servers {
			fmt.Fprintf(table, "\t%s", c.name)
		}
		for _, c := range servers[1:] {
			fmt.Fprintf(table, "\t%s/%s", c.name, servers[0].name)
		}
		fmt.Fprintln(table)
		s.writeLines(table)
	}
	return table.Flush()
}

func (s section) writeLines(w io.Writer) {
	var longest []figure // all have the same lines, but who has failed has none
	for _, figures := range s.figures {
		if len(figures) > len(longest) {
			longest = figures
		}
	}
	for line := range longest {
		fmt.Fprintf(w, "  %s", longest[line].name)
		for _, figures := range s.figures {
			if line < len(figures) {
				fmt.Fprintf(w, "\t%s", figures[line].format(figures[line].value))
			} else {
				fmt.Fprint(w, "\tfailed")
			}
		}
		for _, figures := range s.figures[1:] {
			fmt.Fprintf(w, "\t%s", ratio(figures, s.figures[0], line))
		}
		fmt.Fprintln(w)
	}
}

// ratio is empty where there is none.
func ratio(figures, ours []figure, line int) string {
	if line >= len(figures) || line >= len(ours) || ours[line].value == 0 {
		return ""
	}
	return plain(figures[line].value / ours[line].value)
}
