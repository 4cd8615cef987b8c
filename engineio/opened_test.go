package engineio_test

import (
	"testing"

	"outrider/engineio"
)

// TestSendWhenOpened: what is sent in Opened comes behind the open packet; with polling not in the same answer, which
// has the open packet alone.
func TestSendWhenOpened(t *testing.T) {
	greet := func(s *engineio.Session, _ *engineio.Request) { _ = s.Send([]byte("hi"), false) }
	s := serve(t, engineio.Config{}, &recorder{opened: greet})
	for query, want := range map[string]string{"EIO=4": "4hi", "EIO=3": "3:4hi"} {
		w := s.upgrade(query)
		parseHandshake(t, w.text())
		w.hears("4hi")
		if got := s.poll(query).receive(); got != want {
			t.Errorf("%s: the first poll brought %q", query, got)
		}
	}
}

// TestCloseWhenOpened: a session that is closed in Opened is one nevertheless, and its client is told both.
func TestCloseWhenOpened(t *testing.T) {
	for query, farewell := range map[string]string{"EIO=4": "4bye\x1e1", "EIO=3": "4:4bye1:1"} {
		s := serve(t, engineio.Config{}, &recorder{opened: func(s *engineio.Session, _ *engineio.Request) {
			_ = s.Send([]byte("bye"), false)
			s.Close()
		}})
		w := s.upgrade(query)
		parseHandshake(t, w.text())
		w.hears("4bye")
		w.closed(0)
		p := s.poll(query)
		if got := p.receive(); got != farewell {
			t.Errorf("%s: the first poll brought %q", query, got)
		}
		p.gone()
		for i := range 2 {
			if got := s.rec.ended(t, i); got != engineio.ReasonForcedClose {
				t.Errorf("%s: reason %q", query, got)
			}
		}
	}
}
