package socketio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"outrider/socketio"
)

// away is what a client that may come back knows of its socket.
type away struct{ SID, PID, offset string }

// claim is what it sends to have it back.
func (a away) claim() string { return fmt.Sprintf(`40{"pid":"%s","offset":"%s"}`, a.PID, a.offset) }

// enter joins "/" as a new client and returns what its CONNECT says.
func (c *client) enter(connect string) (a away) {
	c.t.Helper()
	c.send(connect)
	c.welcome(&a)
	return a
}

// welcome reads a CONNECT.
func (c *client) welcome(a *away) {
	c.t.Helper()
	text := c.read()
	if err := json.Unmarshal([]byte(text[2:]), a); err != nil || !strings.HasPrefix(text, "40{") || len(a.SID) != 20 || len(a.PID) != 20 {
		c.t.Fatalf("CONNECT answered with %q", text)
	}
}

// event reads an event that has an offset, and returns its text up to that.
func (c *client) event(a *away) string {
	c.t.Helper()
	return a.take(c.t, c.read())
}

// take takes the offset off an event.
func (a *away) take(t testing.TB, text string) string {
	t.Helper()
	i := strings.LastIndex(text, `,"`)
	if i < 0 || !strings.HasPrefix(text, "42") || !strings.HasSuffix(text, `"]`) {
		t.Fatalf("got %q, want an event with an offset", text)
	}
	a.offset = text[i+2 : len(text)-2]
	return text[:i]
}

// retreat is a server whose sockets tell when they have left.
func retreat(t *testing.T, cfg socketio.Recovery, setup func(*socketio.Namespace)) (s *socketio.Server, addr string, left chan *socketio.Socket) {
	t.Helper()
	left = make(chan *socketio.Socket, 10)
	s, addr = start(t, socketio.Config{Recovery: &cfg}, func(s *socketio.Server) {
		askable(s.Of("/"), left)
		if setup != nil {
			setup(s.Of("/"))
		}
	})
	return s, addr, left
}

// askable gives a namespace an event to ask for, and has it tell who has left.
func askable(ns *socketio.Namespace, left chan<- *socketio.Socket) {
	ns.On("hi", func(e *socketio.Event) { e.Socket().Emit("hi") })
	ns.OnDisconnect(func(s *socketio.Socket, _ socketio.DisconnectReason) { left <- s })
}

// leave joins, has an event and loses its connection.
func leave(t *testing.T, addr string, left chan *socketio.Socket) away {
	t.Helper()
	c := dial(t, addr, "4")
	a := c.enter("40")
	c.send(`42["hi"]`)
	if got := c.event(&a); got != `42["hi"` {
		t.Fatalf("got %q", got)
	}
	c.conn.Close()
	wait(t, left)
	return a
}

// TestRecovery is PROTOCOL.md 2.7: id, rooms, data and what was missed, before CONNECT.
func TestRecovery(t *testing.T) {
	var asked notes
	connects := make(chan *socketio.Socket, 10)
	s, addr, left := retreat(t, socketio.Recovery{}, func(ns *socketio.Namespace) {
		ns.Use(func(s *socketio.Socket) error { asked.add(string(s.Auth())); return nil })
		ns.OnConnect(func(s *socketio.Socket) { connects <- s })
	})
	ns := s.Of("/")
	c := dial(t, addr, "4")
	a := c.enter("40")
	old := wait(t, connects)
	old.SetData("data")
	if err := old.Join("a", "b"); err != nil {
		t.Fatal(err)
	}
	other := dial(t, addr, "4")
	other.enter("40")
	sender := wait(t, connects)
	if old.Recovered() {
		t.Error("recovered at once")
	}
	c.send(`42["hi"]`)
	c.event(&a)
	c.conn.Close()
	if wait(t, left) != old {
		t.Error("another has left")
	}
	if ns.Socket(a.SID) != nil || ns.Len() != 1 {
		t.Error("found, though it is away")
	}
	if err := old.Emit("gone"); !errors.Is(err, socketio.ErrNotConnected) {
		t.Errorf("Emit: %v", err)
	}
	for i, to := range []socketio.Broadcast{
		ns.To(),                         // missed
		ns.To("a"),                      // missed
		ns.To("c"),                      //
		ns.Except("b"),                  //
		ns.To("a", "c").Except("d"),     // missed
		ns.To(a.SID),                    // missed
		ns.Except(a.SID),                //
		ns.Volatile(),                   //
		sender.Broadcast(),              // missed
		sender.To("b").Except("c", "d"), // missed
	} {
		if _, err := to.Emit("missed", i); err != nil {
			t.Fatal(err)
		}
	}
	sender.Emit("direct")

	again := dial(t, addr, "4")
	claimed := a.claim()[2:]
	again.send(a.claim())
	for _, i := range []int{0, 1, 4, 5, 8, 9} {
		if got, want := again.event(&a), fmt.Sprintf(`42["missed",%d`, i); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	back := a
	again.welcome(&back)
	if back != a {
		t.Errorf("came back as %v, was %v", back, a)
	}
	socket := wait(t, connects)
	if !socket.Recovered() || socket == old || socket.ID() != a.SID || ns.Socket(a.SID) != socket {
		t.Error("not the same, or not found")
	}
	if got := fmt.Sprintf("%v %v %s", socket.Data(), socket.Rooms(), socket.Auth()); got != "data [a b] "+claimed {
		t.Errorf("came back with %s", got)
	}
	if n, _ := ns.To("a").Emit("here"); n != 1 || again.event(&a) != `42["here"` {
		t.Error("does not get what is sent now")
	}
	if got := asked.String(); got != "{}, {}" {
		t.Errorf("the middleware was asked about %s", got)
	}
	if st := s.Stats(); st.Recovered != 1 || st.Away != 0 || st.Connects != 3 || st.Disconnects != 1 {
		t.Errorf("stats %+v", st)
	}
}

// TestRecoveryTwice: who has come back can lose the connection and come back again, also where the handshake is not
// kept.
func TestRecoveryTwice(t *testing.T) {
	for _, mode := range []socketio.HandshakeMode{socketio.KeepHandshake, socketio.DropHandshake, socketio.NoHandshake} {
		t.Run(fmt.Sprint(mode), func(t *testing.T) { twice(t, mode) })
	}
}

func twice(t *testing.T, mode socketio.HandshakeMode) {
	left := make(chan *socketio.Socket, 10)
	cfg := socketio.Config{Handshake: mode, Recovery: &socketio.Recovery{}}
	s, addr := start(t, cfg, func(s *socketio.Server) { askable(s.Of("/"), left) })
	a := leave(t, addr, left)
	for i := range 3 {
		s.Of("/").Emit("missed", i)
		c := dial(t, addr, "4")
		c.send(a.claim())
		if got := c.event(&a); got != fmt.Sprintf(`42["missed",%d`, i) {
			t.Errorf("got %s", got)
		}
		back := a
		if c.welcome(&back); back != a {
			t.Errorf("came back as %v, was %v", back, a)
		}
		c.conn.Close()
		wait(t, left)
	}
}

// TestRecoveryPolling: what was missed and CONNECT come in one answer.
func TestRecoveryPolling(t *testing.T) {
	s, addr, left := retreat(t, socketio.Recovery{}, nil)
	a := leave(t, addr, left)
	s.Of("/").Emit("missed", 1)
	s.Of("/").Emit("missed", 2)
	url := "http://" + addr + "/socket.io/?EIO=4&transport=polling"
	open := request(t, http.MethodGet, url, "")
	url += "&sid=" + open[len(`0{"sid":"`):][:20]
	request(t, http.MethodPost, url, a.claim())
	got := strings.Split(request(t, http.MethodGet, url, ""), "\x1e")
	want := fmt.Sprintf(`40{"sid":"%s","pid":"%s"}`, a.SID, a.PID)
	if len(got) != 3 || a.take(t, got[0]) != `42["missed",1` || a.take(t, got[1]) != `42["missed",2` || got[2] != want {
		t.Errorf("the poll brought %q", got)
	}
}

// TestNoRecovery has what speaks against a recovery: the client joins as a new one, with another id and pid.
func TestNoRecovery(t *testing.T) {
	ways := map[string]func(*socketio.Server, *away) (connect string){
		"no pid":         func(_ *socketio.Server, a *away) string { return fmt.Sprintf(`40{"offset":"%s"}`, a.offset) },
		"unknown pid":    func(_ *socketio.Server, a *away) string { a.PID = a.SID; return a.claim() },
		"no text":        func(_ *socketio.Server, a *away) string { return fmt.Sprintf(`40{"pid":7,"offset":"%s"}`, a.offset) },
		"no offset":      func(_ *socketio.Server, a *away) string { return fmt.Sprintf(`40{"pid":"%s"}`, a.PID) },
		"strange offset": func(_ *socketio.Server, a *away) string { a.offset = "_"; return a.claim() },
		"offset 0":       func(_ *socketio.Server, a *away) string { a.offset = "0"; return a.claim() },
		"future offset":  func(_ *socketio.Server, a *away) string { a.offset = "zz"; return a.claim() },
		"too late": func(s *socketio.Server, a *away) string {
			s.AgeRecovery(socketio.DefaultMaxDisconnection + time.Second)
			return a.claim()
		},
	}
	for name, spoil := range ways {
		t.Run(name, func(t *testing.T) {
			s, addr, left := retreat(t, socketio.Recovery{}, nil)
			a := leave(t, addr, left)
			was := a
			connect := spoil(s, &a)
			s.Of("/").Emit("missed")
			if b := dial(t, addr, "4").enter(connect); b.SID == was.SID || b.PID == was.PID {
				t.Errorf("came back as %v, was %v", b, was)
			}
			if s.Stats().Recovered != 0 {
				t.Error("counted as recovered")
			}
		})
	}
}

// TestNoRecoveryAfter has the ends that are for good, and those that are not.
func TestNoRecoveryAfter(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(*socketio.Server, *client)
		back bool
	}{
		"client disconnect": {func(_ *socketio.Server, c *client) { c.send("41") }, false},
		"server disconnect": {func(s *socketio.Server, _ *client) { disconnectAll(s, false) }, false},
		"server closes":     {func(s *socketio.Server, _ *client) { disconnectAll(s, true) }, false},
		"parse error":       {func(_ *socketio.Server, c *client) { c.send("4x") }, false},
		"violation":         {func(_ *socketio.Server, c *client) { c.send("40") }, true},
		"transport close":   {func(_ *socketio.Server, c *client) { c.send("1") }, true},
		"forced close": {func(s *socketio.Server, _ *client) {
			for socket := range s.Of("/").Sockets() {
				socket.Session().Close()
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, addr, left := retreat(t, socketio.Recovery{}, nil)
			c := dial(t, addr, "4")
			a := c.enter("40")
			c.send(`42["hi"]`)
			c.event(&a)
			test.end(s, c)
			wait(t, left)
			if b := dial(t, addr, "4").enter(a.claim()); (b.SID == a.SID) != test.back || (b.PID == a.PID) != test.back {
				t.Errorf("came back as %v, was %v", b, a)
			}
		})
	}
}

func disconnectAll(s *socketio.Server, closeEngine bool) {
	for socket := range s.Of("/").Sockets() {
		socket.Disconnect(closeEngine)
	}
}

// TestRecoveryOnce: a pid is good for one socket, in one namespace. Whoever comes with it last has the socket.
func TestRecoveryOnce(t *testing.T) {
	s, addr, left := retreat(t, socketio.Recovery{}, nil)
	s.Of("/a").Emit("kept", "so that the offset is one there too")
	a := leave(t, addr, left)
	c := dial(t, addr, "4")
	c.send("40/a," + a.claim()[2:])
	if text := c.read(); strings.Contains(text, a.SID) || strings.Contains(text, a.PID) {
		t.Errorf("came back in another namespace: %s", text)
	}
	first := dial(t, addr, "4")
	if b := first.enter(a.claim()); b.SID != a.SID {
		t.Errorf("came back as %v", b)
	}
	if b := dial(t, addr, "4").enter(a.claim()); b.SID != a.SID {
		t.Errorf("came back again as %v", b)
	}
	first.expectClosed()
	if n := s.Of("/").Len(); n != 1 {
		t.Errorf("%d sockets", n)
	}
}

// TestRecoveryUnnoticed: a client comes back while its old connection looks as good as ever. All that was sent there
// and was not seen is sent again; the old connection is ended, and what else was on it can come back as well.
func TestRecoveryUnnoticed(t *testing.T) {
	reasons := make(chan socketio.DisconnectReason, 10)
	connects := make(chan *socketio.Socket, 10)
	s, addr := start(t, socketio.Config{Recovery: &socketio.Recovery{}}, func(s *socketio.Server) {
		for _, ns := range []*socketio.Namespace{s.Of("/"), s.Of("/b")} {
			ns.OnConnect(func(s *socketio.Socket) { connects <- s })
			ns.OnDisconnect(func(_ *socketio.Socket, reason socketio.DisconnectReason) { reasons <- reason })
		}
	})
	c := dial(t, addr, "4")
	a := c.enter("40")
	old := wait(t, connects)
	old.SetData("data")
	if err := errors.Join(old.Join("room"), old.Emit("seen")); err != nil {
		t.Fatal(err)
	}
	c.event(&a)
	c.send("40/b,")
	c.read()
	wait(t, connects)
	if n := s.KeptSessions(); n != 2 {
		t.Errorf("%d sessions are kept while they are connected", n)
	}
	s.Of("/").To("room").Emit("unseen", 1)
	old.Emit("unseen", 2)

	again := dial(t, addr, "4")
	again.send(a.claim())
	for i := range 2 {
		if got, want := again.event(&a), fmt.Sprintf(`42["unseen",%d`, i+1); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	back := a
	again.welcome(&back)
	socket := wait(t, connects)
	if back != a || !socket.Recovered() || socket.Data() != "data" || fmt.Sprint(socket.Rooms()) != "[room]" {
		t.Errorf("came back as %v with %v in %v", back, socket.Data(), socket.Rooms())
	}
	got := map[socketio.DisconnectReason]bool{wait(t, reasons): true, wait(t, reasons): true}
	if !got[socketio.ReasonTransportClose] || !got[socketio.ReasonForcedClose] {
		t.Errorf("left because of %v", got)
	}
	if n, _ := s.Of("/").To("room").Emit("now"); n != 1 || again.event(&a) != `42["now"` {
		t.Error("is not there once")
	}
	if st, n := s.Stats(), s.Of("/").Len()+s.Of("/b").Len(); st.Away != 1 || st.Recovered != 1 || n != 1 {
		t.Errorf("%d sockets, stats %+v", n, st)
	}
}

// TestKeptSessions: a session is forgotten with a socket that has left for good.
func TestKeptSessions(t *testing.T) {
	s, addr, left := retreat(t, socketio.Recovery{}, nil)
	c := dial(t, addr, "4")
	c.enter("40")
	if n := s.KeptSessions(); n != 1 {
		t.Errorf("%d sessions of one socket", n)
	}
	dial(t, addr, "3").join("/")
	if n := s.KeptSessions(); n != 1 {
		t.Errorf("%d sessions with a client of protocol 4", n)
	}
	c.send("41")
	wait(t, left)
	if n := s.KeptSessions(); n != 0 {
		t.Errorf("%d sessions after the end", n)
	}
}

// TestRecoveryNamespaces: where it is off, there is neither pid nor offset, nor anything kept; beside one where it is on.
func TestRecoveryNamespaces(t *testing.T) {
	on := func(name string) bool { return strings.HasPrefix(name, "/on") }
	s, addr := start(t, socketio.Config{Recovery: &socketio.Recovery{Namespaces: on}}, func(s *socketio.Server) {
		s.OfFunc(func(string) bool { return true }).OnConnect(func(s *socketio.Socket) { s.Emit("hi") })
	})
	all := s.OfFunc(func(string) bool { return false })
	off := dial(t, addr, "4")
	off.join("/off")
	off.expect(`42/off,["hi"]`)
	off.join("/")
	c := dial(t, addr, "4")
	c.send("40/on,")
	if text := c.read(); !strings.Contains(text, `"pid":"`) {
		t.Errorf("joined with %s", text)
	}
	if text := c.read(); !strings.HasPrefix(text, `42/on,["hi","`) {
		t.Errorf("got %s", text)
	}
	for _, ns := range []string{"/", "/off"} {
		if n, _ := s.Of(ns).Emit("all"); n != 1 {
			t.Errorf("%d got it in %s", n, ns)
		}
		if s.Of(ns).Keeps() {
			t.Errorf("events of %s are kept", ns)
		}
	}
	off.expect(`42["all"]`, `42/off,["all"]`)
	if n, _ := all.Emit("nobody"); n != 0 {
		t.Errorf("%d got what goes to none", n)
	}
	if n := s.KeptSessions(); n != 1 {
		t.Errorf("%d sessions are kept", n)
	}
}

// TestMaxDisconnection has a socket away for as long as may be, and for a nanosecond more; and so its last event.
func TestMaxDisconnection(t *testing.T) {
	for late, back := range map[time.Duration]bool{0: true, 1: false} {
		left := make(chan *socketio.Socket, 10)
		s, addr := start(t, socketio.Config{Recovery: &socketio.Recovery{}}, func(s *socketio.Server) {
			s.FreezeRecovery()
			askable(s.Of("/"), left)
		})
		a := leave(t, addr, left)
		s.AgeRecovery(socketio.DefaultMaxDisconnection + late)
		if n, _ := s.Of("/").KeptEvents(); (n == 1) != back || (s.Stats().Away == 1) != back {
			t.Errorf("%v late: %d events, %d sockets", late, n, s.Stats().Away)
		}
		if b := dial(t, addr, "4").enter(a.claim()); (b.SID == a.SID) != back {
			t.Errorf("%v late: came back as %v, was %v", late, b, a)
		}
	}
}

// TestMaxEvents has as many events as may be, and one more: the oldest is forgotten, and whoever's last event it was.
func TestMaxEvents(t *testing.T) {
	for missed, back := range map[int]bool{2: true, 3: false} { // besides the one that was seen
		s, addr, left := retreat(t, socketio.Recovery{MaxEvents: 3}, nil)
		a := leave(t, addr, left)
		for i := range missed {
			s.Of("/").Emit("missed", i)
		}
		if n, _ := s.Of("/").KeptEvents(); n != 3 {
			t.Errorf("%d events are kept", n)
		}
		c := dial(t, addr, "4")
		c.send(a.claim())
		if recovered := strings.HasPrefix(c.read(), "42"); recovered != back {
			t.Errorf("recovered %t, with %d events missed", recovered, missed)
		}
	}
}

// TestOffsets: which events have one.
func TestOffsets(t *testing.T) {
	var a away
	connects := make(chan *socketio.Socket, 2)
	s, addr, _ := retreat(t, socketio.Recovery{}, func(ns *socketio.Namespace) {
		ns.OnConnect(func(s *socketio.Socket) { connects <- s })
	})
	c := dial(t, addr, "4")
	c.enter("40")
	socket := wait(t, connects)
	old := dial(t, addr, "3")
	old.join("/")
	p, err := socketio.Prepare("prepared", "é")
	if err != nil {
		t.Fatal(err)
	}
	socket.Emit("emit")
	socket.Send(p)
	s.Of("/").Emit("all", "é")
	s.Of("/").Send(p)
	seen := make(map[string]bool)
	for _, want := range []string{`42["emit"`, `42["prepared","é"`, `42["all","é"`, `42["prepared","é"`} {
		if got := c.event(&a); got != want || seen[a.offset] {
			t.Errorf("got %s with offset %s, want %s", got, a.offset, want)
		}
		seen[a.offset] = true
	}
	old.expect(`42["all","\u00e9"]`, `42["prepared","\u00e9"]`)

	s.Of("/").Emit("binary", []byte("x"))
	text := c.read()
	if !strings.HasPrefix(text, `451-["binary",{"_placeholder":true,"num":0},"`) {
		t.Errorf("got %s", text)
	}
	c.expect("bx")
	old.expect(`451-["binary",{"_placeholder":true,"num":0}]`, "bx")

	socket.Volatile().Emit("volatile")
	if err := socket.EmitWithAck(0, "ask", nil, func(*socketio.Args, error) {}); err != nil {
		t.Error(err)
	}
	c.expect(`42["volatile"]`, `420["ask"]`)
}

// TestMaxAway has as many sockets away as may be, and one more: the one that has been away longest is forgotten.
func TestMaxAway(t *testing.T) {
	s, addr, left := retreat(t, socketio.Recovery{MaxAway: 2}, nil)
	first, second, third := leave(t, addr, left), leave(t, addr, left), leave(t, addr, left)
	if n := s.Stats().Away; n != 2 {
		t.Errorf("%d are away", n)
	}
	for _, a := range []away{third, second} {
		if b := dial(t, addr, "4").enter(a.claim()); b.SID != a.SID {
			t.Errorf("came back as %v, was %v", b, a)
		}
	}
	if b := dial(t, addr, "4").enter(first.claim()); b.SID == first.SID {
		t.Error("the first came back")
	}
	if n := s.Stats().Recovered; n != 2 {
		t.Errorf("%d came back", n)
	}
	none, addr, left := retreat(t, socketio.Recovery{MaxAway: -1}, nil)
	if a := leave(t, addr, left); dial(t, addr, "4").enter(a.claim()).SID == a.SID || none.Stats().Away != 0 {
		t.Error("came back where nobody may")
	}
}

// TestMaxEventBytes has as many bytes of events as may be, and one more: the oldest is forgotten, and whoever's last
// event it was.
func TestMaxEventBytes(t *testing.T) {
	probe, _, _ := retreat(t, socketio.Recovery{}, nil)
	probe.Of("/").Emit("missed", "x")
	_, size := probe.Of("/").KeptEvents()

	for room, back := range map[int]bool{3 * size: true, 3*size - 1: false} {
		s, addr, left := retreat(t, socketio.Recovery{MaxEventBytes: room}, func(ns *socketio.Namespace) {
			ns.On("hi there", func(e *socketio.Event) { s := e.Socket().Namespace(); s.Emit("missed", "x") })
		})
		c := dial(t, addr, "4")
		a := c.enter("40")
		c.send(`42["hi there"]`)
		c.event(&a)
		c.conn.Close()
		wait(t, left)
		s.Of("/").Emit("missed", "y")
		s.Of("/").Emit("missed", "z")
		if events, bytes := s.Of("/").KeptEvents(); events != map[bool]int{true: 3, false: 2}[back] || bytes > room {
			t.Errorf("%d events of %d bytes are kept, with room for %d", events, bytes, room)
		}
		again := dial(t, addr, "4")
		again.send(a.claim())
		if recovered := strings.HasPrefix(again.read(), "42"); recovered != back {
			t.Errorf("recovered %t, with room for %d bytes", recovered, room)
		}
	}
}

// TestRecoveryMiddleware: it is asked if the configuration says so, with the socket as it was. A socket that it refuses
// is gone for good.
func TestRecoveryMiddleware(t *testing.T) {
	s, addr, left := retreat(t, socketio.Recovery{RunMiddleware: true}, func(ns *socketio.Namespace) {
		ns.Use(func(s *socketio.Socket) error {
			if s.Recovered() {
				return fmt.Errorf("not you, %v of %v", s.Data(), s.Rooms())
			}
			s.SetData("x")
			return s.Join("room")
		})
	})
	a := leave(t, addr, left)
	c := dial(t, addr, "4")
	c.send(a.claim())
	c.expect(`44{"message":"not you, x of [room]"}`)
	if b := c.enter(a.claim()); b.SID == a.SID {
		t.Error("came back after all")
	}
	if n := s.Of("/").Len(); n != 1 {
		t.Errorf("%d sockets", n)
	}
}

// TestRecoveryForgets: what is too old is forgotten, a namespace that was made on demand included.
func TestRecoveryForgets(t *testing.T) {
	left := make(chan *socketio.Socket, 1)
	s, addr := start(t, socketio.Config{Recovery: &socketio.Recovery{MaxDisconnection: time.Hour}}, func(s *socketio.Server) {
		children := s.OfFunc(func(string) bool { return true })
		children.OnConnect(func(s *socketio.Socket) { children.Emit("hello") })
		children.OnDisconnect(func(s *socketio.Socket, _ socketio.DisconnectReason) { left <- s })
	})
	c := dial(t, addr, "4")
	c.send("40/child,")
	c.read()
	c.read()
	c.conn.Close()
	child := wait(t, left).Namespace()
	s.Of("/").Emit("hello")
	for _, age := range []time.Duration{time.Hour - time.Minute, 2 * time.Minute} {
		if n, _ := child.KeptEvents(); n != 1 || s.Stats().Away != 1 {
			t.Errorf("%d events are kept, %d sockets away", n, s.Stats().Away)
		}
		s.AgeRecovery(age)
	}
	if n := s.Stats().Away; n != 0 {
		t.Errorf("%d sockets are away", n)
	}
	if n, bytes := s.Of("/").KeptEvents(); n != 0 || bytes != 0 {
		t.Errorf("%d events of %d bytes are kept", n, bytes)
	}
	if s.Of("/child") == child {
		t.Error("the namespace is there still")
	}
}

// TestRecoveryExactlyOnce has clients that lose their connections again and again, while events come from several
// goroutines: each client gets each event once, and in the one order.
func TestRecoveryExactlyOnce(t *testing.T) {
	const events, clients, writers = 1500, 3, 3
	s, addr := start(t, socketio.Config{Recovery: &socketio.Recovery{}}, func(s *socketio.Server) {
		s.Of("/").OnConnect(func(s *socketio.Socket) { s.Join("room") })
		s.Of("/").On("hi", func(e *socketio.Event) { e.Socket().Emit("hi") })
	})
	ns := s.Of("/")
	var ready, wg sync.WaitGroup
	orders := make([]string, clients)
	for i := range clients {
		ready.Add(1)
		wg.Go(func() {
			c := dial(t, addr, "4")
			a := c.enter("40")
			c.send(`42["hi"]`)
			c.event(&a)
			ready.Done()
			var order strings.Builder
			for n := 0; n < events; {
				text := c.read()
				if strings.HasPrefix(text, "40") {
					if n > 0 && !strings.Contains(text, a.SID) {
						t.Errorf("client %d is another: %s", i, text)
					}
					continue
				}
				order.WriteString(a.take(t, text) + "\n")
				if n++; n%97 == 0 && n < events { // in the midst of others
					if (n/97)%2 == 0 { // else the server is not told
						c.conn.Close()
					}
					c = dial(t, addr, "4")
					c.send(a.claim())
				}
			}
			orders[i] = order.String()
		})
	}
	ready.Wait()
	for w := range writers {
		wg.Go(func() {
			for n := range events / writers {
				if _, err := ns.To("room").Emit("e", w, n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i, order := range orders {
		if order != orders[0] || strings.Count(order, "\n") != events {
			t.Errorf("client %d got other events than the first, or in another order", i)
		}
	}
	for w := range writers {
		for n := range events / writers {
			if strings.Count(orders[0], fmt.Sprintf("42[\"e\",%d,%d\n", w, n)) != 1 {
				t.Fatalf("event %d of writer %d is not there once", n, w)
			}
		}
	}
}

// FuzzOffset: an offset finds the event that has it, and nothing else any.
func FuzzOffset(f *testing.F) {
	s, err := socketio.NewServer(socketio.Config{Recovery: &socketio.Recovery{}})
	if err != nil {
		f.Fatal(err)
	}
	defer s.Close()
	const kept = 40
	for i := range kept {
		s.Of("/").Emit("e", i+1)
	}
	for _, seed := range []string{"", "0", "1", "z", "14", "15", "+1", "-1", "1 ", "0x1", "1_0", "3w5e11264sgsg", "zzzzzzzzzzzzzzzzzz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, offset string) {
		n, err := strconv.ParseUint(offset, 36, 64)
		want := ""
		if err == nil && n >= 1 && n <= kept {
			want = fmt.Sprintf(`["e",%d,"%s"]`, n, strconv.FormatUint(n, 36))
		}
		if got := s.Of("/").KeptEvent(offset); got != want {
			t.Errorf("%q finds %s, want %s", offset, got, want)
		}
	})
}
