package socketio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"github.com/mailru/easyjson"
	"github.com/mailru/easyjson/jwriter"

	"outrider/engineio"
)

// scratchSize is the room on the stack in which the arguments of an event are written; longer ones move to the heap.
const scratchSize = 512

// The functions below write the body of a packet: JSON in UTF-8, which is the same for both revisions, and attachments.
// They take the JSON and return it longer instead of having it in a struct of theirs, since only so can it begin on the
// stack of the caller.

// appendEvent appends the array of an event.
func appendEvent(dst []byte, attachments *[][]byte, name string, args []any) ([]byte, error) {
	if Reserved(name) {
		return dst, fmt.Errorf("%w: %q", ErrReserved, name)
	}
	dst = appendString(append(dst, '['), name)
	for i, arg := range args {
		var err error
		if dst, err = appendArgument(append(dst, ','), attachments, i, arg); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// appendList appends the array of an acknowledgement.
func appendList(dst []byte, attachments *[][]byte, args []any) ([]byte, error) {
	dst = append(dst, '[')
	for i, arg := range args {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendArgument(dst, attachments, i, arg); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// appendConnectError appends what CONNECT_ERROR tells: see [ConnectError].
func appendConnectError(dst []byte, message string, data any, rev engineio.Revision) ([]byte, error) {
	if rev == engineio.Revision3 {
		if data == nil {
			data = message
		}
		return appendPlain(dst, data)
	}
	dst = appendString(append(dst, `{"message":`...), message)
	if data != nil {
		var err error
		if dst, err = appendPlain(append(dst, `,"data":`...), data); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// appendPlain appends a value that must not have attachments.
func appendPlain(dst []byte, v any) ([]byte, error) {
	var attachments [][]byte
	dst, err := appendArgument(dst, &attachments, 0, v)
	if err == nil && attachments != nil {
		err = fmt.Errorf("%w: binary data", ErrArgument)
	}
	return dst, err
}

func appendArgument(dst []byte, attachments *[][]byte, i int, v any) ([]byte, error) {
	dst, err := appendValue(dst, attachments, v)
	if err != nil {
		return dst, fmt.Errorf("%w: argument %d: %w", ErrArgument, i, err)
	}
	return dst, nil
}

// appendValue appends one value, and the attachments that it brings.
func appendValue(dst []byte, attachments *[][]byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case []byte:
		dst = Placeholder(len(*attachments)).append(dst)
		*attachments = append(*attachments, clone(v))
		return dst, nil
	case WithAttachments:
		return appendWithAttachments(dst, attachments, v)
	}
	return appendJSON(dst, v)
}

// appendJSON appends a value that is all JSON. The cases are what events are mostly made of; encoding/json knows the
// others.
func appendJSON(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case string:
		return appendString(dst, v), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case int32:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case uint64:
		return strconv.AppendUint(dst, v, 10), nil
	case uint32:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case json.RawMessage:
		if v == nil {
			return append(dst, "null"...), nil
		}
		return appendRaw(dst, v)
	case easyjson.Marshaler:
		return appendEasy(dst, v)
	}
	return appendStandard(dst, v)
}

// clone copies binary data, which the caller may change afterwards. Unlike bytes.Clone's, its copy of nil is not nil:
// it is an attachment all the same.
func clone(data []byte) []byte { return append(make([]byte, 0, len(data)), data...) }

// appendRaw appends a JSON text that somebody else has made.
func appendRaw(dst, text []byte) ([]byte, error) {
	start := len(dst)
	dst = appendValid(dst, text)
	if !validJSON(dst[start:], maxDepth) {
		return dst, errNotJSON
	}
	return dst, nil
}

func appendEasy(dst []byte, v easyjson.Marshaler) ([]byte, error) {
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && p.IsNil() {
		return append(dst, "null"...), nil
	}
	w := jwriter.Writer{NoEscapeHTML: true}
	v.MarshalEasyJSON(&w)
	text, err := w.BuildBytes()
	if err != nil {
		return dst, err
	}
	return appendRaw(dst, text)
}

func appendStandard(dst []byte, v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // the text goes to a parser and not into a page
	if err := enc.Encode(v); err != nil {
		return dst, err
	}
	return appendRaw(dst, bytes.TrimSuffix(buf.Bytes(), []byte{'\n'}))
}

// appendWithAttachments appends a value, and numbers its placeholders on from what was written before.
func appendWithAttachments(dst []byte, attachments *[][]byte, v WithAttachments) ([]byte, error) {
	switch v.Value.(type) {
	case []byte, WithAttachments:
		return dst, fmt.Errorf("%T inside WithAttachments", v.Value)
	}
	text, err := appendJSON(nil, v.Value)
	if err != nil {
		return dst, err
	}
	if err := checkPlaceholders(text, len(v.Attachments)); err != nil {
		return dst, err
	}
	base := len(*attachments)
	for _, data := range v.Attachments {
		*attachments = append(*attachments, clone(data))
	}
	return renumber(dst, text, func(num int) int { return base + num }), nil
}

// renumber appends a JSON text, with other numbers in its placeholders.
func renumber(dst, text []byte, number func(num int) int) []byte {
	var marks []mark
	eachMark(text, func(m mark) bool {
		marks = append(marks, m)
		return true
	})
	done := 0
	for _, m := range marks {
		dst = append(dst, text[done:m.text.start]...)
		dst = strconv.AppendInt(dst, int64(number(m.num)), 10)
		done = int(m.text.end)
	}
	return append(dst, text[done:]...)
}

// packetText returns the text of a packet, behind some bytes of room, in a buffer of its size.
func packetText(room int, p Packet, body []byte, attachments int, rev engineio.Revision) []byte {
	if attachments > 0 {
		p.Attachments = attachments
		if p.Type == PacketEvent {
			p.Type = PacketBinaryEvent
		} else {
			p.Type = PacketBinaryAck
		}
	}
	if rev != engineio.Revision3 || isASCII(body) {
		buf := make([]byte, room, room+p.headSize()+len(body))
		return append(p.appendHead(buf), body...)
	}
	buf := make([]byte, room, room+p.headSize()+asciiSize(body))
	return appendASCII(p.appendHead(buf), body)
}

// newFrame puts a packet together for sessions of one revision.
func newFrame(p Packet, json []byte, attachments [][]byte, rev engineio.Revision) *engineio.Frame {
	return engineio.MessageFrame(packetText(engineio.FramePrefix, p, json, len(attachments), rev), attachments...)
}

// eventFrame encodes an event for one receiver.
func eventFrame(ns *Namespace, rev engineio.Revision, event string, args []any) (*engineio.Frame, error) {
	var scratch [scratchSize]byte
	var attachments [][]byte
	json, err := appendEvent(scratch[:0], &attachments, event, args)
	if err != nil {
		return nil, err
	}
	return newFrame(Packet{Type: PacketEvent, Namespace: ns.wire}, json, attachments, rev), nil
}
