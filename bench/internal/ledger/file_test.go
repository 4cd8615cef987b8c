package ledger_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"outrider/bench/internal/ledger"
)

// TestFiles: a ledger is of several files, and each says when it is complete.
func TestFiles(t *testing.T) {
	dir := write(t, known+`20 push 1 30 200 1 1 user rider 7`, 0)
	if _, err := ledger.Create(dir, "script", 1000); !errors.Is(err, os.ErrExist) {
		t.Errorf("a ledger is written over: %v", err)
	}
	w, err := ledger.Create(dir, "more", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	appendLine(t, w, "0 open 2")
	appendLine(t, w, "25 got 2 1")
	if err := errors.Join(w.Close(end*1e6, 0)); err != nil {
		t.Fatal(err)
	}
	r, err := ledger.Check(dir)
	if err != nil || faults(r) != "lost 1, phantom 1" || r.Connections != 2 || r.Receipts != 1 || r.Owed != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	var text bytes.Buffer
	if err := r.WriteText(&text); err != nil || !strings.Contains(text.String(), "lost: push 1, client 1: to rider 7, sent at 20000000, answered after 10ms\n") {
		t.Errorf("%v\n%s", err, &text)
	}
	file := filepath.Join(dir, "more.ledger")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) {
		if err := os.WriteFile(file, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.Check(dir); err == nil {
			t.Errorf("%d of %d bytes are taken for all", n, len(whole))
		}
	}
	if _, err := ledger.Check(t.TempDir()); err == nil {
		t.Error("an empty directory is a ledger")
	}
}

// TestBound: a file takes records up to its bound, and then is of no use; the
// bound keeps room for the last record.
func TestBound(t *testing.T) {
	const small = 18 + 256 // the head, and the room
	for _, test := range []struct {
		bound int64
		full  bool
	}{{small + 3, false}, {small + 2, true}} {
		w, err := ledger.Create(t.TempDir(), "a", test.bound)
		if err != nil {
			t.Fatal(err)
		}
		w.Append(&ledger.Record{Event: ledger.Opened, At: 1, Client: 1}) // three bytes
		if err := w.Close(2, 0); errors.Is(err, ledger.ErrFull) != test.full {
			t.Errorf("bound of %d: %v", test.bound, err)
		}
	}
}
