package engineio_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"outrider/engineio"
)

// The refusals (PROTOCOL §1.2).
var refusals = []string{
	"Transport unknown", "Session ID unknown", "Bad handshake method", "Bad request", "Forbidden",
	"Unsupported protocol version",
}

const unknownSID = "sid=AAAAAAAAAAAAAAAAAAAA"

// TestVerify has the requests that are refused, with the code that the order
// of the checks gives them.
func TestVerify(t *testing.T) {
	allow := func(r *engineio.Request) error {
		switch why, denied := r.Query("deny"); {
		case !denied:
			return nil
		default:
			return errors.New(why)
		}
	}
	s := serve(t, engineio.Config{AllowRequest: allow}, nil)
	tests := []struct {
		method, query string
		code          int
	}{
		{"GET", "EIO=4", 0},
		{"GET", "EIO=4&transport=", 0},
		{"GET", "EIO=4&transport=abc", 0},
		{"GET", "EIO=4&transport=webtransport", 0},
		{"GET", "EIO=4&transport=constructor", 0},
		{"GET", "EIO=4&transport=__proto__", 0},
		{"GET", "EIO=4&transport=toString", 0},
		{"GET", "EIO=4&transport=%00", 0},
		{"GET", "EIO=4&transport=%zz", 0},
		{"GET", "EIO=4&transport=polling,websocket", 0},
		{"GET", "EIO=4&transport=polling&transport=abc", 0},
		{"POST", "EIO=4&transport=abc&" + unknownSID, 0},

		{"GET", "EIO=4&transport=polling&" + unknownSID, 1},
		{"POST", "EIO=4&transport=polling&" + unknownSID, 1},
		{"PUT", "EIO=4&transport=polling&" + unknownSID, 1},
		{"GET", "EIO=4&transport=websocket&" + unknownSID, 1},
		{"GET", "EIO=9&transport=polling&" + unknownSID, 1},
		{"GET", "EIO=4&transport=polling&sid=__proto__", 1},
		{"GET", "EIO=4&transport=polling&sid=..%2f", 1},
		{"GET", "EIO=4&transport=polling&sid=*", 1},
		{"GET", "EIO=4&transport=polling&sid=%f0%9f%98%80", 1},
		{"GET", "EIO=4&transport=polling&sid=" + strings.Repeat("A", 4000), 1},

		{"POST", "EIO=4&transport=polling", 2},
		{"PUT", "EIO=4&transport=polling", 2},
		{"DELETE", "EIO=4&transport=polling", 2},
		{"OPTIONS", "EIO=4&transport=polling", 2},
		{"POST", "EIO=4&transport=websocket", 2},
		{"POST", "EIO=9&transport=polling&deny=1", 2},

		{"GET", "EIO=4&transport=websocket", 3},
		{"GET", "EIO=9&transport=websocket&deny=1", 3},

		{"GET", "EIO=9&transport=polling&deny=", 4},

		{"GET", "EIO=&transport=polling", 5},
		{"GET", "EIO=2&transport=polling", 5},
		{"GET", "EIO=5&transport=polling", 5},
		{"GET", "EIO=99&transport=polling", 5},
		{"GET", "EIO=-1&transport=polling", 5},
		{"GET", "EIO=04&transport=polling", 5},
		{"GET", "EIO=4.0&transport=polling", 5},
		{"GET", "EIO=+4&transport=polling", 5},
		{"GET", "EIO=1e9&transport=polling", 5},
		{"GET", "EIO=NaN&transport=polling", 5},
		{"GET", "EIO=abc&transport=polling", 5},
		{"GET", "EIO=4&EIO=abc&transport=polling", 5},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d/%s/%s", tt.code, tt.method, tt.query), func(t *testing.T) {
			c := s.dial()
			for range 2 { // the connection stays
				c.send(request(tt.method, engine(tt.query), ""))
				a := c.answer(tt.method)
				status := 400
				if tt.code == 4 {
					status = 403
				}
				a.is(t, status, fmt.Sprintf(`{"code":%d,"message":%q}`, tt.code, refusals[tt.code]))
				if got := a.Header.Get("Content-Type"); got != "application/json" {
					t.Errorf("Content-Type %q", got)
				}
			}
		})
	}
	st := s.Stats()
	if st.Opened != 0 || st.Refused != [6]uint64{24, 20, 12, 4, 2, 24} {
		t.Errorf("%d sessions, refusals by code %v", st.Opened, st.Refused)
	}
}

// TestForbidden: the hook's text takes the place of the usual one, as JSON.
func TestForbidden(t *testing.T) {
	s := serve(t, engineio.Config{AllowRequest: func(*engineio.Request) error {
		return errors.New(`no "guests"`)
	}}, nil)
	s.dial().get("EIO=4&transport=polling").is(t, 403, `{"code":4,"message":"no \"guests\""}`)
	s.dial().switchTo("EIO=4&transport=websocket").is(t, 400, `no "guests"`)
}

// TestVerifyUpgrade: an upgrade request is refused as text, with status 400
// whatever the code, and its connection ends.
func TestVerifyUpgrade(t *testing.T) {
	s := serve(t, engineio.Config{StrictVersion: true, AllowRequest: func(r *engineio.Request) error {
		if _, denied := r.Query("deny"); denied {
			return errors.New("")
		}
		return nil
	}}, nil)
	for query, code := range map[string]int{
		"EIO=4":                    0,
		"EIO=4&transport=toString": 0,
		"EIO=4&transport=websocket&" + unknownSID:            1,
		"EIO=4&transport=polling":                            3,
		"EIO=4&transport=polling&sid=" + s.poll("EIO=4").sid: 3,
		"EIO=4&transport=websocket&deny=1":                   4,
		"EIO=5&transport=websocket":                          5,
		"transport=websocket":                                5,
	} {
		c := s.dial()
		a := c.switchTo(query).is(t, 400, refusals[code])
		if got := a.Header.Get("Content-Type"); got != "text/html" || !a.Close {
			t.Errorf("Content-Type %q, Connection: close %t", got, a.Close)
		}
		c.end()
	}
	c := s.dial()
	c.send(request("POST", engine("EIO=4&transport=websocket"), "", upgradeHeaders))
	c.answer("POST").is(t, 400, refusals[2])
}

// TestWebSocketHandshake has the faults of RFC 6455's opening handshake.
func TestWebSocketHandshake(t *testing.T) {
	s := serve(t, engineio.Config{}, nil)
	p := s.poll("EIO=4")
	const good = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
	for name, tt := range map[string]struct {
		headers []string
		status  int
	}{
		"no key":          {[]string{"Sec-WebSocket-Version: 13"}, 400},
		"short key":       {[]string{"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: abc"}, 400},
		"version 12":      {[]string{"Sec-WebSocket-Version: 12", good}, 426},
		"no version":      {[]string{good}, 400},
		"hostile offers":  {[]string{"Sec-WebSocket-Version: 13", good, "Sec-WebSocket-Extensions: permessage-deflate; a=\"" + strings.Repeat("\\", 99)}, 101},
		"hostile choices": {[]string{"Sec-WebSocket-Version: 13", good, "Sec-WebSocket-Protocol: b," + strings.Repeat(" ", 4000) + "x"}, 101},
	} {
		for _, query := range []string{"EIO=4&transport=websocket", "EIO=4&transport=websocket&sid=" + p.sid} {
			c := s.dial()
			c.send(request("GET", engine(query), "", append(tt.headers, "Connection: keep-alive, Upgrade", "Upgrade: WebSocket")...))
			a := c.answer("GET")
			if a.StatusCode != tt.status {
				t.Errorf("%s: %v, want status %d", name, a, tt.status)
			}
			if a.Header.Get("Sec-WebSocket-Extensions")+a.Header.Get("Sec-WebSocket-Protocol") != "" {
				t.Errorf("%s: agreed to something: %v", name, a.Header)
			}
			if tt.status != 101 {
				c.end()
			}
			_ = c.Close()
		}
	}
	for name, headers := range map[string]string{
		"no Connection": "Upgrade: websocket",
		"h2c":           "Connection: Upgrade\r\nUpgrade: h2c",
	} {
		c := s.dial()
		c.send(request("GET", engine("EIO=4&transport=websocket"), "", headers, good, "Sec-WebSocket-Version: 13"))
		c.answer("GET").refused(t, 3, "Bad request")
		t.Log(name)
	}
	p.deliver("4x")
	if got := p.receive(); got != "4x" {
		t.Errorf("the session's poll brought %q", got)
	}
}

// TestSessionMethods: what a session's id may be used with.
func TestSessionMethods(t *testing.T) {
	s := serve(t, engineio.Config{}, nil)
	p := s.poll("EIO=4")
	for _, method := range []string{"PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"} {
		c := s.dial()
		c.send(request(method, engine(p.query), ""))
		a := c.answer(method).is(t, 405, "")
		if got := a.Header.Get("Allow"); got != "GET, POST" {
			t.Errorf("Allow: %q", got)
		}
		c.get("").refused(t, 0, "Transport unknown") // in the same connection
	}
	p.deliver("4x")
	if got := p.receive(); got != "4x" {
		t.Errorf("poll brought %q", got)
	}

	_, h := s.websocket("EIO=4")
	for _, method := range []string{"GET", "POST"} {
		c := s.dial()
		c.send(request(method, engine("EIO=4&transport=polling&sid="+h.SID), ""))
		c.answer(method).refused(t, 3, "Bad request")
	}
}

// TestVersion: which revision a session has.
func TestVersion(t *testing.T) {
	lenient := serve(t, engineio.Config{}, nil)
	strict := serve(t, engineio.Config{StrictVersion: true}, nil)
	for _, tt := range []struct {
		query        string
		rev          engineio.Revision
		strictAccept bool
	}{
		{"EIO=4&x=1", 4, true},
		{"EIO=3&x=1", 3, true},
		{"EIO=%34&x=1", 4, true},
		{"%45IO=4&x=1", 4, true},
		{"EIO=abc&EIO=4", 4, true},
		{"EIO=4&sid=", 4, true},
		{"transport=abc&transport=polling&EIO=3", 3, true},
		{"x=1", 3, false},
		{"eio=4", 3, false},
	} {
		for _, s := range []*server{lenient, strict} {
			opened := s.Stats().Opened
			a := s.dial().get(tt.query + "&transport=polling")
			if s == strict && !tt.strictAccept {
				a.refused(t, 5, "Unsupported protocol version")
				continue
			}
			if got := s.rec.session(t, int(opened)).Revision(); got != tt.rev || a.StatusCode != 200 {
				t.Errorf("%s: revision %v, %v", tt.query, got, a)
			}
			if isText3 := a.body[0] != '0'; isText3 != (tt.rev == 3) {
				t.Errorf("%s: body %q", tt.query, a.body)
			}
		}
	}
}

// TestPaths: the engine's paths are its own with and without a slash, and
// with anything behind one.
func TestPaths(t *testing.T) {
	s := serve(t, engineio.Config{Paths: []string{"/socket.io/", "/socket/socket.io"}}, nil)
	const query = "?EIO=4&transport=polling"
	for path, status := range map[string]int{
		"/socket.io":                    200,
		"/socket.io/":                   200,
		"/socket.io/any/thing":          200,
		"/socket/socket.io":             200,
		"/socket/socket.io/":            200,
		"http://test/socket.io/":        200,
		"/socket.iox":                   404,
		"/socket":                       404,
		"/":                             404,
		"/engine.io/":                   404,
		"//socket.io/":                  404,
		"/socket.io%2f":                 404,
		"/../socket.io/":                404,
		"/SOCKET.IO/":                   404,
		"/" + strings.Repeat("x", 7000): 404,
	} {
		c := s.dial()
		c.send(request("GET", path+query, ""))
		a := c.answer("GET")
		if a.StatusCode != status {
			t.Errorf("%s: %v, want %d", path, a, status)
		}
		if status == 404 {
			c.end()
		}
	}
	c := s.dial()
	c.send(request("HEAD", "/elsewhere", ""))
	c.answer("HEAD").is(t, 404, "")
	c.end()
	root := serve(t, engineio.Config{Paths: []string{"/"}}, nil)
	root.dial().get("EIO=4&transport=abc").refused(t, 0, "Transport unknown")
}

// TestBadRequests: what is no request is refused by the connection's own
// rules, which package httpwire tests, and never as the protocol's.
func TestBadRequests(t *testing.T) {
	s := serve(t, engineio.Config{CORS: &engineio.CORS{}}, nil)
	target := engine("EIO=4&transport=polling")
	for name, tt := range map[string]struct {
		request string
		status  int
	}{
		"TLS":             {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("x", 200), 400},
		"HTTP/2":          {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
		"HTTP/0.9":        {"GET /\r\n\r\n", 400},
		"HTTP/9.9":        {"GET / HTTP/9.9\r\n\r\n", 505},
		"origin":          {request("GET", target, "", "Origin: http://a\x01b"), 400},
		"origin injected": {request("GET", target, "", "Origin: http://a\rSet-Cookie: x=1"), 400},
		"long header":     {request("GET", target, "", "X: "+strings.Repeat("x", 20_000)), 431},
		"many headers":    {request("GET", target, "", strings.TrimSuffix(strings.Repeat("a:1\r\n", 2100), "\r\n"), upgradeHeaders), 431},
		"long target":     {request("GET", target+strings.Repeat("x", 20_000), ""), 414},
		"trace":           {request("TRACE", target, ""), 405},
		"two lengths":     {request("POST", target, "", "Content-Length: 1", "Content-Length: 2"), 400},
		"smuggling":       {"POST " + target + " HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	} {
		c := s.dial()
		c.send(tt.request)
		a := c.answer("GET")
		if a.StatusCode != tt.status || a.body != "" {
			t.Errorf("%s: %v, want status %d", name, a, tt.status)
		}
		for _, name := range []string{"Access-Control-Allow-Origin", "Set-Cookie"} {
			if a.Header.Get(name) != "" {
				t.Errorf("answered with %s: %s", name, a.Header.Get(name))
			}
		}
		c.end()
	}
}

// TestHead: an answer to HEAD has no body, so that the connection stays in
// step.
func TestHead(t *testing.T) {
	s := serve(t, engineio.Config{}, nil)
	c := s.dial()
	c.send(request(http.MethodHead, engine("EIO=4&transport=polling"), ""))
	a := c.answer(http.MethodHead).is(t, 400, "")
	if want := int64(len(`{"code":2,"message":"Bad handshake method"}`)); a.ContentLength != want {
		t.Errorf("Content-Length %d, want %d", a.ContentLength, want)
	}
	c.get("").refused(t, 0, "Transport unknown")
}
