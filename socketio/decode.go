package socketio

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"unicode/utf8"
)

// limits bounds what the decoder takes. See [Config] for their meaning.
type limits struct {
	attachments, ackDigits, namespace, depth int
}

func standardLimits() limits {
	return limits{
		attachments: DefaultMaxAttachments,
		ackDigits:   DefaultMaxAckDigits,
		namespace:   DefaultMaxNamespaceLength,
		depth:       DefaultMaxDepth,
	}
}

// decoded is a packet with what the decoder has learned about its JSON on the way.
type decoded struct {
	Packet
	elements int               // of the array of an event or acknowledgement
	first    [inlineSpans]span // the first of them
}

// span is a part of a packet's Data.
type span struct{ start, end uint32 }

// inlineSpans is how many elements are remembered without an allocation: a name and four arguments.
const inlineSpans = 5

// ParsePacket parses a text message of the engine, with the default limits of [Config]. It checks the grammar, that the
// JSON is JSON in UTF-8, and that it has the shape which the type asks for (PROTOCOL.md 2.1); placeholders must stand
// for attachments that were announced. Every error is an [ErrPacket], and ends the connection that it came from.
func ParsePacket(text []byte) (Packet, error) {
	lim := standardLimits()
	var d decoded
	if err := d.parse(text, &lim); err != nil {
		return Packet{}, err
	}
	return d.Packet, nil
}

// parse reads a packet. It takes time in proportion to the text, and no memory.
func (d *decoded) parse(text []byte, lim *limits) error {
	switch {
	case len(text) == 0:
		return errEmpty
	case len(text) > math.MaxUint32: // what a span can tell
		return errJSON
	}
	d.Type = PacketType(text[0] - '0')
	if d.Type > PacketBinaryAck {
		return errType
	}
	rest, err := text[1:], error(nil)
	if d.Type.binary() {
		if rest, err = d.parseAttachments(rest, lim); err != nil {
			return err
		}
	}
	if rest, err = d.parseNamespace(rest, lim); err != nil {
		return err
	}
	if rest, err = d.parseID(rest, lim); err != nil {
		return err
	}
	if len(rest) > 0 {
		d.Data = rest
	}
	return d.parseData(lim)
}

// parseAttachments reads <n>- and returns what follows it.
func (d *decoded) parseAttachments(text []byte, lim *limits) ([]byte, error) {
	n, i := 0, 0
	for ; i < len(text) && isDigit(text[i]); i++ {
		n = n*10 + int(text[i]-'0')
		if n > lim.attachments {
			return nil, errAttachments
		}
	}
	if i == 0 || i == len(text) || text[i] != '-' {
		return nil, errAttachments
	}
	d.Attachments = n
	return text[i+1:], nil
}

// parseNamespace reads /name, up to the comma or the end of the text.
func (d *decoded) parseNamespace(text []byte, lim *limits) ([]byte, error) {
	if len(text) == 0 || text[0] != '/' {
		return text, nil
	}
	name, rest := text, []byte(nil)
	if i := bytes.IndexByte(text[:min(len(text), lim.namespace+1)], ','); i >= 0 {
		name, rest = text[:i], text[i+1:]
	}
	if len(name) > lim.namespace || !utf8.Valid(name) {
		return nil, errNamespace
	}
	if len(name) > 1 {
		d.Namespace = name[:len(name):len(name)]
	}
	return rest, nil
}

// parseID reads the digits of an ack id, if there are any.
func (d *decoded) parseID(text []byte, lim *limits) ([]byte, error) {
	i := 0
	for ; i < len(text) && isDigit(text[i]); i++ {
		if i == lim.ackDigits {
			return nil, errAckID
		}
		d.ID = d.ID*10 + uint64(text[i]-'0')
	}
	d.HasID = i > 0
	return text[i:], nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// parseData checks that the JSON has the shape that the type asks for.
func (d *decoded) parseData(lim *limits) error {
	if d.Data == nil {
		if d.Attachments > 0 { // and nowhere to put them
			return errPlaceholder
		}
		return nil
	}
	switch d.Type {
	case PacketConnect:
		return d.parseValue("{", lim)
	case PacketConnectError:
		return d.parseValue(`{"`, lim)
	case PacketDisconnect:
		return errPayload
	}
	if err := d.parseElements(lim); err != nil {
		return err
	}
	if d.Type == PacketEvent || d.Type == PacketBinaryEvent {
		name, err := d.name()
		if err != nil {
			return err
		}
		if d.Data[d.first[0].start] == '"' && reserved(name) {
			return errEventName
		}
	}
	if d.Attachments > 0 {
		return checkPlaceholders(d.Data, d.Attachments)
	}
	return nil
}

// parseValue checks a single value, which begins with one of the given characters.
func (d *decoded) parseValue(begins string, lim *limits) error {
	sc := scanner{text: d.Data, limit: lim.depth}
	sc.space()
	kind := sc.peek()
	if !sc.value() || !sc.end() {
		return errJSON
	}
	if strings.IndexByte(begins, kind) < 0 {
		return errPayload
	}
	return nil
}

// parseElements splits the array of an event or acknowledgement.
func (d *decoded) parseElements(lim *limits) error {
	n, err := splitArray(d.Data, lim.depth, d.first[:])
	d.elements = n
	return err
}

// name returns the event's name, in JSON's text if it is a number. It aliases Data unless the name has escapes.
func (d *decoded) name() ([]byte, error) {
	if d.elements == 0 {
		return nil, errEventName
	}
	raw := d.Data[d.first[0].start:d.first[0].end]
	switch {
	case raw[0] == '-' || isDigit(raw[0]):
		return raw, nil
	case raw[0] != '"':
		return nil, errEventName
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], nil
	}
	var name string
	if json.Unmarshal(raw, &name) != nil {
		return nil, errEventName
	}
	return []byte(name), nil
}
