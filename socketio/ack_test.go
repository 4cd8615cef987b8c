package socketio_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"outrider/socketio"
)

// answer is what became of an acknowledgement.
type answer struct {
	text string
	err  error
}

func record(ch chan answer) func(*socketio.Args, error) {
	return func(args *socketio.Args, err error) {
		text := ""
		for i := range args.Len() {
			text += string(args.Arg(i)) + " "
		}
		if data, ok := args.Binary(0); ok {
			text = fmt.Sprint(data)
		}
		ch <- answer{text, err}
	}
}

func TestEmitWithAck(t *testing.T) {
	for _, eio := range []string{"3", "4"} {
		sockets := make(chan *socketio.Socket, 2)
		answers := make(chan answer, 10)
		_, addr := start(t, socketio.Config{MaxPendingAcks: 2}, func(s *socketio.Server) {
			for _, name := range []string{"/", "/a"} {
				s.Of(name).OnConnect(func(s *socketio.Socket) { sockets <- s })
				s.Of(name).On("sync", syncHandler)
			}
		})
		c := dial(t, addr, eio)
		c.join("/")
		root := wait(t, sockets)
		c.join("/a")
		a := wait(t, sockets)
		ask := func(s *socketio.Socket, timeout time.Duration, event string, args ...any) error {
			return s.EmitWithAck(timeout, event, args, record(answers))
		}

		if err := ask(root, time.Hour, "q", 1, []byte{9}); err != nil {
			t.Fatal(err)
		}
		if err := ask(a, 0, "q"); err != nil { // ids are counted per namespace
			t.Fatal(err)
		}
		c.expect(`451-0["q",1,{"_placeholder":true,"num":0}]`, "b\x09", `42/a,0["q"]`)
		c.send(`437["unknown id"]`, `43[]`, `430[1,"2"]`, `430["twice"]`, `461-/a,0[{"_placeholder":true,"num":0}]`)
		c.sendBinary(5, 6)
		if got := wait(t, answers); got != (answer{`1 "2" `, nil}) {
			t.Errorf("got %v", got)
		}
		if got := wait(t, answers); got != (answer{"[5 6]", nil}) {
			t.Errorf("got %v", got)
		}

		if err := ask(root, 0, "q"); err != nil {
			t.Fatal(err)
		}
		if err := ask(root, time.Millisecond, "q"); err != nil {
			t.Fatal(err)
		}
		if err := ask(root, 0, "q"); !errors.Is(err, socketio.ErrLimit) {
			t.Errorf("one too many: %v", err)
		}
		if err := ask(root, 0, "connect"); !errors.Is(err, socketio.ErrReserved) {
			t.Errorf("reserved: %v", err)
		}
		c.expect(`421["q"]`, `422["q"]`)
		if got := wait(t, answers); !errors.Is(got.err, socketio.ErrAckTimeout) {
			t.Errorf("got %v", got)
		}
		c.send("432[]", "431") // too late, and without arguments
		if got := wait(t, answers); got != (answer{}) {
			t.Errorf("got %v", got)
		}

		if err := ask(root, time.Hour, "q"); err != nil {
			t.Fatal(err)
		}
		c.expect(`423["q"]`)
		c.send("41", "433[]"[:2]+"/a,9[]")
		if got := wait(t, answers); !errors.Is(got.err, socketio.ErrNotConnected) {
			t.Errorf("got %v", got)
		}
		if err := ask(root, 0, "q"); !errors.Is(err, socketio.ErrNotConnected) {
			t.Errorf("after the end: %v", err)
		}
		c.sync("/a")
		empty(t, answers)
	}
}

// TestAcksAtTheEnd: everything that waits is told when the connection goes, and told before OnDisconnect.
func TestAcksAtTheEnd(t *testing.T) {
	answers := make(chan answer, 10)
	_, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
		s.Of("/").OnConnect(func(s *socketio.Socket) {
			for range 3 {
				if err := s.EmitWithAck(time.Hour, "q", nil, record(answers)); err != nil {
					t.Error(err)
				}
			}
		})
		s.Of("/").OnDisconnect(func(*socketio.Socket, socketio.DisconnectReason) { answers <- answer{"end", nil} })
	})
	c := dial(t, addr, "4")
	c.join("/")
	c.expect(`420["q"]`, `421["q"]`, `422["q"]`)
	c.conn.Close()
	for range 3 {
		if got := wait(t, answers); !errors.Is(got.err, socketio.ErrNotConnected) {
			t.Errorf("got %v", got)
		}
	}
	if got := wait(t, answers); got.text != "end" {
		t.Errorf("got %v", got)
	}
}
