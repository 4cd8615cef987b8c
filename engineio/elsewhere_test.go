package engineio_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"outrider/engineio"
)

// echoes answers a request with its own text, by what its path asks for.
func echoes(req *engineio.Request, dst, whole []byte) ([]byte, engineio.Verdict) {
	verdict := map[string]engineio.Verdict{
		"/keep": engineio.KeepOpen, "/last": engineio.HangUp, "/pass": engineio.PassOn,
	}[req.Path()]
	if verdict == engineio.PassOn {
		return append(dst, "must not be sent"...), verdict
	}
	dst = fmt.Appendf(dst, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(whole))
	return append(dst, whole...), verdict
}

// TestAnswer: a request that is there as a whole is answered where it was
// read, and everything else is the fallback's.
func TestAnswer(t *testing.T) {
	l := newBehind()
	fallbacks["net/http"](t, l)
	s := serve(t, engineio.Config{Answer: echoes, Fallback: func(c net.Conn) { l.conns <- c }}, nil)
	keep := func(n int) string { return request("POST", "/keep", strings.Repeat("x", n)) }

	t.Run("keep-alive", func(t *testing.T) {
		c := s.dial()
		for _, n := range []int{0, 1, 1000} {
			c.send(keep(n))
			c.answer("POST").is(t, 200, keep(n))
		}
		c.send(request("GET", engine("x"), "")) // the connection is still the engine's
		c.answer("GET").refused(t, 0, "Transport unknown")
	})
	t.Run("pipeline", func(t *testing.T) {
		c := s.dial()
		c.send(keep(5) + request("GET", engine("x"), "") + keep(6) + request("POST", "/last", "x") + keep(7))
		c.answer("POST").is(t, 200, keep(5))
		c.answer("GET").refused(t, 0, "Transport unknown")
		c.answer("POST").is(t, 200, keep(6))
		c.answer("POST").is(t, 200, request("POST", "/last", "x"))
		c.end()
	})
	t.Run("behind a poll", func(t *testing.T) {
		p := s.poll("EIO=4")
		session := s.rec.session(t, 0)
		p.waits(session)
		p.get.send(keep(5))
		if err := session.Send([]byte("x"), false); err != nil {
			t.Error(err)
		}
		p.get.answer("GET").is(t, 200, "4x")
		p.get.answer("POST").is(t, 200, keep(5))
	})
	t.Run("half-close", func(t *testing.T) {
		c := s.dial()
		c.send(keep(5))
		_ = c.CloseWrite()
		c.answer("POST").is(t, 200, keep(5))
		c.end()
	})
	answered, fellBack := s.Stats().Answered, s.Stats().Fallbacks
	if answered != 8 || fellBack != 0 {
		t.Errorf("%d were answered, %d fell back", answered, fellBack)
	}

	// A read takes 16 KiB: what fits in is answered, one byte more falls back.
	size := len(keep(10_000)) - 10_000
	for _, c := range []struct{ name, send, want string }{
		{"a full buffer", keep(16<<10 - size), keep(16<<10 - size)},
		{"more than a buffer", keep(16<<10 - size + 1), strings.Repeat("x", 10)},
		{"passed on", request("POST", "/pass", "body"), "body"},
		{"the last one", request("POST", "/keep", "body", "Connection: close"), "body"},
		{"chunked", "POST /keep HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", "body"},
		{"HTTP/1.0", "POST /keep HTTP/1.0\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody", "body"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := s.dial()
			conn.send(c.send)
			if a := conn.answer("POST"); a.StatusCode != 200 || !strings.HasSuffix(a.body, c.want) {
				t.Errorf("answer %.200v", a)
			}
		})
	}
	if now := s.Stats(); now.Answered != answered+1 || now.Fallbacks != fellBack+5 {
		t.Errorf("%d more were answered, %d fell back", now.Answered-answered, now.Fallbacks-fellBack)
	}
}

// TestAnswerWithoutFallback: what Answer passes on is nobody's.
func TestAnswerWithoutFallback(t *testing.T) {
	s := serve(t, engineio.Config{Answer: echoes}, nil)
	c := s.dial()
	c.send(request("POST", "/pass", "body"))
	c.answer("POST").is(t, 404, "Not Found")
	c.end()
}

// TestAnswerPanics: the connection ends, and nobody else's.
func TestAnswerPanics(t *testing.T) {
	s := serve(t, engineio.Config{Loops: 1, Answer: func(*engineio.Request, []byte, []byte) ([]byte, engineio.Verdict) {
		panic("broken")
	}}, nil)
	s.poll("EIO=4")
	c := s.dial()
	c.send(request("POST", "/keep", "body"))
	if _, err := http.ReadResponse(c.r, nil); err == nil {
		t.Error("it was answered")
	}
	session := s.rec.session(t, 0)
	if err := session.Send([]byte("x"), false); err != nil {
		t.Error(err)
	}
	s.dial().get("EIO=4&transport=polling&sid="+session.ID().String()).is(t, 200, "4x")
	if st := s.Stats(); st.Panics != 1 {
		t.Errorf("%d panics", st.Panics)
	}
}
