package httpwire

import "bytes"

// maxLengthDigits keeps a Content-Length within an int64 without a check for overflow.
const maxLengthDigits = 18

// seen is what the header lines said that only their end can judge.
type seen struct {
	host              bool
	close, keepAlive  bool // Connection's members
	upgrade           bool
	websocket, others bool // what Upgrade names
	expect            bool
}

// note takes in the headers that the connection itself depends on. Names are told apart by length first: the others cost a jump.
func (h *Head) note(header Header) *Error {
	switch name, value := header.Name, header.Value; len(name) {
	case len("Host"):
		if equalFold(name, "Host") {
			return h.noteHost(value)
		}
	case len("Expect"):
		if equalFold(name, "Expect") && equalFold(value, "100-continue") {
			h.seen.expect = true
		}
	case len("Upgrade"):
		if equalFold(name, "Upgrade") {
			websocket := equalFold(value, "websocket")
			h.seen.websocket = h.seen.websocket || websocket
			h.seen.others = h.seen.others || !websocket
		}
	case len("Connection"):
		if equalFold(name, "Connection") {
			h.noteConnection(value)
		}
	case len("Content-Length"):
		if equalFold(name, "Content-Length") {
			return h.noteLength(value)
		}
	case len("Transfer-Encoding"):
		if equalFold(name, "Transfer-Encoding") {
			return h.noteCoding(value)
		}
	}
	return nil
}

func (h *Head) noteHost(value []byte) *Error {
	switch {
	case h.seen.host:
		return errHostTwice
	case span(value, hostByte) != len(value):
		return errHost
	}
	h.seen.host = true
	return nil
}

func (h *Head) noteConnection(list []byte) {
	for more := true; more; {
		var member []byte
		member, list, more = bytes.Cut(list, []byte(","))
		switch member = trimSpace(member); {
		case equalFold(member, "close"):
			h.seen.close = true
		case equalFold(member, "keep-alive"):
			h.seen.keepAlive = true
		case equalFold(member, "upgrade"):
			h.seen.upgrade = true
		}
	}
}

func (h *Head) noteLength(value []byte) *Error {
	switch {
	case h.ContentLength >= 0:
		return errLengthTwice
	case len(value) == 0 || len(value) > maxLengthDigits:
		return errLength
	}
	var n int64
	for _, c := range value {
		if !isDigit(c) {
			return errLength
		}
		n = n*10 + int64(c-'0')
	}
	h.ContentLength = n
	return nil
}

func (h *Head) noteCoding(value []byte) *Error {
	switch {
	case h.Chunked:
		return errCodingTwice
	case h.Proto == 0: // RFC 9112 §6.1: the sender's framing is faulty
		return errCodingVersion
	case !equalFold(value, "chunked"):
		return errCoding
	}
	h.Chunked = true
	return nil
}

// finish judges the head as a whole.
func (h *Head) finish() *Error {
	switch {
	case h.Chunked && h.ContentLength >= 0:
		return errFraming
	case h.Proto == 1 && !h.seen.host:
		return errHostMissing
	}
	body := h.Chunked || h.ContentLength > 0
	h.KeepAlive = !h.seen.close && (h.Proto == 1 || h.seen.keepAlive)
	h.Upgrade = h.Proto == 1 && !body && h.seen.upgrade && h.seen.websocket && !h.seen.others
	h.Expect100 = h.Proto == 1 && body && h.seen.expect
	return nil
}
