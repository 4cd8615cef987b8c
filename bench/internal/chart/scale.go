package chart

import "math"

// Scale says which values an axis has, and which of them are marked.
type Scale struct {
	Label    string
	Min, Max float64
	Log      bool // of which Min is more than 0
	Ticks    []Tick
}

// Tick is a marked value.
type Tick struct {
	At   float64
	Text string
}

// Linear returns a scale from 0 to no less than most, with about n ticks at
// round multiples of unit.
func Linear(label string, most, unit float64, n int, text func(float64) string) Scale {
	step := unit * round(most/unit/float64(n))
	s := Scale{Label: label}
	for i := 0; ; i++ {
		at := float64(i) * step
		s.Max, s.Ticks = at, append(s.Ticks, Tick{at, text(at)})
		if at >= most && i > 0 {
			return s
		}
	}
}

// round returns the least of 1, 2 and 5 times a power of 10 that is no less
// than v; 1 for what is no positive number.
func round(v float64) float64 {
	if !(v > 0) || math.IsInf(v, 1) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, digit := range []float64{1, 2, 5} {
		if digit*power >= v {
			return digit * power
		}
	}
	return 10 * power
}

// Logarithmic returns a scale that has least and most, with ticks at 1, 2 and 5
// times powers of 10, or at powers alone if those would be many. What is
// not positive counts as 1.
func Logarithmic(label string, least, most float64, text func(float64) string) Scale {
	const many = 8
	least = positive(least)
	most = max(positive(most), 1.01*least)
	var ticks []Tick
	for _, digits := range [][]float64{{1, 2, 5}, {1}} {
		ticks = nil
		power := math.Pow(10, math.Floor(math.Log10(least)))
		for ; power <= most; power *= 10 {
			for _, digit := range digits {
				if at := digit * power; at >= least*.999 && at <= most*1.001 {
					ticks = append(ticks, Tick{at, text(at)})
				}
			}
		}
		if len(ticks) <= many {
			break
		}
	}
	return Scale{Label: label, Min: least, Max: most, Log: true, Ticks: ticks}
}

func positive(v float64) float64 {
	if v > 0 && !math.IsInf(v, 1) {
		return v
	}
	return 1
}

// at returns where a value is: 0 at the beginning of the axis, 1 at its end,
// and no farther.
func (s Scale) at(v float64) float64 {
	from, to := s.Min, s.Max
	if s.Log {
		from, to, v = math.Log(from), math.Log(to), math.Log(positive(v))
	}
	if math.IsNaN(v) || to <= from {
		return 0
	}
	return min(max((v-from)/(to-from), 0), 1)
}
