package bench

import (
	"math"
	"testing"

	"outrider/bench/internal/fleet"
)

func TestParseMix(t *testing.T) {
	for _, test := range []struct{ in, out string }{
		{"4", "4"},
		{"3:1,4:3", "3:1,4:3"},
		{" websocket , polling:0 ", "websocket:1,polling:0"},
	} {
		m, err := ParseMix(test.in)
		if err != nil || m.String() != test.out {
			t.Errorf("%q is %q, %v, want %q", test.in, m.String(), err, test.out)
		}
	}
	for _, in := range []string{"", ",", "4:", "4:x", "4:-1", "4:0", "4:1000001", ":3", "3:600000,4:600000"} {
		if m, err := ParseMix(in); err == nil {
			t.Errorf("%q was taken as %q", in, m.String())
		}
	}
}

// TestProfiles: the shares are the mix, and the properties are independent of
// each other.
func TestProfiles(t *testing.T) {
	const n = 20_000
	p := profiles{
		EIO:       Mix{{"3", 1}, {"4", 1}},
		Transport: Mix{{"websocket", 1}, {"polling", 1}},
		Kind:      Mix{{"rider", 3}, {"customer", 1}, {"show", 0}},
	}
	if err := p.check(); err != nil {
		t.Fatal(err)
	}
	count := map[fleet.Profile]int{}
	for number := range uint64(n) {
		count[p.of(number)]++
	}
	for profile, got := range count {
		want := n / 4. / 4.
		if profile.Kind == fleet.Rider {
			want *= 3
		}
		if math.Abs(float64(got)-want) > .1*want {
			t.Errorf("%v: %d of %d clients, want %v", profile, got, n, want)
		}
	}
	if len(count) != 8 {
		t.Errorf("%d profiles, want 8", len(count))
	}
}
