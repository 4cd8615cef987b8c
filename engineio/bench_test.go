package engineio_test

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/gobwas/ws"

	"outrider/engineio"
)

// drained opens a session on WebSocket whose client reads and forgets.
func drained(t testing.TB, s *server) *seen {
	w, _ := s.websocket("EIO=4")
	go func() { _, _ = io.Copy(io.Discard, w) }()
	return s.rec.session(t, int(s.Stats().Opened)-1)
}

// TestSendFrameAllocs: the push path, a shared frame to a session that reads.
func TestSendFrameAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	s := serve(t, engineio.Config{}, nil)
	session := drained(t, s)
	text := engineio.MessageFrame(append(make([]byte, engineio.FramePrefix), "an event"...))
	binary := engineio.MessageFrame(append(make([]byte, engineio.FramePrefix), "an event"...), []byte("its attachment"))
	for _, f := range []*engineio.Frame{text, binary} {
		if n := testing.AllocsPerRun(500, func() {
			if err := session.SendFrame(f); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("SendFrame allocates %v times", n)
		}
	}
}

// TestMessageAllocs: a message from the socket to the handler.
func TestMessageAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	heard := make(chan struct{}, 1)
	s := serve(t, engineio.Config{}, &recorder{forget: true, message: func(*engineio.Session, []byte, bool) { heard <- struct{}{} }})
	w, _ := s.websocket("EIO=4")
	message := []byte(frame(ws.OpText, "4an event"))
	if n := testing.AllocsPerRun(500, func() {
		_, _ = w.wire.Write(message)
		<-heard
	}); n > 1 { // the recorder makes a channel
		t.Errorf("a message allocates %v times", n)
	}
}

func BenchmarkSendFrame(b *testing.B) {
	s := serve(b, engineio.Config{}, nil)
	session := drained(b, s)
	for _, size := range []int{16, 256, 4096} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			f := engineio.MessageFrame(make([]byte, engineio.FramePrefix+size))
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				for !session.Writable() { // the reader shares the processors
					runtime.Gosched()
				}
				if err := session.SendFrame(f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMessage is a message to the handler and its echo.
func BenchmarkMessage(b *testing.B) {
	s := serve(b, engineio.Config{}, &recorder{message: echo, forget: true})
	w, _ := s.websocket("EIO=4")
	message := []byte(frame(ws.OpText, "4an event"))
	answer := make([]byte, 2+len("4an event"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.wire.Write(message); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(w.r, answer); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPoll is a message that waits, and the poll that fetches it.
func BenchmarkPoll(b *testing.B) {
	for _, query := range []string{"EIO=4", "EIO=3"} {
		b.Run(query, func(b *testing.B) {
			s := serve(b, engineio.Config{}, &recorder{forget: true})
			p := s.poll(query)
			session := s.rec.session(b, 0)
			f := engineio.MessageFrame(append(make([]byte, engineio.FramePrefix), "an event"...))
			x := &exchange{client: s.dial(), request: []byte(request("GET", engine(p.query), ""))}
			b.ReportAllocs()
			for b.Loop() {
				if err := session.SendFrame(f); err != nil {
					b.Fatal(err)
				}
				x.do(b)
			}
		})
	}
}

func BenchmarkPost(b *testing.B) {
	s := serve(b, engineio.Config{}, &recorder{forget: true})
	p := s.poll("EIO=4")
	x := &exchange{client: s.dial(), request: []byte(request("POST", engine(p.query), "4an event"))}
	b.ReportAllocs()
	for b.Loop() {
		x.do(b)
	}
}

func BenchmarkHandshakePolling(b *testing.B) {
	s := serve(b, engineio.Config{}, &recorder{forget: true})
	x := &exchange{client: s.dial(), request: []byte(request("GET", engine("EIO=4&transport=polling"), ""))}
	b.ReportAllocs()
	for b.Loop() {
		x.do(b)
	}
}

// BenchmarkHandshakeWebSocket includes what its client's connection costs.
func BenchmarkHandshakeWebSocket(b *testing.B) {
	s := serve(b, engineio.Config{}, &recorder{forget: true})
	r := []byte(request("GET", engine("EIO=4&transport=websocket"), "", upgradeHeaders))
	br := bufio.NewReader(nil)
	b.ReportAllocs()
	for b.Loop() {
		c := s.wire()
		if _, err := c.Write(r); err != nil {
			b.Fatal(err)
		}
		br.Reset(c)
		for blank := false; !blank; {
			line, err := br.ReadSlice('\n')
			if err != nil {
				b.Fatal(err)
			}
			blank = len(line) == 2
		}
		if _, err := br.ReadByte(); err != nil { // the open packet
			b.Fatal(err)
		}
		c.Reset()
	}
}

// exchange is a request that is made again and again, without allocations of
// its own.
type exchange struct {
	*client
	request []byte
}

func (x *exchange) do(b *testing.B) {
	if _, err := x.wire.Write(x.request); err != nil {
		b.Fatal(err)
	}
	length := 0
	for {
		line, err := x.r.ReadSlice('\n')
		if err != nil {
			b.Fatal(err)
		}
		const name = "Content-Length: "
		if len(line) > len(name) && string(line[:len(name)]) == name {
			for _, c := range line[len(name) : len(line)-2] {
				length = 10*length + int(c-'0')
			}
		}
		if len(line) == 2 {
			break
		}
	}
	if _, err := x.r.Discard(length); err != nil {
		b.Fatal(err)
	}
}
