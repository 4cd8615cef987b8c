package engineio

import (
	"bytes"
	"unicode/utf8"
)

// AppendJSONP appends a JSONP polling answer: ___eio[<digits of index>]("<payload>"); where index is the handshake's
// j, of which only the digits are used, and payload is a text payload.
//
// The literal is the one that JSON.stringify writes, plus escapes for U+2028 and U+2029, which end a line in older
// JavaScript. '<' stays as it is: the answer is loaded as a script of its own and never stands inside a page. It goes
// out as text/plain as the official server has it, so it must not say nosniff: browsers would not run it.
func AppendJSONP(dst, index, payload []byte) []byte {
	dst = append(dst, "___eio["...)
	for _, c := range index {
		if '0' <= c && c <= '9' {
			dst = append(dst, c)
		}
	}
	dst = append(dst, `]("`...)
	dst = appendLiteral(dst, payload)
	return append(dst, `");`...)
}

// appendLiteral appends the inside of a JavaScript string literal. What is not UTF-8 becomes U+FFFD.
func appendLiteral(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			dst = append(dst, text[start:i]...)
			if short := shortEscape(c); short != 0 {
				dst = append(dst, '\\', short)
			} else {
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
			}
			i++
			start = i
			continue
		}
		r, width := utf8.DecodeRune(text[i:])
		escape := ""
		switch {
		case r == '\u2028':
			escape = `\u2028`
		case r == '\u2029':
			escape = `\u2029`
		case r == utf8.RuneError && width == 1:
			escape = `\ufffd`
		}
		if escape != "" {
			dst = append(dst, text[start:i]...)
			dst = append(dst, escape...)
			start = i + width
		}
		i += width
	}
	return append(dst, text[start:]...)
}

// shortEscape returns the letter of the two-character escape of c, or 0 if it has none.
func shortEscape(c byte) byte {
	switch c {
	case '"', '\\':
		return c
	case '\b':
		return 'b'
	case '\f':
		return 'f'
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	}
	return 0
}

// ParseJSONPBody returns the payload in the form that a JSONP client posts: the field d, in which a newline was
// written as \n and a \n as \\n, because forms do not keep newlines as they are. Without such a field, or with more
// than one, ok is false: nothing is to be delivered, which is no error.
func ParseJSONPBody(form []byte) (payload []byte, ok bool) {
	var value []byte
	for more := true; more; {
		var field []byte
		field, form, more = bytes.Cut(form, []byte{'&'})
		name, v, _ := bytes.Cut(field, []byte{'='})
		if string(name) != "d" {
			continue
		}
		if ok {
			return nil, false
		}
		value, ok = v, true
	}
	if !ok {
		return nil, false
	}
	return unescapeJSONP(value), true
}

// unescapeJSONP decodes a form value, and the newlines in what comes out, in one pass. A % that no two hexadecimal
// digits follow stands for itself.
func unescapeJSONP(value []byte) []byte {
	out := make([]byte, 0, len(value))
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(value):
			if hi, lo := unhex(value[i+1]), unhex(value[i+2]); hi|lo < 16 {
				c = hi<<4 | lo
				i += 2
			}
		}
		if c == 'n' && len(out) > 0 && out[len(out)-1] == '\\' {
			out = endNewline(out)
			continue
		}
		out = append(out, c)
	}
	return out
}

// endNewline takes an n that follows the backslash at the end of out. Backslashes there are all as they came, since
// what this returns never ends in one.
func endNewline(out []byte) []byte {
	last := len(out) - 1
	if last > 0 && out[last-1] == '\\' {
		out[last] = 'n'
	} else {
		out[last] = '\n'
	}
	return out
}

// unhex returns the value of a hexadecimal digit, or 255.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
