package engineio

import (
	"iter"
	"net/netip"

	"outrider/internal/httpwire"
	"outrider/internal/loop"
)

// Request is an HTTP request for the engine, most often a handshake. It is
// valid until the callback that was given it returns; its methods copy what
// they return, so strings may be kept.
type Request struct {
	head    *httpwire.Head
	conn    *loop.Conn
	session *Session
	peer    *netip.AddrPort // where the answer of RemoteAddr is kept; may be nil
}

// Session returns the session that the request names, nil if it is a
// handshake.
func (r *Request) Session() *Session { return r.session }

// Method returns the request's method, "GET".
func (r *Request) Method() string { return string(r.head.Method) }

// Path returns the request's path as it came.
func (r *Request) Path() string { return string(r.head.Path) }

// RawQuery returns the query as it came, without the question mark.
func (r *Request) RawQuery() string { return string(r.head.RawQuery) }

// Query returns the value of a query parameter, the last one if it is there
// several times. The engine's own are EIO, transport, sid, t, j and b64;
// every other one is the application's.
func (r *Request) Query(key string) (value string, present bool) {
	v, ok := httpwire.QueryValue(r.head.RawQuery, key, nil)
	return string(v), ok
}

// QueryPairs iterates over all parameters in order, repeated ones included.
func (r *Request) QueryPairs() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for k, v := range httpwire.QueryPairs(r.head.RawQuery) {
			if !yield(string(httpwire.Unescape(k, nil)), string(httpwire.Unescape(v, nil))) {
				return
			}
		}
	}
}

// Header returns the value of the first header with the name, in any case of
// letters, and "" if there is none.
func (r *Request) Header(name string) string { return string(r.head.Get(name)) }

// Headers iterates over all headers in order, names as the client wrote them.
func (r *Request) Headers() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, h := range r.head.Headers {
			if !yield(string(h.Name), string(h.Value)) {
				return
			}
		}
	}
}

// RemoteAddr returns the address of the connection's other end: the client,
// or a proxy.
func (r *Request) RemoteAddr() netip.AddrPort {
	if r.peer == nil {
		return r.conn.RemoteAddr()
	}
	if !r.peer.IsValid() {
		*r.peer = r.conn.RemoteAddr()
	}
	return *r.peer
}

// query is what the engine reads of a request's query (clause "URL").
type query struct {
	sid       ID
	hasSID    bool // sid is given, though it may be none of ours
	validSID  bool
	transport Transport // 0 if it is missing or unknown
	revision  Revision  // 0 if it is neither 3 nor 4
	hasEIO    bool
	b64       bool
	jsonp     []byte // nil: not JSONP
}

// parseQuery reads a query. Repeated keys: the last one wins.
func parseQuery(raw []byte, scratch []byte) (q query) {
	for k, v := range httpwire.QueryPairs(raw) {
		switch string(httpwire.Unescape(k, scratch)) {
		case "sid":
			q.hasSID = len(v) > 0 // an empty one is none, as for the official server
			q.sid, q.validSID = ParseID(httpwire.Unescape(v, scratch))
		case "transport":
			q.transport = parseTransport(httpwire.Unescape(v, scratch))
		case "EIO":
			q.hasEIO = true
			q.revision = parseRevision(httpwire.Unescape(v, scratch))
		case "b64":
			q.b64 = len(v) > 0
		case "j":
			q.jsonp = append([]byte{}, httpwire.Unescape(v, scratch)...)
		}
	}
	return q
}

func parseRevision(v []byte) Revision {
	switch string(v) {
	case "3":
		return Revision3
	case "4":
		return Revision4
	}
	return 0
}

// Transport is how a session's packets travel.
type Transport uint8

// The transports.
const (
	Polling   Transport = iota + 1 // HTTP long-polling
	WebSocket                      // RFC 6455
)

// String returns the name on the wire.
func (t Transport) String() string {
	switch t {
	case Polling:
		return "polling"
	case WebSocket:
		return "websocket"
	}
	return "unknown"
}

func parseTransport(v []byte) Transport {
	switch string(v) {
	case "polling":
		return Polling
	case "websocket":
		return WebSocket
	}
	return 0
}
