package pushhttp

import (
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/valyala/fasthttp"
)

// bodyKind is how a body is to be read.
type bodyKind uint8

const (
	jsonBody bodyKind = iota
	formBody          // a form, or JSON sent by a program that says form of all it sends
)

// checkBody decides from the header how the body is to be read, and whether it is.
func (h *Handler) checkBody(header *fasthttp.RequestHeader) (bodyKind, *refusal) {
	if n := header.ContentLength(); n > h.cfg.MaxBody {
		return 0, h.bodyTooLarge()
	}
	if encoding := header.ContentEncoding(); len(encoding) > 0 && !equalFold(encoding, "identity") {
		return 0, refuse(CodeContentEncoding, "Content-Encoding: bodies are read as they are, not compressed")
	}
	mediaType, params, _ := bytes.Cut(header.ContentType(), []byte(";"))
	if !isUTF8(params) {
		return 0, refuse(CodeMediaType, "Content-Type: the charset must be UTF-8")
	}
	switch mediaType = bytes.TrimSpace(mediaType); {
	case len(mediaType) == 0, equalFold(mediaType, "application/json"), equalFold(mediaType, "text/json"):
		return jsonBody, nil
	case equalFold(mediaType, "application/x-www-form-urlencoded"):
		return formBody, nil
	}
	return 0, refuse(CodeMediaType, "Content-Type: must be application/json or application/x-www-form-urlencoded")
}

func (h *Handler) bodyTooLarge() *refusal {
	return hangUp(CodeBodyTooLarge, "body: is longer than %d bytes", h.cfg.MaxBody)
}

// isUTF8 reports whether the parameters of a content type name no charset
// other than UTF-8 and its part ASCII.
func isUTF8(params []byte) bool {
	for len(params) > 0 {
		var param []byte
		param, params, _ = bytes.Cut(params, []byte(";"))
		name, value, _ := bytes.Cut(param, []byte("="))
		if !equalFold(bytes.TrimSpace(name), "charset") {
			continue
		}
		value = bytes.Trim(value, ` "`)
		if !equalFold(value, "utf-8") && !equalFold(value, "utf8") && !equalFold(value, "us-ascii") {
			return false
		}
	}
	return true
}

// equalFold is bytes.EqualFold for a lower-case ASCII word.
func equalFold(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i := range b {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// readBody appends the body to dst. It reads no more than one byte over the
// limit, and memory grows with what arrives, not with what was announced.
func (h *Handler) readBody(ctx *fasthttp.RequestCtx, dst []byte) ([]byte, *refusal) {
	stream := ctx.RequestBodyStream()
	if stream == nil {
		body := ctx.Request.Body()
		if len(body) > h.cfg.MaxBody {
			return dst, h.bodyTooLarge()
		}
		return append(dst, body...), nil
	}
	const least = 4 << 10
	for {
		if free := cap(dst) - len(dst); free == 0 {
			dst = append(dst, make([]byte, max(least, len(dst)))...)[:len(dst)]
		}
		room := min(cap(dst), h.cfg.MaxBody+1)
		n, err := stream.Read(dst[len(dst):room])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst) > h.cfg.MaxBody:
			return dst, h.bodyTooLarge()
		case err == io.EOF && whole(ctx, stream, len(dst)):
			return dst, nil
		case err != nil:
			return dst, bodyError(err)
		}
	}
}

// whole reports whether a body that ended has the length that was announced,
// or all of its chunks.
//
// fasthttp says io.EOF at the end of a chunked body, and also where the
// connection ends in place of the next chunk. Asked again it says the same
// from memory in the first case, and in the second turns to the connection,
// which then is past its deadline. The server sets another for the next request.
func whole(ctx *fasthttp.RequestCtx, stream io.Reader, n int) bool {
	if announced := ctx.Request.Header.ContentLength(); announced >= 0 {
		return announced == n
	}
	if c := ctx.Conn(); c == nil || c.SetReadDeadline(longAgo) != nil {
		return false
	}
	var more [1]byte
	_, err := stream.Read(more[:])
	return err == io.EOF
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// bodyError refuses a request whose body did not arrive. There may be nobody
// left to read that.
func bodyError(err error) *refusal {
	switch {
	case isTimeout(err):
		return hangUp(CodeTimeout, "body: did not arrive in time")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return hangUp(CodeHTTP, "body: ended before its announced length")
	}
	return hangUp(CodeHTTP, "body: is not well-formed chunked coding")
}

// isJSON reports whether a body that is called a form is JSON after all. PHP's
// curl and others send the type of a form if they are given a string and told
// nothing else. No program that writes forms leaves a bracket as their first byte.
func isJSON(body []byte) bool {
	text := bytes.TrimLeft(bytes.TrimPrefix(body, byteOrderMark), " \t\r\n")
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}
