package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// What a histogram tells apart: 100 ns to 10 minutes, to three digits.
const (
	shortest = 100
	longest  = int64(10 * time.Minute)
	digits   = 3
)

// Histogram is the distribution of a latency, exact to 0.1 %. Histograms of
// several processes and machines add up without a loss.
type Histogram struct{ h *hdr.Histogram }

// NewHistogram returns an empty one.
func NewHistogram() *Histogram { return &Histogram{hdr.New(shortest, longest, digits)} }

// Record adds a value; what is out of bounds counts at the bound.
func (h *Histogram) Record(nanoseconds int64) {
	_ = h.h.RecordValue(min(max(nanoseconds, 0), longest)) // within bounds there is no error
}

// Merge adds all values of another histogram, which may be nil.
func (h *Histogram) Merge(other *Histogram) {
	if other != nil {
		h.h.Merge(other.h)
	}
}

// Count returns the number of values.
func (h *Histogram) Count() int64 { return h.h.TotalCount() }

// Quantile returns the value at q, from 0 to 1; of none it is 0.
func (h *Histogram) Quantile(q float64) time.Duration {
	return time.Duration(h.h.ValueAtPercentile(100 * q))
}

// Max returns the greatest value; of none it is 0.
func (h *Histogram) Max() time.Duration { return h.Quantile(1) }

// histogramJSON has the whole distribution in HdrHistogram's own interchange
// format (V2, compressed, base64), and some of it for the eye.
type histogramJSON struct {
	HDR   string  `json:"hdr"`
	Count int64   `json:"count"`
	P50   float64 `json:"p50_us"`
	P99   float64 `json:"p99_us"`
	Max   float64 `json:"max_us"`
}

// MarshalJSON implements json.Marshaler.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	encoded, err := h.h.EncodeV2()
	if err != nil {
		return nil, fmt.Errorf("bench: histogram: %w", err)
	}
	return json.Marshal(histogramJSON{
		HDR: string(encoded), Count: h.Count(),
		P50: microseconds(h.Quantile(.5)), P99: microseconds(h.Quantile(.99)), Max: microseconds(h.Max()),
	})
}

// UnmarshalJSON implements json.Unmarshaler.
func (h *Histogram) UnmarshalJSON(text []byte) error {
	var in histogramJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	decoded, err := hdr.Decode([]byte(in.HDR))
	if err != nil {
		return fmt.Errorf("bench: histogram: %w", err)
	}
	h.h = hdr.New(shortest, longest, digits) // its own bounds, whatever was decoded
	if dropped := h.h.Merge(decoded); dropped > 0 {
		return errors.New("bench: histogram: values out of bounds")
	}
	return nil
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
