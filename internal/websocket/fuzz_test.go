package websocket_test

import (
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"outrider/internal/websocket"
	"outrider/internal/websocket/wstest"
)

// FuzzReader is invariant 5: one read, octets and random cuts give what the reference says. The deliveries check the bounds on memory.
func FuzzReader(f *testing.F) {
	for _, name := range []string{"autobahn", "attacks"} {
		for c := range suites[name]("") {
			if len(c.Send) <= 4096 {
				f.Add(c.Send, uint64(len(c.Send)), uint16(c.Limits.MaxMessage), uint8(c.Limits.MaxFragments))
			}
		}
	}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64, maxMessage uint16, maxFragments uint8) {
		lim := websocket.Limits{MaxMessage: max(1, int(maxMessage)), MaxFragments: max(1, int(maxFragments))}
		want := reference{lim: lim}
		code := want.read(stream)
		for _, d := range []delivery{inOne, inChops(1), inRandomCuts(seed)} {
			got := d.play(t, stream, lim)
			compareMessages(t, d.name, got.messages, want.messages)
			if got.code != code {
				t.Errorf("%s: fails with %d, want %d", d.name, got.code, code)
			}
		}
	})
}

// FuzzText is invariant 4: the frame fails exactly with the byte that makes its text hopeless, or with its last.
func FuzzText(f *testing.F) {
	for c := range wstest.Cases("") {
		if len(c.Want) == 1 && c.Want[0].Op == ws.OpText && len(c.Send) < 256 {
			f.Add(c.Want[0].Data, uint64(1))
		}
	}
	for _, s := range []string{"\xed\xa0\x80", "a\xf4\x90\x80\x80", "κόσμε\xe0\x80", "\xf0\x90\x80", "0123456789abcdef\xc3", "\xc3\xa9\xff"} {
		f.Add([]byte(s), uint64(2))
	}
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		for _, d := range []delivery{inOne, inChops(1), inRandomCuts(seed)} {
			compareText(t, d, string(text))
		}
	})
}

func compareText(t *testing.T, d delivery, text string) {
	t.Helper()
	stream := appendFrame(nil, true, ws.OpText, []byte(text))
	head := len(stream) - len(text)
	want := wantText(text)
	got := d.play(t, stream, websocket.Limits{})
	switch {
	case want == 0:
		compareMessages(t, d.name, got.messages, []websocket.Message{{Op: ws.OpText, Data: []byte(text)}})
	case got.code != ws.StatusInvalidFramePayloadData:
		t.Errorf("%s: text %q fails with %d", d.name, text, got.code)
	case got.before >= head+want || got.fed < head+want:
		t.Errorf("%s: text %q fails after byte %d to %d, want %d", d.name, text, got.before-head+1, got.fed-head, want)
	}
}

// wantText returns how many bytes of text it takes to fail; 0: it is valid.
func wantText(text string) int {
	for n := range len(text) {
		if !begins([]byte(text[:n+1])) {
			return n + 1
		}
	}
	if !utf8.ValidString(text) {
		return len(text) // it ends within a character
	}
	return 0
}
