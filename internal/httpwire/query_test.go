package httpwire_test

import (
	"net/url"
	"strings"
	"testing"

	"outrider/internal/httpwire"
)

func TestQueryValue(t *testing.T) {
	for _, c := range []struct {
		raw, key, want string
		present        bool
	}{
		{"EIO=4&transport=polling&sid=ab", "transport", "polling", true},
		{"EIO=4", "sid", "", false},
		{"", "", "", false},
		{"sid", "sid", "", true},
		{"sid=", "sid", "", true},
		{"sid=a&sid=b", "sid", "b", true}, // PROTOCOL.md §1.1: the last one
		{"sid=a&sid", "sid", "", true},
		{"&&sid=a&", "sid", "a", true},
		{"=v", "", "v", true},
		{"sid=a=b", "sid", "a=b", true},
		{"a=1;sid=2", "sid", "", false},
		{"SID=a", "sid", "", false},
		{"sid2=a&si=b", "sid", "", false},
		{"s%69d=%61+%2B", "sid", "a +", true},
		{"a+b=1", "a b", "1", true},
		{"sid=%zz%4", "sid", "%zz%4", true}, // row 47: literal
		{"sid=%", "sid", "%", true},
		{"sid=%41%%42", "sid", "A%B", true},
		{"%zz=1", "%zz", "1", true},
		{"sid=%ff%00%e2%82%ac", "sid", "\xff\x00€", true},
	} {
		value, present := httpwire.QueryValue([]byte(c.raw), c.key, nil)
		if string(value) != c.want || present != c.present {
			t.Errorf("%q[%q] = %q, %v, want %q, %v", c.raw, c.key, value, present, c.want, c.present)
		}
	}
}

func TestQueryPairs(t *testing.T) {
	var got []string
	for k, v := range httpwire.QueryPairs([]byte("&a=1&b&=c&%41=%42+&&d=e=f&")) {
		got = append(got, string(k)+"|"+string(v))
	}
	const want = "a|1 b| |c %41|%42+ d|e=f"
	if strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for k := range httpwire.QueryPairs([]byte("a&b")) {
		if string(k) == "b" {
			t.Error("went on after a break")
		}
		break
	}
}

func TestQueryDoesNotAllocate(t *testing.T) {
	raw, scratch := []byte("EIO=4&transport=polling&auth=a%20b&sid=ab"), make([]byte, 0, 64)
	for _, key := range []string{"transport", "sid", "auth", "none"} {
		if allocs := testing.AllocsPerRun(100, func() { httpwire.QueryValue(raw, key, scratch) }); allocs != 0 {
			t.Errorf("QueryValue(%q): %v allocations", key, allocs)
		}
	}
	allocs := testing.AllocsPerRun(100, func() {
		for k, v := range httpwire.QueryPairs(raw) {
			_, _ = httpwire.Unescape(k, scratch), httpwire.Unescape(v, scratch)
		}
	})
	if allocs != 0 {
		t.Errorf("QueryPairs: %v allocations", allocs)
	}
}

// net/url refuses bad escapes and semicolons; whatever it takes must mean the same to us.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"EIO=4&sid=a%20b+c", "a=1&a=2&&=x&b", "%61=%zz", "a;b=c", "%", "a=%e2%82%ac"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		want, err := url.ParseQuery(raw)
		if err != nil {
			want = nil
		}
		seen := 0
		for k := range httpwire.QueryPairs([]byte(raw)) {
			key := string(httpwire.Unescape(k, nil))
			value, present := httpwire.QueryValue([]byte(raw), key, nil)
			if !present {
				t.Fatalf("%q: key %q is in the pairs and not present", raw, key)
			}
			if values := want[key]; want != nil && (len(values) == 0 || values[len(values)-1] != string(value)) {
				t.Fatalf("%q[%q] = %q, net/url has %q", raw, key, value, values)
			}
			seen++
		}
		total := 0
		for _, values := range want {
			total += len(values)
		}
		if want != nil && seen != total {
			t.Fatalf("%q: %d pairs, net/url has %d", raw, seen, total)
		}
	})
}
