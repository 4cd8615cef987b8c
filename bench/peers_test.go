package bench_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"outrider/bench"
)

func TestPeers(t *testing.T) {
	o := small(t)
	o.Targets = []string{"floor"}
	scenarios, err := bench.Lookup("connect")
	if err != nil {
		t.Fatal(err)
	}
	all, err := bench.RunPeers(t.Context(), o, scenarios, []bench.Peer{{Name: "twin", Target: "floor"}})
	if err != nil {
		t.Fatal(err)
	}
	var names strings.Builder
	for _, e := range all.Entrants {
		names.WriteString(e.Name + strings.Repeat("+", len(e.Reports)) + " ")
	}
	if want := "ours+ twin+ floor++ "; names.String() != want {
		t.Errorf("runs: %q, want %q", names.String(), want)
	}
	var table strings.Builder
	if err := all.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ours/floor", "twin/floor", "clients ready", "CPU a connect"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &table)
		}
	}
	if err := all.WriteFile(filepath.Join(t.TempDir(), "peers.json")); err != nil {
		t.Error(err)
	}
}

func TestParsePeer(t *testing.T) {
	peer, err := bench.ParsePeer("node=exec:node server.js --at={addr}")
	if want := (bench.Peer{Name: "node", Target: "exec:node server.js --at={addr}"}); err != nil || peer != want {
		t.Errorf("got %+v, %v; want %+v", peer, err, want)
	}
	for _, text := range []string{"", "node", "=floor", "node="} {
		if _, err := bench.ParsePeer(text); !errors.Is(err, bench.ErrUsage) {
			t.Errorf("%q: %v, want a misuse", text, err)
		}
	}
}
