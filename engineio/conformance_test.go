package engineio_test

import (
	"io"
	"iter"
	"sync"
	"testing"

	"github.com/gobwas/ws"

	"outrider/engineio"
	"outrider/internal/websocket"
	"outrider/internal/websocket/wstest"
)

// TestAutobahn replays the conformance suite's cases, and what hostile peers
// are known to send, through a server that echoes.
func TestAutobahn(t *testing.T) {
	servers := map[websocket.Limits]*server{}
	replay := func(suite iter.Seq[wstest.Case]) {
		for c := range suite {
			if raceEnabled && len(c.Send) > 1<<20 {
				continue // for the time it takes; nothing in it is about sharing
			}
			s := servers[c.Limits]
			if s == nil {
				s = serve(t, engineio.Config{
					MaxPayload: c.Limits.MaxMessage, MaxFragments: c.Limits.MaxFragments, MaxQueue: 64 << 20,
				}, &recorder{message: echo, forget: true})
				servers[c.Limits] = s
			}
			t.Run(c.ID, func(t *testing.T) { play(t, s, c) })
		}
	}
	replay(wstest.Cases("4"))
	replay(wstest.Sizes("4"))
	replay(wstest.Attacks("4"))
}

// play plays the client of a case. Writing and reading go on side by side: an
// echo of all that is sent may be more than the sockets hold.
func play(t *testing.T, s *server, c wstest.Case) {
	w, _ := s.websocket("EIO=4")
	var writer sync.WaitGroup
	defer writer.Wait()
	defer w.Close()
	send, rest := c.Send, []byte(nil)
	if c.Fail != 0 { // the fault must be seen as soon as it is plain
		send, rest = c.Send[:c.FailAt], c.Send[c.FailAt:]
	}
	writer.Go(func() {
		if err := chop(w, send, c.Chop); err != nil {
			t.Error(err)
		}
	})
	for i, want := range c.Answers() {
		op, payload, err := w.next()
		if err != nil || op != want.Op || payload != string(want.Data) {
			t.Fatalf("%s: answer %d is %v %.40q, %v; want %v %.40q", c.Name, i, op, payload, err, want.Op, want.Data)
		}
		if op == ws.OpClose {
			w.hasEnded(t)
			return
		}
	}
	if c.Fail == 0 {
		writer.Wait()
		w.send(frame(ws.OpClose, "\x03\xe8"))
		if op, payload, err := w.next(); op != ws.OpClose || payload != "\x03\xe8" || err != nil {
			t.Fatalf("%s: then %v %.40q, %v", c.Name, op, payload, err)
		}
		w.hasEnded(t)
		return
	}
	op, payload, err := w.next()
	if code, _ := ws.ParseCloseFrameData([]byte(payload)); err != nil || op != ws.OpClose || code != c.Fail {
		t.Fatalf("%s: fails with %v %.40q, %v; want %d", c.Name, op, payload, err, c.Fail)
	}
	_ = chop(w, rest, c.Chop) // is ignored
	w.hasEnded(t)
}

// chop writes data in pieces.
func chop(w io.Writer, data []byte, size int) error {
	if size == 0 {
		size = len(data)
	}
	for len(data) > 0 {
		n := min(size, len(data))
		if _, err := w.Write(data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// hasEnded fails the test unless the server has shut its side.
func (w *socket) hasEnded(t *testing.T) {
	t.Helper()
	if rest, err := io.ReadAll(w.r); err != nil || len(rest) > 0 {
		t.Fatalf("after the close frame: %.40q, %v", rest, err)
	}
}
