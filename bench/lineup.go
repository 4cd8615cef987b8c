package bench

// lineup is the servers whose figures stand side by side, ours first. If it
// has others the last is the yardstick, by which the rest are divided.
type lineup []*Entrant

// Entrant is one server, and the reports of its runs.
type Entrant struct {
	Name    string    `json:"name"`
	Target  string    `json:"target"`
	Reports []*Report `json:"reports"`
}

// place is one line of a table, with all servers' values.
type place struct {
	Line             // of the first: its value, and its ratio to the yardstick
	Values []runs    // by server
	Ratios []float64 // by server, to the yardstick; 0 if it makes no sense
}

// runs are the values of one server's figure, one for each of its reports.
type runs []float64

// mean returns their mean; ok is false if there are none.
func (r runs) mean() (mean float64, ok bool) {
	for _, v := range r {
		mean += v / float64(len(r))
	}
	return mean, len(r) > 0
}

// scenarios are those that any server was measured in, in order.
func (l lineup) scenarios() (names []string) {
	seen := map[string]bool{}
	for _, e := range l {
		for _, r := range e.Reports {
			for _, o := range r.Outcomes {
				if !seen[o.Scenario] {
					seen[o.Scenario] = true
					names = append(names, o.Scenario)
				}
			}
		}
	}
	return names
}

// places returns the lines of a scenario: the figures that any server has.
func (l lineup) places(scenario string) (places []place) {
	at := map[string]int{}
	for i, e := range l {
		for _, r := range e.Reports {
			for _, f := range r.Figures(scenario) {
				k, ok := at[f.Name]
				if !ok {
					k = len(places)
					at[f.Name] = k
					places = append(places, place{
						Line:   Line{Figure: f, Scenario: scenario},
						Values: make([]runs, len(l)), Ratios: make([]float64, len(l)),
					})
				}
				places[k].Values[i] = append(places[k].Values[i], f.Value)
			}
		}
	}
	for k := range places {
		places[k].divide()
	}
	return places
}

// divide fills the ratios in.
func (p *place) divide() {
	first, measured := p.Values[0].mean()
	p.Value = first
	if !measured {
		p.AtMost, p.Good, p.None = 0, 0, false // a goal is for ours
	}
	last := len(p.Values) - 1
	yardstick, _ := p.Values[last].mean()
	if last == 0 || yardstick <= 0 || p.Bare {
		return
	}
	for i, values := range p.Values {
		mean, _ := values.mean()
		p.Ratios[i] = mean / yardstick
	}
	p.Ratio, p.Others, p.Mean = p.Ratios[0], p.Values[last], yardstick
}
