package bench

import (
	"bytes"
	"strconv"
)

// stamp is what a push carries to be timed by: in its data is the text
//
//	bench.<number>.<due>.<sent>.
//
// which neither JSON nor a server that encodes it anew has a reason to change.
type stamp struct {
	number uint64 // of the push among all of the run
	due    int64  // when the schedule asked for it, on the monotonic clock
	sent   int64  // when it was written
}

var stampMark = []byte("bench.")

func (s stamp) append(dst []byte) []byte {
	dst = append(strconv.AppendUint(append(dst, stampMark...), s.number, 10), '.')
	dst = append(strconv.AppendInt(dst, s.due, 10), '.')
	return append(strconv.AppendInt(dst, s.sent, 10), '.')
}

// parseStamp finds the stamp in a message. A greeting has none.
func parseStamp(text []byte) (s stamp, ok bool) {
	_, after, ok0 := bytes.Cut(text, stampMark)
	if !ok0 {
		return stamp{}, false
	}
	p := after
	number, p, ok1 := digitsOf(p)
	due, p, ok2 := digitsOf(p)
	sent, _, ok3 := digitsOf(p)
	return stamp{number, int64(due), int64(sent)}, ok1 && ok2 && ok3
}

// digitsOf reads a number and the dot behind it.
func digitsOf(p []byte) (n uint64, rest []byte, ok bool) {
	for i, b := range p {
		switch {
		case b >= '0' && b <= '9' && i < 19:
			n = n*10 + uint64(b-'0')
		default:
			return n, p[i+1:], b == '.' && i > 0
		}
	}
	return 0, nil, false
}
