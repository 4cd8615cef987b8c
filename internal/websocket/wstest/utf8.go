package wstest

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// greek is the word that UTF-8 tests begin with: characters of two and three bytes.
const greek = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"

// utf8Handling is section 6.
func utf8Handling(w *writer) {
	w.add(Case{ID: "6.1.1", Name: "empty text"}, text(""))
	w.add(Case{ID: "6.1.2", Name: "three empty fragments"}, begin(""), more(""), end(""))
	w.add(Case{ID: "6.1.3", Name: "only the middle fragment is not empty"}, begin(""), more("middle frame payload"), end(""))

	const part1, part2 = "Hello-µ@ßöä", "üàá-UTF-8!!"
	w.add(Case{ID: "6.2.1", Name: "valid text"}, text(part1+part2))
	w.add(Case{ID: "6.2.2", Name: "valid text in fragments, cut between characters"}, begin(part1), end(part2))
	w.add(Case{ID: "6.2.3", Name: "valid text in fragments of one byte"}, fragments(ws.OpText, part1+part2, 1)...)
	w.add(Case{ID: "6.2.4", Name: "valid Greek in fragments of one byte"}, fragments(ws.OpText, greek, 1)...)

	const surrogate = greek + "\xed\xa0\x80edited"
	w.add(Case{ID: "6.3.1", Name: "a surrogate in the middle"}, invalid(surrogate))
	pieces := fragments(ws.OpText, surrogate, 1)
	bad := firstInvalid(surrogate) - 1
	pieces[bad] = pieces[bad].fails(ws.StatusInvalidFramePayloadData, 1)
	w.add(Case{ID: "6.3.2", Name: "a surrogate in the middle, in fragments of one byte"}, pieces...)

	failFast(w)
	for i, group := range vectors() {
		for j, v := range group.vectors {
			c := Case{ID: fmt.Sprintf("6.%d.%d", 5+i, j+1), Name: fmt.Sprintf("%s: % x", group.name, v)}
			if group.valid(j) {
				w.add(c, text(v))
			} else {
				w.add(c, invalid(v))
			}
		}
	}
}

// failFast is 6.4: the code point 110000, of which the second byte is the one too many. The connection must fail with that byte, while
// the rest of the message, of the fragment or of the character is still to come.
func failFast(w *writer) {
	const tooHigh, rest = "\xf4\x90\x80\x80", "edited"
	const all = greek + tooHigh + rest
	const code = ws.StatusInvalidFramePayloadData
	at := len(greek) + 2
	w.add(Case{ID: "6.4.1", Name: "fail fast: in the second fragment"},
		begin(greek), more(tooHigh).fails(code, 2), end(rest))
	w.add(Case{ID: "6.4.2", Name: "fail fast: with the second fragment's only byte"},
		begin(all[:at-1]), more(all[at-1:at]).fails(code, 1), end(all[at:]))
	w.add(Case{ID: "6.4.3", Name: "fail fast: in the second chop of the frame"}, text(all).fails(code, at))
	w.add(Case{ID: "6.4.4", Name: "fail fast: with the chop's only byte"}, text(all).fails(code, at))
}

// invalid is a text frame whose payload must fail as soon as it is hopeless, or with its end if that cuts a character.
func invalid(payload string) frame {
	return text(payload).fails(ws.StatusInvalidFramePayloadData, firstInvalid(payload))
}

// firstInvalid returns how many bytes of s are needed to see that it is not UTF-8; all of them if it ends within a character.
func firstInvalid(s string) int {
	for n := range len(s) {
		if !Begins(s[:n+1]) {
			return n + 1
		}
	}
	return len(s)
}

// Begins reports whether some valid UTF-8 text begins with s. It is the slow judge of those that have to be fast: it tries continuation
// bytes, of which the lowest or the highest will do if any does.
func Begins(s string) bool {
	for n := range utf8.UTFMax {
		if utf8.ValidString(s+strings.Repeat("\x80", n)) || utf8.ValidString(s+strings.Repeat("\xbf", n)) {
			return true
		}
	}
	return false
}
