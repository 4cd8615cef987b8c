package pushhttp

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// syntaxError says where a JSON text stops being one.
type syntaxError struct {
	offset int
	what   string
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("not valid JSON at byte %d: %s", e.offset, e.what)
}

// compact validates text as one JSON text (RFC 8259, UTF-8, nested at most
// maxDepth levels) and removes the white space outside its strings. It does so
// in place, in one pass and without allocating: the result is a prefix of
// text, and text must not be used after an error. What is kept is kept byte
// for byte: numbers with all their digits, escapes, the order of members and
// members that are there twice.
//
// On the way it notes where in the result the value of one member of the
// outermost object is: the last one of that name, as it is written without
// escapes. Without such a member the span is empty.
//
// Two cursors walk the text: r reads, w writes, and bytes between kept and r
// are to be written when the next white space, or the end, is reached. So a
// text without white space is never moved.
func compact(text []byte, maxDepth int, member string) (compacted []byte, value span, err error) {
	c := compactor{text: text, maxDepth: maxDepth, member: member}
	for {
		if err := c.value(); err != nil {
			return nil, span{}, err
		}
		if more, err := c.afterValue(); err != nil {
			return nil, span{}, err
		} else if !more {
			break
		}
	}
	if c.r < len(text) {
		return nil, span{}, c.errorf("text after the end of the value")
	}
	c.flush()
	return text[:c.w], c.found, nil
}

// compactor is the state of one pass.
type compactor struct {
	text     []byte
	r        int // next byte to read
	w        int // next byte to write
	kept     int // text[kept:r] was read and is still to be written at w
	depth    int
	maxDepth int
	closing  byte                      // what closes the innermost level
	objects  [HighestDepth / 64]uint64 // bit i: level i is an object, not an array

	member string // which member's value is to be found
	inside bool   // in that value
	found  span
}

// written is where in the result the next byte will stand.
func (c *compactor) written() int32 { return int32(c.w + c.r - c.kept) }

// value reads one value, or as far as the start of the first scalar in it:
// opening brackets lead to further values.
func (c *compactor) value() error {
	for {
		c.skipSpace()
		if c.r == len(c.text) {
			return c.errorf("a value is missing")
		}
		switch b := c.text[c.r]; {
		case b == '"':
			return c.string()
		case b == '-' || isDigit(b):
			return c.number()
		case b == '{' || b == '[':
			if inside, err := c.open(b == '{'); err != nil || !inside {
				return err
			}
		default:
			return c.literal()
		}
	}
}

// open enters an array or object, and leaves it if it is empty. inside reports
// that a value must follow.
func (c *compactor) open(object bool) (inside bool, err error) {
	if c.depth == c.maxDepth {
		return false, c.errorf("nested more than %d levels deep", c.maxDepth)
	}
	word, bit := &c.objects[c.depth/64], uint64(1)<<(c.depth%64)
	if object {
		*word |= bit
		c.closing = '}'
	} else {
		*word &^= bit
		c.closing = ']'
	}
	c.depth++
	c.r++
	c.skipSpace()
	if c.r < len(c.text) && c.text[c.r] == c.closing {
		c.leave()
		return false, nil
	}
	if object {
		return true, c.key()
	}
	return true, nil
}

// leave reads a closing bracket.
func (c *compactor) leave() {
	c.r++
	c.depth--
	if level := c.depth - 1; level >= 0 && c.objects[level/64]>>(level%64)&1 == 1 {
		c.closing = '}'
	} else {
		c.closing = ']'
	}
}

// afterValue closes what ends here. more reports that another value must
// follow; if none must, the text has ended or something foreign stands at r.
func (c *compactor) afterValue() (more bool, err error) {
	for {
		if c.inside && c.depth == 1 {
			c.inside, c.found.end = false, c.written()
		}
		c.skipSpace()
		if c.depth == 0 {
			return false, nil
		}
		if c.r == len(c.text) {
			return false, c.errorf("%q is missing", c.closing)
		}
		switch c.text[c.r] {
		case c.closing:
			c.leave()
		case ',':
			c.r++
			if c.closing == '}' {
				c.skipSpace()
				return true, c.key()
			}
			return true, nil
		default:
			return false, c.errorf("want ',' or %q", c.closing)
		}
	}
}

// key reads the name of a member and its colon.
func (c *compactor) key() error {
	if c.r == len(c.text) || c.text[c.r] != '"' {
		return c.errorf("want the name of a member")
	}
	start := c.r
	if err := c.string(); err != nil {
		return err
	}
	c.inside = c.inside || c.depth == 1 && string(c.text[start+1:c.r-1]) == c.member
	c.skipSpace()
	if c.r == len(c.text) || c.text[c.r] != ':' {
		return c.errorf("want ':' after the name of a member")
	}
	c.r++
	if c.inside && c.depth == 1 {
		c.found.start = c.written() // white space that follows will not be written
	}
	return nil
}

// skipSpace drops white space.
func (c *compactor) skipSpace() {
	if c.r == len(c.text) || !isSpace(c.text[c.r]) {
		return
	}
	c.flush()
	for c.r < len(c.text) && isSpace(c.text[c.r]) {
		c.r++
	}
	c.kept = c.r
}

// flush writes what was kept.
func (c *compactor) flush() {
	if c.w != c.kept {
		copy(c.text[c.w:], c.text[c.kept:c.r])
	}
	c.w += c.r - c.kept
	c.kept = c.r
}

// string reads a string.
func (c *compactor) string() error {
	c.r++
	for {
		c.r += plainPrefix(c.text[c.r:])
		if c.r == len(c.text) {
			return c.errorf("a string does not end")
		}
		switch b := c.text[c.r]; {
		case b == '"':
			c.r++
			return nil
		case b == '\\':
			if err := c.escape(); err != nil {
				return err
			}
		case b < ' ':
			return c.errorf("control character %#02x in a string", b)
		default:
			if !c.runes() {
				return c.errorf("a string is not UTF-8")
			}
		}
	}
}

// runes reads characters beyond ASCII as long as they follow each other.
func (c *compactor) runes() (valid bool) {
	rest := c.text[c.r:]
	n := 0
	for n < len(rest) && rest[n] >= utf8.RuneSelf {
		_, size := utf8.DecodeRune(rest[n:])
		if size == 1 {
			break
		}
		n += size
	}
	c.r += n
	return n == len(rest) || rest[n] < utf8.RuneSelf
}

// plainPrefix is the number of bytes at the start of b that need no look
// inside a string: printable ASCII other than quote and backslash, and DEL.
func plainPrefix(b []byte) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	n := 0
	for ; len(b)-n >= 8; n += 8 {
		// The top bit of each byte that is special, by the rules for words
		// that hold eight bytes; above the first one there may be others
		// that are not.
		word := binary.LittleEndian.Uint64(b[n:])
		quote, backslash := word^('"'*ones), word^('\\'*ones)
		special := (word | (word - ' '*ones) | (quote - ones) | (backslash - ones)) & highs
		if special != 0 {
			return n + bits.TrailingZeros64(special)/8
		}
	}
	for n < len(b) && ' ' <= b[n] && b[n] < utf8.RuneSelf && b[n] != '"' && b[n] != '\\' {
		n++
	}
	return n
}

// escape reads a backslash and what it escapes. Whether surrogates come in
// pairs is not asked: RFC 8259 leaves that open, and the text stays as it is.
func (c *compactor) escape() error {
	rest := c.text[c.r+1:]
	if len(rest) == 0 {
		return c.errorf("a string does not end")
	}
	switch rest[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		c.r += 2
		return nil
	case 'u':
		if len(rest) >= 5 && isHex(rest[1]) && isHex(rest[2]) && isHex(rest[3]) && isHex(rest[4]) {
			c.r += 6
			return nil
		}
	}
	return c.errorf("unknown escape in a string")
}

// number reads a number: -? (0 | [1-9][0-9]*) (.[0-9]+)? ([eE][+-]?[0-9]+)?
func (c *compactor) number() error {
	if c.text[c.r] == '-' {
		c.r++
	}
	start := c.r
	c.r += leadingDigits(c.text[c.r:])
	switch {
	case c.r == start:
		return c.errorf("a number has no digits")
	case c.text[start] == '0' && c.r > start+1:
		return c.errorf("a number begins with zeros")
	case c.r == len(c.text):
		return nil
	}
	if c.text[c.r] == '.' {
		c.r++
		n := leadingDigits(c.text[c.r:])
		if n == 0 {
			return c.errorf("a number has no digits after its point")
		}
		c.r += n
	}
	if c.r < len(c.text) && c.text[c.r]|0x20 == 'e' {
		return c.exponent()
	}
	return nil
}

func (c *compactor) exponent() error {
	c.r++
	if c.r < len(c.text) && (c.text[c.r] == '+' || c.text[c.r] == '-') {
		c.r++
	}
	n := leadingDigits(c.text[c.r:])
	if n == 0 {
		return c.errorf("a number has no digits in its exponent")
	}
	c.r += n
	return nil
}

func leadingDigits(b []byte) int {
	n := 0
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	return n
}

// literal reads true, false or null.
func (c *compactor) literal() error {
	rest := c.text[c.r:]
	for _, word := range [...]string{"true", "false", "null"} {
		if len(rest) >= len(word) && string(rest[:len(word)]) == word {
			c.r += len(word)
			return nil
		}
	}
	return c.errorf("want a value")
}

func (c *compactor) errorf(format string, args ...any) error {
	return &syntaxError{offset: c.r, what: fmt.Sprintf(format, args...)}
}

func isSpace(b byte) bool { return b <= ' ' && (b == ' ' || b == '\n' || b == '\r' || b == '\t') }

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func isHex(b byte) bool { return isDigit(b) || 'a' <= b|0x20 && b|0x20 <= 'f' }
