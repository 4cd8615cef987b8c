package gateway

import "github.com/mailru/easyjson"

//go:generate go tool easyjson -no_std_marshalers wire.go

// setConnect is the argument of set_connect, undecoded: which fields count,
// and what they may hold, depends on the kind, and a raw uid keeps every digit
// of a number. The slices alias the packet.
//
//easyjson:json
type setConnect struct {
	UID         easyjson.RawMessage `json:"uid"`
	Type        easyjson.RawMessage `json:"type"`
	Topic       easyjson.RawMessage `json:"topic"`
	Token       easyjson.RawMessage `json:"token"`
	Client      easyjson.RawMessage `json:"client"`
	DeviceID    easyjson.RawMessage `json:"device_id"`
	ConnectType easyjson.RawMessage `json:"connect_type"`
}

// refusal is what a client hears of a set_connect that changed nothing: the
// argument of the event set_connect_error and of the acknowledgement. With
// code 0 and no message it is the acknowledgement of success.
//
//easyjson:json
type refusal struct {
	Code    refusalCode `json:"code"`
	Message string      `json:"message"`
}

// refusalCode is stable: clients may act on it, the message is for people.
type refusalCode int
