package engineio_test

import (
	"testing"

	"outrider/engineio"
)

// TestJoinFrames: the packets of joined frames arrive one by one and in order,
// on both transports and in both revisions.
func TestJoinFrames(t *testing.T) {
	text := func(s string) *engineio.Frame {
		return engineio.MessageFrame(append(make([]byte, engineio.FramePrefix), s...))
	}
	joined := engineio.JoinFrames(text("one"), engineio.JoinFrames(text("two"), text("three")))
	for _, rev := range []engineio.Revision{engineio.Revision3, engineio.Revision4} {
		want := "\x81\x044one\x81\x044two\x81\x064three"
		if got := string(engineio.FrameBytes(joined, rev)); got != want {
			t.Errorf("revision %v: %q, want %q", rev, got, want)
		}
	}
	if got, want := string(engineio.AppendPayload4(nil, engineio.FramePackets(joined))), "4one\x1e4two\x1e4three"; got != want {
		t.Errorf("payload %q, want %q", got, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("a frame with binary messages was joined")
		}
	}()
	engineio.JoinFrames(text("one"), engineio.BinaryFrame([]byte{1}))
}
