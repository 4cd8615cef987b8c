package ledger_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"outrider/bench/internal/fleet"
	"outrider/bench/internal/ledger"
)

// A script is a ledger in words, a record a line; times are milliseconds.
//
//	0 open 1                      a connection of client 1
//	0 claim 1 rider 7 3 [device]  its set_connect: user 7, topic 3
//	5 ack 1
//	10 push 1 12 200 1 1 user rider 7   sent, answered, status, matched, written
//	11 got 1 1                    client 1 got push 1
//	20 logout 1   25 out 1        and its acknowledgement
//	30 told 1                     the event logout
//	40 leave 1    41 close 1
func appendLine(t *testing.T, w *ledger.Writer, line string) {
	t.Helper()
	word := strings.Fields(line)
	num := func(i int) int {
		n, err := strconv.Atoi(word[i])
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		return n
	}
	ms := func(i int) int64 { return int64(num(i)) * int64(time.Millisecond) }
	r := ledger.Record{At: ms(0), Client: uint64(num(2))}
	switch word[1] {
	case "claim":
		kind := kindOf(t, word[3])
		r.Event, r.Exclusive = ledger.Claimed, ledger.Exclusive(kind)
		r.Addresses = ledger.AddressesOf(0, kind, uint64(num(4)), uint64(num(5)))
		if len(word) > 6 {
			r.Device = uint8(num(6))
		}
	case "got":
		r.Event, r.Number = ledger.Received, uint64(num(3))
	case "push":
		r.Event, r.Client, r.Number = ledger.Pushed, 0, uint64(num(2))
		r.Addresses = []ledger.Address{addressOf(t, word[7:])}
		r.Answer = ledger.Answer{Status: num(4), Matched: num(5), Written: num(6)}
		if r.Answer.Status != 0 {
			r.Answer.At = ms(3)
		}
	case "polled":
		r.Event, r.Notice = ledger.Closed, 25*time.Second
	default:
		events := map[string]ledger.Event{
			"open": ledger.Opened, "ack": ledger.Acked, "refused": ledger.Refused, "logout": ledger.LoggingOut, "out": ledger.LoggedOut,
			"told": ledger.Replaced, "leave": ledger.Leaving, "close": ledger.Closed,
		}
		if r.Event = events[word[1]]; r.Event == 0 {
			t.Fatalf("%q: no such line", line)
		}
	}
	w.Append(&r)
}

func kindOf(t *testing.T, name string) fleet.Kind {
	t.Helper()
	kind, err := fleet.ParseKind(name)
	if err != nil {
		t.Fatal(err)
	}
	return kind
}

func addressOf(t *testing.T, word []string) ledger.Address {
	t.Helper()
	n := uint64(0)
	if len(word) > 2 {
		n, _ = strconv.ParseUint(word[2], 10, 64)
	}
	switch kind := kindOf(t, word[1]); word[0] {
	case "user":
		return ledger.UserOf(0, kind, n)
	case "topic":
		return ledger.TopicOf(0, kind, n)
	case "pos":
		return ledger.POSTopicOf(0, n)
	default:
		return ledger.GroupOf(0, kind)
	}
}

// end is when the ledger of a script does, in milliseconds.
const end = 100_000

// write makes a ledger of a script.
func write(t *testing.T, script string, foreign uint64) (dir string) {
	t.Helper()
	dir = t.TempDir()
	w, err := ledger.Create(dir, "script", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(script, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			appendLine(t, w, line)
		}
	}
	if err := w.Close(end*int64(time.Millisecond), foreign); err != nil {
		t.Fatal(err)
	}
	return dir
}

// faults lists what is wrong: "lost 1, phantom 2".
func faults(r *ledger.Result) string {
	var all []string
	for _, s := range ledger.Sorts() {
		if n := r.Counts[s]; n > 0 {
			all = append(all, fmt.Sprintf("%v %d", s, n))
		}
	}
	return strings.Join(all, ", ")
}
