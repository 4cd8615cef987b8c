package socketio

import (
	"bytes"
	"encoding/json"

	"github.com/mailru/easyjson"
)

// Args are the arguments of an event or an acknowledgement, as JSON text until somebody asks for them. They are valid
// until the handler that they were given to returns. Methods may be called from several goroutines.
type Args struct {
	text        []byte // the JSON array that they stand in
	first       [inlineSpans]span
	rest        []span // if there are more
	skip        int    // elements before the first argument: the event's name
	n           int
	attachments [][]byte
}

// set takes the elements of a packet from the skip-th on.
func (a *Args) set(d *decoded, skip int, attachments [][]byte) {
	a.text, a.first, a.skip, a.n, a.attachments = d.Data, d.first, skip, d.elements-skip, attachments
	if d.Data == nil { // an acknowledgement without any
		a.n = 0
	}
	if d.elements > inlineSpans {
		a.rest = make([]span, d.elements)
		splitArray(d.Data, maxDepth, a.rest) //nolint:errcheck // it has been split before
	}
}

// Len returns how many arguments there are.
func (a *Args) Len() int { return a.n }

// at returns where an argument stands.
func (a *Args) at(i int) (span, bool) {
	switch {
	case i < 0 || i >= a.n:
		return span{}, false
	case a.rest != nil:
		return a.rest[a.skip+i], true
	}
	return a.first[a.skip+i], true
}

// Arg returns the JSON text of an argument, byte for byte as it came, or nil if there is none. Binary data in it is
// replaced with placeholders; see [Args.Binary] and [Placeholder].
func (a *Args) Arg(i int) json.RawMessage {
	at, ok := a.at(i)
	if !ok {
		return nil
	}
	return a.text[at.start:at.end:at.end]
}

// Attachment returns the i-th attachment, which a placeholder of that number stands for, or nil if there is none. It
// remains valid, and must not be changed.
func (a *Args) Attachment(i int) []byte {
	if i < 0 || i >= len(a.attachments) {
		return nil
	}
	return a.attachments[i]
}

// Binary returns an argument that is binary data itself, as emit("file", buffer) sends it. ok is false for any other.
// The bytes remain valid, and must not be changed.
func (a *Args) Binary(i int) (data []byte, ok bool) {
	at, found := a.at(i)
	if !found || len(a.attachments) == 0 {
		return nil, false
	}
	text := a.text[at.start:at.end]
	eachMark(text, func(m mark) bool {
		if m.start == 0 && int(m.end) == len(text) {
			data, ok = a.attachments[m.num], true
		}
		return true
	})
	return data, ok
}

// Bind decodes an argument into v, a pointer: by its UnmarshalEasyJSON if it has one, else as encoding/json does. Into
// a *[]byte it puts binary data if the argument is that. Nothing in v aliases the message, except what an
// UnmarshalEasyJSON made with unsafe strings.
//
// Its error is an [*ArgumentError], [ErrNoArgument] inside if the client has not given that many.
func (a *Args) Bind(i int, v any) error {
	raw := a.Arg(i)
	if raw == nil {
		return &ArgumentError{Index: i, Err: ErrNoArgument}
	}
	if err := a.decode(i, raw, v); err != nil {
		return &ArgumentError{Index: i, Err: err}
	}
	return nil
}

func (a *Args) decode(i int, raw json.RawMessage, v any) error {
	switch v := v.(type) {
	case *json.RawMessage:
		*v = bytes.Clone(raw)
		return nil
	case *[]byte:
		if data, ok := a.Binary(i); ok {
			*v = bytes.Clone(data)
			return nil
		}
	}
	return decodeJSON(raw, v)
}

func decodeJSON(text []byte, v any) error {
	if v, ok := v.(easyjson.Unmarshaler); ok {
		return easyjson.Unmarshal(text, v)
	}
	return json.Unmarshal(text, v)
}

// Values returns the arguments in a form that [Socket.Emit], [Event.Ack] and [Prepare] take and write as they came,
// binary data included: for passing an event on. They are valid as long as the arguments are.
func (a *Args) Values() []any {
	values := make([]any, a.n)
	for i := range values {
		values[i] = a.pass(i)
	}
	return values
}

// pass returns one of Values.
func (a *Args) pass(i int) any {
	raw := a.Arg(i)
	if len(a.attachments) == 0 {
		return raw
	}
	if data, ok := a.Binary(i); ok {
		return data
	}
	var own [][]byte
	text := renumber(nil, raw, func(num int) int {
		own = append(own, a.attachments[num])
		return len(own) - 1
	})
	if own == nil {
		return raw
	}
	return WithAttachments{Value: json.RawMessage(text), Attachments: own}
}

// Arg decodes an argument of an event or an acknowledgement into a T, as [Args.Bind] does:
//
//	login, err := socketio.Arg[Login](event, 0)
func Arg[T any](args interface{ Bind(i int, v any) error }, i int) (T, error) {
	var v T
	err := args.Bind(i, &v)
	return v, err
}
