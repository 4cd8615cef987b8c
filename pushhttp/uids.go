package pushhttp

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"slices"
	"unicode"
)

// uidList collects the uids of one push. Their text is gathered in one piece,
// so that however many there are they cost one allocation; what is needed
// meanwhile is kept for the next push.
type uidList struct {
	text  []byte
	ends  []int // of each uid in text
	uids  []string
	table []int32
	seed  maphash.Seed // a new one for each scratch: who sends uids cannot make them collide
	limit int
	index int // of the entry that is read, for messages; -1: the field is no array
}

// read reads the field uid: an integer, a string, a string with a comma list,
// or an array of integers and strings. The result names each uid once, in the
// order in which they came first, and is valid until the next call.
//
// A uid is the text of its integer or string, without spaces around it: 1 and
// "1" are one user. Zero is what a back end sends that has no user, so it is
// refused, as are numbers that are not integers.
func (l *uidList) read(v rawValue, limit int) ([]string, *refusal) {
	l.text, l.ends, l.uids, l.limit, l.index = l.text[:0], l.ends[:0], l.uids[:0], limit, -1
	if v == nil {
		return nil, missing("uid")
	}
	n := min(bytes.Count(v, []byte(","))+1, limit)
	l.ends, l.uids = slices.Grow(l.ends, n), slices.Grow(l.uids, n)
	if r := l.readValue(v); r != nil {
		return nil, r
	}
	all, start := string(l.text), 0
	for _, end := range l.ends {
		l.uids = append(l.uids, all[start:end])
		start = end
	}
	l.distinct()
	return l.uids, nil
}

func (l *uidList) readValue(v rawValue) *refusal {
	if v[0] != '[' {
		return l.readEntry(v)
	}
	if len(v) == len("[]") {
		return l.invalid("is empty")
	}
	for rest := v[1:]; len(rest) > 0; {
		var entry rawValue
		entry, rest = nextElement(rest)
		l.index++
		if r := l.readEntry(entry); r != nil {
			return r
		}
	}
	return nil
}

// readEntry reads an integer, or a string with one uid or several.
func (l *uidList) readEntry(v rawValue) *refusal {
	if v[0] == '"' {
		return l.readString(v)
	}
	digits := bytes.TrimPrefix(v, []byte("-"))
	switch n := leadingDigits(digits); {
	case n == 0:
		return l.invalid("must be an integer or a string, not %s", v.describe())
	case n < len(digits):
		return l.invalid("%s is not an integer", quote(v))
	case digits[0] == '0':
		return l.add(digits) // minus zero is zero
	}
	return l.add(v)
}

// readString reads a string with one uid, or with several between commas.
// Entries without text are skipped if there is one with: they are left by
// programs that join lists.
func (l *uidList) readString(v rawValue) *refusal {
	list := []byte(v[1 : len(v)-1])
	if bytes.IndexByte(list, '\\') >= 0 {
		list = []byte(v.text())
	}
	before := len(l.ends)
	for more := true; more; {
		var entry []byte
		entry, list, more = bytes.Cut(list, []byte(","))
		if entry = bytes.Trim(entry, " "); len(entry) == 0 {
			continue
		}
		if r := l.add(entry); r != nil {
			return r
		}
	}
	if len(l.ends) == before {
		return l.invalid("is empty")
	}
	return nil
}

// add takes in one uid.
func (l *uidList) add(uid []byte) *refusal {
	switch {
	case len(uid) == 0, string(uid) == "0":
		return l.invalid("is zero")
	case len(uid) > maxUID:
		return l.invalid("%s is longer than %d bytes", quote(uid), maxUID)
	case bytes.ContainsFunc(uid, unicode.IsControl):
		return l.invalid("%s has control characters", quote(uid))
	case len(l.ends) == l.limit:
		return refuse(CodeTooManyUIDs, "uid: has more than %d entries", l.limit)
	}
	l.text = append(l.text, uid...)
	l.ends = append(l.ends, len(l.text))
	return nil
}

func (l *uidList) invalid(format string, args ...any) *refusal {
	if l.index < 0 {
		return invalid("uid", format, args...)
	}
	return invalid(at("uid", l.index), format, args...)
}

// distinct removes, in place, what came before.
func (l *uidList) distinct() {
	const few = 16 // for which looking through them is quicker
	seen := func(i int, kept []string) bool { return slices.Contains(kept, l.uids[i]) }
	if len(l.uids) > few {
		l.table = append(l.table[:0], make([]int32, 1<<bits.Len(uint(2*len(l.uids))))...)
		seen = l.seen
	}
	kept := l.uids[:0]
	for i, uid := range l.uids {
		if !seen(i, kept) {
			kept = append(kept, uid)
		}
	}
	l.uids = kept
}

// seen reports whether uid i is among those that were kept, and else enters it
// into the table as the next of them. The table is open-addressed and at most
// half full; places hold indexes into kept, plus one.
func (l *uidList) seen(i int, kept []string) bool {
	uid, mask := l.uids[i], uint64(len(l.table)-1)
	for place := maphash.String(l.seed, uid) & mask; ; place = (place + 1) & mask {
		switch k := l.table[place]; {
		case k == 0:
			l.table[place] = int32(len(kept) + 1)
			return false
		case kept[k-1] == uid:
			return true
		}
	}
}
