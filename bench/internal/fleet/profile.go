package fleet

import (
	"fmt"
	"strconv"
)

// Transport is how a client talks.
type Transport uint8

// The transports.
const (
	WebSocket Transport = iota // from the start
	Polling                    // to the end
	Upgrade                    // long-polling first, as socket.io's clients do by default
	transports
)

var transportNames = [transports]string{"websocket", "polling", "upgrade"}

// String returns the name that ParseTransport takes.
func (t Transport) String() string { return transportNames[t] }

// ParseTransport is the inverse of String.
func ParseTransport(name string) (Transport, error) {
	for t, n := range transportNames {
		if n == name {
			return Transport(t), nil
		}
	}
	return 0, fmt.Errorf("no transport %q: websocket, polling or upgrade", name)
}

// Kind is what a client says it is. There are more of them than audiences:
// each makes a set_connect of its own.
type Kind uint8

// The kinds.
const (
	Rider Kind = iota
	Customer
	MerchantApp
	MerchantPOS
	MerchantPad
	Person // an h5 page of a person
	Table  // an h5 page of a table
	Platform
	Show // only listens
	kinds
)

var kindNames = [kinds]string{"rider", "customer", "app", "pos", "pad", "h5", "table", "platform", "show"}

// String returns the name that ParseKind takes.
func (k Kind) String() string { return kindNames[k] }

// ParseKind is the inverse of String.
func ParseKind(name string) (Kind, error) {
	for k, n := range kindNames {
		if n == name {
			return Kind(k), nil
		}
	}
	return 0, fmt.Errorf("no kind %q: rider, customer, app, pos, pad, h5, table, platform or show", name)
}

// Audience is the kind in the sense of the push API and the namespaces.
func (k Kind) Audience() string {
	switch k {
	case MerchantApp, MerchantPOS, MerchantPad:
		return "merchant"
	case Person, Table:
		return "h5"
	}
	return kindNames[k]
}

// Group is what client_push calls the clients of the kind.
func (k Kind) Group() string {
	if k == Table {
		return "h5"
	}
	return kindNames[k]
}

// Topical reports whether clients of the kind join a topic that they name.
func (k Kind) Topical() bool {
	switch k {
	case Rider, MerchantApp, MerchantPOS, MerchantPad:
		return true
	}
	return false
}

// Known reports whether clients of the kind are known by uid. A table is not:
// it is reached by a topic that is its own, see AppendTopic.
func (k Kind) Known() bool { return k != Table && k != Show }

// AppendTopic appends the name of a kind's topic by its number; a table's is
// that of its user.
func (k Kind) AppendTopic(dst []byte, topic uint64) []byte {
	prefix, suffix := "store_", "_base_notification"
	switch k {
	case Rider:
		prefix, suffix = "rider_", "_notification"
	case Table:
		prefix, suffix = "h5_", "_1_base_notification"
	}
	return append(strconv.AppendUint(append(dst, prefix...), topic, 10), suffix...)
}

// AppendPOSTopic appends the name of the topic that a pos joins beside the one
// with that number (SPEC.md §2).
func AppendPOSTopic(dst []byte, topic uint64) []byte {
	return append(strconv.AppendUint(append(dst, "pos_"...), topic, 10), "_base_notification"...)
}

// AppendUID appends the uid of a user as the push API takes it: digits, or for
// a table {store_id}_{table_id}.
func (k Kind) AppendUID(dst []byte, user uint64) []byte {
	dst = strconv.AppendUint(dst, user, 10)
	if k == Table {
		dst = append(dst, "_1"...)
	}
	return dst
}

// appendSetConnect appends the argument of set_connect (SPEC.md §2).
func (k Kind) appendSetConnect(dst []byte, user, topic uint64, device uint8) []byte {
	dst = append(dst, `{"uid":`...)
	if k == Table {
		dst = append(k.AppendUID(append(dst, '"'), user), '"')
	} else {
		dst = strconv.AppendUint(dst, user, 10)
	}
	dst = append(append(append(dst, `,"type":"`...), k.Audience()...), '"')
	if k.Topical() {
		dst = append(k.AppendTopic(append(dst, `,"topic":"`...), topic), '"')
	}
	switch k {
	case MerchantPOS:
		dst = append(strconv.AppendUint(append(dst, `,"client":"pos","device_id":"printer-`...), user, 10), '"')
	case MerchantApp, MerchantPad:
		dst = append(append(append(dst, `,"client":"`...), kindNames[k]...), '"')
	case Person:
		dst = append(dst, `,"connect_type":"person"`...)
	case Table:
		dst = append(dst, `,"connect_type":"table"`...)
	}
	if k.Topical() || k == Customer {
		dst = appendToken(append(dst, `,"token":"`...), user, device)
		dst = append(dst, '"')
	}
	return append(dst, '}')
}

// tokenTail makes tokens as long as those of FCM, 163 characters: a server has
// to decide how much of that it keeps.
const tokenTail = ":APA91beQv8IB8hdY88yTdTxBIUFmDi8x2y4RuMER_bh3m1xs0drDjUpNbikPI99LsI0TCl21PFFwqjeEn" +
	"AJNEZ0lhTFrouRww6xNi3em3hmrB1oCwRHq7ttj-CHCvg6moWuXovhmwNDQnciepX3MNpqc4VKrb5icPE"

func appendToken(dst []byte, user uint64, device uint8) []byte {
	from := len(dst)
	dst = strconv.AppendUint(dst, user, 36)
	dst = strconv.AppendUint(append(dst, '-'), uint64(device), 10)
	return append(dst, tokenTail[:163-(len(dst)-from)]...)
}

// Profile is what a client keeps for life.
type Profile struct {
	Revision  uint8 // of Engine.IO: 3 or 4
	Transport Transport
	Kind      Kind
}

// index and profileOf pack a profile into a byte.
func (p Profile) index() uint8 {
	return (p.Revision-3)<<7 | uint8(p.Transport)<<4 | uint8(p.Kind)
}

func profileOf(index uint8) Profile {
	return Profile{Revision: 3 + index>>7, Transport: Transport(index >> 4 & 7), Kind: Kind(index & 15)}
}
