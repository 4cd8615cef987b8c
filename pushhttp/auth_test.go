package pushhttp_test

import (
	"net"
	"strings"
	"testing"

	"outrider/pushhttp"
)

// TestKeys is about the API with keys. Where a request comes from does not matter then.
func TestKeys(t *testing.T) {
	keys := []pushhttp.Key{pushhttp.NewKey("back end", "s3cret"), pushhttp.NewKey("till", "other")}
	tests := []struct {
		name    string
		headers []string
		code    pushhttp.Code
		key     string
	}{
		{"Bearer", []string{"Authorization: Bearer s3cret"}, 0, "back end"},
		{"Bearer in other letters", []string{"authorization: bEARER  s3cret "}, 0, "back end"},
		{"X-API-Key", []string{"x-api-key: other"}, 0, "till"},
		{"X-API-Key beside another scheme", []string{"Authorization: Basic YTpi", "X-API-Key: other"}, 0, "till"},
		{"X-API-Key comes first", []string{"Authorization: Bearer s3cret", "X-API-Key: other"}, 0, "till"},
		{"through a proxy", []string{"Authorization: Bearer s3cret", "X-Forwarded-For: 10.0.0.1"}, 0, "back end"},
		{"from another site's page", []string{"Authorization: Bearer s3cret", "Origin: https://admin.example"}, 0, "back end"},
		{"none", nil, pushhttp.CodeNoKey, ""},
		{"another scheme", []string{"Authorization: Basic czNjcmV0"}, pushhttp.CodeNoKey, ""},
		{"no scheme", []string{"Authorization: s3cret"}, pushhttp.CodeNoKey, ""},
		{"empty", []string{"Authorization: Bearer ", "X-API-Key: "}, pushhttp.CodeNoKey, ""},
		{"wrong", []string{"Authorization: Bearer s3cret2"}, pushhttp.CodeWrongKey, ""},
		{"part", []string{"Authorization: Bearer s3cre"}, pushhttp.CodeWrongKey, ""},
		{"other letters", []string{"X-API-Key: S3CRET"}, pushhttp.CodeWrongKey, ""},
		{"wrong X-API-Key beside a right Bearer", []string{"Authorization: Bearer s3cret", "X-API-Key: x"}, pushhttp.CodeWrongKey, ""},
		{"name of a key", []string{"X-API-Key: till"}, pushhttp.CodeWrongKey, ""},
	}
	for _, peer := range []string{"127.0.0.1", "203.0.113.9"} {
		for _, tt := range tests {
			t.Run(tt.name+" from "+peer, func(t *testing.T) {
				limiter := &limits{allow: true}
				h, publisher := newHandler(t, pushhttp.Config{Keys: keys, Limiter: limiter})
				ctx := newRequest("/clear_table", asJSON, clearTable)
				ctx.SetRemoteAddr(&net.TCPAddr{IP: net.ParseIP(peer)})
				for _, header := range tt.headers {
					name, value, _ := strings.Cut(header, ": ")
					ctx.Request.Header.Set(name, value)
				}
				r := serve(t, h, ctx)
				if r.json.Code != tt.code || (r.status == 401) != (r.header.Get("Www-Authenticate") == `Bearer realm="outrider"`) {
					t.Errorf("got %d %v %s", r.status, r.header, r.body)
				}
				if pushed := publisher.taken() != nil; pushed != (tt.code == 0) {
					t.Errorf("pushed: %v", pushed)
				}
				if limiter.key != tt.key {
					t.Errorf("in the name of %q, want %q", limiter.key, tt.key)
				}
			})
		}
	}
}

// TestLocal is about the API without keys: only programs on this machine.
func TestLocal(t *testing.T) {
	const local = "127.0.0.1:4000"
	tests := []struct {
		name, peer, host string
		headers          []string
		code             pushhttp.Code
	}{
		{"IPv4", local, "anything", nil, 0},
		{"another loopback address", "127.8.8.8:1", "127.0.0.1", nil, 0},
		{"IPv6", "[::1]:4000", "[::1]:3000", nil, 0},
		{"IPv4 in IPv6", "[::ffff:127.0.0.1]:4000", "localhost", nil, 0},
		{"name that the back end has for this machine", local, "push.internal:3000", nil, 0},
		{"a key that nobody asked for", local, "localhost", []string{"X-API-Key: x"}, 0},

		{"network", "10.0.0.5:4000", "127.0.0.1", nil, pushhttp.CodeNotLocal},
		{"internet", "203.0.113.9:4000", "127.0.0.1", nil, pushhttp.CodeNotLocal},
		{"IPv6 network", "[2001:db8::1]:4000", "localhost", nil, pushhttp.CodeNotLocal},
		{"any address", "0.0.0.0:0", "localhost", nil, pushhttp.CodeNotLocal},
		{"a header that says local", "10.0.0.5:4000", "127.0.0.1", []string{"X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", "Forwarded: for=127.0.0.1"}, pushhttp.CodeNotLocal},
		{"proxy on this machine: X-Forwarded-For", local, "localhost", []string{"X-Forwarded-For: 203.0.113.9"}, pushhttp.CodeNotLocal},
		{"proxy on this machine: even for a local caller", local, "localhost", []string{"X-Forwarded-For: 127.0.0.1"}, pushhttp.CodeNotLocal},
		{"proxy on this machine: Forwarded", local, "localhost", []string{"Forwarded: for=203.0.113.9"}, pushhttp.CodeNotLocal},
		{"proxy on this machine: X-Real-IP", local, "localhost", []string{"X-Real-IP: 203.0.113.9"}, pushhttp.CodeNotLocal},
		{"proxy on this machine: X-Forwarded-Proto", local, "localhost", []string{"X-Forwarded-Proto: https"}, pushhttp.CodeNotLocal},
		{"proxy on this machine: X-Forwarded-Host", local, "localhost", []string{"X-Forwarded-Host: api.example"}, pushhttp.CodeNotLocal},
		{"proxy on this machine: Via", local, "localhost", []string{"Via: 1.1 squid"}, pushhttp.CodeNotLocal},

		{"own page", local, "localhost:3000", []string{"Origin: http://localhost:3000", "Sec-Fetch-Site: same-origin"}, 0},
		{"own page by address", local, "127.0.0.1:3000", []string{"Origin: http://127.0.0.1:3000"}, 0},
		{"own page by IPv6 address", "[::1]:4000", "[::1]:3000", []string{"Origin: http://[::1]:3000", "Sec-Fetch-Site: same-origin"}, 0},
		{"own page under .localhost", local, "Push.LocalHost.:3000", []string{"Origin: http://push.localhost.:3000"}, 0},
		{"typed into the address bar", local, "localhost:3000", []string{"Sec-Fetch-Site: none"}, 0},
		{"another site's page", local, "localhost:3000", []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site"}, pushhttp.CodeCrossOrigin},
		{"another site's page in an old browser", local, "localhost:3000", []string{"Origin: https://evil.example"}, pushhttp.CodeCrossOrigin},
		{"another site's form, without Origin", local, "localhost:3000", []string{"Sec-Fetch-Site: cross-site"}, pushhttp.CodeCrossOrigin},
		{"page on another port", local, "localhost:3000", []string{"Origin: http://localhost:8080", "Sec-Fetch-Site: same-site"}, pushhttp.CodeCrossOrigin},
		{"page from a file or a frame", local, "localhost:3000", []string{"Origin: null"}, pushhttp.CodeCrossOrigin},
		{"DNS rebinding", local, "evil.example:3000", []string{"Origin: http://evil.example:3000", "Sec-Fetch-Site: same-origin"}, pushhttp.CodeCrossOrigin},
		{"DNS rebinding with a name that begins well", local, "localhost.evil.example", []string{"Origin: http://localhost.evil.example"}, pushhttp.CodeCrossOrigin},
		{"DNS rebinding with a name that begins like an address", local, "127.0.0.1.evil.example", []string{"Origin: http://127.0.0.1.evil.example"}, pushhttp.CodeCrossOrigin},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, publisher := newHandler(t, pushhttp.Config{})
			ctx := newRequest("/clear_table", asJSON, clearTable)
			addr, err := net.ResolveTCPAddr("tcp", tt.peer)
			if err != nil {
				t.Fatal(err)
			}
			ctx.SetRemoteAddr(addr)
			ctx.Request.Header.SetHost(tt.host)
			for _, header := range tt.headers {
				name, value, _ := strings.Cut(header, ": ")
				ctx.Request.Header.Set(name, value)
			}
			if r := serve(t, h, ctx); r.json.Code != tt.code {
				t.Errorf("got %d %s", r.status, r.body)
			}
			if pushed := publisher.taken() != nil; pushed != (tt.code == 0) {
				t.Errorf("pushed: %v", pushed)
			}
		})
	}
}

// TestPeersThatAreNoTCP are not local, whatever they are, unless they say so by address.
func TestPeersThatAreNoTCP(t *testing.T) {
	for addr, code := range map[net.Addr]pushhttp.Code{
		&net.UnixAddr{Name: "@", Net: "unix"}: pushhttp.CodeNotLocal,
		stringAddr("pipe"):                    pushhttp.CodeNotLocal,
		stringAddr("127.0.0.1:5"):             0,
		stringAddr("10.0.0.1:5"):              pushhttp.CodeNotLocal,
	} {
		h, _ := newHandler(t, pushhttp.Config{})
		ctx := newRequest("/clear_table", asJSON, clearTable)
		ctx.SetRemoteAddr(addr)
		if r := serve(t, h, ctx); r.json.Code != code {
			t.Errorf("%v: %d %s", addr, r.status, r.body)
		}
	}
}

type stringAddr string

func (a stringAddr) Network() string { return "test" }
func (a stringAddr) String() string  { return string(a) }
