package engineio_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"outrider/engineio"
	"outrider/internal/poll/polltest"
)

// doorkeeper is an Admit that waits until the test says what the answer is.
type doorkeeper struct {
	asked  chan string
	answer chan error
	ended  chan error // how contexts have ended
}

func newDoorkeeper() *doorkeeper {
	return &doorkeeper{asked: make(chan string, 10), answer: make(chan error), ended: make(chan error, 10)}
}

func (g *doorkeeper) admit(ctx context.Context, req *engineio.Request) error {
	token, _ := req.Query("token")
	g.asked <- token + " " + req.Header("X-Token")
	select {
	case err := <-g.answer:
		return err
	case <-ctx.Done():
		g.ended <- ctx.Err()
		return ctx.Err()
	}
}

// TestAdmit: a handshake waits for Admit on both transports, and so does what
// the client sends behind it.
func TestAdmit(t *testing.T) {
	g := newDoorkeeper()
	s := serve(t, engineio.Config{Admit: g.admit}, nil)
	const header = "X-Token: b"

	c := s.dial()
	c.send(request(http.MethodGet, engine("EIO=4&transport=polling&token=a"), "", header) +
		request(http.MethodGet, engine("transport=abc"), "")) // pipelined
	if got := <-g.asked; got != "a b" {
		t.Errorf("Admit saw %q", got)
	}
	if n := s.Stats().Opened; n != 0 {
		t.Errorf("%d sessions before Admit's answer", n)
	}
	g.answer <- nil
	h := parseHandshake(t, c.answer(http.MethodGet).body)
	c.answer(http.MethodGet).refused(t, 0, "Transport unknown")
	c.post("EIO=4&transport=polling&sid="+h.SID, "4x").is(t, 200, "ok") // without Admit

	c = s.dial()
	c.send(request(http.MethodGet, engine("EIO=4&transport=websocket&token=c"), "", upgradeHeaders, header) + frame(ws.OpText, "4early"))
	if got := <-g.asked; got != "c b" {
		t.Errorf("Admit saw %q", got)
	}
	g.answer <- nil
	if a := c.answer(http.MethodGet); a.StatusCode != 101 {
		t.Fatalf("handshake: %v", a)
	}
	w := &socket{c}
	parseHandshake(t, w.text())
	w.hears("4early")
}

// TestAdmitRefuses as AllowRequest does, whose refusals and those of the
// protocol come first.
func TestAdmitRefuses(t *testing.T) {
	s := serve(t, engineio.Config{
		Admit: func(_ context.Context, req *engineio.Request) error {
			if _, ok := req.Query("panic"); ok {
				panic("on purpose")
			}
			return errors.New(`no "guests"`)
		},
		AllowRequest: func(req *engineio.Request) error {
			if _, ok := req.Query("deny"); ok {
				return errors.New("denied")
			}
			return nil
		},
	}, nil)
	s.dial().get("EIO=4&transport=polling").is(t, 403, `{"code":4,"message":"no \"guests\""}`)
	s.dial().switchTo("EIO=4&transport=websocket").is(t, 400, `no "guests"`)
	s.dial().get("EIO=4&transport=polling&deny=1").is(t, 403, `{"code":4,"message":"denied"}`)
	s.dial().get("EIO=5&transport=polling").refused(t, 5, "Unsupported protocol version")
	s.dial().get("EIO=4&transport=polling&panic=1").is(t, 403, `{"code":4,"message":"Forbidden"}`)
	if st := s.Stats(); st.Panics != 1 || st.Refused[engineio.CodeForbidden] != 4 || st.Opened != 0 {
		t.Errorf("stats: %d panics, %d refused, %d opened", st.Panics, st.Refused[engineio.CodeForbidden], st.Opened)
	}
}

// TestMaxAdmitting has as many handshakes with Admit as may be, and one more.
func TestMaxAdmitting(t *testing.T) {
	g := newDoorkeeper()
	s := serve(t, engineio.Config{Admit: g.admit, MaxAdmitting: 2}, nil)
	waiting := []*client{s.dial(), s.dial()}
	for _, c := range waiting {
		c.send(request(http.MethodGet, engine("EIO=4&transport=polling"), ""))
		<-g.asked
	}
	s.dial().get("EIO=4&transport=polling").is(t, 403, `{"code":4,"message":"Too many handshakes"}`)
	s.dial().switchTo("EIO=4&transport=websocket").is(t, 400, "Too many handshakes")
	g.answer <- nil
	g.answer <- nil
	for _, c := range waiting {
		parseHandshake(t, c.answer(http.MethodGet).body)
	}
	c := s.dial() // there is room again: the goroutines count down before their answers
	c.send(request(http.MethodGet, engine("EIO=4&transport=polling"), ""))
	<-g.asked
	g.answer <- nil
	parseHandshake(t, c.answer(http.MethodGet).body)
}

// TestAdmitEnds: the context ends with the client's connection, with the
// server, and when the time is over.
func TestAdmitEnds(t *testing.T) {
	g := newDoorkeeper()
	s := serve(t, engineio.Config{Admit: g.admit}, nil)
	for _, head := range []string{
		request(http.MethodGet, engine("EIO=4&transport=polling"), ""),
		request(http.MethodGet, engine("EIO=4&transport=websocket"), "", upgradeHeaders),
	} {
		c := s.dial()
		c.send(head)
		<-g.asked
		c.Reset()
		if err := <-g.ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the client has gone: %v", err)
		}
	}
	c := s.dial()
	c.send(request(http.MethodGet, engine("EIO=4&transport=polling"), ""))
	<-g.asked
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-g.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the server has closed: %v", err)
	}
}

// TestAdmitTimeout: Admit is told when its time is over, and not before.
func TestAdmitTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newDoorkeeper()
		s := serveOn(t, polltest.New(0, 0), engineio.Config{Admit: g.admit, AdmitTimeout: 3 * time.Second}, nil)
		c := s.dial()
		begin := time.Now()
		c.get("EIO=4&transport=polling").is(t, 403, `{"code":4,"message":"context deadline exceeded"}`)
		if d := time.Since(begin); d < 3*time.Second || d > 3*time.Second+100*time.Millisecond {
			t.Errorf("after %v", d)
		}
		<-g.ended
	})
}

// TestAdmitShutdown: a handshake that is with Admit when the server goes down
// is refused, and has been waited for.
func TestAdmitShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newDoorkeeper()
		s := serveOn(t, polltest.New(0, 0), engineio.Config{Admit: g.admit}, nil)
		c := s.dial()
		c.send(request(http.MethodGet, engine("EIO=4&transport=polling"), ""))
		<-g.asked
		down := make(chan error)
		go func() { down <- s.Shutdown(t.Context()) }()
		synctest.Wait()
		g.answer <- nil
		c.answer(http.MethodGet).is(t, 403, `{"code":4,"message":"Server shutting down"}`)
		_ = c.CloseWrite()
		if err := <-down; err != nil {
			t.Error(err)
		}
	})
}

// TestAdmitHalfClosed: a client that sends no more still gets its answer on
// polling; on WebSocket it could answer no frame.
func TestAdmitHalfClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newDoorkeeper()
		s := serveOn(t, polltest.New(0, 0), engineio.Config{Admit: g.admit}, nil)
		half := func(head string) *client {
			c := s.dial()
			c.send(head)
			<-g.asked
			_ = c.CloseWrite()
			synctest.Wait()
			return c
		}
		c := half(request(http.MethodGet, engine("EIO=4&transport=polling"), ""))
		g.answer <- nil
		parseHandshake(t, c.answer(http.MethodGet).body)
		c.end()
		half(request(http.MethodGet, engine("EIO=4&transport=websocket"), "", upgradeHeaders)).end()
		if err := <-g.ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the client has gone: %v", err)
		}
		if n := s.Stats().Opened; n != 1 {
			t.Errorf("%d sessions", n)
		}
	})
}

// TestOnRequest: the hook sees every request that is handled, with the
// session that it names, and none that is refused; what it puts into the header
// goes with the answer.
func TestOnRequest(t *testing.T) {
	seen := make(chan string, 10)
	sessions := make(chan *engineio.Session, 10)
	s := serve(t, engineio.Config{
		Cookie: &http.Cookie{},
		OnRequest: func(req *engineio.Request, header http.Header) {
			transport, _ := req.Query("transport")
			seen <- req.Method() + " " + transport
			sessions <- req.Session()
			header.Add("Set-Cookie", "a=1")
			header.Add("Set-Cookie", "b=2")
			header.Set("X-Text", "one\r\nX-Injected: two")
			for _, name := range []string{"Content-Length", "content-length", "Connection", "Transfer-Encoding", "Upgrade"} {
				header[name] = []string{"7"}
			}
		},
	}, nil)
	check := func(a answer, want string, handshake bool) {
		t.Helper()
		if got := <-seen; got != want {
			t.Errorf("saw %s, want %s", got, want)
		}
		session := <-sessions
		if (session == nil) != handshake {
			t.Errorf("%s: session %v", want, session)
		}
		cookies := strings.Join(a.Header["Set-Cookie"], " ")
		if !strings.HasPrefix(cookies, "a=1 b=2") || strings.Contains(cookies, "io=") != handshake {
			t.Errorf("%s: Set-Cookie %q", want, cookies)
		}
		if got := a.Header.Get("X-Text"); got != "one  X-Injected: two" || a.Header.Get("X-Injected") != "" {
			t.Errorf("%s: header %v", want, a.Header)
		}
	}
	c := s.dial()
	a := c.get("EIO=4&transport=polling")
	check(a, "GET polling", true)
	session := "&sid=" + parseHandshake(t, a.body).SID
	check(c.post("EIO=4&transport=polling"+session, "4x").is(t, 200, "ok"), "POST polling", false)
	check(c.get("EIO=4&transport=polling"+session).is(t, 200, "4x"), "GET polling", false)
	check(s.dial().switchTo("EIO=4&transport=websocket"+session), "GET websocket", false)
	check(s.dial().switchTo("EIO=4&transport=websocket"), "GET websocket", true)
	a = c.get("EIO=4&transport=polling&"+unknownSID).refused(t, 1, "Session ID unknown")
	if len(seen) != 0 || a.Header.Get("X-Text") != "" {
		t.Error("a request that was refused has been seen")
	}
}
