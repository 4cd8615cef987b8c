package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
)

// versions are the releases of socket.io-client that the tests run; each is an alias in package.json. 1.7.4 is in no
// shipped client, but its polling is the strictest reader of old payloads (PROTOCOL.md §4, quirk 3).
var versions = []string{"1.7.4", "2.2.0", "2.5.0", "3.1.3", "4.0.1", "4.8.4"}

// transport says which transports a client is allowed.
type transport string

const (
	polling   transport = "polling"
	websocket transport = "websocket"
	upgrade   transport = "upgrade" // the client's default: polling first, then an upgrade to WebSocket
)

var transports = []transport{polling, websocket, upgrade}

// client is a release of socket.io-client with the transports it may use.
type client struct {
	version   string
	transport transport
}

func (c client) String() string { return c.version + "/" + string(c.transport) }

// old reports whether the client speaks Engine.IO 3.
func (c client) old() bool { return c.version[0] < '3' }

// matrix runs rule once for each client version and transport, each with a gateway of its own and beside the others.
func matrix(t *testing.T, versions []string, transports []transport, rule func(*testing.T, *gateway, client), flags ...string) {
	for _, v := range versions {
		for _, tr := range transports {
			c := client{v, tr}
			t.Run(c.String(), func(t *testing.T) {
				t.Parallel()
				rule(t, startGateway(t, flags...), c)
			})
		}
	}
}

// onePerGeneration are the clients for rules that do not depend on the release: an old one on WebSocket, a new one on
// polling.
var onePerGeneration = []client{{"2.2.0", websocket}, {"4.8.4", polling}}

// generations runs rule for an old and for a new client, each with a gateway of its own and beside the others.
func generations(t *testing.T, rule func(*testing.T, *gateway, client)) {
	for _, c := range onePerGeneration {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			rule(t, startGateway(t), c)
		})
	}
}

// socket is a client's socket in one namespace, held by a driver.
type socket struct {
	name   string // version, transport and namespace, for failures
	driver *driver
	number int
	c      client
	nsp    string

	id     string // the socket's id, as the application reads it
	events *queue[notice]
	others map[string]*queue[notice] // notices that are not events, by kind
	acks   int

	mu      sync.Mutex
	history []string
}

// options of socket.io-client, over those that the tests always set.
type options = map[string]any

// open starts a client towards http://addr<nsp> and returns at once. An audience's name under /socket goes with the engine
// path under /socket, as the deployed pages have it.
func (c client) open(t *testing.T, addr, nsp string, more options) *socket {
	t.Helper()
	d := shared.drivers[c.version].start(t)
	s := &socket{name: c.String() + nsp, driver: d, c: c, nsp: nsp, events: newQueue[notice](), others: make(map[string]*queue[notice])}
	for _, kind := range []string{"connect", "ack", "upgrade", "heartbeat", "disconnect", "connect_error"} {
		s.others[kind] = newQueue[notice]()
	}
	opts := options{"path": "/socket.io", "forceNew": true, "reconnection": false}
	if strings.HasPrefix(nsp, "/socket/") {
		opts["path"] = "/socket/socket.io"
	}
	if c.transport != upgrade {
		opts["transports"] = []transport{c.transport}
	}
	maps.Copy(opts, more)

	s.number = d.add(s.deliver)
	t.Cleanup(func() {
		s.close()
		if t.Failed() {
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Logf("%s saw:\n\t%s", s.name, strings.Join(s.history, "\n\t"))
		}
	})
	s.send(t, order{Order: "open", URL: "http://" + addr + nsp, Options: opts})
	return s
}

// join opens a client and waits until it is connected and was greeted.
func (c client) join(t *testing.T, g *gateway, nsp string) *socket {
	t.Helper()
	return c.joinWith(t, g.addr, nsp, nil)
}

func (c client) joinWith(t *testing.T, addr, nsp string, more options) *socket {
	t.Helper()
	s := c.open(t, addr, nsp, more)
	s.waitGreeted(t)
	return s
}

// waitGreeted waits until the client is connected and has the greeting.
func (s *socket) waitGreeted(t *testing.T) {
	t.Helper()
	s.id = s.wait(t, "connect").ID
	if s.c.version[0] == '1' { // 1.x clients do not know the namespace's part of their id
		s.id = s.nsp + "#" + s.id
	}
	s.wantEvent(t, "message", `"connect success"`)
}

func (s *socket) deliver(n notice) {
	s.mu.Lock()
	if len(s.history) == 40 {
		s.history = s.history[1:]
	}
	line := n.String()
	s.history = append(s.history, line[:min(len(line), 400)])
	s.mu.Unlock()

	if n.Notice == "event" {
		s.events.put(n)
	} else if q := s.others[n.Notice]; q != nil {
		q.put(n)
	}
}

func (s *socket) send(t *testing.T, o order) {
	t.Helper()
	o.Client = s.number
	if err := s.driver.send(o); err != nil {
		t.Fatalf("%s: driver: %v\n%s", s.name, err, s.driver.stderr.tail())
	}
}

// close ends the client as its application would. It may be called again.
func (s *socket) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.number != 0 {
		s.driver.remove(s.number)
		s.driver.send(order{Order: "close", Client: s.number})
		s.number = 0
	}
}

// wait returns the next notice of a kind that is not an event.
func (s *socket) wait(t *testing.T, kind string) notice {
	t.Helper()
	return s.next(t, kind, s.others[kind])
}

func (s *socket) next(t *testing.T, what string, q *queue[notice]) notice {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	defer context.AfterFunc(s.driver.alive, cancel)()
	n, err := q.take(ctx)
	if s.driver.alive.Err() != nil {
		t.Fatalf("%s: the driver ended: %s", s.name, s.driver.stderr.tail())
	}
	if err != nil {
		t.Fatalf("%s: no %s within %v", s.name, what, patience)
	}
	return n
}

// wantEvent requires that the next event is the one named, with exactly the arguments given as JSON.
func (s *socket) wantEvent(t *testing.T, event string, args ...string) notice {
	t.Helper()
	n := s.next(t, "event "+event, s.events)
	if got, want := signature(n.Event, texts(n.Args)), signature(event, args); got != want {
		t.Fatalf("%s: received %s\n\twant %s", s.name, abridged(got), abridged(want))
	}
	return n
}

// wantMessage requires that the next event is `message` with the one string data.
func (s *socket) wantMessage(t *testing.T, data string) notice {
	t.Helper()
	n := s.next(t, "message", s.events)
	var got string
	if n.Event != "message" || len(n.Args) != 1 || json.Unmarshal(n.Args[0], &got) != nil {
		t.Fatalf("%s: received %s\n\twant message with one string", s.name, n)
	}
	if got != data {
		t.Fatalf("%s: message is %s\n\twant %s", s.name, abridged(got), abridged(data))
	}
	return n
}

// emit emits an event without asking for an acknowledgement. The arguments are JSON.
func (s *socket) emit(t *testing.T, event string, args ...string) {
	t.Helper()
	s.send(t, order{Order: "emit", Event: event, Args: raws(args)})
}

// emitAck emits an event and returns what it was acknowledged with.
func (s *socket) emitAck(t *testing.T, event string, args ...string) []json.RawMessage {
	t.Helper()
	s.acks++
	s.send(t, order{Order: "emit", Event: event, Args: raws(args), Ack: s.acks})
	n := s.wait(t, "ack")
	if n.Ack != s.acks {
		t.Fatalf("%s: acknowledged emit %d, want %d", s.name, n.Ack, s.acks)
	}
	return n.Args
}

// setConnect emits set_connect with a JSON object that must be accepted.
func (s *socket) setConnect(t *testing.T, object string) {
	t.Helper()
	got := signature("ack", texts(s.emitAck(t, "set_connect", object)))
	if want := signature("ack", []string{`{"code":0,"message":""}`}); got != want {
		t.Fatalf("%s: set_connect %s: %s\n\twant %s", s.name, abridged(object), got, want)
	}
}

func signature(event string, args []string) string {
	return fmt.Sprintf("%s(%s)", event, strings.Join(args, ", "))
}

func texts(args []json.RawMessage) []string {
	var out []string
	for _, a := range args {
		out = append(out, string(a))
	}
	return out
}

func raws(args []string) []json.RawMessage {
	out := []json.RawMessage{}
	for _, a := range args {
		out = append(out, json.RawMessage(a))
	}
	return out
}

// abridged keeps a failure's text readable.
func abridged(s string) string {
	if len(s) > 600 {
		return fmt.Sprintf("%s… (%d bytes)", s[:600], len(s))
	}
	return s
}
