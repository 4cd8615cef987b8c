// Package adaptertest checks implementations of socketio.Adapter, and has one for tests, [Hub], which joins servers in
// one process.
//
//	func TestConformance(t *testing.T) {
//		adaptertest.Run(t, func(t *testing.T, n int) []socketio.Adapter {
//			return ... // n adapters of one cluster
//		})
//	}
package adaptertest

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

// Run checks an adapter: three servers on it, with real clients on loopback, do to each other's sockets all that a
// Broadcast can do. join returns the adapters of n nodes of a new cluster, which are told to start and closed by the
// servers; what else there is to clean up is for t.Cleanup.
func Run(t *testing.T, join func(t *testing.T, n int) []socketio.Adapter) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, adapters []socketio.Adapter)
	}{
		{"Broadcast", testBroadcast},
		{"Order", testOrder},
		{"AnyBytes", testAnyBytes},
		{"Many", testMany},
		{"Fetch", testFetch},
		{"Ack", testAck},
		{"AckMissing", testAckMissing},
		{"Template", testTemplate},
		{"Recovery", testRecovery},
		{"Leave", testLeave},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, join(t, nodes)) })
	}
}

// testBroadcast: everybody who is meant is reached, once, and nobody else.
func testBroadcast(t *testing.T, adapters []socketio.Adapter) {
	c := start(t, adapters, socketio.Config{}).populate()
	c.join("a", 0, 2, 4)
	c.join("b", 1, 2, 5)
	ns := c.ns(0)
	for i, test := range []struct {
		to   socketio.Broadcast
		want string // who is reached
	}{
		{ns.To(), "012345"},
		{ns.To("a"), "024"},
		{ns.To("a", "b"), "01245"},
		{ns.Except("a"), "135"},
		{ns.To("a").Except("b"), "04"},
		{ns.To("nobody"), ""},
		{ns.To(c.sockets[3].ID()), "3"},
		{ns.Except(c.sockets[3].ID()), "01245"},
		{ns.Local(), "01"},
		{ns.To("a").Local(), "0"},
		{c.sockets[0].Broadcast(), "12345"},
		{c.sockets[0].To("a"), "24"},
		{c.sockets[0].Volatile(), "0"},
		{ns.Volatile(), "012345"}, // all of them have read what was before
		{c.ns(1).To("a"), "024"},
		{c.ns(2).To("b"), "125"},
	} {
		if _, err := test.to.Emit("event", i); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for node := range nodes { // the event itself has come from one of them
			for who, packets := range c.heard(node) {
				for _, packet := range packets {
					if packet != fmt.Sprintf(`42["event",%d]`, i) {
						t.Fatalf("%d: client %d got %q", i, who, packet)
					}
					got.WriteString(fmt.Sprint(who))
				}
			}
		}
		if sorted := sortedText(got.String()); sorted != test.want {
			t.Errorf("%d: reached %q, want %q", i, sorted, test.want)
		}
	}
}

func sortedText(text string) string {
	b := []byte(text)
	slices.Sort(b)
	return string(b)
}

// testOrder: what one node says arrives as it was said, whatever it is.
func testOrder(t *testing.T, adapters []socketio.Adapter) {
	c := start(t, adapters, socketio.Config{}).populate()
	const events = 100
	ns := c.ns(1)
	for i := range events {
		if err := ns.To().Join(fmt.Sprint("room", i)); err != nil {
			t.Fatal(err)
		}
		if _, err := ns.To(fmt.Sprint("room", i)).Emit("n", i); err != nil {
			t.Fatal(err)
		}
		if err := ns.To().Leave(fmt.Sprint("room", i)); err != nil {
			t.Fatal(err)
		}
	}
	for who, packets := range c.heard(1) {
		if len(packets) != events {
			t.Fatalf("client %d got %d events", who, len(packets))
		}
		for i, packet := range packets {
			if packet != fmt.Sprintf(`42["n",%d]`, i) {
				t.Fatalf("client %d: event %d is %q", who, i, packet)
			}
		}
	}
	for i := range events { // what is requested does not overtake what was published
		room := fmt.Sprint("again", i)
		if err := ns.To().Join(room); err != nil {
			t.Fatal(err)
		}
		if found, err := ns.To(room).Fetch(t.Context()); err != nil || len(found) != nodes*perNode {
			t.Fatalf("found %d in %s, %v", len(found), room, err)
		}
	}
}

// testAnyBytes: rooms and attachments are no text, and may be of no length.
func testAnyBytes(t *testing.T, adapters []socketio.Adapter) {
	c := start(t, adapters, socketio.Config{}).populate()
	const room = "\xff\x00,\n*"
	c.join(room, 1, 3, 5)
	c.join("", 3)
	if _, err := c.ns(0).To(room).Except("").Emit("\u2028", []byte{}, []byte{0, 0xff}); err != nil {
		t.Fatal(err)
	}
	for who, packets := range c.heard(0) {
		var want []string
		if who == 1 || who == 5 {
			want = []string{"452-[\"\u2028\"," + `{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "b", "b\x00\xff"}
		}
		if !slices.Equal(packets, want) {
			t.Errorf("client %d got %q, want %q", who, packets, want)
		}
	}
}

// testMany: joining, leaving and disconnecting.
func testMany(t *testing.T, adapters []socketio.Adapter) {
	c := start(t, adapters, socketio.Config{}).populate()
	c.join("a", 0, 2, 4)
	ns := c.ns(0)
	for _, err := range []error{
		ns.To("a").Join("b", "c"),
		ns.Except("a").Join("d"),
		ns.To("b").Except(c.sockets[2].ID()).Leave("a", "c"),
		ns.To("d").Local().Leave("d"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	c.heard(0) // all has happened
	for i, want := range []string{"[b]", "[]", "[a b c]", "[d]", "[b]", "[d]"} {
		if got := fmt.Sprint(c.sockets[i].Rooms()); got != want {
			t.Errorf("client %d is in %s, want %s", i, got, want)
		}
	}
	if err := ns.To("b").Disconnect(false); err != nil {
		t.Fatal(err)
	}
	if err := ns.To(c.sockets[5].ID()).Disconnect(true); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 2, 4, 5} {
		c.clients[i].expect("41")
		wait(t, c.leave)
	}
	c.heard(0, 1, 3)
	if n := c.ns(0).Len() + c.ns(1).Len() + c.ns(2).Len(); n != 2 {
		t.Errorf("%d are left", n)
	}
}

// testFetch: sockets of other nodes are described as one's own are.
func testFetch(t *testing.T, adapters []socketio.Adapter) {
	c := start(t, adapters, socketio.Config{MaxFetch: nodes * perNode}).populate()
	c.join("a", 0, 2, 3, 4)
	c.join("b", 3)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	found, err := c.ns(0).To("a").Except("b").Fetch(ctx)
	if err != nil || len(found) != 3 {
		t.Fatalf("found %d, %v", len(found), err)
	}
	for _, info := range found {
		i := slices.IndexFunc(c.sockets, func(s *socketio.Socket) bool { return s.ID() == info.ID })
		if i < 0 || i%2 != 0 {
			t.Fatalf("found %q", info.ID)
		}
		h := c.sockets[i].Handshake()
		if !slices.Equal(info.Rooms, []string{"a"}) || string(info.Auth) != "{}" || info.Path != h.Path() || info.Query != h.RawQuery() ||
			info.RemoteAddr != h.RemoteAddr() || !info.Time.Equal(h.Time()) || !slices.Contains(info.Headers, [2]string{"X-Test", "yes"}) {
			t.Errorf("client %d is %+v", i, info)
		}
	}
	if all, err := c.ns(1).To().Fetch(ctx); err != nil || len(all) != nodes*perNode {
		t.Errorf("found %d of all, %v", len(all), err)
	}
	if own, err := c.ns(1).Local().Fetch(ctx); err != nil || len(own) != perNode {
		t.Errorf("found %d of one node, %v", len(own), err)
	}
	cancel() // whoever is asked now is told of all or of an error, at once
	if all, err := c.ns(1).To().Fetch(ctx); !errors.Is(err, socketio.ErrNode) && len(all) != nodes*perNode {
		t.Errorf("found %d, %v", len(all), err)
	}
}

// gathered is what EmitWithAck has returned.
type gathered struct {
	answers []socketio.Answer
	err     error
}

// ask asks everybody, from a node.
func (c *cluster) ask(ctx context.Context, node int) <-chan gathered {
	done := make(chan gathered, 1)
	go func() {
		answers, err := c.ns(node).To().EmitWithAck(ctx, "q", []byte{1})
		done <- gathered{answers, err}
	}()
	for _, client := range c.clients {
		client.expect(`451-0["q",{"_placeholder":true,"num":0}]`, "b\x01")
	}
	return done
}

// check compares answers, which say whose they are.
func (c *cluster) check(g gathered, who ...int) {
	c.t.Helper()
	var got []int
	for _, a := range g.answers {
		i, err := socketio.Arg[int](&a, 0)
		if err != nil || i < 0 || i >= len(c.sockets) || c.sockets[i].ID() != a.Socket {
			c.t.Errorf("answer %s of %s, %v", a.Data, a.Socket, err)
		}
		got = append(got, i)
	}
	slices.Sort(got)
	if !slices.Equal(got, who) {
		c.t.Errorf("answers of %d, want %d", got, who)
	}
}

// testAck: the answers of all nodes come together.
func testAck(t *testing.T, adapters []socketio.Adapter) {
	c := start(t, adapters, socketio.Config{}).populate()
	done := c.ask(t.Context(), 0)
	for i, client := range c.clients {
		client.send(fmt.Sprintf("430[%d]", i))
	}
	g := wait(t, done)
	c.check(g, 0, 1, 2, 3, 4, 5)
	if g.err != nil {
		t.Error(g.err)
	}
}

// testAckMissing: who leaves and who is silent, on whichever node, costs its own answer only.
func testAckMissing(t *testing.T, adapters []socketio.Adapter) {
	c := start(t, adapters, socketio.Config{}).populate()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	done := c.ask(ctx, 0)
	for i, client := range c.clients {
		switch i {
		case 2: // is silent
		case 5:
			client.conn.Close()
		default:
			client.send(fmt.Sprintf("430[%d]", i))
		}
	}
	g := wait(t, done)
	c.check(g, 0, 1, 3, 4)
	e, ok := errors.AsType[*socketio.AckError](g.err)
	if !ok || e.Receivers != 6 || e.Answers != 4 || !errors.Is(e, socketio.ErrAckTimeout) || !errors.Is(e, socketio.ErrNotConnected) || errors.Is(e, socketio.ErrNode) {
		t.Errorf("got %v", g.err)
	}
}

// testTemplate: a template reaches its children on other nodes, also those that its own node has not.
func testTemplate(t *testing.T, adapters []socketio.Adapter) {
	c := start(t, adapters, socketio.Config{})
	var templates []*socketio.Namespace
	connects := make(chan *socketio.Socket, 1)
	for _, s := range c.servers {
		s.OfFunc(func(name string) bool { return strings.HasPrefix(name, "/other-") })
		template := s.OfFunc(func(name string) bool { return strings.HasPrefix(name, "/child-") })
		template.OnConnect(func(s *socketio.Socket) { connects <- s })
		templates = append(templates, template)
	}
	var clients []*client
	for i, name := range []string{"/child-1", "/child-2"} {
		client := dial(t, c.addrs[1+i])
		client.send("40" + name + ",")
		client.welcome()
		wait(t, connects)
		clients = append(clients, client)
	}
	if _, err := templates[0].Emit("all"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.servers[0].Of("/child-2").Emit("second"); err != nil {
		t.Fatal(err)
	}
	clients[0].expect(`42/child-1,["all"]`)
	clients[1].expect(`42/child-2,["all"]`, `42/child-2,["second"]`)
}

// testLeave: a node that has left is missed by nobody.
func testLeave(t *testing.T, adapters []socketio.Adapter) {
	c := start(t, adapters, socketio.Config{}).populate()
	if err := c.servers[2].Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for { // the others may hear of it a little later
		found, err := c.ns(0).To().Fetch(ctx)
		if err == nil && len(found) == 2*perNode {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("found %d, %v", len(found), err)
		}
	}
	if _, err := c.ns(1).Emit("event"); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 1, 2, 3} {
		c.clients[i].expect(`42["event"]`)
	}
}
