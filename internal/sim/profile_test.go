package sim_test

import (
	"math"
	"runtime/metrics"
	"slices"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"outrider/internal/sim"
)

// sample is one with these functions on its stack, innermost first; those of
// one element were inlined into each other.
func sample(stack ...[]string) *profile.Sample {
	s := new(profile.Sample)
	for _, inlined := range stack {
		location := new(profile.Location)
		for _, name := range inlined {
			location.Line = append(location.Line, profile.Line{Function: &profile.Function{Name: name}})
		}
		s.Location = append(s.Location, location)
	}
	return s
}

func TestPartOf(t *testing.T) {
	for want, s := range map[string]*profile.Sample{
		"internal/wheel": sample([]string{"runtime.memmove"}, []string{"runtime.growslice"},
			[]string{"outrider/internal/wheel.(*Wheel).Add", "outrider/internal/wheel.(*Deadline).Set", "outrider/engineio.(*Session).wake"}),
		"engineio":  sample([]string{"outrider/engineio.(*Session).wake"}, []string{"outrider/internal/wheel.(*Wheel).Advance"}),
		"registry":  sample([]string{"outrider/registry.(*Index[go.shape.1/2]).find"}),
		"cmd/x":     sample([]string{"outrider/cmd/x"}),
		"scheduler": sample([]string{"runtime.futex"}, []string{"runtime.mcall"}),
		"garbage collector": sample([]string{"runtime.scanobject"},
			[]string{"runtime.gcBgMarkWorker.func2"}, []string{"runtime.systemstack"}),
	} {
		if got := sim.PartOf(s); got != want {
			t.Errorf("%s: goes to %s", want, got)
		}
	}
}

func TestSince(t *testing.T) {
	buckets := []float64{0, 1e-6, 2e-6, math.Inf(1)}
	before := &metrics.Float64Histogram{Counts: []uint64{5, 1, 0}, Buckets: buckets}
	after := &metrics.Float64Histogram{Counts: []uint64{5, 3, 1}, Buckets: buckets}
	got := sim.Since(before, after)
	if want := []time.Duration{2 * time.Microsecond, 2 * time.Microsecond, 2 * time.Microsecond}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v: upper bounds, and the last one's lower", got, want)
	}
}
