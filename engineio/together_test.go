package engineio_test

import (
	"errors"
	"testing"

	"outrider/engineio"
)

// TestSendTogether: the frames come in order and at once, whatever the
// transport is doing, binary ones as well; and nothing comes after the end.
func TestSendTogether(t *testing.T) {
	frames := func() []*engineio.Frame {
		text := func(s string) *engineio.Frame {
			return engineio.MessageFrame(append(make([]byte, engineio.FramePrefix), s...))
		}
		return []*engineio.Frame{text("a"), engineio.BinaryFrame([]byte{1}), text("b")}
	}
	s := serve(t, engineio.Config{}, nil)
	w, _ := s.websocket("EIO=4")
	session := s.rec.session(t, 0)
	if err := session.SendTogether(frames()...); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"4a", "\x01", "4b"} {
		if _, got, err := w.next(); err != nil || got != want {
			t.Errorf("received %q, %v, want %q", got, err, want)
		}
	}
	session.Close()
	if err := session.SendTogether(frames()...); !errors.Is(err, engineio.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}

	p := s.poll("EIO=4")
	session = s.rec.session(t, 1)
	if err := session.SendTogether(frames()...); err != nil { // no poll waits
		t.Fatal(err)
	}
	if got := p.receive(); got != "4a\x1ebAQ==\x1e4b" {
		t.Errorf("received %q", got)
	}
	p.waits(session)
	if err := session.SendTogether(frames()...); err != nil {
		t.Fatal(err)
	}
	if got := p.finish(); got != "4a\x1ebAQ==\x1e4b" {
		t.Errorf("received %q", got)
	}
}
