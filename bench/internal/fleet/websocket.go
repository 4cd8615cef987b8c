package fleet

import (
	"encoding/binary"
	"errors"
)

// Opcodes of RFC 6455 §5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// maxMessage bounds what a server may make a client keep.
const maxMessage = 16 << 20

var (
	errMasked   = errors.New("fleet: a server's frame is masked")
	errTooLong  = errors.New("fleet: a frame is longer than 16 MiB")
	errReserved = errors.New("fleet: a frame uses an extension that was not agreed")
)

// frame is one frame of a server, whose payload lies in the clear.
type frame struct {
	opcode  byte
	fin     bool
	payload []byte // aliases the input
}

// parseFrame reads the frame at the start of p and returns its length, 0 when
// it is not all there.
func parseFrame(p []byte) (fr frame, n int, err error) {
	if len(p) < 2 {
		return frame{}, 0, nil
	}
	switch {
	case p[0]&0x70 != 0:
		return frame{}, 0, errReserved
	case p[1]&0x80 != 0:
		return frame{}, 0, errMasked
	}
	head, size := 2, uint64(p[1])
	switch size {
	case 126:
		head = 4
	case 127:
		head = 10
	}
	if len(p) < head {
		return frame{}, 0, nil
	}
	switch head {
	case 4:
		size = uint64(binary.BigEndian.Uint16(p[2:]))
	case 10:
		size = binary.BigEndian.Uint64(p[2:])
	}
	if size > maxMessage {
		return frame{}, 0, errTooLong
	}
	n = head + int(size)
	if len(p) < n {
		return frame{}, 0, nil
	}
	return frame{opcode: p[0] & 0x0F, fin: p[0]&0x80 != 0, payload: p[head:n]}, n, nil
}

// appendFrame appends a client's frame, masked with key.
func appendFrame(dst []byte, opcode byte, key uint32, payload ...[]byte) []byte {
	size := 0
	for _, part := range payload {
		size += len(part)
	}
	dst = append(dst, 0x80|opcode)
	switch {
	case size < 126:
		dst = append(dst, 0x80|byte(size))
	case size < 1<<16:
		dst = append(dst, 0x80|126)
		dst = binary.BigEndian.AppendUint16(dst, uint16(size))
	default:
		dst = append(dst, 0x80|127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(size))
	}
	dst = binary.BigEndian.AppendUint32(dst, key)
	from := len(dst)
	for _, part := range payload {
		dst = append(dst, part...)
	}
	mask(dst[from:], key)
	return dst
}

// mask masks in place, eight bytes at a time.
func mask(p []byte, key uint32) {
	twice := uint64(key)<<32 | uint64(key)
	for ; len(p) >= 8; p = p[8:] {
		binary.BigEndian.PutUint64(p, binary.BigEndian.Uint64(p)^twice)
	}
	for i := range p {
		p[i] ^= byte(key >> (24 - 8*(i&3)))
	}
}
