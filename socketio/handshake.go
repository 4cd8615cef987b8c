package socketio

import (
	"iter"
	"net/netip"
	"strings"
	"time"

	"outrider/engineio"
)

// Handshake is the HTTP request that opened a connection. See [HandshakeMode] for how long it is remembered.
type Handshake struct {
	path    string
	query   string
	headers string // name, colon, value, newline, as often as there are fields
	remote  netip.AddrPort
	time    time.Time
}

func newHandshake(req *engineio.Request) *Handshake {
	var headers strings.Builder
	for name, value := range req.Headers() {
		headers.WriteString(name)
		headers.WriteByte(':')
		headers.WriteString(value)
		headers.WriteByte('\n')
	}
	return &Handshake{
		path: req.Path(), query: req.RawQuery(), headers: headers.String(),
		remote: req.RemoteAddr(), time: time.Now(),
	}
}

// Path returns the path of the URL.
func (h *Handshake) Path() string { return h.path }

// RawQuery returns the query of the URL, with the engine's own parameters (EIO, transport and the like).
func (h *Handshake) RawQuery() string { return h.query }

// Query returns a parameter of the query, "" if there is none. The last one of several counts (PROTOCOL.md 1.1).
func (h *Handshake) Query(key string) string {
	for _, p := range parseQuery(h.query) {
		if p.key == key {
			return p.value
		}
	}
	return ""
}

// Params iterates over the parameters of the query, the engine's own included. Of several with one name the last one
// counts, in the place of the first.
func (h *Handshake) Params() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, p := range parseQuery(h.query) {
			if !yield(p.key, p.value) {
				return
			}
		}
	}
}

// RemoteAddr returns the address that the request came from: the client's, or a proxy's.
func (h *Handshake) RemoteAddr() netip.AddrPort { return h.remote }

// Time returns when the request came.
func (h *Handshake) Time() time.Time { return h.time }

// Header returns a header field, "" if there is none. Case does not matter in the name.
func (h *Handshake) Header(name string) string {
	for n, value := range h.Headers() {
		if strings.EqualFold(n, name) {
			return value
		}
	}
	return ""
}

// Headers iterates over the header fields, in the order in which they came.
func (h *Handshake) Headers() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for field := range strings.Lines(h.headers) {
			name, value, _ := strings.Cut(strings.TrimSuffix(field, "\n"), ":")
			if !yield(name, value) {
				return
			}
		}
	}
}
