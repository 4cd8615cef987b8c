package e2e_test

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"outrider/engineio"
	"outrider/socketio"
)

// Connection State Recovery is no part of the gateway, but of the library below it. So these tests serve that.

// recoverer is a server whose sockets can be recovered.
type recoverer struct {
	*socketio.Server
	addr     string
	connects chan *socketio.Socket
	left     chan socketio.DisconnectReason
}

func startRecoverer(t *testing.T, cfg socketio.Config) *recoverer {
	t.Helper()
	s, err := socketio.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &recoverer{s, ln.Addr().String(), make(chan *socketio.Socket, 10), make(chan socketio.DisconnectReason, 10)}
	ns := s.Of("/")
	ns.OnConnect(func(s *socketio.Socket) { r.connects <- s })
	ns.OnDisconnect(func(_ *socketio.Socket, reason socketio.DisconnectReason) { r.left <- reason })
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; !errors.Is(err, engineio.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return r
}

// join opens a client that comes back by itself, through the relay, has it in room "a", and sees that it gets an event: it
// knows an offset then.
func (r *recoverer) join(t *testing.T, c client, network *relay) *socket {
	t.Helper()
	s := c.open(t, network.addr, "/", options{"reconnection": true, "reconnectionDelay": 20, "reconnectionDelayMax": 50})
	n := s.wait(t, "connect")
	s.id = n.ID
	if n.Recovered {
		t.Errorf("%s: recovered at once", s.name)
	}
	if c.transport == upgrade {
		s.wait(t, "upgrade")
	}
	socket := next(t, r.connects)
	socket.SetData("data")
	if err := socket.Join("a"); err != nil {
		t.Fatal(err)
	}
	if err := socket.Emit("first"); err != nil {
		t.Fatal(err)
	}
	s.next(t, "event first", s.events)
	return s
}

// next receives what a handler of the server reports.
func next[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("nothing happened")
		panic("unreachable")
	}
}

// recoveryMatrix runs rule for the newest client, which knows of recovery, on each transport.
func recoveryMatrix(t *testing.T, rule func(*testing.T, client)) {
	t.Parallel()
	for _, tr := range transports {
		c := client{"4.8.4", tr}
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			rule(t, c)
		})
	}
}

const missed = 1000

// miss emits events in the ways there are: to all, to a room, with binary data; and one that is for others.
func (r *recoverer) miss(t *testing.T) {
	t.Helper()
	ns := r.Of("/")
	for i := range missed {
		var err error
		switch i % 3 {
		case 0:
			_, err = ns.Emit("missed", i)
		case 1:
			_, err = ns.To("a").Emit("missed", i)
		case 2:
			_, err = ns.To("a", "b").Except("c").Emit("missed", i, []byte{byte(i)})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ns.To("b").Emit("not for you"); err != nil {
		t.Fatal(err)
	}
}

// wantMissed requires all that, once and in order, and what comes then.
func (r *recoverer) wantMissed(t *testing.T, s *socket) {
	t.Helper()
	if n := s.wait(t, "connect"); !n.Recovered || n.ID != s.id {
		t.Fatalf("%s: came back as %s", s.name, n)
	}
	socket := next(t, r.connects)
	got := fmt.Sprintf("%v %v %v %v", socket.ID() == s.id, socket.Recovered(), socket.Rooms(), socket.Data())
	if got != "true true [a] data" {
		t.Errorf("%s: the server has %s", s.name, got)
	}
	if err := socket.Emit("last"); err != nil {
		t.Fatal(err)
	}
	for i := range missed {
		n := s.next(t, "missed event", s.events)
		if n.Event != "missed" || string(n.Args[0]) != strconv.Itoa(i) {
			t.Fatalf("%s: received %s, want event %d", s.name, n, i)
		}
	}
	if n := s.next(t, "last event", s.events); n.Event != "last" {
		t.Fatalf("%s: received %s behind all", s.name, n)
	}
}

// TestRecovery cuts the network for about a second, in which 1,000 events are sent. The server sees the client go by
// the heartbeat alone.
func TestRecovery(t *testing.T) {
	recoveryMatrix(t, func(t *testing.T, c client) {
		r := startRecoverer(t, socketio.Config{
			Engine:   engineio.Config{PingInterval: 600 * time.Millisecond, PingTimeout: 400 * time.Millisecond},
			Recovery: &socketio.Recovery{},
		})
		network := startRelay(t, r.addr)
		s := r.join(t, c, network)
		network.lose()
		s.wait(t, "disconnect")
		if reason := next(t, r.left); reason != socketio.ReasonPingTimeout {
			t.Errorf("%s: left because of %v", s.name, reason)
		}
		r.miss(t)
		network.setDown(false)
		r.wantMissed(t, s)
	})
}

// TestRecoveryUnnoticed: the client is back while the server takes it to be there still, and has sent all to a connection
// that nobody reads.
func TestRecoveryUnnoticed(t *testing.T) {
	recoveryMatrix(t, func(t *testing.T, c client) {
		r := startRecoverer(t, socketio.Config{Recovery: &socketio.Recovery{}})
		network := startRelay(t, r.addr)
		s := r.join(t, c, network)
		network.lose()
		s.wait(t, "disconnect")
		r.miss(t)
		network.setDown(false)
		r.wantMissed(t, s)
		if reason := next(t, r.left); reason != socketio.ReasonTransportClose {
			t.Errorf("%s: the old socket left because of %v", s.name, reason)
		}
	})
}

// TestRecoveryTooLate: past the window, a client is a new one, and is told nothing of what it has missed.
func TestRecoveryTooLate(t *testing.T) {
	recoveryMatrix(t, func(t *testing.T, c client) {
		r := startRecoverer(t, socketio.Config{
			Engine:   engineio.Config{PingInterval: 600 * time.Millisecond, PingTimeout: 400 * time.Millisecond},
			Recovery: &socketio.Recovery{MaxDisconnection: 100 * time.Millisecond},
		})
		network := startRelay(t, r.addr)
		s := r.join(t, c, network)
		network.setDown(true)
		s.wait(t, "disconnect")
		next(t, r.left)
		r.miss(t)
		r.wantForgotten(t)
		network.setDown(false)
		if n := s.wait(t, "connect"); n.Recovered || n.ID == s.id {
			t.Fatalf("%s: came back as %s", s.name, n)
		}
		socket := next(t, r.connects)
		if socket.Recovered() || len(socket.Rooms()) != 0 || socket.Data() != nil {
			t.Errorf("%s: the server has kept %v and %v", s.name, socket.Rooms(), socket.Data())
		}
		if err := socket.Emit("new"); err != nil {
			t.Fatal(err)
		}
		if n := s.next(t, "event", s.events); n.Event != "new" {
			t.Fatalf("%s: received %s", s.name, n)
		}
	})
}

// wantForgotten waits until no socket is away any more.
func (r *recoverer) wantForgotten(t *testing.T) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	late := time.After(patience)
	for r.Stats().Away != 0 {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("%d sockets are away", r.Stats().Away)
		}
	}
}
