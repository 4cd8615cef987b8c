package socketio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/mailru/easyjson"
	"github.com/mailru/easyjson/jwriter"

	"outrider/engineio"
)

// scratchSize is the room on the stack in which the arguments of an event are written; longer ones move to the heap.
const scratchSize = 512

// body is the JSON of a packet that is being written, and the attachments that go with it. It is valid UTF-8, and the
// same for clients of both revisions.
type body struct {
	json        []byte
	attachments [][]byte
}

// event writes the array of an event.
func (b *body) event(name string, args []any) error {
	if Reserved(name) {
		return fmt.Errorf("%w: %q", ErrReserved, name)
	}
	b.json = appendString(append(b.json, '['), name)
	for i, arg := range args {
		b.json = append(b.json, ',')
		if err := b.argument(i, arg); err != nil {
			return err
		}
	}
	b.json = append(b.json, ']')
	return nil
}

// list writes the array of an acknowledgement.
func (b *body) list(args []any) error {
	b.json = append(b.json, '[')
	for i, arg := range args {
		if i > 0 {
			b.json = append(b.json, ',')
		}
		if err := b.argument(i, arg); err != nil {
			return err
		}
	}
	b.json = append(b.json, ']')
	return nil
}

// connectError writes what CONNECT_ERROR tells.
func (b *body) connectError(message string, data any, rev engineio.Revision) error {
	if rev == engineio.Revision3 {
		if data == nil {
			data = message
		}
		return b.plain(data)
	}
	b.json = append(b.json, `{"message":`...)
	b.json = appendString(b.json, message)
	if data != nil {
		b.json = append(b.json, `,"data":`...)
		if err := b.plain(data); err != nil {
			return err
		}
	}
	b.json = append(b.json, '}')
	return nil
}

// plain writes a value that must not have attachments.
func (b *body) plain(v any) error {
	if err := b.argument(0, v); err != nil {
		return err
	}
	if len(b.attachments) > 0 {
		return fmt.Errorf("%w: binary data", ErrArgument)
	}
	return nil
}

func (b *body) argument(i int, v any) error {
	if err := b.value(v); err != nil {
		return fmt.Errorf("%w: argument %d: %w", ErrArgument, i, err)
	}
	return nil
}

// value writes one value. The cases are what events are mostly made of; encoding/json knows the others.
func (b *body) value(v any) error {
	switch v := v.(type) {
	case nil:
		b.json = append(b.json, "null"...)
	case string:
		b.json = appendString(b.json, v)
	case bool:
		b.json = strconv.AppendBool(b.json, v)
	case int:
		b.json = strconv.AppendInt(b.json, int64(v), 10)
	case int64:
		b.json = strconv.AppendInt(b.json, v, 10)
	case int32:
		b.json = strconv.AppendInt(b.json, int64(v), 10)
	case uint64:
		b.json = strconv.AppendUint(b.json, v, 10)
	case uint32:
		b.json = strconv.AppendUint(b.json, uint64(v), 10)
	case json.RawMessage:
		if v == nil {
			v = json.RawMessage("null")
		}
		return b.raw(v)
	case []byte:
		b.json = Placeholder(len(b.attachments)).append(b.json)
		b.attachments = append(b.attachments, bytes.Clone(v))
	case WithAttachments:
		return b.withAttachments(v)
	case easyjson.Marshaler:
		return b.easy(v)
	default:
		return b.standard(v)
	}
	return nil
}

// raw writes a JSON text that somebody else has made.
func (b *body) raw(text []byte) error {
	start := len(b.json)
	b.json = appendValid(b.json, text)
	if !validJSON(b.json[start:], maxDepth) {
		return errJSON
	}
	return nil
}

func (b *body) easy(v easyjson.Marshaler) error {
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && p.IsNil() {
		return b.value(nil)
	}
	w := jwriter.Writer{NoEscapeHTML: true}
	v.MarshalEasyJSON(&w)
	text, err := w.BuildBytes()
	if err != nil {
		return err
	}
	return b.raw(text)
}

func (b *body) standard(v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // the text goes to a parser and not into a page
	if err := enc.Encode(v); err != nil {
		return err
	}
	return b.raw(bytes.TrimSuffix(buf.Bytes(), []byte{'\n'}))
}

// withAttachments writes a value, and numbers its placeholders on from what was written before.
func (b *body) withAttachments(v WithAttachments) error {
	switch v.Value.(type) {
	case []byte, WithAttachments:
		return fmt.Errorf("%T inside WithAttachments", v.Value)
	}
	start, base := len(b.json), len(b.attachments)
	if err := b.value(v.Value); err != nil {
		return err
	}
	if err := checkPlaceholders(b.json[start:], len(v.Attachments)); err != nil {
		return err
	}
	if base > 0 {
		text := slices.Clone(b.json[start:])
		b.json = renumber(b.json[:start], text, func(num int) int { return num + base })
	}
	for _, data := range v.Attachments {
		b.attachments = append(b.attachments, bytes.Clone(data))
	}
	return nil
}

// renumber appends a JSON text, with other numbers in its placeholders.
func renumber(dst, text []byte, number func(num int) int) []byte {
	done := 0
	eachMark(text, func(m mark) bool {
		dst = append(dst, text[done:m.text.start]...)
		dst = strconv.AppendInt(dst, int64(number(m.num)), 10)
		done = int(m.text.end)
		return true
	})
	return append(dst, text[done:]...)
}

// frame puts a packet together for sessions of one revision. The body can be used again.
func (b *body) frame(p Packet, rev engineio.Revision) *engineio.Frame {
	if n := len(b.attachments); n > 0 {
		p.Attachments = n
		if p.Type == PacketEvent {
			p.Type = PacketBinaryEvent
		} else {
			p.Type = PacketBinaryAck
		}
	}
	size := len(b.json)
	escape := rev == engineio.Revision3 && !isASCII(b.json)
	if escape {
		size = asciiSize(b.json)
	}
	buf := make([]byte, engineio.FramePrefix, engineio.FramePrefix+p.headSize()+size)
	buf = p.appendHead(buf)
	if escape {
		buf = appendASCII(buf, b.json)
	} else {
		buf = append(buf, b.json...)
	}
	return engineio.MessageFrame(buf, b.attachments...)
}

// eventFrame encodes an event for one receiver.
func eventFrame(ns *Namespace, rev engineio.Revision, event string, args []any) (*engineio.Frame, error) {
	var scratch [scratchSize]byte
	b := body{json: scratch[:0]}
	if err := b.event(event, args); err != nil {
		return nil, err
	}
	return b.frame(Packet{Type: PacketEvent, Namespace: ns.wire}, rev), nil
}
