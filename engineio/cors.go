package engineio

import (
	"slices"

	"outrider/internal/httpwire"
)

// appendHeaders appends the header lines that let a page of the origin read
// the answer. They go with refusals too: without them a browser shows the
// page a "CORS error" in place of what is wrong.
func (c *CORS) appendHeaders(dst, origin []byte) []byte {
	if c == nil {
		return dst
	}
	if len(origin) > 0 && c.allows(origin) {
		dst = httpwire.AppendHeader(dst, "Access-Control-Allow-Origin", origin)
		if c.Credentials {
			dst = append(dst, "Access-Control-Allow-Credentials: true\r\n"...)
		}
	}
	return append(dst, "Vary: Origin\r\n"...)
}

func (c *CORS) allows(origin []byte) bool {
	return len(c.Origins) == 0 || slices.Contains(c.Origins, string(origin))
}

// preflight answers the question that a browser asks before a request with
// unusual headers. It is answered before anything of the request is looked
// at: the question has neither cookies nor a session.
func (h *httpConn) preflight(head *httpwire.Head) {
	out := httpwire.AppendStatus(h.shard.out[:0], 204)
	out = append(out, h.cors...)
	out = append(out, "Access-Control-Allow-Methods: GET,HEAD,PUT,PATCH,POST,DELETE\r\n"...)
	if want := head.Get("Access-Control-Request-Headers"); want != nil {
		out = httpwire.AppendHeader(out, "Access-Control-Allow-Headers", want)
	}
	out = append(out, "Vary: Access-Control-Request-Headers\r\n"...)
	out = httpwire.AppendContentLength(h.appendConnection(out), 0)
	h.shard.out = httpwire.AppendEnd(out)
	_ = h.send(h.shard.out)
}
