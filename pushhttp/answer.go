package pushhttp

import (
	"bufio"
	"bytes"
	"net"
	"net/netip"

	"github.com/valyala/fasthttp"
)

// Peer is who a request comes from. Its address is asked for only where no API
// key is configured.
type Peer interface{ RemoteAddr() netip.AddrPort }

// Outcome says what Answer did with a request.
type Outcome uint8

// The outcomes.
const (
	NotTaken Outcome = iota // nothing: it is for a server of NewServer
	Answered                // it is answered, and the connection may carry the next
	Final                   // it is answered, and the connection has to end after that
)

// QuickUIDs is how many uids a device_push may name for Answer to take it.
const QuickUIDs = 16

// Answer handles one request where it was read: on an event loop, for
// instance, which saves the goroutine and its two wake-ups. It waits for
// nobody, so it takes only what is quick, the pushes to a few users or to one
// socket (device_push with at most QuickUIDs uids, print_push), and of those
// only requests by HTTP/1.1 without anything unusual about them. All others it
// leaves to a server of NewServer, whose answers are the same.
//
// whole is the request as it came, with all of its body. The answer is appended
// to dst. When Answer returns the push has been made, so the pushes of one
// connection are in the order of its requests.
func (h *Handler) Answer(peer Peer, dst, whole []byte) ([]byte, Outcome) {
	if !isQuick(whole) {
		return dst, NotTaken
	}
	x := h.exchanges.Get().(*exchange)
	dst, outcome := x.answer(h, peer, dst, whole)
	x.reset()
	h.exchanges.Put(x)
	return dst, outcome
}

// isQuick reports whether a request is for an endpoint that reaches a few
// connections, as far as its request line tells.
func isQuick(whole []byte) bool {
	rest, ok := bytes.CutPrefix(whole, []byte("POST "))
	if !ok {
		return false
	}
	e := route(requestPath(rest[:indexOrLen(rest, ' ')]))
	return e != nil && e.quick != nil
}

// exchange is the memory in which fasthttp reads a request that is there
// already, and puts its answer together.
type exchange struct {
	ctx    fasthttp.RequestCtx
	in     bytes.Reader
	reader *bufio.Reader
	conn   peerConn
}

func newExchange() *exchange {
	return &exchange{reader: bufio.NewReaderSize(nil, defaultMaxHead)} // a longer head is not taken
}

// reset lets go of the request.
func (x *exchange) reset() {
	x.ctx.Request.Reset()
	x.ctx.Response.Reset()
	x.in.Reset(nil)
	x.conn.peer = nil
}

func (x *exchange) answer(h *Handler, peer Peer, dst, whole []byte) ([]byte, Outcome) {
	if !x.begin(peer, whole) || !x.serve(h) {
		return dst, NotTaken
	}
	response := &x.ctx.Response
	response.Header.SetContentLength(len(response.Body()))
	dst = append(response.Header.AppendBytes(dst), response.Body()...)
	if response.ConnectionClose() {
		return dst, Final
	}
	return dst, Answered
}

// begin reads a request, as fasthttp's server would from a connection, and
// reports false if that would do more with it than call the handler and go on
// to the next.
func (x *exchange) begin(peer Peer, whole []byte) bool {
	x.conn.peer = peer
	x.ctx.Init2(&x.conn, nil, false)
	x.ctx.Response.Header.SetNoDefaultContentType(true)
	x.in.Reset(whole)
	x.reader.Reset(&x.in)
	request := &x.ctx.Request
	if request.Header.Read(x.reader) != nil {
		return false
	}
	body := whole[len(whole)-x.in.Len()-x.reader.Buffered():]
	if request.Header.ContentLength() != len(body) || !request.Header.IsHTTP11() ||
		request.Header.ConnectionClose() || request.MayContinue() {
		return false
	}
	request.SetBodyRaw(body)
	return true
}

// serve is ServeHTTP for what is quick. It reports false, and has done
// nothing, where that turns out not to be so.
func (x *exchange) serve(h *Handler) (taken bool) {
	defer func() {
		if h.recoverPanic(&x.ctx, recover()) {
			taken = true
		}
	}()
	a, r := h.admit(&x.ctx)
	if r != nil || a.push == nil || a.push.quick == nil {
		return false // a server knows how to refuse a request that has more to come
	}
	s := h.scratch.Get().(*scratch) // not put back after a panic
	r = h.read(&x.ctx, s, a)
	if taken = r != nil && !r.hangUp || r == nil && a.push.quick(s); taken {
		h.settle(&x.ctx, s, a, r)
	}
	h.release(s)
	return taken
}

// peerConn is the connection that fasthttp asks for an address, and for
// nothing else.
type peerConn struct {
	net.Conn
	peer Peer
	addr net.TCPAddr
	ip   [16]byte
}

// RemoteAddr implements net.Conn.
func (c *peerConn) RemoteAddr() net.Addr {
	from := c.peer.RemoteAddr()
	c.ip = from.Addr().As16()
	c.addr = net.TCPAddr{IP: c.ip[:], Port: int(from.Port())}
	return &c.addr
}
