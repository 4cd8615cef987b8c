package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"

	"github.com/mailru/easyjson"
)

// EventError is what a handler that [On] or [OnAck] has set returns to tell the client more than a text: see [OnAck].
type EventError struct {
	Message string
	Data    any // encoded as arguments of events are
}

// Error returns the message.
func (e *EventError) Error() string { return e.Message }

// OnError adds a function that is called with what handlers set by [On] and [OnAck] could not do: with the
// [*ArgumentError] of an event whose arguments do not fit, for which the handler was not called, or with the error that
// it has returned. The client has been told by then, if it wanted to know. Without such a function the errors are logged
// at Debug.
func (n *Namespace) OnError(fn func(*Event, error)) {
	n.change(func(h *handlers) { h.errors = with(h.errors, fn) })
}

// On adds a handler for an event with an argument, which is decoded into an A as [Args.Bind] does before fn is called:
//
//	socketio.On(ns, "order", func(e *socketio.Event, o Order) error { ... })
//
// How to decode is settled here, once; a type that no JSON can be decoded to panics. If the argument does not fit fn is
// not called. That and an error of fn go to [Namespace.OnError] and, if the client wants an acknowledgement, to the
// client, as [OnAck] says. To acknowledge otherwise is left to fn, which can do so later ([Event.Ack]).
//
// An A that is a pointer may be left out by the client, and is nil then. Arguments beyond those that the handler takes
// are ignored. A []byte takes binary data; binary data inside a struct is a [Placeholder], for [Args.Attachment].
func On[A any](n *Namespace, event string, fn func(*Event, A) error) {
	a := newArgument[A](event, 0)
	n.On(event, func(e *Event) {
		v, err := a.of(e)
		if err == nil {
			err = fn(e, v)
		}
		e.fail(err)
	})
}

// On0 is [On] for an event without arguments.
func On0(n *Namespace, event string, fn func(*Event) error) {
	n.On(event, func(e *Event) { e.fail(fn(e)) })
}

// On2 is [On] for an event with two arguments.
func On2[A, B any](n *Namespace, event string, fn func(*Event, A, B) error) {
	args := newFirstTwo[A, B](event)
	n.On(event, func(e *Event) {
		a, b, err := args.of(e)
		if err == nil {
			err = fn(e, a, b)
		}
		e.fail(err)
	})
}

// On3 is [On] for an event with three arguments.
func On3[A, B, C any](n *Namespace, event string, fn func(*Event, A, B, C) error) {
	args, third := newFirstTwo[A, B](event), newArgument[C](event, 2)
	n.On(event, func(e *Event) {
		a, b, err := args.of(e)
		var c C
		if err == nil {
			c, err = third.of(e)
		}
		if err == nil {
			err = fn(e, a, b, c)
		}
		e.fail(err)
	})
}

// OnAck is [On] with a handler whose value is the acknowledgement, if the client wants one.
//
// An error is acknowledged as an object: {"error": text}, and {"error": Message, "data": Data} for an [*EventError].
// The text goes to the client as it is: return errors that are made for its eyes. That of an argument that does not fit
// is "argument 0 is missing" or "argument 0 does not fit", and says nothing of the types of the server.
func OnAck[A, R any](n *Namespace, event string, fn func(*Event, A) (R, error)) {
	On(n, event, func(e *Event, a A) error {
		r, err := fn(e, a)
		return answer(e, r, err)
	})
}

// OnAck0 is [OnAck] for an event without arguments.
func OnAck0[R any](n *Namespace, event string, fn func(*Event) (R, error)) {
	On0(n, event, func(e *Event) error {
		r, err := fn(e)
		return answer(e, r, err)
	})
}

// OnAck2 is [OnAck] for an event with two arguments.
func OnAck2[A, B, R any](n *Namespace, event string, fn func(*Event, A, B) (R, error)) {
	On2(n, event, func(e *Event, a A, b B) error {
		r, err := fn(e, a, b)
		return answer(e, r, err)
	})
}

// OnAck3 is [OnAck] for an event with three arguments.
func OnAck3[A, B, C, R any](n *Namespace, event string, fn func(*Event, A, B, C) (R, error)) {
	On3(n, event, func(e *Event, a A, b B, c C) error {
		r, err := fn(e, a, b, c)
		return answer(e, r, err)
	})
}

// answer acknowledges with a handler's value, and returns the error for which it could not.
func answer[R any](e *Event, r R, err error) error {
	if err != nil || !e.WantsAck() {
		return err
	}
	if err := e.Ack(r); errors.Is(err, ErrArgument) {
		return &answerError{err}
	}
	return nil // else the client is gone, or the handler has acknowledged
}

// answerError is a handler's value that has no JSON form. The fault is the server's.
type answerError struct{ error }

func (e *answerError) Unwrap() error { return e.error }

// refusal is how an error is acknowledged.
type refusal struct {
	Error string `json:"error"`
	Data  any    `json:"data,omitempty"`
}

func refusalOf(err error) refusal {
	var own *EventError
	var argument *ArgumentError
	var unsaid *answerError
	switch {
	case errors.As(err, &own):
		return refusal{Error: own.Message, Data: own.Data}
	case errors.As(err, &unsaid):
		return refusal{Error: "no answer"}
	case !errors.As(err, &argument):
		return refusal{Error: err.Error()}
	case errors.Is(argument, ErrNoArgument):
		return refusal{Error: "argument " + strconv.Itoa(argument.Index) + " is missing"}
	}
	return refusal{Error: "argument " + strconv.Itoa(argument.Index) + " does not fit"}
}

// fail tells the client and the namespace of an error, if there is one.
func (e *Event) fail(err error) {
	if err == nil {
		return
	}
	if e.WantsAck() {
		r := refusalOf(err)
		if ackErr := e.Ack(r); errors.Is(ackErr, ErrArgument) { // its Data
			_ = e.Ack(refusal{Error: r.Error})
			err = errors.Join(err, ackErr)
		}
	}
	hooks := e.socket.ns.handlers.Load().errors
	for _, fn := range hooks {
		fn(e, err)
	}
	if len(hooks) == 0 {
		e.socket.conn.log(slog.LevelDebug, "socketio: event failed", slog.String("event", e.name), slog.Any("err", err))
	}
}

// argument is what is known of one of a handler's arguments.
type argument[A any] struct {
	index    int
	optional bool
	decode   func(args *Args, i int, raw json.RawMessage) (A, error)
}

func newArgument[A any](event string, index int) argument[A] {
	t := reflect.TypeFor[A]()
	if !decodable(t) {
		panic(fmt.Sprintf("socketio: handler of %q: argument %d is a %v, which no JSON can be decoded to", event, index, t))
	}
	return argument[A]{index: index, optional: t.Kind() == reflect.Pointer, decode: decoder[A]()}
}

// of decodes the argument of an event.
func (a *argument[A]) of(e *Event) (v A, err error) {
	raw := e.Arg(a.index)
	switch {
	case raw != nil:
		v, err = a.decode(&e.Args, a.index, raw)
	case !a.optional:
		err = ErrNoArgument
	}
	if err != nil {
		err = &ArgumentError{Index: a.index, Err: err}
	}
	return v, err
}

// firstTwo are a handler's first two arguments.
type firstTwo[A, B any] struct {
	first  argument[A]
	second argument[B]
}

func newFirstTwo[A, B any](event string) *firstTwo[A, B] {
	return &firstTwo[A, B]{newArgument[A](event, 0), newArgument[B](event, 1)}
}

func (p *firstTwo[A, B]) of(e *Event) (a A, b B, err error) {
	if a, err = p.first.of(e); err == nil {
		b, err = p.second.of(e)
	}
	return a, b, err
}

// decodable reports whether JSON can be decoded to a type, as far as its kind tells. Fields of structs are not looked at,
// of which encoding/json leaves out what their tags say, nor elements of a type with a name, which may be itself.
func decodable(t reflect.Type) bool {
	unmarshaler, easy := reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[easyjson.Unmarshaler]()
	if p := reflect.PointerTo(t); p.Implements(unmarshaler) || p.Implements(easy) {
		return true
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return false
	case reflect.Interface:
		return t.NumMethod() == 0
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return t.Name() != "" || decodable(t.Elem())
	}
	return true
}

// decoder returns how an A is decoded: the few types that most arguments have at once, the others as Bind does.
func decoder[A any]() func(*Args, int, json.RawMessage) (A, error) {
	var known any
	switch any((*A)(nil)).(type) {
	case *string:
		known = decodeString
	case *int:
		known = decodeInt
	case *bool:
		known = decodeBool
	case *[]byte:
		known = decodeBytes
	case *json.RawMessage:
		known = decodeRaw
	default:
		return decodeAny[A]
	}
	return known.(func(*Args, int, json.RawMessage) (A, error))
}

func decodeAny[A any](_ *Args, _ int, raw json.RawMessage) (v A, err error) {
	err = decodeJSON(raw, &v)
	return v, err
}

// decodeString knows the strings that stand for themselves. raw is valid JSON and UTF-8, as with all of these: a packet
// that is not has been refused.
func decodeString(args *Args, i int, raw json.RawMessage) (string, error) {
	if raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	return decodeAny[string](args, i, raw)
}

// safeDigits is how many an int has room for, whatever they are.
const safeDigits = 9 * (strconv.IntSize / 32)

// decodeInt knows what cannot overflow.
func decodeInt(args *Args, i int, raw json.RawMessage) (int, error) {
	digits := bytes.TrimPrefix(raw, []byte("-"))
	if len(digits) > safeDigits {
		return decodeAny[int](args, i, raw)
	}
	n := 0
	for _, c := range digits {
		if !isDigit(c) {
			return decodeAny[int](args, i, raw)
		}
		n = n*10 + int(c-'0')
	}
	if len(digits) < len(raw) {
		n = -n
	}
	return n, nil
}

func decodeBool(args *Args, i int, raw json.RawMessage) (bool, error) {
	switch string(raw) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return decodeAny[bool](args, i, raw)
}

func decodeBytes(args *Args, i int, raw json.RawMessage) (v []byte, err error) {
	err = args.decode(i, raw, &v)
	return v, err
}

func decodeRaw(_ *Args, _ int, raw json.RawMessage) (json.RawMessage, error) {
	return bytes.Clone(raw), nil
}
