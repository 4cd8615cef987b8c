package websocket

import (
	"bytes"
	"io"
	"sync"

	"github.com/gobwas/ws"
)

// headerSource is what ws.ReadHeaderBuffer reads a header from and into. It is pooled because both escape there through an interface, and
// a header may not cost an allocation.
type headerSource struct {
	src bytes.Reader
	buf [ws.MaxHeaderSize]byte
}

var headerSources = sync.Pool{New: func() any { return new(headerSource) }}

// parseHeader parses the frame header that src begins with; size is its length, 0 if src holds only a part of it.
func parseHeader(src []byte) (h ws.Header, size int, err error) {
	src = src[:min(len(src), ws.MaxHeaderSize)]
	s := headerSources.Get().(*headerSource)
	s.src.Reset(src)
	h, err = ws.ReadHeaderBuffer(&s.src, s.buf[:])
	size = len(src) - s.src.Len()
	s.src.Reset(nil) // the pool must not keep the caller's buffer
	headerSources.Put(s)

	switch err {
	case nil:
		return h, size, nil
	case io.EOF, io.ErrUnexpectedEOF:
		return ws.Header{}, 0, nil
	default:
		return ws.Header{}, 0, protocolError(err)
	}
}
