package bench

import (
	"fmt"
	"io"

	"outrider/bench/internal/ledger"
)

// CheckLedger reads a ledger that a run of the city left in a directory, writes
// what is wrong in it, and returns an error if anything is.
func CheckLedger(w io.Writer, dir string) error {
	r, err := ledger.Check(dir)
	if err != nil {
		return err
	}
	if err := r.WriteText(w); err != nil {
		return err
	}
	if n := r.Wrong(); n > 0 {
		return fmt.Errorf("bench: %d things are wrong in the ledger in %s", n, dir)
	}
	return nil
}
