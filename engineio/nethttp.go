package engineio

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"

	"outrider/internal/httpwire"
	"outrider/internal/loop"
)

// ServeHTTP lets an [http.Server] have the port. It takes the connection of a
// request for the engine out of that server and gives it to the loop, the
// request first, so that the goroutine and the buffers of net/http end there:
//
//	mux.Handle("/engine.io/", srv)
//
// The connection stays with the loop as long as its requests are the engine's.
// With the first that is not, the http.Server has it back, and so on: clients
// that keep a connection alive see one server. Config.Fallback is not asked.
//
// What can be taken over is HTTP/1 over TCP or a Unix socket. A request over
// TLS, by HTTP/2, or on a listener whose connections hide their descriptor is
// answered with 501 and the reason: end TLS in front of the server. Nothing in
// front of the handler may have read the body. The path that counts is the one
// that came: [http.StripPrefix] changes nothing.
//
// The http.Server forgets the connections that it gives away, so that its
// Shutdown does not wait for them: call this one's as well.
func (srv *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := appendHead(nil, r)
	if refusal := srv.refusal(head, r); refusal != nil {
		w.Header().Set("Connection", "close") // nobody will read the body
		http.Error(w, refusal.Reason, refusal.Status)
		return
	}
	c, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		w.Header().Set("Connection", "close")
		http.Error(w, errNoConnection.Reason, errNoConnection.Status)
		return
	}
	if !hasDescriptor(c) {
		hangUp(c, errNoDescriptor)
		return
	}
	home, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	err = srv.takeOver(c, append(head, unread(buffered.Reader)...), func(h loop.Handler) {
		if h, ok := h.(*httpConn); ok {
			h.home = home
		}
	})
	if err != nil { // the loops have ended meanwhile, or there are no descriptors: the connection is closed
		srv.cfg.Logger.DebugContext(r.Context(), "a connection could not be taken over", "err", err)
	}
}

// What ServeHTTP refuses. The texts are for whoever sets a server up.
var (
	errNotServed = &httpwire.Error{Status: http.StatusNotFound, Reason: "Not Found"}
	errStopping  = &httpwire.Error{Status: http.StatusServiceUnavailable, Reason: "Server shutting down"}
	errTLS       = &httpwire.Error{
		Status: http.StatusNotImplemented,
		Reason: "engineio: a connection over TLS cannot be taken over; end TLS in front of this server",
	}
	errNoConnection = &httpwire.Error{
		Status: http.StatusNotImplemented,
		Reason: "engineio: the connection cannot be taken over: HTTP/2, or a ResponseWriter that does not give it away",
	}
	errNoDescriptor = &httpwire.Error{
		Status: http.StatusNotImplemented,
		Reason: "engineio: the connection cannot be taken over: its type hides the descriptor",
	}
)

// refusal says why a request cannot be the engine's, as far as that is to be
// seen while net/http can still answer.
func (srv *Server) refusal(head []byte, r *http.Request) *httpwire.Error {
	switch {
	case r.ProtoMajor != 1:
		return errNoConnection
	case r.TLS != nil:
		return errTLS
	case srv.stopping.Load():
		return errStopping
	}
	var parsed httpwire.Head
	if _, err := parsed.Parse(head, httpwire.Limits{}); err != nil {
		return err.(*httpwire.Error) // as Parse promises
	}
	if !srv.Serves(parsed.Path) {
		return errNotServed // the loop would only give it back
	}
	return nil
}

// appendHead appends the head of a request as it came, but for the order and
// the case of the headers' names. What handlers in front have set in r.Header
// is in it: the header's Write leaves no line break inside a value.
func appendHead(dst []byte, r *http.Request) []byte {
	b := bytes.NewBuffer(dst)
	for _, s := range []string{r.Method, " ", r.RequestURI, " HTTP/1.", strconv.Itoa(r.ProtoMinor), "\r\n"} {
		b.WriteString(s)
	}
	lines := http.Header{}
	if r.Host != "" || r.ProtoMinor > 0 {
		lines.Set("Host", r.Host) // net/http moves these three out of r.Header
	}
	switch {
	case len(r.TransferEncoding) > 0:
		lines["Transfer-Encoding"] = r.TransferEncoding
	case r.ContentLength > 0 || r.Header.Get("Content-Length") != "":
		lines.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	_ = lines.Write(b) // into memory: neither fails
	_ = r.Header.WriteSubset(b, map[string]bool{"Host": true, "Content-Length": true, "Transfer-Encoding": true})
	b.WriteString("\r\n")
	return b.Bytes()
}

// unread returns what net/http has read of a connection and not used.
func unread(r *bufio.Reader) []byte {
	p, _ := r.Peek(r.Buffered()) // no more than is there: it does not fail
	return p
}

// hasDescriptor reports whether the loop can take a connection over.
func hasDescriptor(c net.Conn) bool {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	_, err := sc.SyscallConn()
	return err == nil
}

// hangUp refuses a request on a connection that net/http has let go of.
func hangUp(c net.Conn, refusal *httpwire.Error) {
	defer c.Close()
	out := httpwire.AppendStatus(nil, refusal.Status)
	out = httpwire.AppendHeader(out, "Content-Type", "text/plain; charset=utf-8")
	out = httpwire.AppendHeader(out, "Connection", "close")
	out = httpwire.AppendEnd(httpwire.AppendContentLength(out, len(refusal.Reason)))
	_, _ = c.Write(append(out, refusal.Reason...)) // the client may be gone
}

// giveBack has an http.Server serve a connection as one that it has accepted.
func giveBack(home *http.Server, c net.Conn) {
	_ = home.Serve(&single{conn: c, addr: c.LocalAddr()}) // io.EOF, when there is no more to accept
}

// single is a listener with one connection, which is closed with it if nobody
// has accepted it: the http.Server may have been shut down.
type single struct {
	addr net.Addr

	mu   sync.Mutex
	conn net.Conn // guarded by mu; nil when it is accepted
}

func (l *single) take() net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.conn
	l.conn = nil
	return c
}

func (l *single) Accept() (net.Conn, error) {
	if c := l.take(); c != nil {
		return c, nil
	}
	return nil, io.EOF
}

func (l *single) Close() error {
	if c := l.take(); c != nil {
		return c.Close()
	}
	return nil
}

func (l *single) Addr() net.Addr { return l.addr }
