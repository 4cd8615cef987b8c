package engineio

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"

	"outrider/internal/httpwire"
)

// send writes a whole answer and gives the connection back to the client.
func (h *httpConn) send(out []byte) error {
	err := h.conn.SendCopy(out)
	h.done()
	return err
}

// answer is an answer with a body, put together in the loop's buffer. Only on
// the loop.
func (h *httpConn) answer(status int, contentType string, body []byte) {
	h.shard.out = h.appendAnswer(h.shard.out[:0], status, contentType, body)
	_ = h.send(h.shard.out) // an error has closed the connection, which Closed hears of
}

func (h *httpConn) appendAnswer(dst []byte, status int, contentType string, body []byte) []byte {
	dst = httpwire.AppendStatus(dst, status)
	dst = append(dst, h.cors...)
	if contentType != "" {
		dst = httpwire.AppendHeader(dst, "Content-Type", contentType)
	}
	if status == http.StatusMethodNotAllowed {
		dst = append(dst, "Allow: GET, POST\r\n"...)
	}
	dst = h.appendConnection(append(append(dst, "cache-control: no-store\r\n"...), h.extra...))
	dst = httpwire.AppendEnd(httpwire.AppendContentLength(dst, len(body)))
	if h.headOnly {
		return dst
	}
	return append(dst, body...)
}

// appendConnection appends what an answer says of its connection.
func (h *httpConn) appendConnection(dst []byte) []byte {
	if h.keepAlive {
		return dst
	}
	return append(dst, "Connection: close\r\n"...)
}

// answerRefusal refuses a request, in the form that its kind of client reads.
func (h *httpConn) answerRefusal(e *RequestError, upgrade bool) {
	if upgrade {
		h.answerUpgradeError(e)
		return
	}
	h.answerError(e)
}

// answerError refuses a request with the protocol's JSON body.
func (h *httpConn) answerError(e *RequestError) {
	status := 400
	if e.Code == CodeForbidden {
		status = 403
	}
	h.shard.srv.stats.refused[e.Code].Add(1)
	h.answer(status, "application/json", e.appendJSON(nil))
}

// appendJSON appends the body of the answer that refuses a request.
func (e *RequestError) appendJSON(dst []byte) []byte {
	message, _ := json.Marshal(e.message()) // a string: it cannot fail
	dst = strconv.AppendInt(append(dst, `{"code":`...), int64(e.Code), 10)
	return append(append(append(dst, `,"message":`...), message...), '}')
}

// answerUpgradeError refuses a request for a WebSocket, as plain text and
// with the connection's end: the official server's form.
func (h *httpConn) answerUpgradeError(e *RequestError) {
	h.shard.srv.stats.refused[e.Code].Add(1)
	h.keepAlive = false
	h.answer(400, "text/html", []byte(e.message()))
}

// answerLate refuses a poll whose session has moved to WebSocket while it
// waited. It may run on another loop than h's.
func (h *httpConn) answerLate() {
	h.shard.srv.stats.refused[CodeBadRequest].Add(1)
	_ = h.send(h.appendAnswer(nil, 400, "application/json", (&RequestError{Code: CodeBadRequest}).appendJSON(nil)))
}

// payloads puts answers to polls together, on whichever goroutine has
// something to say.
type payloads struct {
	packets []Packet
	payload []byte
	jsonp   []byte
	out     []byte
	zipped  bytes.Buffer
	zip     *gzip.Writer
}

// maxPooled bounds what is kept between two uses.
const maxPooled = 64 << 10

var payloadPool = sync.Pool{New: func() any { return new(payloads) }}

func (b *payloads) free() {
	if cap(b.payload)+cap(b.jsonp)+cap(b.out)+b.zipped.Cap() > maxPooled {
		return
	}
	clear(b.packets)
	b.packets = b.packets[:0]
	payloadPool.Put(b)
}

// answerPoll writes the frames, and then the control packets, as the answer
// to the poll that waits on h. An error means that they are lost.
func (h *httpConn) answerPoll(rev Revision, p *polling, frames []*Frame, last ...*Frame) error {
	b := payloadPool.Get().(*payloads)
	defer b.free()
	for _, f := range frames {
		b.packets = append(b.packets, f.packets()...)
	}
	for _, f := range last {
		b.packets = append(b.packets, f.packets()...)
	}
	binary := false
	if rev == Revision3 {
		b.payload, binary = AppendPayload3(b.payload[:0], b.packets, p.b64 || p.jsonp != nil)
	} else {
		b.payload = AppendPayload4(b.payload[:0], b.packets)
	}
	return h.sendPayload(b, p, binary)
}

// sendPayload wraps the payload for the transport's kind of client.
func (h *httpConn) sendPayload(b *payloads, p *polling, binary bool) error {
	body := b.payload
	contentType := "text/plain; charset=UTF-8"
	switch {
	case p.jsonp != nil:
		b.jsonp = AppendJSONP(b.jsonp[:0], p.jsonp, body)
		body = b.jsonp
	case binary:
		contentType = "application/octet-stream"
	}
	out := httpwire.AppendStatus(b.out[:0], 200)
	out = append(out, h.cors...)
	out = httpwire.AppendHeader(out, "Content-Type", contentType)
	out = append(out, "cache-control: no-store\r\n"...)
	if h.ie {
		out = append(out, "X-XSS-Protection: 0\r\n"...)
	}
	if limit := h.shard.srv.cfg.CompressionThreshold; h.gzip && limit > 0 && len(body) >= limit {
		body = b.compress(body)
		out = append(out, "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n"...)
	}
	out = h.appendConnection(append(out, h.extra...))
	out = httpwire.AppendContentLength(out, len(body))
	b.out = append(httpwire.AppendEnd(out), body...)
	return h.send(b.out)
}

// compress returns the body in gzip's format, in a buffer of b.
func (b *payloads) compress(body []byte) []byte {
	b.zipped.Reset()
	if b.zip == nil {
		b.zip = gzip.NewWriter(&b.zipped)
	} else {
		b.zip.Reset(&b.zipped)
	}
	_, _ = b.zip.Write(body) // into memory: neither fails
	_ = b.zip.Close()
	return b.zipped.Bytes()
}

// acceptsGzip reads an Accept-Encoding (RFC 9110 §12.5.3). What is not told
// apart is how much a client would like it, but for "not at all".
func acceptsGzip(list []byte) bool {
	for member := range bytes.SplitSeq(list, []byte(",")) {
		coding, params, _ := bytes.Cut(member, []byte(";"))
		if bytes.EqualFold(bytes.TrimSpace(coding), []byte("gzip")) {
			return !zeroQuality(params)
		}
	}
	return false
}

// zeroQuality reports whether params say q=0, q=0.0 or the like.
func zeroQuality(params []byte) bool {
	q, ok := bytes.CutPrefix(bytes.ToLower(bytes.TrimSpace(params)), []byte("q="))
	return ok && len(bytes.Trim(q, "0.")) == 0
}
