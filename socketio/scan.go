package socketio

import "unicode/utf8"

// scanner checks JSON (RFC 8259) in one pass. It builds nothing and does not recurse: what it must remember of the
// open arrays and objects is one bit each, so that hostile nesting costs no memory.
type scanner struct {
	text  []byte
	at    int
	limit int // of depth
	depth int
	// objects has a bit for each level that is open: 1 for an object.
	objects [maxDepth / 64]uint64
}

// splitArray checks that text is an array and nothing else, and returns how many elements it has. It tells where the
// first of them are, as many as there is room for in spans.
func splitArray(text []byte, depth int, spans []span) (n int, err error) {
	sc := scanner{text: text, limit: depth - 1}
	sc.space()
	if sc.peek() != '[' {
		return 0, errPayload
	}
	if depth < 1 {
		return 0, errJSON
	}
	sc.at++
	sc.space()
	if sc.peek() == ']' {
		sc.at++
		return 0, sc.ended()
	}
	for {
		sc.space()
		start := sc.at
		if !sc.value() {
			return 0, errJSON
		}
		if n < len(spans) {
			spans[n] = span{uint32(start), uint32(sc.at)}
		}
		n++
		sc.space()
		switch sc.next() {
		case ',':
		case ']':
			return n, sc.ended()
		default:
			return 0, errJSON
		}
	}
}

// validJSON reports whether text is one JSON value in UTF-8, nested no deeper than depth.
func validJSON(text []byte, depth int) bool {
	sc := scanner{text: text, limit: depth}
	sc.space()
	return sc.value() && sc.end()
}

// ended is end as an error.
func (sc *scanner) ended() error {
	if !sc.end() {
		return errJSON
	}
	return nil
}

// end reports whether nothing but white space is left.
func (sc *scanner) end() bool {
	sc.space()
	return sc.at == len(sc.text)
}

// peek returns the character that comes next, 0 at the end. (A NUL in the text is no JSON anyway.)
func (sc *scanner) peek() byte {
	if sc.at < len(sc.text) {
		return sc.text[sc.at]
	}
	return 0
}

// next returns the character that comes next, and passes it.
func (sc *scanner) next() byte {
	c := sc.peek()
	sc.at++
	return c
}

func (sc *scanner) space() {
	for sc.at < len(sc.text) {
		switch sc.text[sc.at] {
		case ' ', '\t', '\n', '\r':
			sc.at++
		default:
			return
		}
	}
}

// value passes one value, with everything in it.
func (sc *scanner) value() bool {
	for {
		sc.space()
		opened, ok := false, false
		switch c := sc.peek(); c {
		case '{', '[':
			sc.at++
			opened, ok = sc.open(c == '{')
		case '"':
			ok = sc.str()
		case 't':
			ok = sc.literal("true")
		case 'f':
			ok = sc.literal("false")
		case 'n':
			ok = sc.literal("null")
		default:
			ok = sc.number()
		}
		if !ok {
			return false
		}
		if opened { // its first element comes next
			continue
		}
		more, ok := sc.close()
		if !ok || !more {
			return ok
		}
	}
}

// open enters an array or object, and reports whether there is something in it to read.
func (sc *scanner) open(object bool) (opened, ok bool) {
	if sc.depth >= sc.limit {
		return false, false
	}
	end := byte(']')
	if object {
		end = '}'
	}
	sc.space()
	if sc.peek() == end {
		sc.at++
		return false, true
	}
	word, bit := sc.depth/64, uint64(1)<<(sc.depth%64)
	sc.objects[word] &^= bit
	sc.depth++
	if !object {
		return true, true
	}
	sc.objects[word] |= bit
	return true, sc.key()
}

// close leaves the arrays and objects that end behind a value. It reports whether another value is to come.
func (sc *scanner) close() (more, ok bool) {
	for sc.depth > 0 {
		top := sc.depth - 1
		object := sc.objects[top/64]>>(top%64)&1 == 1
		sc.space()
		switch c := sc.next(); {
		case c == ',' && object:
			return true, sc.key()
		case c == ',':
			return true, true
		case c == '}' && object, c == ']' && !object:
			sc.depth--
		default:
			return false, false
		}
	}
	return false, true
}

// key passes a key and its colon.
func (sc *scanner) key() bool {
	sc.space()
	if sc.peek() != '"' || !sc.str() {
		return false
	}
	sc.space()
	return sc.next() == ':'
}

// str passes a string.
func (sc *scanner) str() bool {
	sc.at++
	for sc.at < len(sc.text) {
		c := sc.text[sc.at]
		switch {
		case c == '"':
			sc.at++
			return true
		case c == '\\':
			if !sc.escape() {
				return false
			}
		case c < ' ':
			return false
		case c < utf8.RuneSelf:
			sc.at++
		default:
			r, width := utf8.DecodeRune(sc.text[sc.at:])
			if r == utf8.RuneError && width == 1 {
				return false
			}
			sc.at += width
		}
	}
	return false
}

// escape passes a backslash and what belongs to it. Halves of surrogate pairs are JSON, though no text.
func (sc *scanner) escape() bool {
	sc.at++
	switch sc.next() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			if !isHex(sc.next()) {
				return false
			}
		}
		return true
	}
	return false
}

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func (sc *scanner) literal(word string) bool {
	end := sc.at + len(word)
	if end > len(sc.text) || string(sc.text[sc.at:end]) != word {
		return false
	}
	sc.at = end
	return true
}

// number passes a number, which has no bound: 1e999 is JSON.
func (sc *scanner) number() bool {
	if sc.peek() == '-' {
		sc.at++
	}
	if sc.peek() == '0' {
		sc.at++
	} else if !sc.digits() {
		return false
	}
	if sc.peek() == '.' {
		sc.at++
		if !sc.digits() {
			return false
		}
	}
	if c := sc.peek(); c == 'e' || c == 'E' {
		sc.at++
		if c := sc.peek(); c == '+' || c == '-' {
			sc.at++
		}
		return sc.digits()
	}
	return true
}

// digits passes one digit or more.
func (sc *scanner) digits() bool {
	start := sc.at
	for isDigit(sc.peek()) {
		sc.at++
	}
	return sc.at > start
}
