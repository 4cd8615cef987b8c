package socketio_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"outrider/socketio"
)

// echo is the server that the protocol's suite wants.
func echo(s *socketio.Server) {
	for _, name := range []string{"/", "/custom"} {
		ns := s.Of(name)
		ns.OnConnect(func(s *socketio.Socket) { s.Emit("auth", s.Auth()) })
		ns.On("message", func(e *socketio.Event) { e.Socket().Emit("message-back", e.Values()...) })
		ns.On("message-with-ack", func(e *socketio.Event) { e.Ack(e.Values()...) })
		ns.On("sync", syncHandler)
	}
}

// TestConnect5 is PROTOCOL.md 2.4.
func TestConnect5(t *testing.T) {
	s, addr := start(t, socketio.Config{}, echo)
	c := dial(t, addr, "4")
	c.send(`40/custom,{"token":"abc"}`) // "/" need not be first
	text := c.read()
	if len(text) != len(`40/custom,{"sid":"12345678901234567890"}`) || !strings.HasPrefix(text, `40/custom,{"sid":"`) {
		t.Fatalf("got %s", text)
	}
	c.expect(`42/custom,["auth",{"token":"abc"}]`)
	id := c.join("/")
	c.expect(`42["auth",{}]`)
	if id == c.sid || strings.Contains(text, id) {
		t.Error("the socket's id is the engine's, or the other namespace's")
	}
	c.send("40/random", "40/custom?a=b,")
	c.expect(`44/random,{"message":"Invalid namespace"}`, `44/custom?a=b,{"message":"Invalid namespace"}`)
	if got := s.Of("/").Socket(id); got == nil || got.ID() != id || got.Namespace().Name() != "/" {
		t.Errorf("Socket(%q) is %v", id, got)
	}
	if s.Of("/custom").Socket(id) != nil {
		t.Error("found in the wrong namespace")
	}
	if st := s.Stats(); st.Connections != 1 || st.Sockets != 2 || st.Connects != 2 || st.ConnectErrors != 2 {
		t.Errorf("stats %+v", st)
	}
}

// TestConnect4 is PROTOCOL.md 2.5.
func TestConnect4(t *testing.T) {
	s, addr := start(t, socketio.Config{}, echo)
	c := dial(t, addr, "3")
	c.expect("40", `42["auth",{}]`)
	c.send(`40/custom?token=a%20b&x=1&x=2,{"ignored":true}`)
	c.expect(`40/custom,`, `42/custom,["auth",{"token":"a b","x":"2"}]`)
	c.send("40/nope", "40/nope?a=b")
	c.expect(`44/nope,"Invalid namespace"`, `44/nope,"Invalid namespace"`)
	c.sync("/custom")
	for name, id := range map[string]string{"/": c.sid, "/custom": "/custom#" + c.sid} {
		ns := s.Of(name)
		if got := ns.Socket(id); got == nil || got.ID() != id || got.Namespace() != ns {
			t.Errorf("Socket(%q) is %v", id, got)
		}
	}
	for _, id := range []string{"", "#", c.sid, "/#" + c.sid, "/custom" + c.sid, "/custom#", "/custom#" + c.sid + "x", "/custom#12345678901234567890"} {
		if s.Of("/custom").Socket(id) != nil {
			t.Errorf("Socket(%q) is somebody", id)
		}
	}
}

// TestProtocolErrors closes the connection (PROTOCOL.md 2.3, RELIABILITY.md 2 rows 89 to 101).
func TestProtocolErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		eio    string
		after  []string // joined namespaces
		send   []string
		reason string // what the sockets are told
	}{
		{"not a packet", "4", []string{"/"}, []string{"4abc"}, "parse error"},
		{"empty", "4", []string{"/"}, []string{"4"}, "parse error"},
		{"no array", "4", []string{"/"}, []string{"42{}"}, "parse error"},
		{"reserved", "4", []string{"/"}, []string{`42["disconnect"]`}, "parse error"},
		{"empty array", "3", []string{"/"}, []string{`42[]`}, "parse error"},
		{"bad auth", "4", []string{"/"}, []string{`40/custom,"text"`}, "parse error"},
		{"too many attachments", "4", []string{"/"}, []string{`4511-["a"]`}, "parse error"},
		{"text while binary is awaited", "4", []string{"/"}, []string{`451-["a"]`, `42["a"]`}, "parse error"},
		{"handshake", "4", nil, []string{"4abc"}, ""},
		{"CONNECT twice", "4", []string{"/"}, []string{"40"}, "forced server close"},
		{"CONNECT after the automatic one", "3", []string{"/"}, []string{"40"}, "forced server close"},
		{"CONNECT with a query after the automatic one", "3", []string{"/", "/custom"}, []string{"40/custom?a=b"}, "forced server close"},
		{"CONNECT_ERROR", "4", []string{"/"}, []string{`44{"message":"a"}`}, "forced server close"},
		{"event before CONNECT", "4", nil, []string{`42["a"]`}, ""},
		{"event elsewhere", "4", []string{"/"}, []string{`42/custom,["a"]`}, "forced server close"},
		{"binary event elsewhere", "4", []string{"/"}, []string{`451-/custom,["a"]`}, "forced server close"},
		{"ack elsewhere", "4", []string{"/"}, []string{`43/custom,1[]`}, "forced server close"},
		{"DISCONNECT elsewhere", "4", []string{"/"}, []string{`41/custom`}, "forced server close"},
		{"event after DISCONNECT", "4", []string{"/"}, []string{"41", `42["a"]`}, "client namespace disconnect"},
	} {
		t.Run(test.name, func(t *testing.T) {
			reasons := make(chan socketio.DisconnectReason, 10)
			s, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
				for _, name := range []string{"/", "/custom"} {
					s.Of(name).OnDisconnect(func(_ *socketio.Socket, r socketio.DisconnectReason) { reasons <- r })
				}
			})
			c := dial(t, addr, test.eio)
			for _, name := range test.after {
				c.join(name)
			}
			c.send(test.send...)
			c.expectClosed()
			for range test.after {
				if r := wait(t, reasons); r.String() != test.reason {
					t.Errorf("reason %q, want %q", r, test.reason)
				}
			}
			st := s.Stats()
			if parse := test.reason == "parse error" || test.name == "handshake"; parse && st.ParseErrors != 1 || !parse && st.Violations != 1 {
				t.Errorf("stats %+v", st)
			}
			empty(t, reasons)
		})
	}
}

func TestMiddleware(t *testing.T) {
	var order notes
	_, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
		admin := s.Of("/admin")
		admin.Use(func(s *socketio.Socket) error {
			order.add("first")
			if len(s.ID()) < 20 || s.ID() == strings.Repeat("A", 20) {
				t.Errorf("no id yet: %s", s.ID())
			}
			if s.Namespace().Socket(s.ID()) != nil || len(collect(s.Namespace().To(s.ID()))) != 0 {
				t.Error("others see it before its time")
			}
			if s.Connected() || !errors.Is(s.Emit("early"), socketio.ErrNotConnected) {
				t.Error("connected before its time")
			}
			s.SetData("from the middleware")
			return s.Join("room")
		})
		admin.Use(func(s *socketio.Socket) error {
			order.add("second")
			auth := struct{ Token string }{}
			if err := unmarshal(s.Auth(), &auth); err != nil {
				return err
			}
			switch auth.Token {
			case "good":
				return nil
			case "data":
				return fmt.Errorf("wrapped: %w", &socketio.ConnectError{Message: "no", Data: map[string]int{"code": 7}})
			case "bad data":
				return &socketio.ConnectError{Message: "no", Data: func() {}}
			}
			return errors.New("not authorized")
		})
		admin.OnConnect(func(s *socketio.Socket) {
			sent, err := s.Namespace().To("room").Emit("hello", s.Data())
			if sent == 0 || err != nil {
				t.Errorf("%d in the room, %v", sent, err)
			}
		})
	})
	c := dial(t, addr, "4")
	c.send(`40/admin,{"token":"bad"}`, `40/admin,{"token":"data"}`, `40/admin,{"token":"bad data"}`, `40/admin`)
	c.expect(`44/admin,{"message":"not authorized"}`, `44/admin,{"message":"no","data":{"code":7}}`, `44/admin,{"message":"no"}`, `44/admin,{"message":"not authorized"}`)
	c.send(`40/admin,{"token":"good"}`)
	if text := c.read(); !strings.HasPrefix(text, `40/admin,{"sid":`) {
		t.Errorf("got %s", text)
	}
	c.expect(`42/admin,["hello","from the middleware"]`)
	if got := order.String(); !strings.HasPrefix(got, "first, second, first, second") {
		t.Errorf("order %s", got)
	}

	old := dial(t, addr, "3")
	old.expect("40")
	old.send(`40/admin?token=bad`, `40/admin?token=data`)
	old.expect(`44/admin,"not authorized"`, `44/admin,{"code":7}`)
	old.send(`40/admin?token=good`)
	old.expect(`40/admin,`, `42/admin,["hello","from the middleware"]`)
}

// TestRefusedByRoot: the automatic CONNECT of protocol 4 passes the middleware of "/", and a connection that joins
// nothing is closed in time.
func TestRefusedByRoot(t *testing.T) {
	for _, test := range []struct {
		eio  string
		send string
		want []string
	}{
		{"3", "40/b", []string{`44"go away"`, `44/b,"Invalid namespace"`}},
		{"4", "40", []string{`44{"message":"go away"}`}},
		{"4", "40/b", []string{`44/b,{"message":"Invalid namespace"}`}},
	} {
		_, addr := start(t, socketio.Config{ConnectTimeout: 100 * time.Millisecond}, func(s *socketio.Server) {
			s.Of("/").Use(func(*socketio.Socket) error { return errors.New("go away") })
		})
		c := dial(t, addr, test.eio)
		c.send(test.send)
		c.expect(test.want...)
		c.expectClosed()
	}
}

func TestConnectTimeout(t *testing.T) {
	s, addr := start(t, socketio.Config{ConnectTimeout: 100 * time.Millisecond}, func(s *socketio.Server) {
		s.Of("/").On("sync", syncHandler)
	})
	joined, left, old := dial(t, addr, "4"), dial(t, addr, "4"), dial(t, addr, "3")
	joined.join("/")
	old.join("/")
	left.join("/")
	left.send("41")
	silent := dial(t, addr, "4")
	silent.expectClosed()
	joined.sync("/")
	old.sync("/")
	left.join("/")
	if st := s.Stats(); st.Connections != 3 {
		t.Errorf("stats %+v", st)
	}
}

func TestMaxNamespaces(t *testing.T) {
	for _, eio := range []string{"3", "4"} {
		s, addr := start(t, socketio.Config{MaxNamespaces: 3}, func(s *socketio.Server) {
			for i := range 5 {
				s.Of(fmt.Sprint("/", i))
			}
		})
		c := dial(t, addr, eio)
		c.join("/")
		c.join("/1")
		c.join("/2")
		c.send("40/3")
		want := `44/3,{"message":"Too many namespaces"}`
		if eio == "3" {
			want = `44/3,"Too many namespaces"`
		}
		c.expect(want)
		c.send("41/1,")
		c.join("/3")
		for socket := range s.Of("/3").Sockets() { // one that the server has disconnected may come back
			socket.Disconnect(false)
		}
		c.expect("41/3,")
		c.join("/3")
	}
}

func TestOf(t *testing.T) {
	s, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Of("chat") != s.Of("/chat") || s.Of("") != s.Of("/") || s.Of("/a").Name() != "/a" {
		t.Error("names")
	}
}

func TestDynamicNamespace(t *testing.T) {
	disconnected := make(chan string, 10)
	s, addr := start(t, socketio.Config{MaxChildNamespaces: 2}, func(s *socketio.Server) {
		s.OfFunc(func(name string) bool { return name == "/never" })
		rooms := s.OfFunc(func(name string) bool { return strings.HasPrefix(name, "/room-") })
		rooms.Use(func(s *socketio.Socket) error {
			if strings.HasSuffix(s.Namespace().Name(), "-private") {
				return errors.New("private")
			}
			return nil
		})
		rooms.OnConnect(func(s *socketio.Socket) { s.Emit("welcome", s.Namespace().Name()) })
		rooms.OnDisconnect(func(s *socketio.Socket, _ socketio.DisconnectReason) { disconnected <- s.Namespace().Name() })
		rooms.On("all", func(e *socketio.Event) {
			sent, _ := rooms.Emit("hello")
			e.Ack(sent)
		})
	})
	c := dial(t, addr, "4")
	c.join("/room-1")
	c.expect(`42/room-1,["welcome","/room-1"]`)
	c.send("40/room-private", "40/rooms", "40/never-1")
	c.expect(`44/room-private,{"message":"private"}`, `44/rooms,{"message":"Invalid namespace"}`, `44/never-1,{"message":"Invalid namespace"}`)
	c.join("/room-2")
	c.expect(`42/room-2,["welcome","/room-2"]`)
	c.send("40/room-3")
	c.expect(`44/room-3,{"message":"Invalid namespace"}`)
	d := dial(t, addr, "4")
	d.join("/room-1")
	d.expect(`42/room-1,["welcome","/room-1"]`)
	d.send(`42/room-1,0["all"]`)
	d.expect(`42/room-1,["hello"]`, `43/room-1,0[3]`)

	for range 2 { // c is in both
		if text := c.read(); !strings.HasSuffix(text, `,["hello"]`) {
			t.Errorf("got %s", text)
		}
	}
	c.send("41/room-2,") // the last one of it
	wait(t, disconnected)
	c.join("/room-3")
	c.send("41/room-1,") // not the last one
	wait(t, disconnected)
	d.send("40/room-4")
	d.expect(`44/room-4,{"message":"Invalid namespace"}`)
	kept := s.Of("/room-3") // no child any more, and there for good
	d.join("/room-5")
	c.send("41/room-3,")
	wait(t, disconnected)
	if s.Of("/room-3") != kept {
		t.Error("forgotten although Of has returned it")
	}
}

// TestDynamicNamespaceRace: clients that connect at once meet in one namespace.
func TestDynamicNamespaceRace(t *testing.T) {
	const clients = 8
	var gate sync.WaitGroup
	gate.Add(clients)
	var seen sync.Map
	_, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
		template := s.OfFunc(func(string) bool {
			gate.Done()
			gate.Wait() // all have found that there is none
			return true
		})
		template.OnConnect(func(s *socketio.Socket) { seen.Store(s.Namespace(), true) })
		template.On("n", func(e *socketio.Event) { e.Ack(e.Socket().Namespace().Len()) })
	})
	var all []*client
	for range clients {
		c := dial(t, addr, "4")
		c.send("40/dynamic")
		all = append(all, c)
	}
	for _, c := range all {
		if text := c.read(); !strings.HasPrefix(text, `40/dynamic,{"sid"`) {
			t.Fatalf("got %s", text)
		}
	}
	all[0].send(`42/dynamic,0["n"]`)
	all[0].expect(fmt.Sprintf(`43/dynamic,0[%d]`, clients))
	n := 0
	seen.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d namespaces of one name", n)
	}
}

func TestMaxAuthBytes(t *testing.T) {
	_, addr := start(t, socketio.Config{MaxAuthBytes: 10}, nil)
	c := dial(t, addr, "4")
	c.send(`40{"a":12345}`)
	c.expect(`44{"message":"Auth too large"}`)
	c.send(`40{"a":1234}`)
	if text := c.read(); !strings.HasPrefix(text, `40{"sid"`) {
		t.Errorf("got %s", text)
	}
}

func TestHandshake(t *testing.T) {
	for mode, want := range map[socketio.HandshakeMode]string{
		socketio.KeepHandshake: `["/socket.io/ a b yes true {\"k\":1}"] | ["/socket.io/ a b yes true {\"k\":1}"] | ["/socket.io/ a b yes true {}"]`,
		socketio.DropHandshake: `["/socket.io/ a b yes true {\"k\":1}"] | ["gone {}"] | ["gone {}"]`,
		socketio.NoHandshake:   `["gone {\"k\":1}"] | ["gone {}"] | ["gone {}"]`,
	} {
		describe := func(s *socketio.Socket) string {
			h := s.Handshake()
			if h == nil {
				return fmt.Sprintf("gone %s", s.Auth())
			}
			return fmt.Sprintf("%s %s %s %v %s", h.Path(), h.Query("token"), h.Header("x-test"), strings.Contains(h.RawQuery(), "EIO=4&token=old&token=a%20b"), s.Auth())
		}
		_, addr := start(t, socketio.Config{Handshake: mode}, func(s *socketio.Server) {
			for _, name := range []string{"/", "/b"} {
				s.Of(name).OnConnect(func(s *socketio.Socket) { s.Emit("m", describe(s)) })
			}
			s.Of("/").On("again", func(e *socketio.Event) { e.Ack(describe(e.Socket())) })
		})
		c := dial(t, addr, "4", "token=old", "token=a%20b")
		c.send(`40{"k":1}`)
		c.read()
		got := strings.TrimPrefix(c.read(), `42["m",`)
		c.send(`420["again"]`)
		got = "[" + got + " | " + strings.TrimPrefix(c.read(), `430`)
		c.join("/b")
		got += " | [" + strings.TrimPrefix(c.read(), `42/b,["m",`)
		if got != want {
			t.Errorf("mode %d:\n%s\nwant\n%s", mode, got, want)
		}
	}
}

func TestConfig(t *testing.T) {
	for name, cfg := range map[string]socketio.Config{
		"ConnectTimeout": {ConnectTimeout: -1}, "MaxDepth": {MaxDepth: 1025}, "MaxAckDigits": {MaxAckDigits: 20},
		"MaxNamespaces": {MaxNamespaces: -1}, "Handshake": {Handshake: 9},
		"Recovery.MaxDisconnection": {Recovery: &socketio.Recovery{MaxDisconnection: -1}},
	} {
		if _, err := socketio.NewServer(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
