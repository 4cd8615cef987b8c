package ledger

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// Sort is what is wrong.
type Sort uint8

// The sorts, see the package's rules.
const (
	Lost Sort = iota
	Duplicate
	Reordered
	Phantom
	WrongAnswer
	WrongLogout
	sorts
)

var sortNames = [sorts]string{"lost", "duplicate", "reordered", "phantom", "wrong answer", "wrong logout"}

// String returns the sort in a word or two.
func (s Sort) String() string { return sortNames[s] }

// Sorts are all that there are.
func Sorts() []Sort { return []Sort{Lost, Duplicate, Reordered, Phantom, WrongAnswer, WrongLogout} }

// Fault is one thing that is wrong.
type Fault struct {
	Sort   Sort
	Push   uint64 // 0: it is about none
	Client uint64 // 0: the same
	At     int64  // when it showed, if it did
	Text   string
}

func (p *push) fault(s Sort, conn *connection, at int64, text string) Fault {
	took := "never answered"
	if p.answer.At != 0 {
		took = fmt.Sprintf("answered after %v", time.Duration(p.answer.At-p.sent))
	}
	about := fmt.Sprintf("to %v, sent at %d, %s", p.address, p.sent, took)
	if text != "" {
		about += ": " + text
	}
	return Fault{s, p.number, conn.client, at, about}
}

// String says it in a line.
func (f Fault) String() string {
	text := f.Sort.String()
	if f.Push != 0 {
		text += fmt.Sprintf(": push %d", f.Push)
	}
	if f.Client != 0 {
		text += fmt.Sprintf(", client %d", f.Client)
	}
	if f.At != 0 {
		text += fmt.Sprintf(", at %d", f.At)
	}
	return text + ": " + f.Text
}

// shown is how many faults of a sort are kept.
const shown = 20

// Result is what the checker found.
type Result struct {
	Pushes      int
	Unanswered  int
	Refused     int
	Receipts    int
	Owed        int // receipts that there had to be
	Claims      int
	Connections int
	Logouts     int // events logout that there had to be
	Foreign     int // receipts of other harnesses' pushes
	Counts      [sorts]int
	// Faults are the first of each sort, in the order of clients.
	Faults []Fault

	kept [sorts]int
}

func newResult() *Result { return &Result{} }

func (r *Result) fault(f Fault) {
	r.Counts[f.Sort]++
	if r.kept[f.Sort]++; r.kept[f.Sort] <= shown {
		r.Faults = append(r.Faults, f)
	}
}

// Wrong is how many things are wrong.
func (r *Result) Wrong() (n int) {
	for _, count := range r.Counts {
		n += count
	}
	return n
}

// WriteText writes the result for people.
func (r *Result) WriteText(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%d pushes (%d refused, %d unanswered), %d receipts, %d of them owed; %d claims on %d connections, %d logouts owed\n",
		r.Pushes, r.Refused, r.Unanswered, r.Receipts, r.Owed, r.Claims, r.Connections, r.Logouts)
	for _, s := range Sorts() {
		fmt.Fprintf(w, "%s %d\n", s, r.Counts[s])
	}
	for _, s := range Sorts() {
		for f := range slices.Values(r.Faults) {
			if f.Sort == s {
				_, err = fmt.Fprintln(w, f)
			}
		}
		if more := r.Counts[s] - shown; more > 0 {
			_, err = fmt.Fprintf(w, "%s: %d more\n", s, more)
		}
	}
	return err
}
