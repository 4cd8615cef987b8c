package bench

import (
	"encoding/json"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	a, b := NewHistogram(), NewHistogram()
	for i := range 1000 {
		a.Record(int64(i) * int64(time.Microsecond))
		b.Record(int64(time.Second))
	}
	b.Record(-1)
	b.Record(int64(time.Hour))
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	var c Histogram
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	a.Merge(&c)
	a.Merge(nil)
	for _, test := range []struct {
		q    float64
		want time.Duration
	}{{.25, 500 * time.Microsecond}, {.75, time.Second}, {1, 10 * time.Minute}} {
		if got := a.Quantile(test.q); got < test.want*998/1000 || got > test.want*1002/1000 {
			t.Errorf("the quantile %v is %v, want %v", test.q, got, test.want)
		}
	}
	if a.Count() != 2002 || NewHistogram().Quantile(.5) != 0 || NewHistogram().Max() != 0 {
		t.Errorf("%d values; of none, the median is %v", a.Count(), NewHistogram().Quantile(.5))
	}
	for _, text := range []string{`{}`, `{"hdr":"nonsense"}`, `[]`} {
		if json.Unmarshal([]byte(text), &c) == nil {
			t.Errorf("%s was taken", text)
		}
	}
}
