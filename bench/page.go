package bench

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Page is reports as one page of HTML, with charts, that refers to nothing
// outside itself.
type Page struct{ sections []*section }

// ErrNoReport is wrapped by the error for a file that has no report in it.
var ErrNoReport = errors.New("bench: not a report")

// NewPage reads files as Report, Comparison and Peers write them.
func NewPage(files ...string) (*Page, error) {
	if len(files) == 0 {
		return nil, misuse("report: takes one file or more, as -o of a run wrote it")
	}
	p := &Page{}
	for i, file := range files {
		all, err := readLineup(file)
		if err != nil {
			return nil, err
		}
		s, err := newSection(fmt.Sprintf("r%d", i+1), filepath.Base(file), all)
		if err != nil {
			return nil, err
		}
		p.sections = append(p.sections, s)
	}
	return p, nil
}

// readLineup tells the three sorts of file apart by their members.
func readLineup(file string) (lineup, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var in struct {
		Version  int             `json:"version"`
		Ours     *Report         `json:"ours"`
		Others   json.RawMessage `json:"others"` // in a Report it is a number
		Vs       string          `json:"vs"`
		Entrants []*Entrant      `json:"entrants"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", file, ErrNoReport, err)
	}
	if in.Version != reportVersion {
		return nil, fmt.Errorf("%s: %w of version %d, but of %d", file, ErrNoReport, reportVersion, in.Version)
	}
	var all lineup
	switch {
	case len(in.Entrants) > 0:
		all = in.Entrants
	case in.Ours != nil:
		var others []*Report
		if err := json.Unmarshal(in.Others, &others); err != nil {
			return nil, fmt.Errorf("%s: %w: %w", file, ErrNoReport, err)
		}
		all = lineup{{Name: "ours", Reports: []*Report{in.Ours}}, {Name: in.Vs, Target: in.Vs, Reports: others}}
	default:
		r, err := ReadReport(file)
		if err != nil {
			return nil, err
		}
		all = lineup{{Name: "server", Reports: []*Report{r}}}
	}
	if all.complete(); len(all.scenarios()) == 0 {
		return nil, fmt.Errorf("%s: %w: it has no run", file, ErrNoReport)
	}
	return all, nil
}

// complete leaves out what a file that was written by hand may lack.
func (l lineup) complete() {
	for i, e := range l {
		if e == nil {
			l[i] = &Entrant{}
			continue
		}
		reports := e.Reports[:0]
		for _, r := range e.Reports {
			if r != nil {
				reports = append(reports, r)
			}
		}
		e.Reports = reports
		if e.Target == "" && len(reports) > 0 {
			e.Target = strings.Join(reports[0].Options.Targets, " ")
		}
	}
}

// first is the first report that there is.
func (l lineup) first() *Report {
	for _, e := range l {
		for _, r := range e.Reports {
			return r
		}
	}
	return nil
}

var (
	//go:embed page.tmpl
	pageText string
	//go:embed page.css
	pageStyle string
)

// WriteHTML writes the page.
func (p *Page) WriteHTML(w io.Writer) error {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return fmt.Errorf("bench: page: %w", err)
	}
	return t.Execute(w, struct {
		Style    template.CSS
		Sections []*section
	}{template.CSS(pageStyle), p.sections})
}
