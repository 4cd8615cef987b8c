package websocket

import "unicode/utf8"

// textCheck validates UTF-8 that arrives in pieces, cut anywhere. The zero value is ready.
//
// What must be remembered between two pieces is only the beginning of a character, three bytes at most. The bulk goes to utf8.Valid, which
// is fast on ASCII.
type textCheck struct {
	head  [utf8.UTFMax]byte // the beginning of the character in which the last piece ended
	nhead uint8
}

// add reports whether the text so far, with p behind it, can still become valid: it is false from the first byte on that no continuation
// could mend.
func (c *textCheck) add(p []byte) bool {
	for c.nhead > 0 {
		if len(p) == 0 {
			return true
		}
		c.head[c.nhead] = p[0]
		c.nhead++
		p = p[1:]
		// FullRune also reports true for a beginning that is already wrong.
		if head := c.head[:c.nhead]; utf8.FullRune(head) {
			if !utf8.Valid(head) {
				return false
			}
			c.nhead = 0
		}
	}
	whole := p[:len(p)-cutCharacter(p)]
	c.nhead = uint8(copy(c.head[:], p[len(whole):]))
	return utf8.Valid(whole)
}

// complete reports whether the text does not end within a character.
func (c *textCheck) complete() bool { return c.nhead == 0 }

// cutCharacter returns how many of p's last bytes are the beginning of a character that wants more: 0 to 3.
func cutCharacter(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if tail := p[len(p)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}
