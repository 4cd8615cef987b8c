package socketio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// Placeholder stands for an attachment inside a JSON text, and is the number of it: {"_placeholder":true,"num":0}
// (PROTOCOL.md 2.2). As a field of a struct it reads and writes binary data that is not an argument of its own:
//
//	type Upload struct {
//		Name string               `json:"name"`
//		File socketio.Placeholder `json:"file"`
//	}
//
//	upload, err := socketio.Arg[Upload](event, 0)
//	file := event.Attachment(int(upload.File))
//	...
//	socket.Emit("upload", socketio.WithAttachments{Value: Upload{Name: "a.png"}, Attachments: [][]byte{file}})
type Placeholder int

// MarshalJSON writes the placeholder, in the order of keys that all clients know.
func (p Placeholder) MarshalJSON() ([]byte, error) { return p.append(nil), nil }

func (p Placeholder) append(dst []byte) []byte {
	dst = append(dst, `{"_placeholder":true,"num":`...)
	return append(strconv.AppendInt(dst, int64(p), 10), '}')
}

// UnmarshalJSON reads a placeholder, whose keys may come in any order.
func (p *Placeholder) UnmarshalJSON(text []byte) error {
	var v struct {
		Placeholder bool `json:"_placeholder"`
		Num         *int `json:"num"`
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	if !v.Placeholder || v.Num == nil {
		return fmt.Errorf("socketio: not a placeholder: %.50s", text)
	}
	*p = Placeholder(*v.Num)
	return nil
}

// WithAttachments is an argument that has binary data inside: the [Placeholder]s in Value stand for the attachments, by
// their index. In the packet they are numbered on behind those of the arguments before.
type WithAttachments struct {
	Value       any
	Attachments [][]byte
}

// mark is a placeholder in a JSON text.
type mark struct {
	span     // of the object
	num  int // -1 if it is not one of a natural number
	text span
}

// level is an array or object that is open.
type level struct {
	mark
	object bool
	isKey  bool // the next string is a key
	key    markKey
	flag   bool // "_placeholder" was true
}

type markKey uint8

const (
	otherKey markKey = iota
	flagKey
	numKey
)

// eachMark calls fn with the placeholders in a text that is known to be JSON, until it returns false. As for the
// official decoder, an object is a placeholder if "_placeholder" in it is true, whatever else it has and in whichever
// order. Keys with escapes are not recognized.
func eachMark(text []byte, fn func(mark) bool) {
	levels := make([]level, 0, 16)
	for i := 0; i < len(text); {
		var top *level
		if len(levels) > 0 {
			top = &levels[len(levels)-1]
		}
		switch c := text[i]; c {
		case '{', '[':
			top.value(text, span{})
			levels = append(levels, level{
				mark:   mark{span: span{start: uint32(i)}, num: -1},
				object: c == '{', isKey: c == '{',
			})
			i++
		case '}', ']':
			i++
			if top.flag {
				top.end = uint32(i)
				if !fn(top.mark) {
					return
				}
			}
			levels = levels[:len(levels)-1]
		case ',':
			top.isKey = top.object
			i++
		case ' ', '\t', '\n', '\r', ':':
			i++
		default:
			end := tokenEnd(text, i)
			top.value(text, span{uint32(i), uint32(end)})
			i = end
		}
	}
}

// value takes note of a key or of the value of one. The zero span is an array or object.
func (l *level) value(text []byte, at span) {
	if l == nil || !l.object {
		return
	}
	token := text[at.start:at.end]
	if l.isKey {
		l.isKey = false
		switch string(token) {
		case `"_placeholder"`:
			l.key = flagKey
		case `"num"`:
			l.key = numKey
		default:
			l.key = otherKey
		}
		return
	}
	switch l.key {
	case flagKey:
		l.flag = string(token) == "true"
	case numKey:
		l.num, l.text = parseNum(token), at
	}
}

// parseNum returns a number that may be the index of an attachment, or -1.
func parseNum(token []byte) int {
	const digits = 6
	if len(token) == 0 || len(token) > digits {
		return -1
	}
	n := 0
	for _, c := range token {
		if !isDigit(c) {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// tokenEnd returns where the string, number or literal that begins at i ends.
func tokenEnd(text []byte, i int) int {
	if text[i] == '"' {
		for i++; text[i] != '"'; i++ {
			if text[i] == '\\' {
				i++
			}
		}
		return i + 1
	}
	if n := bytes.IndexAny(text[i:], ",:]} \t\n\r"); n >= 0 {
		return i + n
	}
	return len(text)
}

// checkPlaceholders checks that the placeholders in a text stand for attachments that there are n of.
func checkPlaceholders(text []byte, n int) (err error) {
	eachMark(text, func(m mark) bool {
		if m.num < 0 || m.num >= n {
			err = errPlaceholder
		}
		return err == nil
	})
	return err
}

// assembly is a packet whose attachments are awaited. Nothing else may come before them (PROTOCOL.md 2.2).
type assembly struct {
	socket      *Socket
	decoded     decoded // whose Data is a copy
	attachments [][]byte
	bytes       int
}

func newAssembly(s *Socket, d *decoded) *assembly {
	a := &assembly{socket: s, decoded: *d, attachments: make([][]byte, 0, d.Attachments)}
	a.decoded.Data = bytes.Clone(d.Data)
	a.decoded.Namespace = nil // aliases the message, and is known
	return a
}

// attachment takes in a binary message, and handles the packet when it was the last.
func (c *conn) attachment(data []byte) {
	a := c.pending
	if a == nil {
		c.parseError(errUnannounced)
		return
	}
	if len(data) > c.server.cfg.MaxAttachmentBytes-a.bytes {
		c.parseError(errHeld)
		return
	}
	a.bytes += len(data)
	a.attachments = append(a.attachments, clone(data))
	if len(a.attachments) < a.decoded.Attachments {
		return
	}
	c.pending = nil
	a.socket.packet(&a.decoded, a.attachments)
}
