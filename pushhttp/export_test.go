package pushhttp

import (
	"time"

	"github.com/oklog/ulid/v2"
)

// Compact is compact, which works in place, for the tests.
func Compact(text []byte, maxDepth int) ([]byte, error) {
	compacted, _, err := compact(text, maxDepth, "")
	return compacted, err
}

// CompactFind is Compact that also returns the value of a member.
func CompactFind(text []byte, maxDepth int, member string) (compacted, value []byte, err error) {
	compacted, found, err := compact(text, maxDepth, member)
	return compacted, compacted[found.start:found.end], err
}

// FormFields returns the JSON texts of the fields in a form.
func FormFields(body []byte, maxDepth int) (map[string]string, error) {
	s := newScratch()
	if r := s.decodeForm(body, maxDepth); r != nil {
		return nil, r
	}
	fields := map[string]string{}
	for _, name := range []string{"type", "uid", "topic", "id", "clients", "title", "body", "push_type", "data"} {
		if v := s.envelope.field(name); *v != nil {
			fields[name] = string(*v)
		}
	}
	return fields, nil
}

// NewIDs returns a source of ids by that clock.
func NewIDs(now func() time.Time) (next func() string) {
	s := newIDSource(now)
	return func() string { return ulid.ULID(s.next()).String() }
}

// NewRawIDs is NewIDs without the text.
func NewRawIDs(now func() time.Time) (next func()) {
	s := newIDSource(now)
	return func() { s.next() }
}
