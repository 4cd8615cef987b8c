package pushhttp

import (
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// giveBack takes the connection out of fasthttp's hands, as if the request had
// not been read. Answers to earlier requests have been flushed before take is called.
func giveBack(ctx *fasthttp.RequestCtx, take func(c net.Conn, read []byte)) {
	read := appendHead(nil, &ctx.Request.Header)
	if ctx.RequestBodyStream() != nil && ctx.Request.Header.ContentLength() > 0 {
		var first [1]byte // which fasthttp waited for; chunked bodies it has not looked into
		n, _ := ctx.RequestBodyStream().Read(first[:])
		read = append(read, first[:n]...)
	}
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(c net.Conn) {
		inner := c
		if h, ok := c.(interface{ UnsafeConn() net.Conn }); ok {
			inner = h.UnsafeConn()
		}
		read, err := appendBuffered(read, c)
		if err != nil {
			inner.Close()
			return
		}
		take(inner, read)
	})
}

// appendHead appends the request line and header fields as they came.
func appendHead(dst []byte, header *fasthttp.RequestHeader) []byte {
	dst = append(append(dst, header.Method()...), ' ')
	dst = append(append(dst, header.RequestURI()...), ' ')
	dst = append(append(dst, header.Protocol()...), "\r\n"...)
	if len(header.RawHeaders()) == 0 {
		return append(dst, "\r\n"...)
	}
	return append(dst, header.RawHeaders()...)
}

// appendBuffered appends what fasthttp has read of c beyond the request: what
// can still be read when the deadline has passed.
func appendBuffered(dst []byte, c net.Conn) ([]byte, error) {
	if err := c.SetReadDeadline(longAgo); err != nil {
		return dst, err
	}
	var part [1 << 10]byte
	for {
		n, err := c.Read(part[:])
		dst = append(dst, part[:n]...)
		switch {
		case isTimeout(err):
			return dst, c.SetReadDeadline(time.Time{})
		case err != nil:
			return dst, err
		}
	}
}
