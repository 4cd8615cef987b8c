package engineio_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"outrider/engineio"
	"outrider/internal/poll/polltest"
)

// patience is how long a test waits for what must happen. Nothing waits for
// it to pass.
const patience = 2 * time.Minute

// server is a server under test, and what its handler has seen.
type server struct {
	*engineio.Server
	t    testing.TB
	rec  *recorder
	wire func() wire // makes a connection
}

// serve runs a server on the loopback interface until the test ends. A nil
// recorder is one that echoes.
func serve(t testing.TB, cfg engineio.Config, rec *recorder) *server {
	t.Helper()
	cfg.Handler, rec = record(rec)
	srv, err := engineio.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	s := &server{Server: srv, t: t, rec: rec}
	s.wire = func() wire {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		return tcp{c.(*net.TCPConn)}
	}
	t.Cleanup(func() {
		s.finish()
		if err := <-served; !errors.Is(err, engineio.ErrServerClosed) {
			t.Errorf("Serve returned %v", err)
		}
	})
	return s
}

// serveOn runs a server on a network in memory until the test ends, which is
// in a bubble of testing/synctest.
func serveOn(t testing.TB, network *polltest.Net, cfg engineio.Config, rec *recorder) *server {
	t.Helper()
	cfg.Handler, rec = record(rec)
	if cfg.Loops == 0 {
		cfg.Loops = 2
	}
	srv, err := engineio.NewServerOn(cfg, network)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Server: srv, t: t, rec: rec}
	s.wire = func() wire {
		p, err := network.Dial(srv.Adopt)
		if err != nil {
			t.Fatal(err)
		}
		p.SetReadDeadline(time.Now().Add(time.Hour))
		return p
	}
	t.Cleanup(func() {
		s.finish()
		if err := network.Misuse(); err != nil {
			t.Error(err)
		}
		if n := network.Open(); n != 0 {
			t.Errorf("%d descriptors are open", n)
		}
	})
	time.Sleep(time.Millisecond) // virtual: the server's clock does not show 0 any more
	return s
}

// finish closes the server and looks for what must not be left.
func (s *server) finish() {
	s.t.Helper()
	if err := s.Close(); err != nil {
		s.t.Error(err)
	}
	st := s.Stats()
	if st.Sessions != 0 || st.Conns != 0 || st.QueuedBytes != 0 {
		s.t.Errorf("after Close: %d sessions, %d connections, %d bytes queued", st.Sessions, st.Conns, st.QueuedBytes)
	}
	closed := uint64(0)
	for _, n := range st.Closed {
		closed += n
	}
	if closed != st.Opened {
		s.t.Errorf("%d sessions were opened and %d closed", st.Opened, closed)
	}
	s.rec.finish(s.t)
}

// recorder is a handler that remembers, and checks what a Handler may rely
// on: Opened before everything, Closed after it, never two calls at once.
type recorder struct {
	opened  func(*engineio.Session, *engineio.Request)
	message func(s *engineio.Session, data []byte, binary bool)
	closed  func(*engineio.Session, engineio.CloseReason)
	panics  int  // sessions that may be closed in mid-call
	forget  bool // the messages are not kept

	mu       sync.Mutex
	changed  chan struct{}
	sessions []*seen
	faults   []string
}

// seen is what the handler has seen of one session.
type seen struct {
	*engineio.Session
	messages []engineio.Packet
	reason   engineio.CloseReason // 0 while it is open
	busy     bool                 // a call is under way
	opened   bool                 // Opened has returned
}

// echo is the message function of the protocol suites' server.
func echo(s *engineio.Session, data []byte, binary bool) { _ = s.Send(data, binary) }

func record(rec *recorder) (engineio.Handler, *recorder) {
	if rec == nil {
		rec = &recorder{message: echo}
	}
	rec.changed = make(chan struct{})
	return (*handler)(rec), rec
}

// handler is a recorder as its server sees it.
type handler recorder

func (h *handler) Opened(s *engineio.Session, req *engineio.Request) {
	r := (*recorder)(h)
	r.mu.Lock()
	v := &seen{Session: s, busy: true}
	r.sessions = append(r.sessions, v)
	r.mu.Unlock()
	s.SetData(v)
	defer r.done(v)
	if r.opened != nil {
		r.opened(s, req)
	}
}

func (h *handler) Message(s *engineio.Session, data []byte, binary bool) {
	r := (*recorder)(h)
	v := r.begin(s, "Message")
	if !r.forget {
		r.mu.Lock()
		v.messages = append(v.messages, engineio.Packet{
			Type: engineio.Message, Binary: binary, Data: append([]byte(nil), data...),
		})
		r.mu.Unlock()
	}
	defer r.done(v)
	if r.message != nil {
		r.message(s, data, binary)
	}
}

func (h *handler) Closed(s *engineio.Session, reason engineio.CloseReason) {
	r := (*recorder)(h)
	v := r.begin(s, "Closed")
	defer r.done(v)
	if r.closed != nil {
		r.closed(s, reason)
	}
	r.mu.Lock()
	v.reason = reason
	r.mu.Unlock()
}

func (r *recorder) begin(s *engineio.Session, call string) *seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := s.Data().(*seen)
	switch {
	case !ok:
		panic("engineio: " + call + " before Opened")
	case v.busy:
		r.faults = append(r.faults, call+" during another call")
	case v.reason != 0:
		r.faults = append(r.faults, call+" after Closed")
	}
	v.busy = true
	return v
}

func (r *recorder) done(v *seen) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v.busy = false
	v.opened = true
	close(r.changed)
	r.changed = make(chan struct{})
}

// await waits until cond is true of what has been seen.
func (r *recorder) await(t testing.TB, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		r.mu.Lock()
		ok, changed := cond(), r.changed
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// session waits until Opened has returned for the i-th session.
func (r *recorder) session(t testing.TB, i int) *seen {
	t.Helper()
	r.await(t, fmt.Sprintf("session %d", i), func() bool { return len(r.sessions) > i && r.sessions[i].opened })
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sessions[i]
}

// ended waits for the end of the i-th session and returns the reason.
func (r *recorder) ended(t testing.TB, i int) engineio.CloseReason {
	t.Helper()
	v := r.session(t, i)
	r.await(t, fmt.Sprintf("the end of session %d", i), func() bool { return v.reason != 0 })
	r.mu.Lock()
	defer r.mu.Unlock()
	return v.reason
}

// open reports whether the i-th session has not been closed.
func (r *recorder) open(i int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sessions) > i && r.sessions[i].reason == 0
}

// got waits until the i-th session has brought n messages and returns them.
func (r *recorder) got(t testing.TB, i, n int) []engineio.Packet {
	t.Helper()
	v := r.session(t, i)
	r.await(t, fmt.Sprintf("%d messages", n), func() bool { return len(v.messages) >= n })
	r.mu.Lock()
	defer r.mu.Unlock()
	return v.messages
}

func (r *recorder) finish(t testing.TB) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.faults {
		t.Error(f)
	}
	open := 0
	for _, v := range r.sessions {
		if v.reason == 0 {
			open++
		}
	}
	if open > r.panics {
		t.Errorf("Closed was not called for %d sessions", open)
	}
}
