package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"outrider/socketio"
)

// gathered is what EmitWithAck has returned: answers as "who:data", sorted.
type gathered struct {
	answers []string
	err     error
}

// gather asks in the background.
func gather(ctx context.Context, to socketio.Broadcast, sockets []*socketio.Socket, event string, args ...any) <-chan gathered {
	done := make(chan gathered, 1)
	go func() {
		answers, err := to.EmitWithAck(ctx, event, args...)
		var g gathered
		for _, a := range answers {
			who := slices.IndexFunc(sockets, func(s *socketio.Socket) bool { return s.ID() == a.Socket })
			g.answers = append(g.answers, fmt.Sprintf("%d:%s%v", who, a.Data, a.Attachments))
		}
		slices.Sort(g.answers)
		g.err = err
		done <- g
	}()
	return done
}

func (g gathered) String() string { return strings.Join(g.answers, " ") }

// missing checks an AckError: how many were asked, how many have answered, and what it is besides an ErrAckTimeout.
func (g gathered) missing(t *testing.T, receivers, answers int, causes ...error) {
	t.Helper()
	e, ok := errors.AsType[*socketio.AckError](g.err)
	if !ok || e.Receivers != receivers || e.Answers != answers || len(g.answers) != answers {
		t.Fatalf("%v with %v, want %d of %d", g.err, g.answers, answers, receivers)
	}
	for _, cause := range append(causes, socketio.ErrAckTimeout) {
		if !errors.Is(e, cause) {
			t.Errorf("%v is no %v", e, cause)
		}
	}
	for _, other := range []error{socketio.ErrNotConnected, socketio.ErrLimit, context.DeadlineExceeded, context.Canceled} {
		if errors.Is(e, other) && !slices.Contains(causes, other) {
			t.Errorf("%v is %v", e, other)
		}
	}
	if want := fmt.Sprintf("socketio: %d of %d have answered: ", answers, receivers); !strings.HasPrefix(e.Error(), want) {
		t.Errorf("text %q", e)
	}
}

// TestBroadcastWithAck: all receivers have one id, of both revisions, and their answers come back whole.
func TestBroadcastWithAck(t *testing.T) {
	s, clients, sockets := crowd(t, socketio.Config{})
	ns := s.Of("/")
	done := gather(t.Context(), ns.Except("none"), sockets, "q", "é", []byte{7})
	for i, c := range clients {
		c.expect(map[string]string{
			"4": `451-0["q","é",{"_placeholder":true,"num":0}]`, "3": `451-0["q","\u00e9",{"_placeholder":true,"num":0}]`,
		}[c.eio], "b\x07")
		switch i {
		case 0:
			c.send("430")
		case 3:
			c.send(`461-0[{"_placeholder":true,"num":0}]`)
			c.sendBinary(1, 2)
		default:
			c.send(fmt.Sprintf(`430[%d,"x"]`, i), `430["again"]`)
		}
	}
	g := wait(t, done)
	if want := `0:[][] 1:[1,"x"][] 2:[2,"x"][] 3:[{"_placeholder":true,"num":0}][[1 2]]`; g.String() != want || g.err != nil {
		t.Errorf("got %s, %v", g, g.err)
	}

	// Rooms, except and the sender; the next id.
	done = gather(t.Context(), sockets[1].To("a", "b").Except(sockets[0].ID()), sockets, "q")
	clients[2].expect(`421["q"]`)
	clients[2].send(`431[]`)
	if g := wait(t, done); g.String() != "2:[][]" || g.err != nil {
		t.Errorf("got %s, %v", g, g.err)
	}
	if g := wait(t, gather(t.Context(), ns.To("nobody"), sockets, "q")); g.answers != nil || g.err != nil {
		t.Errorf("nobody answers: %v", g)
	}
	if _, err := ns.To().EmitWithAck(t.Context(), "connect"); !errors.Is(err, socketio.ErrReserved) {
		t.Errorf("reserved: %v", err)
	}
	for _, c := range clients {
		c.sync("/")
	}
}

// TestBroadcastWithAckPartial: silence, leaving and cancelling cost what is missing and nothing else, and nothing is
// kept afterwards.
func TestBroadcastWithAckPartial(t *testing.T) {
	s, clients, sockets := crowd(t, socketio.Config{})
	ns := s.Of("/")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ask := func(ctx context.Context, to socketio.Broadcast, id int, who ...int) <-chan gathered {
		done := gather(ctx, to, sockets, "q")
		for _, i := range who {
			clients[i].expect(fmt.Sprintf(`42%d["q"]`, id))
		}
		return done
	}

	done := ask(ctx, ns.To("a"), 0, 0, 1)
	clients[0].send("430[1]")
	clients[0].sync("/") // it is in
	cancel()
	wait(t, done).missing(t, 2, 1, context.Canceled)
	clients[1].send("430[2]") // too late
	clients[1].sync("/")
	if n := socketio.PendingAcks(sockets...); n != 0 {
		t.Errorf("%d acknowledgements awaited still", n)
	}

	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wait(t, ask(soon, ns.To("a"), 1, 0, 1)).missing(t, 2, 0, context.DeadlineExceeded)

	done = ask(t.Context(), ns.To("b"), 2, 1, 2)
	clients[1].send("432[1]")
	clients[2].conn.Close() // everybody else has answered: no need to wait
	wait(t, done).missing(t, 2, 1, socketio.ErrNotConnected)
	if n := socketio.PendingAcks(sockets...); n != 0 {
		t.Errorf("%d acknowledgements awaited still", n)
	}
}

// TestAckTimeout: the server's own limit ends what the context does not.
func TestAckTimeout(t *testing.T) {
	s, _, sockets := crowd(t, socketio.Config{AckTimeout: time.Millisecond})
	wait(t, gather(t.Context(), s.Of("/").To(), sockets, "q")).missing(t, 4, 0, context.DeadlineExceeded)
	if _, err := socketio.NewServer(socketio.Config{AckTimeout: -1}); err == nil {
		t.Error("a negative timeout")
	}
}

// TestMaxAnswerBytes is the bound of what answers may take, at it and one byte past it.
func TestMaxAnswerBytes(t *testing.T) {
	const each = socketio.AnswerSize + len("[12]")
	for over := range 2 {
		s, clients, sockets := crowd(t, socketio.Config{MaxAnswerBytes: 2*each - over})
		done := gather(t.Context(), s.Of("/").To("a"), sockets, "q")
		for _, c := range clients[:2] {
			c.expect(`420["q"]`)
		}
		clients[0].send("430[12]")
		clients[1].send("430[12]")
		g := wait(t, done)
		if over == 0 {
			if g.String() != "0:[12][] 1:[12][]" || g.err != nil {
				t.Errorf("got %s, %v", g, g.err)
			}
			continue
		}
		g.missing(t, 2, 1, socketio.ErrLimit)
	}
}

// TestBroadcastWithAckPending: who waits for as many as it may is not asked.
func TestBroadcastWithAckPending(t *testing.T) {
	s, clients, sockets := crowd(t, socketio.Config{MaxPendingAcks: 1})
	if err := sockets[0].EmitWithAck(0, "first", nil, func(*socketio.Args, error) {}); err != nil {
		t.Fatal(err)
	}
	done := gather(t.Context(), s.Of("/").To("a"), sockets, "q")
	clients[1].expect(`421["q"]`)
	clients[1].send("431[]")
	wait(t, done).missing(t, 2, 1, socketio.ErrLimit)
	clients[0].expect(`420["first"]`)
	clients[0].sync("/")
}

// TestTemplateWithAck: every child has ids of its own.
func TestTemplateWithAck(t *testing.T) {
	connects := make(chan *socketio.Socket, 2)
	var template *socketio.Namespace
	_, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
		template = s.OfFunc(func(string) bool { return true })
		template.OnConnect(func(s *socketio.Socket) { connects <- s })
	})
	c := dial(t, addr, "4")
	var sockets []*socketio.Socket
	for _, name := range []string{"/a", "/b"} {
		c.join(name)
		sockets = append(sockets, wait(t, connects))
	}
	if err := sockets[0].EmitWithAck(0, "first", nil, func(*socketio.Args, error) {}); err != nil {
		t.Fatal(err)
	}
	c.expect(`42/a,0["first"]`)
	done := gather(t.Context(), template.To(), sockets, "q")
	got := []string{c.read(), c.read()}
	slices.Sort(got)
	if !slices.Equal(got, []string{`42/a,1["q"]`, `42/b,0["q"]`}) {
		t.Fatalf("got %q", got)
	}
	c.send(`43/a,1["a"]`, `43/b,0["b"]`)
	if g := wait(t, done); g.String() != `0:["a"][] 1:["b"][]` || g.err != nil {
		t.Errorf("got %s, %v", g, g.err)
	}
}

// TestAnswer: any number of arguments can be read.
func TestAnswer(t *testing.T) {
	a := &socketio.Answer{Data: []byte(`[0,1,2,3,4,5,{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{9}}}
	if n, err := socketio.Arg[int](a, 5); n != 5 || err != nil || a.Args().Len() != 7 {
		t.Errorf("got %d, %v", n, err)
	}
	if data, err := socketio.Arg[[]byte](a, 6); err != nil || len(data) != 1 || data[0] != 9 {
		t.Errorf("got %v, %v", data, err)
	}
	if _, err := socketio.Arg[int](a, 7); !errors.Is(err, socketio.ErrNoArgument) {
		t.Errorf("got %v", err)
	}
	if _, err := socketio.Arg[int](&socketio.Answer{Data: []byte("[1")}, 0); !errors.Is(err, socketio.ErrNoArgument) {
		t.Errorf("got %v", err)
	}
}

// TestMany does to many sockets what can be done to one.
func TestMany(t *testing.T) {
	s, clients, sockets := crowd(t, socketio.Config{MaxRooms: 3})
	ns := s.Of("/")
	if err := ns.To("a").Join("c", "d"); !errors.Is(err, socketio.ErrLimit) { // 1 is in three then
		t.Errorf("a fourth room: %v", err)
	}
	if got := fmt.Sprint(sockets[0].Rooms(), sockets[1].Rooms(), sockets[2].Rooms()); got != "[a c d] [a b c] [b]" {
		t.Errorf("rooms %s", got)
	}
	ns.To("c").Except("d").Leave("a", "b", "nowhere")
	if got := fmt.Sprint(sockets[0].Rooms(), sockets[1].Rooms(), sockets[2].Rooms()); got != "[a c d] [c] [b]" {
		t.Errorf("rooms %s", got)
	}
	if err := ns.To().Join("e"); !errors.Is(err, socketio.ErrLimit) || len(collect(ns.To("e"))) != 3 {
		t.Errorf("all but one: %v", err)
	}
	sockets[0].To("c").Disconnect(false)
	clients[1].expect("41")
	ns.To("b").Disconnect(true)
	clients[2].expect("41")
	clients[2].expectClosed()
	if !sockets[0].Connected() || !sockets[3].Connected() || ns.Len() != 2 {
		t.Errorf("%d are left", ns.Len())
	}
}

// FuzzAnswer: what another node says that a client has answered may be anything.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{`[]`, `[1,"2",[3],{"4":5},6,7,8]`, `[{"_placeholder":true,"num":3}]`, `{}`, `[1`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a := &socketio.Answer{Data: data, Attachments: [][]byte{{1}}}
		args := a.Args()
		for i := range args.Len() {
			if !socketio.ValidJSON(args.Arg(i), socketio.DefaultMaxDepth*2) {
				t.Errorf("argument %d of %q is %q", i, data, args.Arg(i))
			}
			args.Binary(i)
		}
		args.Values()
	})
}

// TestBroadcastWithAckRace asks from several goroutines while clients answer and leave: whoever was asked is an answer or
// is missing, and nobody waits for who has gone.
func TestBroadcastWithAckRace(t *testing.T) {
	s, clients, sockets := crowd(t, socketio.Config{})
	const asks = 20
	var asking []<-chan gathered
	for range 3 {
		done := make(chan gathered, asks)
		asking = append(asking, done)
		go func() {
			for range asks {
				answers, err := s.Of("/").To().EmitWithAck(t.Context(), "q")
				done <- gathered{answers: make([]string, len(answers)), err: err}
			}
		}()
	}
	for i, c := range clients {
		go func() {
			for n := 0; i == 0 || n < 5*i; n++ { // the others leave, one after the other
				text, err := c.next()
				if err != nil {
					return
				}
				id := strings.TrimSuffix(strings.TrimPrefix(text, "42"), `["q"]`)
				if c.write("43"+id+"[]") != nil {
					return
				}
			}
			c.conn.Close()
		}()
	}
	for _, done := range asking {
		for range asks {
			g := wait(t, done)
			if e, ok := errors.AsType[*socketio.AckError](g.err); ok {
				if e.Answers != len(g.answers) || e.Receivers <= e.Answers || !errors.Is(e, socketio.ErrNotConnected) {
					t.Errorf("%d answers, %v", len(g.answers), e)
				}
			} else if g.err != nil || len(g.answers) == 0 {
				t.Errorf("%d answers, %v", len(g.answers), g.err)
			}
		}
	}
	if n := socketio.PendingAcks(sockets...); n != 0 {
		t.Errorf("%d acknowledgements awaited still", n)
	}
}
