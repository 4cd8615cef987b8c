package pushhttp

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// Bounds of what is read, and thrown away, after an answer.
const (
	drainedBytes  = 256 << 10 // by fasthttp, to keep the connection for the next request
	lingerBytes   = 16 << 20
	lingerTimeout = 2 * time.Second
)

// unread reports whether a request that is refused may still be sending more
// than fasthttp would read to its end.
func unread(ctx *fasthttp.RequestCtx, r *refusal) bool {
	if ctx.RequestBodyStream() == nil {
		return false
	}
	n := ctx.Request.Header.ContentLength()
	return n > drainedBytes || n < 0 && r.code == CodeBodyTooLarge
}

// linger makes the answer the last one on its connection, and has the rest of
// the request read and thrown away for a while after it was sent. A connection
// that is closed while its peer still sends is reset, and the peer may then
// lose the answer: a caller would see a broken connection in place of 413.
//
// fasthttp closes a connection right after its last answer, so it is taken out
// of fasthttp's hands. Answers to earlier requests have been flushed before.
func linger(ctx *fasthttp.RequestCtx) {
	ctx.SetConnectionClose()
	last := fasthttp.AcquireResponse()
	ctx.Response.CopyTo(last)
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(c net.Conn) {
		defer fasthttp.ReleaseResponse(last)
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(lingerTimeout)); err != nil {
			return
		}
		if _, err := last.WriteTo(c); err != nil || closeWrite(c) != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, c, lingerBytes) // to the end, the limit or the deadline
	})
}

// closeWrite says to the peer that nothing follows.
func closeWrite(c net.Conn) error {
	if h, ok := c.(interface{ UnsafeConn() net.Conn }); ok {
		c = h.UnsafeConn()
	}
	if w, ok := c.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil // the answer says Connection: close, which has to do
}

// isTimeout reports whether err is a deadline that passed.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
