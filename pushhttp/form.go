package pushhttp

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// decodeForm reads the envelope from an application/x-www-form-urlencoded
// body, which is decoded in place. Each field becomes the JSON text that its
// value would have in a JSON body, so that what follows is the same for both:
// a plain field is a string, data[title]=x an object, clients[]=rider an array.
func (s *scratch) decodeForm(body []byte, maxDepth int) *refusal {
	s.form.reset(body, maxDepth)
	for start := 0; start < len(body); {
		end := start + indexOrLen(body[start:], '&')
		if err, name := s.form.add(start, end); err != "" {
			return refuse(CodeSyntax, "body: form field %s %s", quote(name), err)
		}
		start = end + 1
	}
	s.formText = s.form.appendFields(s.formText[:0], &s.envelope)
	return nil
}

func indexOrLen(b []byte, c byte) int {
	if i := bytes.IndexByte(b, c); i >= 0 {
		return i
	}
	return len(b)
}

// add takes in the name=value that is body[start:end]. For messages it returns
// the name as well.
func (f *form) add(start, end int) (err formError, name []byte) {
	pair := f.body[start:end]
	equals := indexOrLen(pair, '=')
	name, err = unescapeForm(pair[:equals])
	if err != "" || len(name) == 0 {
		return err, name
	}
	afterEquals := min(equals+1, len(pair))
	value, err := unescapeForm(pair[afterEquals:])
	if err != "" {
		return err, name
	}
	field := indexOrLen(name, '[')
	if new(envelope).field(string(name[:field])) == nil {
		return "", name
	}
	from := func(start, n int) span { return span{int32(start), int32(start + n)} }
	return f.insert(from(start, len(name)), from(start, field), from(start+afterEquals, len(value))), name
}

// unescapeForm decodes, in place, a name or value of a form.
func unescapeForm(b []byte) ([]byte, formError) {
	if i := bytes.IndexAny(b, "+%"); i >= 0 {
		w := i
		for ; i < len(b); i, w = i+1, w+1 {
			switch b[i] {
			case '+':
				b[w] = ' '
			case '%':
				if len(b)-i < len("%00") || !isHex(b[i+1]) || !isHex(b[i+2]) {
					return b[:w], "has a % that begins no escape"
				}
				b[w] = unhex(b[i+1])<<4 | unhex(b[i+2])
				i += 2
			default:
				b[w] = b[i]
			}
		}
		b = b[:w]
	}
	if !utf8.Valid(b) {
		return b, "is not UTF-8"
	}
	return b, ""
}

func unhex(b byte) byte {
	if isDigit(b) {
		return b - '0'
	}
	return b | 0x20 - 'a' + 10
}

// appendFields appends the JSON texts of the fields to dst and puts them into e.
func (f *form) appendFields(dst []byte, e *envelope) []byte {
	start := len(dst)
	for i := f.nodes[root].first; i != none; i = f.nodes[i].next {
		n := &f.nodes[i]
		field := e.field(string(f.bytes(n.key)))
		dst = f.appendJSON(dst, i, field == &e.UID || field == &e.Clients)
		n.value = span{int32(start), int32(len(dst))} // as a string it is no longer needed
		start = len(dst)
	}
	for i := f.nodes[root].first; i != none; i = f.nodes[i].next {
		n := &f.nodes[i]
		*e.field(string(f.bytes(n.key))) = dst[n.value.start:n.value.end]
	}
	return dst
}

// appendJSON appends the JSON text of a node; it goes as deep as insert went.
// As in PHP an array becomes a JSON array if its keys are 0, 1, 2 … in that
// order. For a field that can only be a list integers will do (gaps): PHP
// leaves such keys when it filters an array.
func (f *form) appendJSON(dst []byte, node int32, gaps bool) []byte {
	n := &f.nodes[node]
	if n.kind == stringNode {
		return appendString(dst, f.bytes(n.value))
	}
	opening, closing := byte('['), byte(']')
	if n.unlisted && !(gaps && !n.named) {
		opening, closing = '{', '}'
	}
	dst = append(dst, opening)
	for i := n.first; i != none; i = f.nodes[i].next {
		if i != n.first {
			dst = append(dst, ',')
		}
		if opening == '{' {
			dst = append(f.appendKey(dst, i), ':')
		}
		dst = f.appendJSON(dst, i, false)
	}
	return append(dst, closing)
}

func (f *form) appendKey(dst []byte, node int32) []byte {
	n := &f.nodes[node]
	if !n.key.empty() {
		return appendString(dst, f.bytes(n.key))
	}
	dst = append(dst, '"')
	dst = strconv.AppendInt(dst, n.index, 10)
	return append(dst, '"')
}

// appendString appends text, which is UTF-8, as a JSON string, with no more
// escapes than it needs.
func appendString(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for {
		n := plainPrefix(text)
		dst, text = append(dst, text[:n]...), text[n:]
		if len(text) == 0 {
			return append(dst, '"')
		}
		switch b := text[0]; {
		case b == '"', b == '\\':
			dst = append(dst, '\\', b)
		case '\b' <= b && b <= '\r' && b != '\v':
			dst = append(dst, '\\', "btn_fr"[b-'\b'])
		case b < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&0xf])
		default:
			dst = append(dst, b)
		}
		text = text[1:]
	}
}
