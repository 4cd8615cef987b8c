package pushhttp

import (
	"bytes"
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
	if r := l.readValue(v); r != nil {
		return nil, r
	}
	all, start := string(l.text), 0
	for _, end := range l.ends {
		l.uids = append(l.uids, all[start:end])
		start = end
	}
	l.uids = distinct(l.uids)
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
	switch {
	case v[0] == '"':
		return l.readString(v)
	case v[0] != '-' && !isDigit(v[0]):
		return l.invalid("must be an integer or a string, not %s", v.describe())
	case bytes.ContainsAny(v, ".eE"):
		return l.invalid("%s is not an integer", quote(v))
	}
	return l.add(bytes.TrimPrefix(v, []byte("-0"))) // minus zero is empty, which is refused like zero
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
func distinct(uids []string) []string {
	const few = 16 // for which looking through them is quicker than a map
	if len(uids) <= few {
		return distinctFew(uids)
	}
	seen := make(map[string]struct{}, len(uids))
	return slices.DeleteFunc(uids, func(uid string) bool {
		before := len(seen)
		seen[uid] = struct{}{}
		return len(seen) == before
	})
}

func distinctFew(uids []string) []string {
	kept := uids[:min(len(uids), 1)]
	for _, uid := range uids[len(kept):] {
		if !slices.Contains(kept, uid) {
			kept = append(kept, uid)
		}
	}
	return kept
}
