package websocket_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gobwas/ws"

	"outrider/internal/websocket"
)

// delivery cuts a stream into reads; play hands them to a Reader as an event loop does.
type delivery struct {
	name string
	cut  func(left int) int
}

var inOne = delivery{"in one read", func(left int) int { return left }}

func inChops(size int) delivery {
	return delivery{"in chops", func(left int) int { return min(size, left) }}
}

// inRandomCuts favours short reads, and has some of thousands of bytes.
func inRandomCuts(seed uint64) delivery {
	rnd := rand.New(rand.NewPCG(seed, 0))
	return delivery{"in random cuts", func(left int) int {
		return min(1+rnd.IntN(1<<rnd.IntN(14)), left)
	}}
}

// inPieces cuts at the given places.
func inPieces(places ...int) delivery {
	fed := 0
	return delivery{fmt.Sprint("cut at ", places), func(left int) int {
		size := left
		if len(places) > 0 {
			size, places = places[0]-fed, places[1:]
		}
		fed += size
		return size
	}}
}

// outcome is what came of a delivery.
type outcome struct {
	messages []websocket.Message
	code     ws.StatusCode // of the error; 0: none
	fed      int           // bytes of the stream in the reads up to the last one
	before   int           // and in those before it
	held     int           // by the Reader at the end
}

// overhead is what a Reader may hold beside twice the bytes that have arrived: the struct, a control frame, and what an allocation is
// rounded up by.
const overhead = 256 + 8<<10

// play reads as an event loop does: out of one buffer, in which only what was not consumed stays, and whose bytes change after each turn.
func (d delivery) play(t testing.TB, stream []byte, lim websocket.Limits) (got outcome) {
	t.Helper()
	var r websocket.Reader
	var buf []byte
	for got.fed < len(stream) && got.code == 0 {
		got.before = got.fed
		got.fed += d.cut(len(stream) - got.fed)
		buf = append(buf, stream[got.before:got.fed]...)
		left := got.turn(t, &r, buf, lim)
		if got.code == 0 && left > 13 {
			t.Fatalf("%s: %d bytes left, more than a partial header", d.name, left)
		}
		if held := r.Held(); held > 2*got.fed+overhead {
			t.Fatalf("%s: holds %d after %d bytes", d.name, held, got.fed)
		}
		rest := copy(buf, buf[len(buf)-left:])
		for i := rest; i < len(buf); i++ {
			buf[i] = 0xDB
		}
		buf = buf[:rest]
	}
	got.held = r.Held()
	return got
}

// turn reads all messages of buf, and returns how many bytes are left.
func (o *outcome) turn(t testing.TB, r *websocket.Reader, buf []byte, lim websocket.Limits) (left int) {
	t.Helper()
	for {
		m, n, ok, err := r.Next(buf, lim)
		if n < 0 || n > len(buf) {
			t.Fatalf("Next consumed %d of %d bytes", n, len(buf))
		}
		buf = buf[n:]
		if err != nil {
			fault, is := errors.AsType[*websocket.Error](err)
			if !is || ok {
				t.Fatalf("Next = %t, %v", ok, err)
			}
			if len(fault.Reason) > 123 {
				t.Errorf("reason does not fit in a close frame: %q", fault.Reason)
			}
			o.code = fault.Code
			return len(buf)
		}
		if !ok {
			return len(buf)
		}
		o.messages = append(o.messages, websocket.Message{Op: m.Op, Data: bytes.Clone(m.Data)})
	}
}

// appendFrame appends a client's frame.
func appendFrame(dst []byte, fin bool, op ws.OpCode, payload []byte) []byte {
	f := ws.MaskFrameWith(ws.NewFrame(op, fin, payload), [4]byte{0x37, 0xfa, 0x21, 0x3d})
	return append(dst, ws.MustCompileFrame(f)...)
}
