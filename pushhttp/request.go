package pushhttp

import (
	"bytes"

	"github.com/mailru/easyjson/jlexer"
)

//go:generate go tool easyjson -no_std_marshalers request.go

// envelope is the body of a push: the fields of all endpoints, each as its
// JSON text, which is not looked into until an endpoint asks for it. A field
// that is absent is nil. Of a field that is there twice the last one counts,
// as it does in PHP and in Node; fields of other names are ignored.
//
//easyjson:json
type envelope struct {
	Type    rawValue `json:"type"`
	UID     rawValue `json:"uid"`
	Topic   rawValue `json:"topic"`
	ID      rawValue `json:"id"`
	Clients rawValue `json:"clients"`

	// What goes through to the receivers as it is, null included.
	Title    rawValue `json:"-"`
	Body     rawValue `json:"-"`
	PushType rawValue `json:"-"`
	Data     rawValue `json:"-"`
}

// field returns the field of that name, or nil.
func (e *envelope) field(name string) *rawValue {
	switch name {
	case "type":
		return &e.Type
	case "uid":
		return &e.UID
	case "topic":
		return &e.Topic
	case "id":
		return &e.ID
	case "clients":
		return &e.Clients
	case "title":
		return &e.Title
	case "body":
		return &e.Body
	case "push_type":
		return &e.PushType
	case "data":
		return &e.Data
	}
	return nil
}

// UnmarshalUnknown implements easyjson.UnknownsUnmarshaler. easyjson leaves a
// field alone whose value is null, which for the fields above means that it is
// missing; a null that goes through has to be seen.
func (e *envelope) UnmarshalUnknown(l *jlexer.Lexer, name string) {
	if v := e.field(name); v != nil {
		*v = l.Raw()
	} else {
		l.SkipRecursive()
	}
}

// rawValue is the JSON text of one value, compact and valid. It aliases the
// text that it was found in.
type rawValue []byte

// UnmarshalEasyJSON implements easyjson.Unmarshaler.
func (v *rawValue) UnmarshalEasyJSON(l *jlexer.Lexer) { *v = l.Raw() }

// byteOrderMark is what some programs on Windows write in front of UTF-8. RFC
// 8259 §8.1 lets a reader skip it; the old server did.
var byteOrderMark = []byte("\xef\xbb\xbf")

// decodeJSON reads the envelope from a JSON body, which is compacted in place.
func (s *scratch) decodeJSON(body []byte, maxDepth int) *refusal {
	body = bytes.TrimPrefix(body, byteOrderMark)
	if len(body) == 0 {
		return refuse(CodeSyntax, "body: is empty")
	}
	text, data, err := compact(body, maxDepth, "data")
	if err != nil {
		return refuse(CodeSyntax, "body: %s", err)
	}
	if text[0] != '{' {
		return refuse(CodeSyntax, "body: must be a JSON object, not %s", rawValue(text).describe())
	}
	if err := s.decodeEnvelope(text, data); err != nil {
		return refuse(CodeSyntax, "body: %s", err)
	}
	return nil
}

// decodeEnvelope reads the envelope from compact text in which data was found
// already. jlexer is kept from data, which is most of the text as a rule: it
// would go over it twice more to find its end and to see that it is valid. So
// it reads a copy of the rest, with a placeholder.
func (s *scratch) decodeEnvelope(text []byte, data span) error {
	if data.empty() {
		s.lexer = jlexer.Lexer{Data: text}
		s.envelope.UnmarshalEasyJSON(&s.lexer)
		return s.lexer.Error()
	}
	s.rest = append(s.rest[:0], text[:data.start]...)
	s.rest = append(s.rest, '0')
	s.rest = append(s.rest, text[data.end:]...)
	s.lexer = jlexer.Lexer{Data: s.rest}
	s.envelope.UnmarshalEasyJSON(&s.lexer)
	// It is the placeholder that was read last, unless a data whose name is
	// written with escapes came later.
	if v := s.envelope.Data; len(v) > 0 && &v[0] == &s.rest[data.start] {
		s.envelope.Data = text[data.start:data.end]
	}
	return s.lexer.Error()
}
