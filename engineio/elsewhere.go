package engineio

import (
	"net"
	"os"

	"outrider/internal/httpwire"
)

// Verdict says what becomes of a request that Config.Answer was offered.
type Verdict uint8

// The verdicts.
const (
	PassOn   Verdict = iota // it is the Fallback's, as if it had not been offered
	KeepOpen                // it is answered, and the next may come
	HangUp                  // it is answered, and the connection ends
)

// elsewhere handles a request for a path that is not the engine's: p begins
// with it, and its head has size bytes.
func (h *httpConn) elsewhere(p []byte, size int) int {
	if n := h.answerWhole(p, size); n > 0 {
		return n
	}
	return h.fallBack(p)
}

// answerWhole offers a request that has come whole to Config.Answer, and
// returns its length if it was answered. One whose body is still under way is
// not waited for: the fallback has all the time of a goroutine.
func (h *httpConn) answerWhole(p []byte, size int) int {
	head, offer := &h.shard.head, h.shard.srv.cfg.Answer
	size += int(min(max(head.ContentLength, 0), int64(len(p))))
	if offer == nil || head.Chunked || head.Expect100 || !keepsAlive(head) || size > len(p) {
		return 0
	}
	h.shard.req = Request{head: head, conn: h.conn, peer: &h.peer}
	out, verdict := offer(&h.shard.req, h.shard.out[:0], p[:size])
	h.shard.out = out
	if verdict == PassOn {
		return 0
	}
	h.shard.srv.stats.answered.Add(1)
	h.since = 0
	h.turn.take()
	h.session, h.poll = nil, nil
	h.keepAlive = verdict == KeepOpen
	_ = h.send(out) // an error has closed the connection, which Closed hears of
	return size
}

// fallBack hands the connection over, with the request that p begins with: the
// next request on it is the fallback's too.
func (h *httpConn) fallBack(p []byte) int {
	fallback := h.shard.srv.cfg.Fallback
	if home := h.home; home != nil {
		fallback = func(c net.Conn) { go giveBack(home, c) }
	}
	if fallback == nil {
		h.begin(&h.shard.head)
		h.keepAlive = false
		h.answer(404, "text/plain", []byte("Not Found"))
		return len(p)
	}
	fd, err := h.conn.Detach()
	if err != nil {
		h.conn.Finish() // an answer that has not left yet shall; the client asks again elsewhere
		return len(p)
	}
	// FileConn has its own duplicate, in the runtime's poller.
	f := os.NewFile(uintptr(fd), "")
	nc, err := net.FileConn(f)
	_ = f.Close()
	if err != nil {
		return len(p) // no descriptors: the connection is closed
	}
	h.shard.srv.stats.fallbacks.Add(1)
	fallback(httpwire.NewConn(nc, p))
	return len(p)
}
