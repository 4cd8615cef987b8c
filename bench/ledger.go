package bench

import (
	"fmt"
	"io"

	"outrider/bench/internal/ledger"
)

// CheckLedger reads the ledger that a run of the city left in a directory, writes
// what is wrong in it, and returns an error if anything is.
func CheckLedger(w io.Writer, dirs ...string) error {
	if len(dirs) != 1 {
		return misuse("check: takes the directory of a ledger")
	}
	dir := dirs[0]
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
