package bench

import (
	"encoding/json"
	"math"
	"testing"
)

func TestStamp(t *testing.T) {
	for _, s := range []stamp{{}, {number: 1, due: 2, sent: 3}, {math.MaxUint32, 1 << 60, 1<<60 + 1}} {
		api := &pushAPI{size: 200}
		text, err := json.Marshal(string(api.data(nil, s))) // as it arrives
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := parseStamp(text); !ok || got != s {
			t.Errorf("%s is read as %v %v, want %v", text, got, ok, s)
		}
	}
	for _, text := range []string{
		"", `"connect success"`, "bench.", "bench.1", "bench.1.2.3", "bench.1.2.", "bench.-1.2.3.", "bench.1..3.",
		"bench.99999999999999999999.2.3.",
	} {
		if got, ok := parseStamp([]byte(text)); ok {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func FuzzParseStamp(f *testing.F) {
	f.Add([]byte(`"{\"body\":\"bench.1.2.3.\"}"`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, ok := parseStamp(text); ok {
			if again, ok := parseStamp(s.append(nil)); !ok || again != s {
				t.Errorf("%v is written as %s", s, s.append(nil))
			}
		}
	})
}

// TestData: a push's data is JSON of the size that was asked for, or a little
// more.
func TestData(t *testing.T) {
	for size := range 400 {
		text := (&pushAPI{size: size}).data(nil, stamp{1, 2, 3})
		var data map[string]string
		if err := json.Unmarshal(text, &data); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if len(text) < size || size > 100 && len(text) != size {
			t.Errorf("%d bytes, want %d", len(text), size)
		}
	}
}

func BenchmarkParseStamp(b *testing.B) {
	text := (&pushAPI{size: 100}).data(nil, stamp{1, 1 << 50, 1<<50 + 1})
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := parseStamp(text); !ok {
			b.Fatalf("no stamp in %s", text)
		}
	}
}
