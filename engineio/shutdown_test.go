package engineio_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"outrider/engineio"
	"outrider/internal/poll/polltest"
)

// TestShutdown: everybody is told, what was sent before arrives first, and
// Shutdown returns when all connections are gone.
func TestShutdown(t *testing.T) {
	const count = 500
	s := serve(t, engineio.Config{MaxQueue: 10 << 20}, nil)
	w, _ := s.websocket("EIO=4")
	body := strings.Repeat("x", 10_000)
	for i := range count {
		if err := s.rec.session(t, 0).Send([]byte(strconv.Itoa(i)+" "+body), false); err != nil {
			t.Fatal(err)
		}
	}
	waiting := s.poll("EIO=4")
	waiting.waits(s.rec.session(t, 1))
	idle := s.dial()
	idle.get("").refused(t, 0, "Transport unknown")

	done := make(chan error, 1)
	go func() { done <- s.Shutdown(t.Context()) }()
	idle.end()
	_ = idle.Close()
	if got := waiting.finish(); got != "1" {
		t.Errorf("the waiting poll brought %q", got)
	}
	for i := range count {
		if got, _, _ := strings.Cut(w.text(), " "); got != "4"+strconv.Itoa(i) {
			t.Fatalf("message %d is %s", i, got)
		}
	}
	w.closed(0)
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	for i := range 2 {
		if got := s.rec.ended(t, i); got != engineio.ReasonServerShuttingDown {
			t.Errorf("session %d: reason %q", i, got)
		}
	}
	if n := s.Stats().Closed[engineio.ReasonServerShuttingDown]; n != 2 {
		t.Errorf("%d sessions were counted", n)
	}
}

// TestShutdownPolling: clients on polling have a moment to fetch the rest, on
// new connections too; new sessions are refused; a POST is answered when the
// handler has seen it, however long that takes.
func TestShutdownPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		s := serveOn(t, polltest.New(0, 0), engineio.Config{}, &recorder{message: func(*engineio.Session, []byte, bool) { g.hold() }})
		away := s.poll("EIO=4")
		_ = s.rec.session(t, 0).Send([]byte("last"), false)
		probing := s.poll("EIO=3")
		probe := probing.probe()
		posting := s.poll("EIO=4")
		post := s.dial()
		post.send(request("POST", engine(posting.query), "4x"))
		<-g.entered

		done := make(chan error, 1)
		go func() { done <- s.Shutdown(t.Context()) }()
		time.Sleep(time.Second)
		if got := away.receive(); got != "4last\x1e1" {
			t.Errorf("the poll brought %q", got)
		}
		c := s.dial()
		c.get("EIO=4&transport=polling").is(t, 403, `{"code":4,"message":"Server shutting down"}`)
		c.end()
		probe.say("5")
		probe.closed(0)
		time.Sleep(time.Minute)
		select {
		case err := <-done:
			t.Fatalf("Shutdown returned %v during a call of the handler", err)
		default:
		}
		close(g.open)
		post.answer("POST").is(t, 200, "ok")
		post.end()
		if err := <-done; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		for i := range 3 {
			if got := s.rec.ended(t, i); got != engineio.ReasonServerShuttingDown {
				t.Errorf("session %d: reason %q", i, got)
			}
		}
	})
}

// TestShutdownLinger: clients that neither read nor close are waited for, but
// not for ever.
func TestShutdownLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveOn(t, polltest.New(0, 0), engineio.Config{}, nil)
		for range 3 {
			s.websocket("EIO=4")
			s.poll("EIO=4")
		}
		start := time.Now()
		if err := s.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		between(t, "the end", start, 5*time.Second, 8*time.Second)
	})
}

// TestShutdownDeadline: the context's end closes the rest at once.
func TestShutdownDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveOn(t, polltest.New(0, 0), engineio.Config{}, nil)
		w, _ := s.websocket("EIO=4")
		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer cancel()
		start := time.Now()
		if err := s.Shutdown(ctx); !errors.Is(err, cause) {
			t.Errorf("Shutdown: %v", err)
		}
		between(t, "the end", start, time.Second, time.Second+tick)
		w.closed(0)
	})
}

// TestClose: at once, and each client is told as far as that goes.
func TestClose(t *testing.T) {
	s := serve(t, engineio.Config{}, nil)
	w, h := s.websocket("EIO=4")
	waiting := s.poll("EIO=4")
	waiting.waits(s.rec.session(t, 1))
	s.poll("EIO=4")
	if s.Session(s.rec.session(t, 0).ID()).ID().String() != h.SID {
		t.Error("the session is not found by its ID")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := waiting.finish(); got != "1" {
		t.Errorf("the waiting poll brought %q", got)
	}
	w.closed(0)
	for i := range 3 {
		if got := s.rec.ended(t, i); got != engineio.ReasonServerShuttingDown {
			t.Errorf("session %d: reason %q", i, got)
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(ln); !errors.Is(err, engineio.ErrServerClosed) {
		t.Errorf("Serve after Close: %v", err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown after Close: %v", err)
	}
}

// TestShutdownRace: sessions that are opened while the server goes down are
// told like the others, and none is left.
func TestShutdownRace(t *testing.T) {
	for range 3 {
		synctest.Test(t, func(t *testing.T) {
			network := polltest.New(0, 0)
			s := serveOn(t, network, engineio.Config{Loops: 3}, nil)
			var clients sync.WaitGroup
			for i := range 6 {
				r := request("GET", engine("EIO=4&transport=polling"), "")
				if i%2 == 0 {
					r = request("GET", engine("EIO=4&transport=websocket"), "", upgradeHeaders) + frame(ws.OpText, "4x")
				}
				clients.Go(func() {
					for range 1000 {
						c, err := network.Dial(s.Adopt)
						if err != nil {
							return
						}
						_, _ = io.WriteString(c, r)
						_, _ = c.Read(make([]byte, 100))
						_ = c.CloseWrite()
					}
				})
			}
			s.rec.session(t, 50)
			if err := s.Shutdown(t.Context()); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			clients.Wait()
		})
	}
}
