package wstest_test

import (
	"bytes"
	"iter"
	"maps"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"outrider/internal/websocket"
	"outrider/internal/websocket/wstest"
)

// TestCases counts: Autobahn has 301 cases in these sections.
func TestCases(t *testing.T) {
	sections, seen := map[string]int{}, map[string]bool{}
	for _, suite := range []func(string) iter.Seq[wstest.Case]{wstest.Cases, wstest.Sizes} {
		for c := range suite("") {
			if seen[c.ID] {
				t.Errorf("case %s twice", c.ID)
			}
			seen[c.ID] = true
			section, _, _ := strings.Cut(c.ID, ".")
			sections[section]++
			check(t, c, "")
		}
	}
	want := map[string]int{"1": 16, "2": 11, "3": 7, "4": 10, "5": 20, "6": 145, "7": 37, "9": 54, "10": 1}
	if !maps.Equal(sections, want) || len(seen) != 301 {
		t.Errorf("%d cases, by section %v; want 301, %v", len(seen), sections, want)
	}
}

func TestAttacks(t *testing.T) {
	seen := map[string]bool{}
	for c := range wstest.Attacks("4") {
		if seen[c.ID] {
			t.Errorf("attack %s twice", c.ID)
		}
		seen[c.ID] = true
		check(t, c, "4")
	}
}

// TestPrefix: with a prefix every text begins with it, and the rest of the case is the same.
func TestPrefix(t *testing.T) {
	for c := range wstest.Cases("4") {
		check(t, c, "4")
	}
}

// TestAnswers has the conversations of which the answers differ from the messages.
func TestAnswers(t *testing.T) {
	want := map[string][]websocket.Message{
		"2.9":   {{Op: ws.OpPong, Data: []byte("ping payload")}},
		"5.6":   {{Op: ws.OpPong, Data: []byte("ping payload")}, {Op: ws.OpText, Data: []byte("fragment1fragment2")}},
		"7.3.1": {{Op: ws.OpClose}},
		"7.3.4": {{Op: ws.OpClose, Data: []byte{0x03, 0xe8}}},
	}
	for c := range wstest.Cases("") {
		answers, ok := want[c.ID]
		if !ok {
			continue
		}
		delete(want, c.ID)
		got := c.Answers()
		if len(got) != len(answers) {
			t.Fatalf("case %s: %d answers, want %d", c.ID, len(got), len(answers))
		}
		for i, m := range got {
			if m.Op != answers[i].Op || !bytes.Equal(m.Data, answers[i].Data) {
				t.Errorf("case %s: answer %d is %v %q, want %v %q", c.ID, i, m.Op, m.Data, answers[i].Op, answers[i].Data)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("cases missing: %v", want)
	}
}

func check(t *testing.T, c wstest.Case, prefix string) {
	t.Helper()
	if c.Name == "" || len(c.Send) == 0 {
		t.Errorf("case %s: no name or nothing to send", c.ID)
	}
	if len(c.Want) == 0 && c.Fail == 0 {
		t.Errorf("case %s: no outcome", c.ID)
	}
	if c.FailAt > len(c.Send) || (c.FailAt > 0) != (c.Fail != 0) {
		t.Errorf("case %s: fails with %d at byte %d of %d", c.ID, c.Fail, c.FailAt, len(c.Send))
	}
	for _, m := range c.Want {
		if m.Op == ws.OpText && !bytes.HasPrefix(m.Data, []byte(prefix)) {
			t.Errorf("case %s: text %q without the prefix", c.ID, m.Data)
		}
	}
}
