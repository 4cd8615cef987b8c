package pushhttp

import (
	"hash/maphash"

	"github.com/mailru/easyjson/jlexer"
	"github.com/mailru/easyjson/jwriter"
)

// scratch is the memory in which one push is read and answered. It goes from
// push to push, so that one costs next to no allocations.
type scratch struct {
	body     []byte // as it came; a JSON body is compacted here
	rest     []byte // of a JSON body, without its data
	envelope envelope
	lexer    jlexer.Lexer
	form     form
	formText []byte // JSON texts of a form's fields
	uids     uidList
	clients  []string
	message  []byte // the data of client_push
	order    order
	answer   answer
	writer   jwriter.Writer
}

func newScratch() *scratch {
	s := &scratch{}
	s.uids.seed, s.form.index.seed = maphash.MakeSeed(), maphash.MakeSeed()
	s.writer.Buffer.Buf = make([]byte, 0, 256) // an answer has about 130 bytes
	return s
}

// Memory of a larger push is not kept for the next one.
const (
	keptBytes   = 64 << 10
	keptEntries = 1 << 10
)

// release puts s back, without a reference to the request that it served.
func (h *Handler) release(s *scratch) {
	if cap(s.body) > keptBytes || cap(s.rest) > keptBytes || cap(s.formText) > keptBytes || cap(s.message) > keptBytes ||
		cap(s.uids.ends) > keptEntries || cap(s.form.nodes) > keptEntries {
		return
	}
	clear(s.uids.uids)
	s.envelope, s.lexer, s.order, s.answer = envelope{}, jlexer.Lexer{}, order{}, answer{}
	h.scratch.Put(s)
}
