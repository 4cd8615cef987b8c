package bench

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
)

// section is what the page says of one file.
type section struct {
	ID, Title  string
	Facts      []fact   // the load, the machine
	Notes      []string // what keeps the figures from being taken at their face
	Legend     []server
	Unmet      []string
	Met, Goals int
	Memory     *figure
	Scenarios  []scenarioPart
}

// fact is a term and what is to be said of it.
type fact struct{ Term, Text string }

// server is an entrant as tables and legends call it.
type server struct {
	Name, Target string
	Class        int
}

// scenarioPart is one scenario: its table, and its charts.
type scenarioPart struct {
	ID, Name, Short string
	Head            []string
	Rows            []row
	Charts          []*figure
}

// row is a line of a scenario's table. Goal is empty if there is none.
type row struct {
	Name  string
	Cells []cell
	Goal  string
	Met   bool
}

// cell is a value, and the runs that it is the mean of.
type cell struct{ Text, Runs string }

// figure is a chart and the table behind it.
type figure struct {
	Title string
	SVG   template.HTML
	Key   []server // which curves it has
	Note  string
	Head  []string
	Rows  [][]string
}

func newSection(id, title string, all lineup) (*section, error) {
	first := all.first()
	s := &section{ID: id, Title: title, Facts: facts(first), Notes: notes(all)}
	for i, e := range all {
		if len(e.Reports) > 0 {
			s.Legend = append(s.Legend, server{e.Name, e.Target, i})
		}
	}
	for i, name := range all.scenarios() {
		part, err := s.scenario(fmt.Sprintf("%s-%d", id, i+1), name, all)
		if err != nil {
			return nil, err
		}
		s.Scenarios = append(s.Scenarios, part)
	}
	var err error
	s.Memory, err = memoryFigure(id+"-memory", all)
	return s, err
}

// facts says under what circumstances a report was made.
func facts(r *Report) []fact {
	o := &r.Options
	machine := func(m Machine) string {
		return fmt.Sprintf("%s: %d × %s, %s, Linux %s, %s", m.Host, m.CPUs, m.CPU, Bytes.format(float64(m.Memory)), m.Kernel, m.Go)
	}
	f := []fact{
		{"Clients", fmt.Sprintf("%d, Engine.IO %s, %s, %s; topics: %d", o.Clients, &o.EIO, &o.Transport, &o.Kind, o.Topics)},
	}
	if o.FanOuts > 0 { // a simulation has none
		f = append(f, fact{"Load", fmt.Sprintf("%d fan-outs; %s device pushes a second for %v, then %d as fast as they go on %d connections; data of %d bytes",
			o.FanOuts, decimal(o.PushRate), o.PushFor, o.FlatOut, o.Conns, o.Size)})
	}
	f = append(f, fact{"Machine", machine(r.Machine)})
	for _, m := range r.Merged {
		f = append(f, fact{"Merged with", machine(m)})
	}
	return append(f, fact{"Started", r.Started.UTC().Format(time.DateTime) + " UTC"})
}

func notes(all lineup) []string {
	var text strings.Builder
	all.circumstances().writeNotes(&text)
	return strings.FieldsFunc(text.String(), func(r rune) bool { return r == '\n' })
}

// scenario makes the table and the charts of one, and counts its goals.
func (s *section) scenario(id, name string, all lineup) (scenarioPart, error) {
	part := scenarioPart{ID: id, Name: name, Short: described(name).Short}
	places := all.places(name)
	part.Head = all.head()
	for _, p := range places {
		r := row{Name: p.Name}
		for _, values := range p.Values {
			r.Cells = append(r.Cells, cell{values.format(p.Unit), values.spread(p.Unit)})
		}
		for _, ratio := range p.Ratios[:len(all)-1] {
			r.Cells = append(r.Cells, cell{Text: formatRatio(ratio)})
		}
		if r.Goal, r.Met = p.goal(); r.Goal != "" {
			s.Goals++
			r.Goal = "at most " + strings.Replace(r.Goal, " x", " ×", 1)
			if r.Met {
				s.Met++
			} else {
				s.Unmet = append(s.Unmet, p.shortfall(all, r.Goal))
			}
		}
		part.Rows = append(part.Rows, r)
	}
	bars, err := barsFigure(id+"-bars", name, all, places)
	if err != nil {
		return part, err
	}
	if bars != nil {
		part.Charts = append(part.Charts, bars)
	}
	curves, err := latencyFigures(id, name, all)
	part.Charts = append(part.Charts, curves...)
	return part, err
}

// shortfall says how far ours is from a goal.
func (p *place) shortfall(all lineup, goal string) string {
	text := p.Scenario + ", " + p.Name + ": " + p.Unit.format(p.Value)
	if p.AtMost > 0 && p.Ratio > 0 {
		text += ", " + formatRatio(p.Ratio) + " × " + all[len(all)-1].Name
	}
	return text + "; " + goal
}

// head names the columns of a table: all servers, their ratios to the last,
// and the goal.
func (l lineup) head() []string {
	head := []string{"figure"}
	for _, e := range l {
		head = append(head, e.Name)
	}
	last := len(l) - 1
	for _, e := range l[:last] {
		head = append(head, e.Name+" ÷ "+l[last].Name)
	}
	return append(head, "goal")
}

// spread writes the values of several runs; nothing if they do not differ.
func (r runs) spread(unit Unit) string {
	if len(r) < 2 || slices.Min(r) == slices.Max(r) {
		return ""
	}
	texts := make([]string, len(r))
	for i, v := range r {
		texts[i] = unit.format(v)
	}
	return strings.Join(texts, " … ")
}
