package gateway

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/mailru/easyjson"
	"github.com/mailru/easyjson/jlexer"
)

// Bounds of a set_connect's fields, in bytes of text (SPEC.md §2).
const (
	maxField = 256
	maxToken = 4096
)

// parseSetConnect checks one argument of set_connect, as it came, for a kind.
// Nothing of the result refers to arg.
func parseSetConnect(k kind, arg []byte) (registration, *refusal) {
	var in setConnect
	if arg = bytes.TrimSpace(arg); len(arg) == 0 || arg[0] != '{' || easyjson.Unmarshal(arg, &in) != nil {
		return registration{}, refuse(notAnObject, "set_connect takes one object")
	}
	f := fields{}
	reg := registration{uid: f.uid(in.UID), group: groupOf(k)}
	f.typeName(k, in.Type)
	switch k {
	case customer:
		reg.token = fingerprintOf(f.peek("token", in.Token, maxToken))
	case rider:
		reg.topic = f.text("topic", in.Topic, maxField)
		reg.token = fingerprintOf(f.peek("token", in.Token, maxToken))
	case merchant:
		f.merchant(&reg, &in)
	case h5:
		f.h5(&reg, &in)
	}
	if f.refused != nil {
		return registration{}, f.refused
	}
	if g := topicGroup(k, reg.topic); g != noGroup && g == reg.group {
		reg.topic = "" // its group is that topic already
	}
	return reg, nil
}

// fields reads the fields of one set_connect and keeps the first refusal, so
// that a kind's rules read as a list.
type fields struct{ refused *refusal }

func (f *fields) refuse(code refusalCode, format string, args ...any) {
	if f.refused == nil {
		f.refused = refuse(code, format, args...)
	}
}

// merchant reads what a till or an owner's phone adds. An app and a pad may
// send a device_id; only a pos has a printer behind it.
func (f *fields) merchant(reg *registration, in *setConnect) {
	reg.topic = f.text("topic", in.Topic, maxField)
	reg.token = fingerprintOf(f.peek("token", in.Token, maxToken))
	deviceID := f.text("device_id", in.DeviceID, maxField)
	client := f.peek("client", in.Client, maxField)
	var ok bool
	if reg.group, ok = merchantGroup(client); !ok {
		f.refuse(badValue, "client: must be app, pos or pad")
	}
	if reg.group == merchantPoses {
		reg.device, reg.posTopic = deviceID, posTopic(reg.topic)
	}
}

// posTopic is the topic with its first word, up to the first underscore,
// replaced by pos: store_1_base_notification is pos_1_base_notification. It is
// empty when there is no second topic to join.
func posTopic(topic string) string {
	if topic == "" {
		return ""
	}
	second := "pos"
	if i := strings.IndexByte(topic, '_'); i >= 0 {
		second += topic[i:]
	}
	if second == topic {
		return ""
	}
	return second
}

func (f *fields) h5(reg *registration, in *setConnect) {
	switch connect := f.peek("connect_type", in.ConnectType, maxField); connect {
	case "", "person":
	case "table":
		store, table, ok := strings.Cut(reg.uid, "_")
		if !ok || store == "" || table == "" {
			f.refuse(badValue, "uid: a table's is {store_id}_{table_id}")
		}
		reg.table, reg.topic = true, "h5_"+reg.uid+"_base_notification"
	default:
		f.refuse(badValue, "connect_type: must be person or table")
	}
}

// uid reads a user's id: a string, without spaces around it as in the push API,
// or an integer, which is the string of its digits. Zero, as a number or as
// "0", is what a client sends that has no user.
func (f *fields) uid(raw []byte) string {
	if len(raw) == 0 || raw[0] == '"' {
		s := strings.Trim(f.text("uid", raw, maxField), " ")
		if s == "" || s == "0" {
			f.refuse(missingField, "uid: is missing, empty or zero")
		}
		return s
	}
	digits := bytes.TrimPrefix(raw, []byte("-"))
	switch {
	case len(digits) == 0 || len(bytes.Trim(digits, "0123456789")) != 0:
		f.refuse(wrongType, "uid: must be a string or an integer")
		return ""
	case len(raw) > maxField:
		f.refuse(tooLong, "uid: longer than %d bytes", maxField)
		return ""
	case len(bytes.Trim(digits, "0")) == 0:
		f.refuse(missingField, "uid: is missing, empty or zero")
	}
	return string(raw)
}

// typeName reads a field from which nothing follows, since the namespace says
// the kind; but a client that names another has taken the wrong namespace.
func (f *fields) typeName(k kind, raw []byte) {
	if name := f.peek("type", raw, maxField); name != "" && name != k.String() {
		f.refuse(badValue, "type: must be %v on this namespace", k)
	}
}

// text reads a string of at most limit bytes without control characters. A
// field that is absent, or null (easyjson skips it), is empty.
func (f *fields) text(name string, raw []byte, limit int) string {
	return strings.Clone(f.peek(name, raw, limit))
}

// peek is text for a string that is looked at and not kept: it is valid as long
// as raw. A token is as long as the rest of a set_connect, and in a storm of
// connects its copy would be garbage at once.
func (f *fields) peek(name string, raw []byte, limit int) string {
	const longestEscape = len(`\u0000`)
	switch {
	case len(raw) == 0:
		return ""
	case raw[0] != '"':
		f.refuse(wrongType, "%s: must be a string", name)
		return ""
	case len(raw) > limit*longestEscape+len(`""`): // before it is decoded
		f.refuse(tooLong, "%s: longer than %d bytes", name, limit)
		return ""
	}
	lexer := jlexer.Lexer{Data: raw}
	s := lexer.UnsafeString()
	switch {
	case lexer.Error() != nil:
		f.refuse(notAnObject, "%s: not valid JSON", name)
	case len(s) > limit:
		f.refuse(tooLong, "%s: longer than %d bytes", name, limit)
	case strings.ContainsFunc(s, unicode.IsControl):
		f.refuse(badValue, "%s: has control characters", name)
	}
	return s
}
