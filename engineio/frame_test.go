package engineio_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/gobwas/ws"

	"outrider/engineio"
)

// buffer is data with the room in front that MessageFrame wants, filled with what must not be sent.
func buffer(data string) []byte {
	return append(bytes.Repeat([]byte{0xdb}, engineio.FramePrefix), data...)
}

// wsFrames is what gobwas/ws makes of payloads.
func wsFrames(t *testing.T, op ws.OpCode, payload string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := ws.WriteFrame(&b, ws.NewFrame(op, true, []byte(payload))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func compareBytes(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %.60q, want %.60q", what, got, want)
	}
}

var frameVariants = []struct {
	rev engineio.Revision
	b64 bool
}{{4, false}, {4, true}, {3, false}, {3, true}}

// Lengths on both sides of each header size: 125 and 126, 65,535 and 65,536 with the digit.
func TestMessageFrameText(t *testing.T) {
	for _, n := range []int{0, 1, 123, 124, 125, 126, 127, 65533, 65534, 65535, 65536, 100_000} {
		data := strings.Repeat("x", n)
		buf := buffer(data)
		f := engineio.MessageFrame(buf)
		want := wsFrames(t, ws.OpText, "4"+data)
		for _, v := range frameVariants {
			compareBytes(t, strconv.Itoa(n), f.WebSocket(v.rev, v.b64), want)
		}
		comparePackets(t, f.Packets(), packets(message(data)))
		if f.Size() != len(want) {
			t.Errorf("%d bytes: size %d, want %d", n, f.Size(), len(want))
		}
		whole := f.WebSocket(4, false)
		if unsafe.SliceData(whole) != &buf[len(buf)-len(whole)] || unsafe.SliceData(f.Packets()[0].Data) != unsafe.SliceData(buf[engineio.FramePrefix:]) {
			t.Errorf("%d bytes: the frame is not a part of the buffer", n)
		}
	}
}

func TestMessageFrameShortBuffer(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a buffer without the room in front went through")
		}
	}()
	engineio.MessageFrame(make([]byte, engineio.FramePrefix-1))
}

func TestPacketFrame(t *testing.T) {
	for _, c := range []struct {
		t          engineio.Type
		data, wire string
	}{
		{engineio.Ping, "", "\x81\x012"},
		{engineio.Pong, "probe", "\x81\x063probe"},
		{engineio.Noop, "", "\x81\x016"},
		{engineio.Close, "", "\x81\x011"},
	} {
		f := engineio.PacketFrame(c.t, c.data)
		compareBytes(t, c.wire, f.WebSocket(3, false), []byte(c.wire))
		compareBytes(t, c.wire, f.WebSocket(4, true), []byte(c.wire))
		comparePackets(t, f.Packets(), packets(text(c.t, c.data)))
	}
}

// PROTOCOL.md 1.6: the four forms of binary on a WebSocket.
func TestFrameVariants(t *testing.T) {
	blobs := [][]byte{{1, 2, 3}, {}, bytes.Repeat([]byte{0xfb}, 125), bytes.Repeat([]byte{0xff}, 70_000)}
	withText := engineio.MessageFrame(buffer("51-[]"), blobs...)
	alone := engineio.BinaryFrame(blobs[0])

	want := packets(message("51-[]"))
	for _, data := range blobs {
		want = append(want, blob(data...))
	}
	comparePackets(t, withText.Packets(), want)
	comparePackets(t, alone.Packets(), want[1:2])

	for _, v := range frameVariants {
		wire := wsFrames(t, ws.OpText, "451-[]")
		for i, data := range blobs {
			frame := variantFrame(t, v.rev, v.b64, data)
			wire = append(wire, frame...)
			if i == 0 {
				compareBytes(t, "alone", alone.WebSocket(v.rev, v.b64), frame)
			}
		}
		compareBytes(t, "revision "+v.rev.String(), withText.WebSocket(v.rev, v.b64), wire)
		if again := withText.WebSocket(v.rev, v.b64); unsafe.SliceData(again) != unsafe.SliceData(withText.WebSocket(v.rev, v.b64)) || len(again) != cap(again) {
			t.Error("the variant is not kept, or was not made to measure")
		}
	}
	for _, f := range []*engineio.Frame{withText, alone} {
		if f.Size() != len(f.WebSocket(4, false)) {
			t.Errorf("size %d, want %d", f.Size(), len(f.WebSocket(4, false)))
		}
	}
}

func variantFrame(t *testing.T, rev engineio.Revision, b64 bool, data []byte) []byte {
	coded := base64.StdEncoding.EncodeToString(data)
	switch {
	case b64 && rev == 3:
		return wsFrames(t, ws.OpText, "b4"+coded)
	case b64:
		return wsFrames(t, ws.OpText, "b"+coded)
	case rev == 3:
		return wsFrames(t, ws.OpBinary, "\x04"+string(data))
	}
	return wsFrames(t, ws.OpBinary, string(data))
}

// What goes out on a WebSocket comes back through the parser as the frame's packets.
func TestFrameRoundTrip(t *testing.T) {
	f := engineio.MessageFrame(buffer("51-[]"), []byte{1, 2, 3}, []byte{4})
	for _, v := range frameVariants {
		rest := bytes.NewReader(f.WebSocket(v.rev, v.b64))
		var got []engineio.Packet
		for rest.Len() > 0 {
			header, err := ws.ReadHeader(rest)
			if err != nil {
				t.Fatal(err)
			}
			payload := make([]byte, header.Length)
			if _, err := io.ReadFull(rest, payload); err != nil {
				t.Fatal(err)
			}
			p, err := engineio.ParseWebSocket(v.rev, payload, header.OpCode == ws.OpBinary)
			compareError(t, err, nil)
			got = append(got, p)
		}
		comparePackets(t, got, f.Packets())
	}
}

// All goroutines get the same bytes, whoever makes them: run with -race.
func TestFrameConcurrent(t *testing.T) {
	for range 200 {
		f := engineio.MessageFrame(buffer("51-[]"), []byte{1, 2, 3})
		var wg sync.WaitGroup
		var got [8]*byte
		start := make(chan struct{})
		for i := range got {
			v := frameVariants[i%2]
			wg.Go(func() {
				<-start
				got[i] = unsafe.SliceData(f.WebSocket(v.rev, v.b64))
			})
		}
		close(start)
		wg.Wait()
		for i := range got {
			if got[i] != got[i%2] {
				t.Fatal("two copies of one variant are in use")
			}
		}
	}
}

func TestFrameAllocs(t *testing.T) {
	buf := buffer("hello")
	var f *engineio.Frame
	allocs(t, 1, func() { f = engineio.MessageFrame(buf) })
	var n int
	allocs(t, 0, func() { n = len(f.WebSocket(4, false)) + len(f.Packets()) + f.Size() })
	withBinary := engineio.MessageFrame(buffer("51-[]"), []byte{1, 2, 3})
	allocs(t, 0, func() { n = len(withBinary.WebSocket(3, true)) + len(withBinary.Packets()) + withBinary.Size() })
	_ = n
	if size := unsafe.Sizeof(*f); size > 64 {
		t.Errorf("a Frame has grown to %d bytes, out of its size class", size)
	}
}

func FuzzMessageFrame(f *testing.F) {
	f.Add([]byte("hello"), []byte{1, 2, 3})
	f.Add([]byte(nil), []byte(nil))
	f.Add(bytes.Repeat([]byte("x"), 124), bytes.Repeat([]byte{0}, 126))
	f.Fuzz(func(t *testing.T, data, attachment []byte) {
		frame := engineio.MessageFrame(buffer(string(data)), attachment)
		for _, v := range frameVariants {
			want := append(wsFrames(t, ws.OpText, "4"+string(data)), variantFrame(t, v.rev, v.b64, attachment)...)
			compareBytes(t, v.rev.String(), frame.WebSocket(v.rev, v.b64), want)
		}
	})
}

func BenchmarkMessageFrame(b *testing.B) {
	for _, n := range []int{128, 4096} {
		b.Run("size="+strconv.Itoa(n), func(b *testing.B) {
			buf := buffer(strings.Repeat("x", n))
			b.ReportAllocs()
			for b.Loop() {
				engineio.MessageFrame(buf)
			}
		})
	}
}

// BenchmarkFrameWebSocket is what a session sends of a frame: found, after its variant has been encoded once.
func BenchmarkFrameWebSocket(b *testing.B) {
	f := engineio.MessageFrame(buffer("51-[]"), make([]byte, 1000))
	for _, v := range frameVariants {
		b.Run(fmt.Sprintf("EIO=%d/base64=%t", v.rev, v.b64), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.WebSocket(v.rev, v.b64)
			}
		})
	}
}

// BenchmarkBinaryFrame is a frame of one blob, and its encoding.
func BenchmarkBinaryFrame(b *testing.B) {
	for _, v := range frameVariants {
		b.Run(fmt.Sprintf("EIO=%d/base64=%t/size=1k", v.rev, v.b64), func(b *testing.B) {
			data := make([]byte, 1000)
			b.ReportAllocs()
			for b.Loop() {
				engineio.BinaryFrame(data).WebSocket(v.rev, v.b64)
			}
		})
	}
}
