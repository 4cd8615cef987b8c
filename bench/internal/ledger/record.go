package ledger

import (
	"encoding/binary"
	"errors"
	"time"

	"outrider/bench/internal/fleet"
)

// Event is what a record says has happened.
type Event uint8

// The events. All but Pushed and Ended are of one client's connection.
const (
	Opened     Event = iota + 1 // a new connection of the client
	Claimed                     // set_connect is about to be sent
	Acked                       // ... and is acknowledged, of those not acknowledged the first
	Refused                     // ... or is refused
	LoggingOut                  // logout is about to be sent
	LoggedOut                   // ... and is acknowledged
	Replaced                    // the event logout has come
	Leaving                     // the client is about to close, or has stopped reading
	Closed                      // the connection is closed
	Received                    // a push has come
	Pushed                      // a push, with all that became of it
	Ended                       // the last record of a file
	events
)

// Record is one line of the ledger. Which fields count depends on the event.
type Record struct {
	Event     Event
	At        int64         // on the monotonic clock; of a push: when it was sent
	Client    uint64        // its number among all of the run
	Number    uint64        // Received, Pushed: of the push; Ended: pushes of other harnesses
	Notice    time.Duration // Closed: how much longer than Settle the server may take to notice
	Device    uint8         // Claimed: which device of the user's
	Exclusive bool          // Claimed: the login is, and it is the first address
	Addresses []Address
	Answer    Answer // Pushed; the push's address is the only one
}

// Answer is what the push API said.
type Answer struct {
	At      int64 // 0: nothing
	Status  int   // 200, another, or 0 without an answer
	Matched int   // -1: it does not say
	Written int   // the same
}

// maxAddresses bounds those of one record.
const maxAddresses = 8

// ErrRecord is what is returned for bytes that are no record.
var ErrRecord = errors.New("ledger: not a record")

// codec writes and reads records: a byte for the event, and numbers of variable
// length. Times, clients and pushes are written as differences to those of the
// record before, so that a receipt takes some eight bytes.
type codec struct {
	at     int64
	client uint64
	number uint64
}

func (c *codec) append(dst []byte, r *Record) []byte {
	dst = append(dst, byte(r.Event))
	dst = binary.AppendVarint(dst, r.At-c.at)
	c.at = r.At
	if r.Event < Pushed {
		dst = binary.AppendVarint(dst, int64(r.Client-c.client))
		c.client = r.Client
	}
	switch r.Event {
	case Claimed:
		exclusive := byte(0)
		if r.Exclusive {
			exclusive = 1
		}
		dst = append(dst, r.Device, exclusive, byte(len(r.Addresses)))
		for _, a := range r.Addresses {
			dst = appendAddress(dst, a)
		}
	case Closed:
		dst = binary.AppendUvarint(dst, uint64(r.Notice))
	case Received:
		dst = c.appendNumber(dst, r.Number)
	case Pushed:
		dst = appendAddress(c.appendNumber(dst, r.Number), r.Addresses[0])
		took := uint64(0)
		if r.Answer.At != 0 {
			took = uint64(r.Answer.At-r.At) + 1
		}
		for _, n := range []uint64{took, uint64(r.Answer.Status), uint64(r.Answer.Matched + 1), uint64(r.Answer.Written + 1)} {
			dst = binary.AppendUvarint(dst, n)
		}
	case Ended:
		dst = binary.AppendUvarint(dst, r.Number)
	}
	return dst
}

func (c *codec) appendNumber(dst []byte, number uint64) []byte {
	dst = binary.AppendVarint(dst, int64(number-c.number))
	c.number = number
	return dst
}

func appendAddress(dst []byte, a Address) []byte {
	return binary.AppendUvarint(append(dst, byte(a.Class), byte(a.Kind), a.Server), a.N)
}

// parse reads the record at the start of p into r and returns its length.
func (c *codec) parse(p []byte, r *Record) (n int, err error) {
	in := input{p: p}
	*r = Record{Event: Event(in.byte()), Addresses: r.Addresses[:0]}
	if r.Event == 0 || r.Event >= events {
		return 0, ErrRecord
	}
	r.At = c.at + in.signed()
	if r.Event < Pushed {
		r.Client = c.client + uint64(in.signed())
	}
	switch r.Event {
	case Claimed:
		r.Device, r.Exclusive = in.byte(), in.byte() == 1
		count := in.byte()
		if count > maxAddresses {
			return 0, ErrRecord
		}
		for range count {
			r.Addresses = append(r.Addresses, in.address())
		}
	case Closed:
		r.Notice = time.Duration(in.unsigned() & (1<<62 - 1))
	case Received:
		r.Number = c.number + uint64(in.signed())
	case Pushed:
		r.Number = c.number + uint64(in.signed())
		r.Addresses = append(r.Addresses, in.address())
		took := in.unsigned()
		if took > 0 {
			r.Answer.At = r.At + int64(took-1)
			in.bad = in.bad || r.Answer.At == 0 // which is no answer
		}
		r.Answer.Status = int(int32(in.unsigned()))
		r.Answer.Matched = int(int32(in.unsigned())) - 1
		r.Answer.Written = int(int32(in.unsigned())) - 1
	case Ended:
		r.Number = in.unsigned()
	}
	if in.bad {
		return 0, ErrRecord
	}
	c.at = r.At
	if r.Event < Pushed {
		c.client = r.Client
	}
	if r.Event == Received || r.Event == Pushed {
		c.number = r.Number
	}
	return len(p) - len(in.p), nil
}

// input reads numbers, and remembers that it could not.
type input struct {
	p   []byte
	bad bool
}

func (in *input) byte() byte {
	if len(in.p) == 0 {
		in.bad = true
		return 0
	}
	b := in.p[0]
	in.p = in.p[1:]
	return b
}

func (in *input) signed() int64 {
	v, n := binary.Varint(in.p)
	return v * in.skip(n)
}

func (in *input) unsigned() uint64 {
	v, n := binary.Uvarint(in.p)
	return v * uint64(in.skip(n))
}

// skip returns 1 if there was a number, 0 if not.
func (in *input) skip(n int) int64 {
	if n <= 0 {
		in.bad = true
		return 0
	}
	in.p = in.p[n:]
	return 1
}

func (in *input) address() Address {
	a := Address{Class: Class(in.byte()), Kind: fleet.Kind(in.byte()), Server: in.byte()}
	a.N = in.unsigned()
	in.bad = in.bad || a.Class >= classes || a.Kind > fleet.Show
	return a
}
