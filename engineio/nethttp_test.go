package engineio_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"outrider/engineio"
)

// mount runs a server whose port is an http.Server's, with pages beside it.
func mount(t *testing.T, cfg engineio.Config, wrap func(net.Listener) net.Listener) (*server, *http.Server) {
	t.Helper()
	s := serve(t, cfg, nil)
	mux := http.NewServeMux()
	mux.Handle("/engine.io/", s)
	mux.Handle("/wrong/", s)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %d", r.Method, r.URL, len(body))
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: mux}
	accept := ln
	if wrap != nil {
		accept = wrap(ln)
	}
	go func() { _ = web.Serve(accept) }()
	t.Cleanup(func() { _ = web.Close() })
	s.wire = func() wire {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		return tcp{c.(*net.TCPConn)}
	}
	return s, web
}

func TestServeHTTP(t *testing.T) {
	s, _ := mount(t, engineio.Config{MaxPayload: 2 << 20}, nil)
	t.Run("polling", func(t *testing.T) {
		for _, revision := range []string{"EIO=4", "EIO=3"} {
			p := s.poll(revision)
			packet := "4hello"
			if revision == "EIO=3" {
				packet = "6:4hello"
			}
			p.deliver(packet)
			if got := p.receive(); got != packet {
				t.Errorf("%s: received %q", revision, got)
			}
		}
	})
	t.Run("websocket", func(t *testing.T) {
		w, _ := s.websocket("EIO=4")
		w.say("4hello")
		w.hears("4hello")
	})
	t.Run("upgrade", func(t *testing.T) {
		p := s.poll("EIO=4")
		w := p.probe()
		if got := p.receive(); got != "6" {
			t.Errorf("the poll during the upgrade brought %q", got)
		}
		w.say("5")
		w.say("4hello")
		w.hears("4hello")
	})
	t.Run("bodies", func(t *testing.T) {
		for _, n := range []int{1, 3_000, 5_000, 70_000, 1 << 20} {
			p := s.poll("EIO=4")
			p.deliver("4" + strings.Repeat("x", n))
			if got := p.receive(); len(got) != n+1 {
				t.Errorf("of %d bytes %d came back", n, len(got)-1)
			}
		}
	})
	t.Run("chunked", func(t *testing.T) {
		p := s.poll("EIO=4")
		c := s.dial()
		c.send("POST " + engine(p.query) + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n4chu")
		c.send("\r\n3\r\nnks\r\n0\r\n\r\n")
		c.answer("POST").is(t, 200, "ok")
		if got := p.receive(); got != "4chunks" {
			t.Errorf("received %q", got)
		}
	})
	t.Run("continue", func(t *testing.T) {
		p := s.poll("EIO=4")
		c := s.dial()
		c.send("POST " + engine(p.query) + " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
		if a := c.answer("POST"); a.StatusCode != 100 {
			t.Fatal(a)
		}
		c.send("4x")
		c.answer("POST").is(t, 200, "ok")
	})
}

// TestServeHTTPKeepsConnections: whose a request is does not depend on the
// connection that it comes on, nor on how many come at once.
func TestServeHTTPKeepsConnections(t *testing.T) {
	s, _ := mount(t, engineio.Config{}, nil)
	t.Run("one after the other", func(t *testing.T) {
		c := s.dial()
		for range 3 {
			c.send(request("POST", "/page", "body"))
			c.answer("POST").is(t, 200, "POST /page 4")
			h := parseHandshake(t, c.get("EIO=4&transport=polling").body)
			session := "EIO=4&transport=polling&sid=" + h.SID
			c.post(session, "4x").is(t, 200, "ok")
			c.get(session).is(t, 200, "4x")
		}
		if a := c.switchTo("EIO=4&transport=websocket"); a.StatusCode != 101 {
			t.Fatal(a)
		}
		w := &socket{c}
		parseHandshake(t, w.text())
		w.say("4x")
		w.hears("4x")
	})
	t.Run("pipelined", func(t *testing.T) {
		c := s.dial()
		ours, theirs := request("GET", engine("x"), ""), request("POST", "/page", strings.Repeat("x", 700))
		// More than net/http's buffer holds of both, so that the loop has read what is net/http's, and the
		// other way round.
		const rounds, pages, refusals = 5, 8, 150
		round := strings.Repeat(theirs, pages) + strings.Repeat(ours, refusals)
		go func() { _, _ = io.WriteString(c.wire, strings.Repeat(round, rounds)) }()
		for range rounds {
			for range pages {
				c.answer("POST").is(t, 200, "POST /page 700")
			}
			for range refusals {
				c.answer("GET").refused(t, 0, "Transport unknown")
			}
		}
	})
	if st := s.Stats(); st.Fallbacks == 0 {
		t.Error("no connection was given back")
	}
}

// TestServeHTTPHeaders: a hook sees the request as it came, and what a handler
// in front has made of it.
func TestServeHTTPHeaders(t *testing.T) {
	got := make(chan http.Header, 1)
	s := serve(t, engineio.Config{AllowRequest: func(r *engineio.Request) error {
		header := http.Header{":target": {r.Path() + "?" + r.RawQuery()}}
		for name, value := range r.Headers() {
			header[name] = append(header[name], value)
		}
		got <- header
		return nil
	}}, nil)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("X-User", "ann\r\nX-Role: admin")
		s.ServeHTTP(w, r)
	}))
	defer web.Close()
	c, err := net.Dial("tcp", web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET /engine.io/%61/?EIO=4&transport=polling&a=%20b HTTP/1.1\r\n"+
		"hOST: example.org\r\nconnection: close\r\nx-twice: 1\r\nX-Twice: 2\r\nCookie: a=b\r\n\r\n")
	want := http.Header{
		":target":    {"/engine.io/%61/?EIO=4&transport=polling&a=%20b"},
		"Host":       {"example.org"},
		"Connection": {"close"},
		"X-Twice":    {"1", "2"},
		"Cookie":     {"a=b"},
		"X-User":     {"ann  X-Role: admin"},
	}
	if header := <-got; fmt.Sprint(header) != fmt.Sprint(want) {
		t.Errorf("the hook saw %v\nwant         %v", header, want)
	}
	if answer, err := io.ReadAll(c); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200 OK\r\n")) {
		t.Errorf("%q, %v", answer, err)
	}
}

// hiding makes the descriptors of a listener's connections unreachable.
type hiding struct{ net.Listener }

func (l hiding) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return struct{ net.Conn }{c}, err
}

// TestServeHTTPRefuses what it cannot take over, and says why.
func TestServeHTTPRefuses(t *testing.T) {
	s, _ := mount(t, engineio.Config{}, func(l net.Listener) net.Listener { return hiding{l} })
	c := s.dial()
	c.get("EIO=4&transport=polling").is(t, 501, "engineio: the connection cannot be taken over: its type hides the descriptor")
	c.end()

	for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		web := httptest.NewUnstartedServer(s)
		web.EnableHTTP2 = h2
		web.StartTLS()
		defer web.Close()
		transport := web.Client().Transport.(*http.Transport)
		if !h2 {
			transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
		}
		res, err := web.Client().Get(web.URL + engine("EIO=4&transport=polling"))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != 501 || res.Proto != name || !strings.HasPrefix(string(body), "engineio: ") {
			t.Errorf("%s: %v %q", name, res, body)
		}
	}

	plain, web := mount(t, engineio.Config{}, nil)
	c = plain.dial()
	c.send(request("GET", "/wrong/", ""))
	c.answer("GET").is(t, 404, "Not Found\n")
	c = plain.dial()
	c.send(request("GET", engine("a="+strings.Repeat("x", 8<<10)), ""))
	c.answer("GET").is(t, 414, "request line too long\n")
	c.end()

	w := httptest.NewRecorder() // gives no connection away
	plain.ServeHTTP(w, httptest.NewRequest("GET", engine("x"), nil))
	if w.Code != 501 {
		t.Errorf("a recorder: %d %s", w.Code, w.Body)
	}

	kept := plain.dial()
	kept.get("x").refused(t, 0, "Transport unknown")
	_ = web.Close()
	kept.send(request("GET", "/page", ""))
	kept.end() // there is nobody to answer it
}

// TestServeHTTPAfterShutdown: the http.Server lives on.
func TestServeHTTPAfterShutdown(t *testing.T) {
	s, _ := mount(t, engineio.Config{}, nil)
	c := s.dial()
	c.send(request("GET", "/page", ""))
	c.answer("GET").is(t, 200, "GET /page 0")
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	c.get("EIO=4&transport=polling").is(t, 503, "Server shutting down\n")
	c.end()
}
