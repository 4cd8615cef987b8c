package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"outrider/socketio"
	"outrider/socketio/adaptertest"
)

// TestAdapter runs the conformance test on the adapter that the other tests use.
func TestAdapter(t *testing.T) {
	adaptertest.Run(t, func(_ *testing.T, n int) []socketio.Adapter {
		var hub adaptertest.Hub
		adapters := make([]socketio.Adapter, n)
		for i := range adapters {
			adapters[i] = hub.Adapter()
		}
		return adapters
	})
}

// twin is one of two nodes, with the clients of crowd.
type twin struct {
	*adaptertest.Member
	server  *socketio.Server
	clients []*client
	sockets []*socketio.Socket
}

func twins(t *testing.T, cfg socketio.Config) (one, two twin) {
	t.Helper()
	var hub adaptertest.Hub
	for _, node := range []*twin{&one, &two} {
		node.Member = hub.Adapter()
		cfg.Adapter = node.Member
		node.server, node.clients, node.sockets = crowd(t, cfg)
	}
	return one, two
}

// TestAdapterRevisions: what comes from other nodes is encoded for each revision, as one's own is.
func TestAdapterRevisions(t *testing.T) {
	one, two := twins(t, socketio.Config{})
	if n, err := one.server.Of("/").To("a").Emit("event", "é", []byte{5}); n != 2 || err != nil {
		t.Errorf("sent to %d here, %v", n, err)
	}
	two.clients[0].expect(`451-["event","é",{"_placeholder":true,"num":0}]`, "b\x05")
	two.clients[1].expect(`451-["event","\u00e9",{"_placeholder":true,"num":0}]`, "b\x05")
	one.sockets[3].To("b").Send(prepared(t, "prepared"))
	two.clients[1].expect(`42["prepared"]`)
	two.clients[3].sync("/")
}

func prepared(t *testing.T, event string, args ...any) *socketio.Prepared {
	t.Helper()
	p, err := socketio.Prepare(event, args...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAdapterStalled: a node that does not answer costs what is its own, and an ErrNode.
func TestAdapterStalled(t *testing.T) {
	var log logBuffer
	one, two := twins(t, socketio.Config{Logger: log.logger()})
	two.Stall(true)
	ns := one.server.Of("/")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	done := gather(ctx, ns.To("a"), one.sockets, "q")
	for _, c := range one.clients[:2] {
		c.expect(`420["q"]`)
		c.send("430[]")
	}
	g := wait(t, done)
	e, ok := errors.AsType[*socketio.AckError](g.err)
	if !ok || g.String() != "0:[][] 1:[][]" || e.Receivers != 2 || !errors.Is(e, socketio.ErrNode) || !errors.Is(e, socketio.ErrAckTimeout) {
		t.Errorf("asked: %s, %v", g, g.err)
	}
	if found, err := ns.To("b").Fetch(ctx); len(found) != 2 || !errors.Is(err, socketio.ErrNode) {
		t.Errorf("fetched %d, %v", len(found), err)
	}
	if n, err := ns.To("a").Emit("event"); n != 2 || !errors.Is(err, socketio.ErrNode) {
		t.Errorf("sent to %d, %v", n, err)
	}
	if n := ns.Send(prepared(t, "event")); n != 4 || !strings.Contains(log.String(), socketio.ErrNode.Error()) {
		t.Errorf("sent to %d, logged %s", n, &log)
	}
	for _, err := range []error{ns.To("b").Join("c"), ns.To("b").Leave("c"), ns.To("b").Except("a").Disconnect(false)} {
		if !errors.Is(err, socketio.ErrNode) {
			t.Errorf("got %v", err)
		}
	}
	for _, err := range []error{ns.Local().Join("d"), ns.Local().Leave("d"), one.sockets[0].Volatile().Join("e")} {
		if err != nil {
			t.Errorf("on this node: %v", err)
		}
	}
	if one.sockets[2].Connected() || !two.sockets[2].Connected() {
		t.Error("disconnected on the wrong node")
	}
	two.Stall(false)
	if _, err := ns.To("b").Emit("back"); err != nil {
		t.Error(err)
	}
	two.clients[2].expect(`42["back"]`) // and nothing of what was before
}

// TestMaxFetch is the bound of what is described, at it and one socket past it, on this node and in sum.
func TestMaxFetch(t *testing.T) {
	for _, test := range []struct {
		most    int
		limited bool
	}{{most: 8}, {most: 7, limited: true}, {most: 3, limited: true}} {
		one, _ := twins(t, socketio.Config{MaxFetch: test.most})
		found, err := one.server.Of("/").To().Fetch(t.Context())
		if len(found) != test.most || errors.Is(err, socketio.ErrLimit) != test.limited || errors.Is(err, socketio.ErrNode) {
			t.Errorf("%d at most: found %d, %v", test.most, len(found), err)
		}
	}
}

// TestMaxAnswerBytesOfNodes: the bound holds for the answers of all nodes together.
func TestMaxAnswerBytesOfNodes(t *testing.T) {
	const each = socketio.AnswerSize + len("[]")
	for over := range 2 {
		one, two := twins(t, socketio.Config{MaxAnswerBytes: 4*each - over})
		done := gather(t.Context(), one.server.Of("/").To("a"), one.sockets, "q")
		for _, node := range []twin{one, two} {
			for _, c := range node.clients[:2] {
				c.expect(`420["q"]`)
				c.send("430[]")
			}
		}
		g := wait(t, done)
		if over == 0 && (g.err != nil || len(g.answers) != 4) {
			t.Errorf("got %s, %v", g, g.err)
		}
		if over == 1 {
			g.missing(t, 4, 3, socketio.ErrLimit)
		}
	}
}

// capture is an adapter that hands out its node, and fails when it is told to.
type capture struct {
	socketio.Adapter
	node          *socketio.Node
	starts, stops error
	closed        int
}

func (c *capture) Start(node *socketio.Node) error { c.node = node; return c.starts }
func (c *capture) Close() error                    { c.closed++; return c.stops }

// TestNode: what no node has made is refused, and what does not concern this one is nothing.
func TestNode(t *testing.T) {
	a := new(capture)
	s, err := socketio.NewServer(socketio.Config{Adapter: a})
	if err != nil {
		t.Fatal(err)
	}
	good := []byte(`["event"]`)
	for _, m := range []*socketio.Message{
		{},
		{Kind: socketio.MessageFetch, Namespace: "/"},
		{Kind: 99, Namespace: "/"},
		{Kind: socketio.MessageEvent, Namespace: "/"},
		{Kind: socketio.MessageEvent, Namespace: "/", Event: []byte(`[]`)},
		{Kind: socketio.MessageEvent, Namespace: "/", Event: []byte(`["event"`)},
	} {
		if err := a.node.Receive(m); err == nil {
			t.Errorf("received: %+v", m)
		}
	}
	for _, m := range []*socketio.Message{
		{Kind: socketio.MessageEvent, Namespace: "/", Event: good},
		{Kind: socketio.MessageAsk, Namespace: "/", Event: []byte(`{}`)},
	} {
		if _, err := a.node.Answer(t.Context(), m); err == nil {
			t.Errorf("answered: %+v", m)
		}
	}
	for _, name := range []string{"/", "/unknown", "*0", "*-1", "*x", ""} {
		if err := a.node.Receive(&socketio.Message{Kind: socketio.MessageEvent, Namespace: name, Event: good}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		for _, kind := range []socketio.MessageKind{socketio.MessageAsk, socketio.MessageFetch} {
			r, err := a.node.Answer(t.Context(), &socketio.Message{Kind: kind, Namespace: name, Event: good})
			if err != nil || fmt.Sprint(*r) != fmt.Sprint(socketio.Reply{}) {
				t.Errorf("%q: %+v, %v", name, r, err)
			}
		}
	}
	a.stops = errors.New("cannot leave")
	for range 2 {
		if err := s.Close(); !errors.Is(err, a.stops) || a.closed != 1 {
			t.Errorf("closed %d times, %v", a.closed, err)
		}
	}
	a.starts = errors.New("cannot join")
	if _, err := socketio.NewServer(socketio.Config{Adapter: a}); !errors.Is(err, a.starts) {
		t.Errorf("got %v", err)
	}
}

// TestNoAdapterAllocations: without an adapter, and where other nodes have no part, a broadcast allocates what its
// iterators do and nothing more.
func TestNoAdapterAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const iterators = 3
	one, _ := twins(t, socketio.Config{})
	s, _, _ := crowd(t, socketio.Config{})
	p := prepared(t, "message")
	for name, to := range map[string]socketio.Broadcast{"none": s.Of("/").To(), "local": one.server.Of("/").Local()} {
		to.Send(p)
		if n := testing.AllocsPerRun(100, func() { to.Send(p) }); n > iterators {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
