package wstest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gobwas/ws"

	"outrider/internal/websocket"
)

// attacks is what hostile peers have sent to other readers: declared lengths that overflow or exhaust, floods of fragments, and frames as a
// server would send them. Code 1009 in the header means that nothing was allocated for the length.
func attacks(w *writer) {
	const tooBig, broken = ws.StatusMessageTooBig, ws.StatusProtocolError
	small := websocket.Limits{MaxMessage: 1024, MaxFragments: 16}

	for _, f := range []frame{text(hello), ping(hello), closing(ws.StatusNormalClosure, "")} {
		f.unmasked = true
		w.add(Case{ID: fmt.Sprint("unmasked-", f.op), Name: "frame without a mask"}, breaks(f))
	}
	declare := func(op ws.OpCode, length uint64, code ws.StatusCode) frame {
		return frame{fin: true, op: op, lenForm: 64, declared: length, payload: "trickle"}.fails(code, 0)
	}
	w.add(Case{ID: "length-2^63-1", Name: "largest length there is"}, declare(ws.OpBinary, 1<<63-1, tooBig))
	w.add(Case{ID: "length-2^63", Name: "most significant bit of the length set"}, declare(ws.OpBinary, 1<<63, broken))
	w.add(Case{ID: "length-2^64-1", Name: "all bits of the length set"}, declare(ws.OpText, 1<<64-1, broken))
	w.add(Case{ID: "length-16GiB", Name: "16 GiB declared, then a trickle"}, declare(ws.OpBinary, 16<<30, tooBig))
	w.add(Case{ID: "length-8MB", Name: "8 MB declared"}, declare(ws.OpText, 8_000_000, tooBig))
	w.add(Case{ID: "length-control", Name: "ping of 2^32 bytes"}, declare(ws.OpPing, 1<<32, broken))

	ping16, text64, empty64 := ping(hello), text(hello), data("")
	ping16.lenForm, text64.lenForm, empty64.lenForm = 16, 64, 64
	w.add(Case{ID: "length-not-minimal", Name: "lengths in a longer form than needed"}, ping16, text64, empty64)

	full := strings.Repeat("x", small.MaxMessage-len(w.prefix))
	w.add(Case{ID: "size-limit", Name: "as large as allowed", Limits: small}, text(full))
	w.add(Case{ID: "size-limit+1", Name: "one byte larger than allowed", Limits: small}, text(full+"x").fails(tooBig, 0))
	w.add(Case{ID: "size-limit-fragments", Name: "as large as allowed, in fragments, the last one empty", Limits: small},
		begin(full[:1000]), more(full[1000:]), end(""))
	w.add(Case{ID: "size-limit-fragments+1", Name: "fragments add up to one byte too many", Limits: small},
		begin(full[:1000]), more(full[1000:]), end("x").fails(tooBig, 0))
	w.add(Case{ID: "size-control", Name: "a control frame is not measured by the message's limit", Limits: websocket.Limits{MaxMessage: 8}},
		ping(hello))

	flood := slices.Repeat([]frame{more("")}, websocket.DefaultMaxFragments-2)
	w.add(Case{ID: "fragments-limit", Name: "as many empty fragments as allowed, and pings"},
		slices.Concat([]frame{begin("")}, flood[:500], []frame{ping("1"), ping("2")}, flood[500:], []frame{end("")})...)
	w.add(Case{ID: "fragments-limit+1", Name: "one empty fragment more than allowed"},
		slices.Concat([]frame{begin("")}, flood, []frame{more(""), more("").fails(tooBig, 0)})...)
	w.add(Case{ID: "fragments-bytes", Name: "flood of fragments of one byte"},
		slices.Concat([]frame{begin("x")}, slices.Repeat([]frame{more("x")}, websocket.DefaultMaxFragments-1),
			[]frame{more("x").fails(tooBig, 0)}, slices.Repeat([]frame{more("x")}, 1000))...)
	w.add(Case{ID: "fragments-again", Name: "the count begins anew with each message", Limits: small},
		slices.Concat(fragments(ws.OpText, full[:16], 1), fragments(ws.OpText, full[:16], 1))...)

	for _, code := range []ws.StatusCode{1012, 1013, 1014} { // registered after the RFC
		w.add(Case{ID: fmt.Sprint("close-", code), Name: "close code that IANA has registered"}, closing(code, ""))
	}
	w.add(Case{ID: "close-1015", Name: "close code that never goes on the wire"}, closing(1015, "").fails(broken, 2))
	w.add(Case{ID: "close-in-message", Name: "bad close code inside of a fragmented text"}, begin(hello), closing(1005, "").fails(broken, 2))
	w.add(Case{ID: "data-after-close", Name: "rubbish after close is ignored"}, closing(ws.StatusNormalClosure, ""), breaks(frame{op: 15, rsv: 7}))
	w.add(Case{ID: "deflate", Name: "compressed message without the extension"}, breaks(frame{fin: true, rsv: 4, op: ws.OpText, payload: "\xf2\x48\xcd\xc9\xc9\x07\x00"}))
	w.add(Case{ID: "text-cut", Name: "last fragment ends within a character"},
		begin("\xf0\x9f"), more("\x92"), end("").fails(ws.StatusInvalidFramePayloadData, 0))
	w.add(Case{ID: "binary-not-text", Name: "binary is not validated, in fragments neither"},
		frame{op: ws.OpBinary, payload: "\xff"}, ping(notUTF8), end("\xed\xa0\x80"), data(notUTF8))
}
