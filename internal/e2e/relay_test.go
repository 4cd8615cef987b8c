package e2e_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// relay is the network between a client and the gateway: it passes bytes, can go down with or without the gateway being
// told, and can make WebSocket connections slow in the client's direction.
type relay struct {
	addr    string
	target  string
	latency time.Duration // of what a client sends on a connection that becomes a WebSocket
	done    chan struct{} // closed when the test ends

	mu    sync.Mutex
	down  bool
	conns map[net.Conn]struct{} // both ends of all connections; none while down
	lost  map[net.Conn]struct{} // the gateway's ends whose clients are gone, which it is not told
}

func startRelay(t *testing.T, target string) *relay {
	return startSlowRelay(t, target, 0)
}

func startSlowRelay(t *testing.T, target string, latency time.Duration) *relay {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{
		addr: ln.Addr().String(), target: target, latency: latency, done: make(chan struct{}),
		conns: make(map[net.Conn]struct{}), lost: make(map[net.Conn]struct{}),
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			running.Go(func() { r.pass(conn) })
		}
	})
	t.Cleanup(func() {
		close(r.done)
		ln.Close()
		r.setDown(true)
		running.Wait()
	})
	return r
}

// setDown resets all connections, and new ones too until the network is up again. (A polling client may be between two
// connections at any one moment.)
func (r *relay) setDown(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
	if down {
		for conn := range r.conns {
			reset(conn)
		}
		clear(r.conns)
	}
}

// lose is setDown(true) of which the gateway hears nothing: its connections stay as they are, and nobody is there.
func (r *relay) lose() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = true
	for conn := range r.conns {
		if conn.RemoteAddr().String() == r.target {
			r.lost[conn] = struct{}{}
		} else {
			reset(conn)
		}
	}
	clear(r.conns)
}

// isLost reports whether the connection's end is not to be passed on.
func (r *relay) isLost(server net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, lost := r.lost[server]
	return lost
}

func reset(conn net.Conn) {
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

// register makes both ends of a connection part of what goes down, unless the network is down now.
func (r *relay) register(client, server net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down {
		reset(client)
		reset(server)
		return false
	}
	r.conns[client], r.conns[server] = struct{}{}, struct{}{}
	return true
}

// pass moves bytes both ways until either end closes.
func (r *relay) pass(client net.Conn) {
	server, err := net.Dial("tcp", r.target)
	if err != nil {
		client.Close()
		return
	}
	if !r.register(client, server) {
		return
	}

	var both sync.WaitGroup
	both.Go(func() {
		r.copyDelayed(server, client)
		if r.isLost(server) {
			<-r.done
		}
		server.(*net.TCPConn).CloseWrite()
	})
	both.Go(func() {
		io.Copy(client, server)
		client.(*net.TCPConn).CloseWrite()
	})
	both.Wait()

	r.mu.Lock()
	defer r.mu.Unlock()
	for _, conn := range []net.Conn{client, server} {
		conn.Close()
		delete(r.conns, conn)
	}
}

// copyDelayed holds each piece back by the latency if the connection's first piece asks for a WebSocket.
func (r *relay) copyDelayed(dst io.Writer, src io.Reader) {
	buf := make([]byte, 32<<10)
	var slow, known bool
	for {
		n, err := src.Read(buf)
		if n > 0 && !known {
			slow, known = r.latency > 0 && bytes.Contains(buf[:n], []byte("transport=websocket")), true
		}
		if slow {
			select {
			case <-time.After(r.latency):
			case <-r.done:
			}
		}
		if _, werr := dst.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

// startProxy is an HTTP proxy of the kind that breaks WebSocket: it drops the upgrade, opens a connection for every
// request on both sides, and, as deployed, strips /socket from the path. It returns its address.
func startProxy(t *testing.T, target string) string {
	t.Helper()
	proxy := &httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(&url.URL{Scheme: "http", Host: target})
			pr.Out.URL.Path = strings.TrimPrefix(pr.In.URL.Path, "/socket")
			pr.Out.Header.Del("Upgrade")
			pr.Out.Header.Del("Connection")
			pr.SetXForwarded()
		},
		Transport:    &http.Transport{DisableKeepAlives: true},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: proxy}
	server.SetKeepAlivesEnabled(false)
	go server.Serve(ln)
	t.Cleanup(func() { server.Close() })
	return ln.Addr().String()
}
