package engineio

import (
	"bytes"

	"outrider/internal/httpwire"
)

// upload is the body of a POST while it comes in.
type upload struct {
	buf    []byte
	binary bool
}

// startUpload begins to read the body behind a POST's head.
func (h *httpConn) startUpload(head *httpwire.Head) {
	limit := h.shard.srv.cfg.MaxPayload
	// Exact match, without parameters: the official server's rule.
	h.upload = upload{binary: bytes.Equal(head.Get("Content-Type"), []byte("application/octet-stream"))}
	if h.upload.binary && h.session.rev != Revision3 {
		h.session.end(ReasonTransportError, abrupt)
		h.rejectBody(400)
		return
	}
	if head.ContentLength > int64(limit) {
		h.rejectBody(413)
		return
	}
	if head.Expect100 {
		_ = h.conn.Send(httpwire.AppendContinue(nil))
	}
	h.body = httpwire.NewBody(head)
	h.reading = true
	h.keepAlive = keepsAlive(head)
	h.since = h.conn.Loop().Now()
	h.conn.SetDeadline(h.since + int64(h.shard.srv.cfg.BodyTimeout))
	// While the body is read it is the client's turn: Data takes bytes.
	h.turn.pass()
	if head.ContentLength <= 0 && !head.Chunked {
		h.readBody(nil) // no byte will come to call it
	}
}

// readBody takes a part of the body and returns how much of p it was.
func (h *httpConn) readBody(p []byte) int {
	limit := h.shard.srv.cfg.MaxPayload
	consumed := 0
	for {
		data, n, done, err := h.body.Next(p[consumed:])
		consumed += n
		if err != nil {
			h.session.requestLost(h)
			h.reading = false
			h.refuse(err)
			return consumed
		}
		if len(h.upload.buf)+len(data) > limit {
			h.rejectBody(413)
			return consumed
		}
		h.upload.buf = append(h.upload.buf, data...)
		if done {
			h.finishUpload()
			return consumed
		}
		if consumed == len(p) {
			return consumed
		}
	}
}

// rejectBody answers a POST whose body is not read to its end, so that the
// connection ends with it. The session stays, and may post again.
func (h *httpConn) rejectBody(status int) {
	h.reading = false
	h.upload = upload{}
	h.keepAlive = false
	s := h.session
	s.mu.Lock()
	if p := s.poll; p != nil && p.post == h {
		p.post = nil
	}
	s.mu.Unlock()
	h.answer(status, "", nil)
}

func (h *httpConn) finishUpload() {
	h.turn.take()
	h.reading = false
	h.since = 0
	body, binary := h.upload.buf, h.upload.binary
	h.upload = upload{}
	if h.poll.jsonp != nil {
		var ok bool
		if body, ok = ParseJSONPBody(body); !ok {
			s := h.session
			s.mu.Lock()
			defer s.mu.Unlock()
			s.acceptPost(h) // nothing delivered, which is no error
			return
		}
	}
	h.session.finishPost(h, body, binary)
}
