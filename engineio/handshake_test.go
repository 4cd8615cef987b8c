package engineio_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"outrider/engineio"
)

// TestOpenPacket has the first packet of a session, byte for byte
// (PROTOCOL §1.3).
func TestOpenPacket(t *testing.T) {
	cfg := engineio.Config{
		PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond, MaxPayload: 12345,
	}
	open := func(upgrades string) string {
		return `0{"sid":"%s","upgrades":` + upgrades + `,"pingInterval":300,"pingTimeout":200,"maxPayload":12345}`
	}
	s := serve(t, cfg, nil)
	cfg.NoUpgrade = true
	fixed := serve(t, cfg, nil)
	for i, tt := range []struct {
		srv         *server
		query, want string
	}{
		{s, "EIO=4", open(`["websocket"]`)},
		{s, "EIO=3", "112:" + open(`["websocket"]`)},
		{s, "EIO=3&b64=1", "112:" + open(`["websocket"]`)},
		{s, "EIO=4&j=7", `___eio[7]("` + strings.ReplaceAll(open(`["websocket"]`), `"`, `\"`) + `");`},
		{s, "EIO=3&j=</script>", `___eio[]("112:` + strings.ReplaceAll(open(`["websocket"]`), `"`, `\"`) + `");`},
		{fixed, "EIO=4", open(`[]`)},
	} {
		a := tt.srv.dial().get("transport=polling&" + tt.query)
		sid := parseHandshake(t, a.body).SID
		a.is(t, 200, fmt.Sprintf(tt.want, sid))
		if tt.srv == s {
			if got := s.rec.session(t, i).ID().String(); got != sid {
				t.Errorf("the session's ID is %s, its client's %s", got, sid)
			}
		}
	}
	for _, query := range []string{"EIO=4", "EIO=3", "EIO=4&b64=1"} {
		w := s.upgrade(query)
		text := w.text()
		if want := fmt.Sprintf(open(`[]`), parseHandshake(t, text).SID); text != want {
			t.Errorf("%s: open packet %q, want %q", query, text, want)
		}
	}
}

// TestIDs: 120 random bits have no two alike, nor alike at a character.
func TestIDs(t *testing.T) {
	s := serve(t, engineio.Config{}, nil)
	c := s.dial()
	var columns [20]map[byte]bool
	seen := map[string]bool{}
	for range 60 {
		sid := parseHandshake(t, c.get("transport=polling&EIO=4").body).SID
		if seen[sid] {
			t.Fatalf("%s twice", sid)
		}
		seen[sid] = true
		for i := range columns {
			if columns[i] == nil {
				columns[i] = map[byte]bool{}
			}
			columns[i][sid[i]] = true
		}
	}
	for i, chars := range columns {
		if len(chars) < 10 {
			t.Errorf("character %d is always one of %d", i, len(chars))
		}
	}
}

// TestRequest: what Opened is told of the handshake.
func TestRequest(t *testing.T) {
	type told struct {
		method, path, raw, token, repeated, agent, remote, pairs string
		hasToken, hasNone                                        bool
		headers                                                  int
	}
	var got []told
	rec := &recorder{opened: func(s *engineio.Session, r *engineio.Request) {
		var v told
		v.method, v.path, v.raw, v.agent = r.Method(), r.Path(), r.RawQuery(), r.Header("user-AGENT")
		v.token, v.hasToken = r.Query("token")
		v.repeated, _ = r.Query("r")
		_, v.hasNone = r.Query("none")
		v.remote = r.RemoteAddr().Addr().String()
		for k, value := range r.QueryPairs() {
			v.pairs += k + "=" + value + ";"
		}
		for range r.Headers() {
			v.headers++
		}
		got = append(got, v)
	}}
	s := serve(t, engineio.Config{Loops: 1}, rec)
	const query = "EIO=4&token=a+b%26%e2%82%ac&r=1&r=2&empty"
	s.dial().get("transport=polling&"+query, "User-Agent: test")
	c := s.dial()
	c.switchTo("transport=websocket&"+query, "User-Agent: test")
	s.rec.session(t, 1)
	for i, transport := range []string{"polling", "websocket"} {
		want := told{
			method: "GET", path: "/engine.io/", raw: "transport=" + transport + "&" + query,
			token: "a b&€", hasToken: true, repeated: "2", agent: "test", remote: "127.0.0.1", headers: 2 + 4*i,
			pairs: "transport=" + transport + ";EIO=4;token=a b&€;r=1;r=2;empty=;",
		}
		if got[i] != want {
			t.Errorf("%s: told %+v, want %+v", transport, got[i], want)
		}
	}
	if a := s.rec.session(t, 0).RemoteAddr(); a.IsValid() {
		t.Errorf("the polling session's address is %v", a)
	}
	if a := s.rec.session(t, 1).RemoteAddr(); a.String() != c.wire.(tcp).LocalAddr().String() {
		t.Errorf("the WebSocket's address is %v", a)
	}
	if a, b := s.rec.session(t, 0).Transport(), s.rec.session(t, 1).Transport(); a != engineio.Polling || b != engineio.WebSocket {
		t.Errorf("transports %v and %v", a, b)
	}
}

// TestCookie: it comes with the handshake's answer and with no other.
func TestCookie(t *testing.T) {
	for _, tt := range []struct {
		cookie *http.Cookie
		want   string // without the sid
	}{
		{nil, ""},
		{&http.Cookie{}, "io=; Path=/; SameSite=Lax"},
		{&http.Cookie{HttpOnly: true}, "io=; Path=/; HttpOnly; SameSite=Lax"},
		{
			&http.Cookie{Name: "sid", Path: "/custom", MaxAge: 60, Secure: true, SameSite: http.SameSiteStrictMode},
			"sid=; Path=/custom; Max-Age=60; Secure; SameSite=Strict",
		},
	} {
		s := serve(t, engineio.Config{Cookie: tt.cookie}, nil)
		c := s.dial()
		a := c.get("EIO=4&transport=polling")
		h := parseHandshake(t, a.body)
		check := func(a answer, sid, want string) {
			t.Helper()
			if got := strings.Replace(a.Header.Get("Set-Cookie"), sid, "", 1); got != want {
				t.Errorf("Set-Cookie: %q, want %q", got, want)
			}
		}
		check(a, h.SID, tt.want)
		check(c.post("EIO=4&transport=polling&sid="+h.SID, "4x"), h.SID, "")
		check(c.get("EIO=4&transport=polling&sid="+h.SID), h.SID, "")
		check(c.get("EIO=4&transport=polling&"+unknownSID), h.SID, "")
		c = s.dial()
		a = c.switchTo("EIO=4&transport=websocket")
		w := &socket{c}
		check(a, parseHandshake(t, w.text()).SID, tt.want)
		check(s.dial().switchTo("EIO=4&transport=websocket&sid="+h.SID), h.SID, "")
	}
}

// corsHeaders are those of an answer that concern pages of other origins.
func corsHeaders(h http.Header) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if strings.HasPrefix(name, "Access-Control-") || name == "Vary" {
			lines = append(lines, name+"="+strings.Join(h[name], ","))
		}
	}
	return strings.Join(lines, " ")
}

// TestCORS: the headers are there on every answer, refusals included.
func TestCORS(t *testing.T) {
	const page = "Origin: http://page.test"
	const reflected = "Access-Control-Allow-Origin=http://page.test Vary=Origin"
	for name, tt := range map[string]struct {
		cors         *engineio.CORS
		origin, want string
	}{
		"off":         {nil, page, ""},
		"any":         {&engineio.CORS{}, page, reflected},
		"no origin":   {&engineio.CORS{}, "X: y", "Vary=Origin"},
		"null":        {&engineio.CORS{}, "Origin: null", "Access-Control-Allow-Origin=null Vary=Origin"},
		"credentials": {&engineio.CORS{Credentials: true}, page, "Access-Control-Allow-Credentials=true " + reflected},
		"listed":      {&engineio.CORS{Origins: []string{"http://a.test", "http://page.test"}}, page, reflected},
		"not listed":  {&engineio.CORS{Origins: []string{"http://a.test"}, Credentials: true}, page, "Vary=Origin"},
		"prefix only": {&engineio.CORS{Origins: []string{"http://page.tes"}}, page, "Vary=Origin"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, engineio.Config{CORS: tt.cors, MaxPayload: 10}, nil)
			check := func(a answer, status int) {
				t.Helper()
				if got := corsHeaders(a.Header); got != tt.want || a.StatusCode != status {
					t.Errorf("%v with %q, want %d with %q", a, got, status, tt.want)
				}
			}
			c := s.dial()
			a := c.get("EIO=4&transport=polling", tt.origin)
			check(a, 200)
			session := "EIO=4&transport=polling&sid=" + parseHandshake(t, a.body).SID
			check(c.post(session, "4x", tt.origin), 200)
			check(c.get(session, tt.origin), 200)
			check(c.get("EIO=4&transport=polling&"+unknownSID, tt.origin), 400)
			check(s.dial().post(session, strings.Repeat("4", 11), tt.origin), 413)
			check(s.dial().post(session, "4", tt.origin, "Content-Type: application/octet-stream"), 400)
			check(s.dial().switchTo("EIO=4&transport=websocket", tt.origin), 101)
			check(s.dial().switchTo("EIO=9&transport=websocket", tt.origin), 400)
			if tt.cors != nil { // nothing is left of the page that used the connection before
				tt.want = "Vary=Origin"
			}
			check(c.get("EIO=4&transport=polling"), 200)
		})
	}
}

// TestPreflight has the answer to a browser's question, byte for byte. It is
// answered before anything of the request is looked at.
func TestPreflight(t *testing.T) {
	s := serve(t, engineio.Config{CORS: &engineio.CORS{Credentials: true}}, nil)
	const want = "HTTP/1.1 204 No Content\r\n" +
		"Access-Control-Allow-Origin: http://page.test\r\n" +
		"Access-Control-Allow-Credentials: true\r\n" +
		"Vary: Origin\r\n" +
		"Access-Control-Allow-Methods: GET,HEAD,PUT,PATCH,POST,DELETE\r\n" +
		"Access-Control-Allow-Headers: my-header, content-type\r\n" +
		"Vary: Access-Control-Request-Headers\r\n" +
		"Content-Length: 0\r\n\r\n"
	c := s.dial()
	for _, query := range []string{"EIO=4&transport=polling", "transport=abc", "", unknownSID} {
		c.send(request("OPTIONS", engine(query), "", "Origin: http://page.test",
			"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: my-header, content-type"))
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c.r, got); err != nil || string(got) != want {
			t.Fatalf("answered %q, %v; want %q", got, err, want)
		}
	}
	c.send(request("OPTIONS", engine(""), "a body that nobody reads", "Origin: http://page.test"))
	if a := c.answer("OPTIONS"); a.StatusCode != 204 || !a.Close {
		t.Errorf("a preflight with a body: %v, Connection: close %t", a, a.Close)
	}
	c.end()
}

// TestSegments: the open packet of a WebSocket does not come in the segment of
// the 101, and a request may come in segments of one byte.
func TestSegments(t *testing.T) {
	s := serve(t, engineio.Config{OpenDelay: 5 * time.Millisecond}, nil)
	c := s.dial()
	for b := range strings.SplitSeq(request("GET", engine("EIO=4&transport=websocket"), "", upgradeHeaders), "") {
		c.send(b)
	}
	buf := make([]byte, 4096)
	n, err := c.wire.Read(buf)
	if err != nil || !strings.HasSuffix(string(buf[:n]), "\r\n\r\n") {
		t.Fatalf("first segment %q, %v", buf[:n], err)
	}
	c.r = bufio.NewReader(c.wire)
	w := &socket{c}
	parseHandshake(t, w.text())
	for b := range strings.SplitSeq(frame(1, "4x"), "") {
		c.send(b)
	}
	w.hears("4x")

	p := s.poll("EIO=4")
	c = s.dial()
	for b := range strings.SplitSeq(request("POST", engine(p.query), "4x"), "") {
		c.send(b)
	}
	c.answer("POST").is(t, 200, "ok")
}
