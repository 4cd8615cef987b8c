package bench_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"outrider/bench"
)

// pageOf makes a page of files and returns its text.
func pageOf(t *testing.T, files ...string) string {
	t.Helper()
	page, err := bench.NewPage(files...)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := page.WriteHTML(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// TestPage makes a page of a run beside peers that was measured on a busy
// machine; one peer's name would be markup if it were let through.
func TestPage(t *testing.T) {
	text := pageOf(t, "testdata/peers.json")
	checkHTML(t, text)
	for _, want := range []string{
		"1 of 3 goals met", "idle, CPU a heartbeat: ",
		"✗ not met", "✓ met", "at most 1.60 ×",
		"node &lt;18 &amp; more&gt;", "a processor", "the machine was busy",
		"Ratio to floor", "Dial until set_connect is acknowledged", "Resident memory of the servers over time",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	charts := strings.Count(text, `<svg class="chart"`)
	if titles := strings.Count(text, "<title id="); charts != 4 || titles != charts || strings.Count(text, "<desc id=") != charts {
		t.Errorf("%d charts with %d titles, want 4 of both: two of ratios, one of latency, one of memory", charts, titles)
	}
}

// checkHTML holds a page to what a browser needs to show it without a network
// and readers need to find their way.
func checkHTML(t *testing.T, text string) {
	t.Helper()
	if load := regexp.MustCompile(`(?i)https?:|//[a-z]|url\(|@import|<(script|img|link|iframe|object|use)\b|\son\w+=`).FindString(text); load != "" {
		t.Errorf("the page loads something, or runs: %q", load)
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, "ZgotmplZ") {
		t.Error("the page has a value that is none")
	}
	// The elements that HTML leaves open are closed, for a parser that is strict.
	text = regexp.MustCompile(`<(meta [^>]*)>`).ReplaceAllString(strings.TrimPrefix(text, "<!DOCTYPE html>"), "<$1/>")
	d := xml.NewDecoder(strings.NewReader(text))
	d.Entity = xml.HTMLEntity
	ids, refs := map[string]bool{}, []string(nil)
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the page's elements are not closed in order: %v", err)
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range element.Attr {
			switch a.Name.Local {
			case "id":
				if ids[a.Value] {
					t.Errorf("two elements have the id %q", a.Value)
				}
				ids[a.Value] = true
			case "aria-labelledby":
				refs = append(refs, strings.Fields(a.Value)...)
			case "href":
				refs = append(refs, strings.TrimPrefix(a.Value, "#"))
			}
		}
	}
	for _, ref := range refs {
		if !ids[ref] {
			t.Errorf("%q is referred to, and nowhere", ref)
		}
	}
}

// TestPageOfEach makes one page of all sorts of file.
func TestPageOfEach(t *testing.T) {
	var peers bench.Peers
	text, err := os.ReadFile("testdata/peers.json")
	if err == nil {
		err = json.Unmarshal(text, &peers)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	single, both := filepath.Join(dir, "single.json"), filepath.Join(dir, "both.json")
	ours, floor := peers.Entrants[0].Reports[0], peers.Entrants[2].Reports
	comparison := &bench.Comparison{Version: ours.Version, Ours: ours, Others: floor, Vs: "floor"}
	if err := errors.Join(ours.WriteFile(single), comparison.WriteFile(both)); err != nil {
		t.Fatal(err)
	}
	page := pageOf(t, single, both, "testdata/peers.json")
	checkHTML(t, page)
	for _, want := range []string{`href="#r3"`, ">single.json<", ">both.json<", "ours ÷ floor"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestPageRefuses(t *testing.T) {
	if _, err := bench.NewPage(); !errors.Is(err, bench.ErrUsage) {
		t.Errorf("no files: %v, want a misuse", err)
	}
	for name, text := range map[string]string{
		"no JSON":       "<html>",
		"another":       `{"version":1}`,
		"of the future": `{"version":1000,"outcomes":[]}`,
		"empty":         `{"version":1,"entrants":[null,{"reports":[null]}]}`,
	} {
		file := filepath.Join(t.TempDir(), "in.json")
		if err := os.WriteFile(file, bytes.TrimSpace([]byte(text)), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := bench.NewPage(file); !errors.Is(err, bench.ErrNoReport) {
			t.Errorf("%s: %v, want %v", name, err, bench.ErrNoReport)
		}
	}
}
