package engineio_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/valyala/fasthttp"

	"outrider/engineio"
)

// behind is a listener whose connections are those that the engine hands over.
type behind struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func newBehind() *behind {
	return &behind{conns: make(chan net.Conn, 64), closed: make(chan struct{})}
}

func (l *behind) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *behind) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *behind) Addr() net.Addr { return &net.TCPAddr{} }

// fallbacks are the servers that are known to stand behind the engine.
var fallbacks = map[string]func(t *testing.T, l *behind){
	"net/http": func(t *testing.T, l *behind) {
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s %s %d %.10s", r.Method, r.URL, r.Header.Get("X"), len(body), body)
		})}
		go func() { _ = srv.Serve(l) }()
		t.Cleanup(func() { _ = srv.Close() })
	},
	// Without its own Serve, whose goroutines sleep on after the end.
	"fasthttp": func(t *testing.T, l *behind) {
		srv := &fasthttp.Server{NoDefaultDate: true, Handler: func(ctx *fasthttp.RequestCtx) {
			body := ctx.Request.Body()
			fmt.Fprintf(ctx, "%s %s %s %d %.10s", ctx.Method(), ctx.RequestURI(), ctx.Request.Header.Peek("X"), len(body), body)
		}}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					_ = srv.ServeConn(c)
					_ = c.Close()
				}()
			}
		}()
		t.Cleanup(func() { _ = l.Close() })
	},
}

// TestFallback: a connection whose request is not for the engine is somebody
// else's from its first byte on, with all that was read of it.
func TestFallback(t *testing.T) {
	for name, start := range fallbacks {
		t.Run(name, func(t *testing.T) {
			l := newBehind()
			start(t, l)
			s := serve(t, engineio.Config{Fallback: func(c net.Conn) { l.conns <- c }}, nil)
			push := func(n int) string {
				return request("POST", "/device_push?a=b", strings.Repeat("x", n), "X: y")
			}
			pushed := func(n int) string {
				return fmt.Sprintf("POST /device_push?a=b y %d %.10s", n, strings.Repeat("x", n))
			}

			t.Run("keep-alive", func(t *testing.T) {
				c := s.dial()
				for _, n := range []int{0, 1, 100, 20_000, 300_000} {
					c.send(push(n))
					c.answer("POST").is(t, 200, pushed(n))
				}
				// The connection is not the engine's any more.
				c.send(request("GET", engine("x"), ""))
				c.answer("GET").is(t, 200, "GET /engine.io/?x  0 ")
			})
			t.Run("pipeline", func(t *testing.T) {
				c := s.dial()
				engine := request("GET", engine("x"), "")
				c.send(engine + engine + push(5) + push(70_000) + push(7))
				c.answer("GET").refused(t, 0, "Transport unknown")
				c.answer("GET").refused(t, 0, "Transport unknown")
				for _, n := range []int{5, 70_000, 7} {
					c.answer("POST").is(t, 200, pushed(n))
				}
			})
			t.Run("behind a poll", func(t *testing.T) {
				p := s.poll("EIO=4")
				session := s.rec.session(t, 0)
				p.waits(session)
				p.get.send(push(5))
				if err := session.Send([]byte("x"), false); err != nil {
					t.Error(err)
				}
				p.get.answer("GET").is(t, 200, "4x")
				p.get.answer("POST").is(t, 200, pushed(5))
			})
			t.Run("segments", func(t *testing.T) {
				c := s.dial()
				for b := range strings.SplitSeq(push(20), "") {
					c.send(b)
				}
				c.answer("POST").is(t, 200, pushed(20))
			})
			t.Run("chunked", func(t *testing.T) {
				c := s.dial()
				c.send("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxx")
				c.send("x\r\n0\r\n\r\n")
				c.answer("POST").is(t, 200, "POST /x  3 xxx")
			})
			t.Run("half-close", func(t *testing.T) {
				c := s.dial()
				c.send(push(5))
				_ = c.CloseWrite()
				c.answer("POST").is(t, 200, pushed(5))
				c.end()
			})
			t.Run("close", func(t *testing.T) {
				c := s.dial()
				c.send(request("GET", "/elsewhere", "", "Connection: close"))
				c.answer("GET").is(t, 200, "GET /elsewhere  0 ")
				c.end()
			})
			if st := s.Stats(); st.Fallbacks != 7 {
				t.Errorf("%d fallbacks", st.Fallbacks)
			}
			if !settles(func() bool { return s.Stats().Conns == 0 }) {
				t.Errorf("the engine still counts %d connections", s.Stats().Conns)
			}
		})
	}
}

// TestTakeOver is the way back: the next request on a connection that was
// handed over may be the engine's.
func TestTakeOver(t *testing.T) {
	started := make(chan *server, 1)
	s := serve(t, engineio.Config{Fallback: func(c net.Conn) {
		go func() {
			s := <-started
			started <- s
			r := bufio.NewReader(c)
			req, err := http.ReadRequest(r)
			if err != nil {
				t.Error(err)
				return
			}
			body, _ := io.ReadAll(req.Body)
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			if _, err := r.Peek(1); err != nil {
				t.Error(err)
				return
			}
			read, _ := r.Peek(r.Buffered())
			if err := s.TakeOver(c, read); err != nil {
				t.Errorf("TakeOver: %v", err)
			}
		}()
	}}, nil)
	started <- s
	c := s.dial()
	for range 3 {
		c.send(request("POST", "/push", "body") + request("GET", engine("EIO=4&transport=polling"), ""))
		c.answer("POST").is(t, 200, "body")
		parseHandshake(t, c.answer("GET").body)
	}
	c.send(request("POST", "/push", "body"))
	c.answer("POST").is(t, 200, "body")
	c.send(request("GET", engine("EIO=4&transport=websocket"), "", upgradeHeaders))
	if a := c.answer("GET"); a.StatusCode != 101 {
		t.Fatal(a)
	}
	w := &socket{c}
	parseHandshake(t, w.text())
	w.say("4x")
	w.hears("4x")
}
