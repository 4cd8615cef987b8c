package wstest

import (
	"fmt"
	"strings"

	"github.com/gobwas/ws"
)

const (
	hello   = "Hello, world!"
	notUTF8 = "\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
)

// framing is section 1: lengths around the borders of the three length fields.
func framing(w *writer) {
	lengths := []int{0, 125, 126, 127, 128, 65535, 65536, 65536}
	kind := func(i int) (name string, chop int) {
		if i == len(lengths)-1 {
			return fmt.Sprintf("of %d bytes in chops of 997", lengths[i]), 997
		}
		return fmt.Sprintf("of %d bytes", lengths[i]), 0
	}
	for i, size := range lengths {
		name, chop := kind(i)
		w.add(Case{ID: fmt.Sprint("1.1.", i+1), Name: "text " + name, Chop: chop},
			text(strings.Repeat("*", max(0, size-len(w.prefix)))))
	}
	for i, size := range lengths {
		name, chop := kind(i)
		w.add(Case{ID: fmt.Sprint("1.2.", i+1), Name: "binary " + name, Chop: chop}, data(strings.Repeat("\xfe", size)))
	}
}

// pings is section 2: each ping is answered with its payload, a pong with nothing.
func pings(w *writer) {
	longest := strings.Repeat("\xfe", ws.MaxControlFramePayloadSize)
	w.add(Case{ID: "2.1", Name: "ping without payload"}, ping(""))
	w.add(Case{ID: "2.2", Name: "ping with text"}, ping(hello))
	w.add(Case{ID: "2.3", Name: "ping with bytes that are not UTF-8"}, ping(notUTF8))
	w.add(Case{ID: "2.4", Name: "ping of 125 bytes"}, ping(longest))
	w.add(Case{ID: "2.5", Name: "ping of 126 bytes: too long"}, breaks(ping(longest+"\xfe")))
	w.add(Case{ID: "2.6", Name: "ping of 125 bytes, octet by octet", Chop: 1}, ping(longest))
	w.add(Case{ID: "2.7", Name: "pong nobody asked for"}, pong(""), closing(ws.StatusNormalClosure, ""))
	w.add(Case{ID: "2.8", Name: "pong nobody asked for, with payload"}, pong("unsolicited"), closing(ws.StatusNormalClosure, ""))
	w.add(Case{ID: "2.9", Name: "pong nobody asked for, then a ping"}, pong("unsolicited"), ping("ping payload"))
	var ten []frame
	for i := range 10 {
		ten = append(ten, ping(fmt.Sprint("payload-", i)))
	}
	w.add(Case{ID: "2.10", Name: "ten pings"}, ten...)
	w.add(Case{ID: "2.11", Name: "ten pings, octet by octet", Chop: 1}, ten...)
}

// reservedBits is section 3: no extension was agreed upon, so none of the three may be set.
func reservedBits(w *writer) {
	with := func(rsv byte, f frame) frame {
		f.rsv = rsv
		return breaks(f)
	}
	w.add(Case{ID: "3.1", Name: "text with RSV 1"}, with(1, text(hello)))
	w.add(Case{ID: "3.2", Name: "text, text with RSV 2, ping"}, text(hello), with(2, text(hello)), ping(""))
	w.add(Case{ID: "3.3", Name: "text, text with RSV 3, ping, frame by frame"}, text(hello), with(3, text(hello)), ping(""))
	w.add(Case{ID: "3.4", Name: "text, text with RSV 4, ping, octet by octet", Chop: 1}, text(hello), with(4, text(hello)), ping(""))
	w.add(Case{ID: "3.5", Name: "binary with RSV 5"}, with(5, data(notUTF8)))
	w.add(Case{ID: "3.6", Name: "ping with RSV 6"}, with(6, ping(hello)))
	w.add(Case{ID: "3.7", Name: "close with RSV 7"}, with(7, closing(ws.StatusNormalClosure, "")))
}

// opcodes is section 4: reserved ones, alone and after a message that is still answered.
func opcodes(w *writer) {
	for group, first := range []ws.OpCode{3, 11} {
		for i := range 5 {
			op := first + ws.OpCode(i)
			c := Case{ID: fmt.Sprintf("4.%d.%d", group+1, i+1), Name: fmt.Sprintf("reserved opcode %d", op)}
			reserved := breaks(frame{fin: true, op: op})
			if i == 1 || i >= 3 {
				reserved.payload, c.Name = hello, c.Name+" with payload"
			}
			if i < 2 {
				w.add(c, reserved)
				continue
			}
			if i == 4 {
				c.Chop = 1
			}
			c.Name += " between text and ping"
			w.add(c, text(hello), reserved, ping(""))
		}
	}
}

// fragmentation is section 5.
func fragmentation(w *writer) {
	w.add(Case{ID: "5.1", Name: "ping in two fragments"},
		breaks(frame{op: ws.OpPing, payload: "fragment1"}), end("fragment2"))
	w.add(Case{ID: "5.2", Name: "pong in two fragments"},
		breaks(frame{op: ws.OpPong, payload: "fragment1"}), end("fragment2"))
	// The same bytes in one piece, frame by frame and octet by octet: a reader sees each of them in all deliveries.
	for i, chop := range []int{0, 0, 1} {
		w.add(Case{ID: fmt.Sprint("5.", 3+i), Name: "text in two fragments", Chop: chop},
			begin("fragment1"), end("fragment2"))
	}
	for i, chop := range []int{0, 0, 1} {
		w.add(Case{ID: fmt.Sprint("5.", 6+i), Name: "text in two fragments around a ping", Chop: chop},
			begin("fragment1"), ping("ping payload"), end("fragment2"))
	}
	for i, chop := range []int{0, 0, 1} {
		w.add(Case{ID: fmt.Sprint("5.", 9+i), Name: "final continuation of nothing", Chop: chop},
			breaks(end("non-continuation payload")), text(hello))
	}
	for i, chop := range []int{0, 0, 1} {
		w.add(Case{ID: fmt.Sprint("5.", 12+i), Name: "continuation of nothing", Chop: chop},
			breaks(more("non-continuation payload")), text(hello))
	}
	w.add(Case{ID: "5.15", Name: "continuation after the last fragment"},
		begin("fragment1"), end("fragment2"), breaks(more("fragment3")), text("fragment4"))
	w.add(Case{ID: "5.16", Name: "continuation of nothing before a text in fragments, twice"},
		breaks(more("fragment1")), begin("fragment2"), end("fragment3"), more("fragment1"), begin("fragment2"), end("fragment3"))
	w.add(Case{ID: "5.17", Name: "final continuation of nothing before a text in fragments, twice"},
		breaks(end("fragment1")), begin("fragment2"), end("fragment3"), end("fragment1"), begin("fragment2"), end("fragment3"))
	w.add(Case{ID: "5.18", Name: "text inside of a fragmented text"},
		begin("fragment1"), breaks(text("fragment2")))
	for i, how := range []string{"", ", frame by frame"} {
		w.add(Case{ID: fmt.Sprint("5.", 19+i), Name: "text in five fragments with two pings between them" + how},
			begin("fragment1"), more("fragment2"), ping("pongme 1!"),
			more("fragment3"), more("fragment4"), ping("pongme 2!"), end("fragment5"))
	}
}

// closeHandling is section 7.
func closeHandling(w *writer) {
	normal := closing(ws.StatusNormalClosure, "")
	w.add(Case{ID: "7.1.1", Name: "text, then close"}, text("Hello World!"), normal)
	w.add(Case{ID: "7.1.2", Name: "two close frames"}, normal, frame{fin: true, op: ws.OpClose})
	w.add(Case{ID: "7.1.3", Name: "ping after close: no pong"}, normal, ping(""))
	w.add(Case{ID: "7.1.4", Name: "text after close: no echo"}, normal, text("Hello World!"))
	w.add(Case{ID: "7.1.5", Name: "close inside of a fragmented text"}, begin("fragment1"), normal, end("fragment2"))
	w.add(Case{ID: "7.1.6", Name: "256 KiB of text, text, close, ping"}, text(pattern(256<<10)), text("Hello World!"), normal, ping(""))

	bare := func(payload string) frame { return frame{fin: true, op: ws.OpClose, payload: payload} }
	w.add(Case{ID: "7.3.1", Name: "close without payload"}, bare(""))
	w.add(Case{ID: "7.3.2", Name: "close payload of one byte"}, bare("a").fails(ws.StatusProtocolError, 1))
	w.add(Case{ID: "7.3.3", Name: "close with a code"}, normal)
	w.add(Case{ID: "7.3.4", Name: "close with code and reason"}, closing(ws.StatusNormalClosure, "Hello World!"))
	w.add(Case{ID: "7.3.5", Name: "close with the longest reason"}, closing(ws.StatusNormalClosure, strings.Repeat("*", 123)))
	w.add(Case{ID: "7.3.6", Name: "close with a reason too long"}, breaks(closing(ws.StatusNormalClosure, strings.Repeat("*", 124))))
	reason := greek + "\xed\xa0\x80edited"
	w.add(Case{ID: "7.5.1", Name: "close reason is not UTF-8"},
		closing(ws.StatusNormalClosure, reason).fails(ws.StatusInvalidFramePayloadData, 2+len(reason)))

	for i, code := range []ws.StatusCode{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999} {
		w.add(Case{ID: fmt.Sprint("7.7.", i+1), Name: fmt.Sprintf("valid close code %d", code)}, closing(code, ""))
	}
	for i, code := range []ws.StatusCode{0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999} {
		w.add(Case{ID: fmt.Sprint("7.9.", i+1), Name: fmt.Sprintf("invalid close code %d", code)},
			closing(code, "").fails(ws.StatusProtocolError, 2))
	}
	// Autobahn only takes note of what happens here; RFC 6455 §7.4.2 gives out no codes beyond 4999.
	for i, code := range []ws.StatusCode{5000, 65535} {
		w.add(Case{ID: fmt.Sprint("7.13.", i+1), Name: fmt.Sprintf("close code %d", code)},
			closing(code, "").fails(ws.StatusProtocolError, 2))
	}
}
