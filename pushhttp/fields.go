package pushhttp

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/mailru/easyjson/jlexer"
)

// Bounds of fields, in bytes of text. What clients register is bounded by the
// same (SPEC.md §2), so a longer uid or topic reaches nobody.
const (
	maxUID   = 256
	maxTopic = 256
	maxID    = 512 // a namespace and an engine id
)

// Kinds that a push can address, by endpoint.
var (
	deviceKinds = []string{"customer", "rider", "merchant", "h5", "platform"}
	topicKinds  = []string{"rider", "merchant", "h5"}
)

// describe says of what type a value is, for messages.
func (v rawValue) describe() string {
	switch v[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// text returns the text of a string. It allocates once.
func (v rawValue) text() string {
	if bytes.IndexByte(v, '\\') < 0 {
		return string(v[1 : len(v)-1])
	}
	l := jlexer.Lexer{Data: v}
	return l.String()
}

// word returns the text of a string that is compared with known words. It
// allocates only where the string has escapes, and leaves them in one that is
// too long to be a word.
func (v rawValue) word() []byte {
	const longest = 100
	if len(v) > longest || bytes.IndexByte(v, '\\') < 0 {
		return v[1 : len(v)-1]
	}
	return []byte(v.text())
}

// readText reads a field that must be a string of 1 to limit bytes without control characters.
func readText(field string, v rawValue, limit int) (string, *refusal) {
	const longestEscape = len(`\u0000`)
	switch {
	case v == nil:
		return "", missing(field)
	case v[0] != '"':
		return "", invalid(field, "must be a string, not %s", v.describe())
	case len(v) > limit*longestEscape+len(`""`): // before it is decoded
		return "", invalid(field, "is longer than %d bytes", limit)
	}
	text := v.text()
	return text, checkText(field, text, limit)
}

func checkText(field, text string, limit int) *refusal {
	switch {
	case text == "":
		return invalid(field, "is empty")
	case len(text) > limit:
		return invalid(field, "is longer than %d bytes", limit)
	case strings.ContainsFunc(text, unicode.IsControl):
		return invalid(field, "has control characters")
	}
	return nil
}

// readKind reads the field type: one of kinds.
func readKind(v rawValue, kinds []string) (string, *refusal) {
	switch {
	case v == nil:
		return "", missing("type")
	case v[0] != '"':
		return "", invalid("type", "must be a string, not %s", v.describe())
	}
	name := v.word()
	for _, kind := range kinds {
		if string(name) == kind {
			return kind, nil
		}
	}
	return "", invalid("type", "%s is not one of %s", v.quote(), strings.Join(kinds, ", "))
}

// quote shows v in a message.
func (v rawValue) quote() string {
	if v[0] == '"' {
		v = v[1 : len(v)-1]
	}
	return quote(v)
}

// readTopic reads the field topic. Topics are names, not patterns: characters
// that are wildcards elsewhere are refused, so that a caller who expects them
// to match is told, and so that a topic may become the subject of a message
// broker some day.
func readTopic(v rawValue) (string, *refusal) {
	topic, r := readText("topic", v, maxTopic)
	if r != nil {
		return "", r
	}
	if i := strings.IndexAny(topic, wildcards); i >= 0 {
		return "", invalid("topic", "has the wildcard %q; a push goes to one topic", topic[i])
	}
	return topic, nil
}

const wildcards = "*>#+"

// readData returns the text of the field data.
func readData(v rawValue, limit int) ([]byte, *refusal) {
	switch {
	case v == nil:
		return nil, missing("data")
	case len(v) > limit:
		return nil, refuse(CodeDataTooLarge, "data: is %d bytes long, the limit is %d", len(v), limit)
	}
	return v, nil
}

// clientNames maps what callers call the clients to their names. A merchant's
// app, pos and pad have two names each.
var clientNames = []struct {
	name      string
	canonical []string
}{
	{"customer", []string{"customer"}},
	{"rider", []string{"rider"}},
	{"app", []string{"merchant_app"}},
	{"pos", []string{"merchant_pos"}},
	{"pad", []string{"merchant_pad"}},
	{"merchant_app", []string{"merchant_app"}},
	{"merchant_pos", []string{"merchant_pos"}},
	{"merchant_pad", []string{"merchant_pad"}},
	{"merchant", []string{"merchant_app", "merchant_pos", "merchant_pad"}},
	{"h5", []string{"h5"}},
	{"platform", []string{"platform"}},
}

// readClients appends the clients that the field names, each once.
func readClients(dst []string, v rawValue, limit int) ([]string, *refusal) {
	switch {
	case v == nil:
		return nil, missing("clients")
	case v[0] != '[':
		return nil, invalid("clients", "must be an array of strings, not %s", v.describe())
	case len(v) == len("[]"):
		return nil, invalid("clients", "is empty")
	}
	n := 0
	for rest := v[1:]; len(rest) > 0; n++ {
		if n == limit {
			return nil, invalid("clients", "has more than %d entries", limit)
		}
		var entry rawValue
		entry, rest = nextElement(rest)
		if entry[0] != '"' {
			return nil, invalid(at("clients", n), "must be a string, not %s", entry.describe())
		}
		canonical, ok := canonicalClients(entry)
		if !ok {
			return nil, invalid(at("clients", n), "%s is not one of customer, rider, app, pos, pad, merchant, h5, platform", entry.quote())
		}
		for _, name := range canonical {
			if !slices.Contains(dst, name) {
				dst = append(dst, name)
			}
		}
	}
	return dst, nil
}

func canonicalClients(entry rawValue) (canonical []string, ok bool) {
	name := entry.word()
	for _, c := range clientNames {
		if string(name) == c.name {
			return c.canonical, true
		}
	}
	return nil, false
}

// at names an entry of an array in a message.
func at(field string, i int) string { return fmt.Sprintf("%s[%d]", field, i) }

// nextElement splits the first element off the inside of a valid compact
// array, which ends with its bracket: `1,"2"]` gives `1` and `"2"]`. rest is
// empty after the last one. Of an element that is an array or object itself
// only the beginning is found: no list may hold one, and it is refused by its
// first byte.
func nextElement(list rawValue) (element, rest rawValue) {
	end := 0
	if list[0] == '"' {
		for end = 1; list[end] != '"'; end++ {
			if list[end] == '\\' {
				end++
			}
		}
	}
	for list[end] != ',' && list[end] != ']' {
		end++
	}
	return list[:end], list[end+1:]
}
