package pushhttp

import (
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/mailru/easyjson/jwriter"
	"github.com/oklog/ulid/v2"
)

// pushID names a push, or a request that was refused. It is encoded as the 26
// characters of a ULID.
type pushID ulid.ULID

// MarshalEasyJSON implements easyjson.Marshaler.
func (id pushID) MarshalEasyJSON(w *jwriter.Writer) {
	var text [ulid.EncodedSize + 2]byte
	text[0], text[len(text)-1] = '"', '"'
	if err := ulid.ULID(id).MarshalTextTo(text[1 : len(text)-1]); err != nil {
		w.Error = err
		return
	}
	w.Raw(text[:], nil)
}

// idSource gives ids that sort in the order in which they were given, also
// when many goroutines ask within a millisecond and when the wall clock is set
// back: the time in an id is then that of the latest id before it. Random bits
// come from crypto/rand, read some kilobytes at a time.
type idSource struct {
	now func() time.Time

	mu      sync.Mutex
	entropy *ulid.MonotonicEntropy
	last    uint64    // milliseconds in the latest id
	id      ulid.ULID // here, because what an interface is given to fill in escapes to the heap
}

func newIDSource(now func() time.Time) *idSource {
	return &idSource{now: now, entropy: ulid.Monotonic(rand.Reader, 0)}
}

func (s *idSource) next() pushID {
	ms := ulid.Timestamp(s.now())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last, ms)
	err := s.fill()
	if errors.Is(err, ulid.ErrMonotonicOverflow) {
		s.last++ // the 80 bits of this millisecond are used up
		err = s.fill()
	}
	if err != nil {
		panic("pushhttp: no id: " + err.Error()) // crypto/rand does not fail
	}
	return pushID(s.id)
}

func (s *idSource) fill() error {
	if err := s.id.SetTime(s.last); err != nil {
		return err
	}
	const entropy = 6 // where it begins, after the time
	return s.entropy.MonotonicRead(s.last, s.id[entropy:])
}
