package socketio_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"outrider/engineio"
	"outrider/socketio"
)

// TestEverythingAtOnce lets clients come and go while other goroutines do to their sockets all that can be done, and
// then looks at what must hold whatever the order was: OnDisconnect once for each OnConnect and after it, handlers of
// one connection one at a time, nothing left behind (see start).
func TestEverythingAtOnce(t *testing.T) {
	var connects, disconnects atomic.Int64
	s, addr := start(t, socketio.Config{MaxRooms: 8, MaxPendingAcks: 8}, func(s *socketio.Server) {
		for _, ns := range []*socketio.Namespace{s.Of("/"), s.Of("/a"), s.OfFunc(func(name string) bool { return name[:2] == "/d" })} {
			ns.OnConnect(func(s *socketio.Socket) {
				connects.Add(1)
				s.SetData(new(turn))
				s.Join("all", fmt.Sprint("room", rand.N(3)))
				s.Emit("hello")
			})
			ns.OnDisconnect(func(s *socketio.Socket, _ socketio.DisconnectReason) {
				disconnects.Add(1)
				if s.Connected() || !s.Data().(*turn).over.CompareAndSwap(false, true) {
					t.Error("disconnected twice")
				}
			})
			ns.On("e", func(e *socketio.Event) {
				state := e.Socket().Data().(*turn)
				if !state.busy.CompareAndSwap(false, true) || state.over.Load() {
					t.Error("two handlers of a socket at once, or one after the end")
				}
				e.Ack(e.Len())
				state.busy.Store(false)
			})
		}
	})
	var stop atomic.Bool
	var wg sync.WaitGroup
	p, err := socketio.Prepare("prepared", "é")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		wg.Go(func() {
			for !stop.Load() {
				pester(t, s, p)
			}
		})
	}
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			for range 15 {
				comeAndGo(t, addr, []string{"3", "4"}[i%2])
			}
		})
	}
	clients.Wait()
	stop.Store(true)
	wg.Wait()
	s.Close()
	if c, d := connects.Load(), disconnects.Load(); c != d || c == 0 {
		t.Errorf("%d connects, %d disconnects", c, d)
	}
	if st := s.Stats(); st.Panics != 0 || st.Connects != connects.Load() || st.Disconnects != disconnects.Load() {
		t.Errorf("stats %+v", st)
	}
}

// turn sees whether handlers take turns.
type turn struct{ busy, over atomic.Bool }

// pester does one thing to some sockets.
func pester(t *testing.T, s *socketio.Server, p *socketio.Prepared) {
	ns := s.Of([]string{"/", "/a"}[rand.N(2)])
	n := 0
	for socket := range ns.To("all", "room1").Sockets() {
		var err error
		switch rand.N(10) {
		case 0:
			err = socket.Emit("x", 1, []byte{1})
		case 1:
			err = socket.Send(p)
		case 2:
			err = socket.Join(fmt.Sprint("room", rand.N(10)))
		case 3:
			socket.Leave(fmt.Sprint("room", rand.N(10)))
			socket.Rooms()
		case 4:
			_, err = socket.To("room1").Except("room2").Emit("y")
		case 5:
			err = socket.EmitWithAck(time.Millisecond, "ask", nil, func(*socketio.Args, error) {})
		case 6:
			ns.Socket(socket.ID())
		case 7:
			_, err = socket.Volatile().Emit("v")
		case 8:
			if rand.N(20) == 0 {
				socket.Disconnect(rand.N(2) == 0)
			}
		case 9:
			if rand.N(50) == 0 {
				socket.Session().Close()
			}
		}
		if err != nil && !errors.Is(err, socketio.ErrNotConnected) && !errors.Is(err, socketio.ErrLimit) &&
			!errors.Is(err, engineio.ErrClosed) && !errors.Is(err, engineio.ErrSlow) {
			t.Errorf("unexpected: %v", err)
		}
		if n++; n > 20 {
			return
		}
	}
}

// comeAndGo is a client that does not mind being thrown out.
func comeAndGo(t *testing.T, addr, eio string) {
	c := dial(t, addr, eio)
	defer c.conn.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			if _, err := c.next(); err != nil {
				return
			}
		}
	})
	packets := []string{"40/a", "40/d1", "40/d2", `42/a,["e",1]`, `42/a,7["e",1,2]`, `42/d1,["e"]`, "41/d1", `43/a,1[]`, `42/d2,9["e"]`}
	if eio == "4" {
		packets = append([]string{"40"}, packets...)
	}
	for _, p := range packets {
		if c.write(p) != nil {
			break
		}
	}
	switch rand.N(3) {
	case 0:
		c.write("1")
	case 1:
		c.write("41/a")
	}
	c.conn.Close()
	wg.Wait()
}
