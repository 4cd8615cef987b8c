package wstest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gobwas/ws"

	"outrider/internal/websocket"
)

const mib = 1 << 20

// large are limits for the cases that measure, not bound: 4 MiB in fragments of 64 bytes among them. The slack is for the prefix.
var large = websocket.Limits{MaxMessage: 16*mib + 64, MaxFragments: 4*mib/64 + 64}

// sizes is section 9: large messages, whole, in fragments and in chops, and many small ones.
func sizes(w *writer) {
	kinds := []struct {
		name string
		op   ws.OpCode
		fill func(size int) string
	}{
		{"text", ws.OpText, pattern},
		{"binary", ws.OpBinary, func(size int) string { return strings.Repeat("\x00\xfe", size/2) }},
	}
	for k, kind := range kinds {
		for i, size := range []int{64 << 10, 256 << 10, mib, 4 * mib, 8 * mib, 16 * mib} {
			w.add(Case{ID: fmt.Sprintf("9.%d.%d", 1+k, i+1), Name: fmt.Sprintf("%s of %d bytes", kind.name, size), Limits: large},
				frame{fin: true, op: kind.op, payload: kind.fill(size)})
		}
	}
	for k, kind := range kinds {
		for i := range 9 {
			size := 64 << (2 * i)
			w.add(Case{ID: fmt.Sprintf("9.%d.%d", 3+k, i+1), Name: fmt.Sprintf("%s of 4 MiB in fragments of %d", kind.name, size), Limits: large},
				fragments(kind.op, kind.fill(4*mib), size)...)
		}
	}
	for k, kind := range kinds {
		for i := range 6 {
			chop := 64 << i
			w.add(Case{ID: fmt.Sprintf("9.%d.%d", 5+k, i+1), Name: fmt.Sprintf("%s of 1 MiB in chops of %d", kind.name, chop), Chop: chop, Limits: large},
				frame{fin: true, op: kind.op, payload: kind.fill(mib)})
		}
	}
	for k, kind := range kinds {
		for i, size := range []int{0, 16, 64, 256, 1024, 4096} {
			thousand := slices.Repeat([]frame{{fin: true, op: kind.op, payload: kind.fill(size)}}, 1000)
			w.add(Case{ID: fmt.Sprintf("9.%d.%d", 7+k, i+1), Name: fmt.Sprintf("1000 times %s of %d bytes", kind.name, size)}, thousand...)
		}
	}
}

// autoFragmentation is section 10.
func autoFragmentation(w *writer) {
	w.add(Case{ID: "10.1.1", Name: "text of 65536 bytes in fragments of 1300"}, fragments(ws.OpText, strings.Repeat("*", 65536), 1300)...)
}

// pattern returns ASCII text in which a piece that is lost or moved shows.
func pattern(size int) string {
	const unit = "BAsd7&jh23"
	return strings.Repeat(unit, size/len(unit)+1)[:size]
}

// fragments cuts payload into frames of size bytes.
func fragments(op ws.OpCode, payload string, size int) []frame {
	frames := make([]frame, 0, len(payload)/size+1)
	for len(payload) > size {
		frames = append(frames, frame{op: op, payload: payload[:size]})
		payload, op = payload[size:], ws.OpContinuation
	}
	return append(frames, frame{fin: true, op: op, payload: payload})
}
