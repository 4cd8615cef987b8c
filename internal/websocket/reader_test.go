package websocket_test

import (
	"bytes"
	"errors"
	"iter"
	"testing"
	"unsafe"

	"github.com/gobwas/ws"

	"outrider/internal/websocket"
	"outrider/internal/websocket/wstest"
)

// suites are played by TestCases; what is small of them also seeds the fuzzer.
var suites = map[string]func(prefix string) iter.Seq[wstest.Case]{
	"autobahn": wstest.Cases,
	"sizes":    wstest.Sizes,
	"attacks":  wstest.Attacks,
}

// TestCases plays Autobahn's cases and the attacks, each in three deliveries. Large ones are not sent octet by octet but in the chops that
// the case names, or of 997 bytes.
func TestCases(t *testing.T) {
	for name, suite := range suites {
		if name == "sizes" && (testing.Short() || raceEnabled) {
			continue // minutes, for one goroutine
		}
		for c := range suite("") {
			t.Run(name+"/"+c.ID, func(t *testing.T) {
				chop := 1
				if len(c.Send) > 128<<10 {
					chop = max(c.Chop, 997)
				}
				for _, d := range []delivery{inOne, inChops(chop), inRandomCuts(1)} {
					compareCase(t, c, d)
				}
			})
		}
	}
}

// TestCasesAsPackets plays the cases as a replay through Engine.IO sends them.
func TestCasesAsPackets(t *testing.T) {
	for _, name := range []string{"autobahn", "attacks"} {
		for c := range suites[name]("4") {
			t.Run(name+"/"+c.ID, func(t *testing.T) { compareCase(t, c, inRandomCuts(2)) })
		}
	}
}

func compareCase(t *testing.T, c wstest.Case, d delivery) {
	t.Helper()
	got := d.play(t, c.Send, c.Limits)
	compareMessages(t, d.name, got.messages, c.Want)
	if got.code != c.Fail {
		t.Errorf("%s (%s), %s: fails with %d, want %d", c.ID, c.Name, d.name, got.code, c.Fail)
	}
	if c.Fail != 0 && (got.fed < c.FailAt || got.before >= c.FailAt) {
		t.Errorf("%s (%s), %s: fails after byte %d to %d, want %d", c.ID, c.Name, d.name, got.before+1, got.fed, c.FailAt)
	}
	if got.held != 0 {
		t.Errorf("%s (%s), %s: still holds %d bytes", c.ID, c.Name, d.name, got.held)
	}
}

func compareMessages(t *testing.T, how string, got, want []websocket.Message) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d messages, want %d", how, len(got), len(want))
		return
	}
	for i, m := range got {
		if m.Op != want[i].Op || !bytes.Equal(m.Data, want[i].Data) {
			t.Errorf("%s: message %d is %v %.60q, want %v %.60q", how, i, m.Op, m.Data, want[i].Op, want[i].Data)
		}
	}
}

// TestReaderSize is invariant 1: an idle connection pays for a pointer.
func TestReaderSize(t *testing.T) {
	if size := unsafe.Sizeof(websocket.Reader{}); size > unsafe.Sizeof(uintptr(0)) {
		t.Errorf("a Reader has %d bytes", size)
	}
}

// TestInPlace is invariant 2: the data of a whole frame are bytes of the buffer, and nobody can append to them into what follows.
func TestInPlace(t *testing.T) {
	src := appendFrame(nil, true, ws.OpText, []byte("first"))
	first := len(src)
	src = appendFrame(src, true, ws.OpText, []byte("second"))

	var r websocket.Reader
	m, n, ok, err := r.Next(src, websocket.Limits{})
	if err != nil || !ok || n != first {
		t.Fatalf("Next = %v, %d, %t, %v", m, n, ok, err)
	}
	if &m.Data[0] != &src[n-len("first")] {
		t.Error("the data were moved")
	}
	_ = append(m.Data, "overwritten"...)
	m, _, ok, err = r.Next(src[n:], websocket.Limits{})
	if err != nil || !ok || string(m.Data) != "second" {
		t.Errorf("Next = %q, %t, %v", m.Data, ok, err)
	}
}

// TestHeld is invariant 3, step by step; every delivery of the other tests checks the bound as well.
func TestHeld(t *testing.T) {
	frame := appendFrame(nil, true, ws.OpBinary, make([]byte, 100_000))
	head := len(frame) - 100_000
	var r websocket.Reader
	held := func(upTo, least, most int) {
		t.Helper()
		if got := r.Held(); got < least || got > most {
			t.Errorf("after %d bytes: holds %d, want %d to %d", upTo, got, least, most)
		}
	}
	next := func(src []byte) bool {
		t.Helper()
		_, n, ok, err := r.Next(src, websocket.Limits{})
		if err != nil || n != len(src) {
			t.Fatalf("Next consumed %d of %d, %v", n, len(src), err)
		}
		return ok
	}
	held(0, 0, 0)
	if _, n, ok, err := r.Next(frame[:head-1], websocket.Limits{}); n != 0 || ok || err != nil {
		t.Fatalf("Next of a partial header = %d, %t, %v", n, ok, err)
	}
	held(head-1, 0, 0)
	next(frame[:head])
	held(head, 1, overhead)
	next(frame[head : head+1000])
	held(head+1000, 1000, 2000+overhead)
	next(frame[head+1000 : len(frame)-1])
	held(len(frame)-1, 99_999, 100_000+overhead)
	if !next(frame[len(frame)-1:]) {
		t.Error("the message is not complete")
	}
	held(len(frame), 0, 0)
}

// TestControlWhileAssembling: a control frame that arrives in pieces between the fragments of a message leaves the message alone, and its
// data stay until the next call.
func TestControlWhileAssembling(t *testing.T) {
	stream := appendFrame(nil, false, ws.OpText, []byte("one "))
	stream = appendFrame(stream, true, ws.OpPing, []byte("ping"))
	stream = appendFrame(stream, true, ws.OpPong, []byte("pong and more"))
	stream = appendFrame(stream, true, ws.OpContinuation, []byte("two"))
	got := inChops(3).play(t, stream, websocket.Limits{})
	compareMessages(t, "in chops of 3", got.messages, []websocket.Message{
		{Op: ws.OpPing, Data: []byte("ping")},
		{Op: ws.OpPong, Data: []byte("pong and more")},
		{Op: ws.OpText, Data: []byte("one two")},
	})
}

// TestTextCuts cuts characters of all lengths, and what is none, in all two places.
func TestTextCuts(t *testing.T) {
	for _, text := range []string{"aé€𤭢z", "𤭢𤭢", "a\xf0\xa4\xad", "€\xf4\x90\x80\x80", "é\xed\xa0\x80", "𤭢\xf0\xa4\xad\xff"} {
		stream := appendFrame(nil, true, ws.OpText, []byte(text))
		head := len(stream) - len(text)
		for second := head + 1; second < len(stream); second++ {
			for first := head; first < second; first++ {
				compareText(t, inPieces(first, second), text)
			}
		}
	}
}

// TestEnded: nothing comes out of a Reader after a close frame or an error, and it holds nothing.
func TestEnded(t *testing.T) {
	for name, last := range map[string][]byte{
		"close": appendFrame(nil, true, ws.OpClose, nil),
		"error": appendFrame(nil, true, ws.OpCode(3), nil),
	} {
		t.Run(name, func(t *testing.T) {
			var r websocket.Reader
			for _, piece := range [][]byte{appendFrame(nil, false, ws.OpText, []byte("unfinished")), last} {
				r.Next(piece, websocket.Limits{})
			}
			if r.Held() != 0 {
				t.Errorf("holds %d bytes", r.Held())
			}
			more := appendFrame(nil, true, ws.OpText, []byte("more"))
			if m, n, ok, err := r.Next(more, websocket.Limits{}); ok || err != nil || n != len(more) {
				t.Errorf("Next = %v, %d, %t, %v", m, n, ok, err)
			}
		})
	}
}

// TestDefaultLimits: zero means the default, and the limit itself is allowed.
func TestDefaultLimits(t *testing.T) {
	for size, code := range map[int]ws.StatusCode{
		websocket.DefaultMaxMessage:     0,
		websocket.DefaultMaxMessage + 1: ws.StatusMessageTooBig,
	} {
		got := inOne.play(t, appendFrame(nil, true, ws.OpBinary, make([]byte, size)), websocket.Limits{})
		if got.code != code {
			t.Errorf("%d bytes: close code %d, want %d", size, got.code, code)
		}
	}
}

func TestErrorText(t *testing.T) {
	var r websocket.Reader
	_, _, _, err := r.Next([]byte{0x81, 0x00}, websocket.Limits{})
	fault, ok := errors.AsType[*websocket.Error](err)
	if !ok || fault.Code != ws.StatusProtocolError || err.Error() != "websocket: "+fault.Reason {
		t.Errorf("error of an unmasked frame is %#v", err)
	}
}
