package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"outrider/engineio"
	"outrider/socketio"
)

// fromNode has every call of docs/from-node.md, so that the page compiles. It is not run: the examples of this package are.
func fromNode(ctx context.Context, mux *http.ServeMux, id, token string, file []byte) error {
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		return err
	}
	mux.Handle("/socket.io/", server)
	_ = socketio.Config{Engine: engineio.Config{
		Paths: []string{"/ws"}, MaxPayload: 1 << 20, PingInterval: 25 * time.Second,
		CORS:         &engineio.CORS{Origins: []string{"https://shop.example"}},
		AllowRequest: func(r *engineio.Request) error { return nil },
		Files:        os.DirFS("node_modules/socket.io-client/dist"),
	}}
	_ = socketio.Config{Recovery: &socketio.Recovery{MaxDisconnection: 2 * time.Minute}}

	ns := server.Of("/chat")
	server.OfFunc(func(name string) bool { return strings.HasPrefix(name, "/order-") })
	ns.Use(func(s *socketio.Socket) error { return errors.New("not authorized") })
	ns.OnConnect(func(s *socketio.Socket) { s.Join("lobby") })
	ns.OnDisconnect(func(s *socketio.Socket, why socketio.DisconnectReason) {})
	ns.On("say", func(e *socketio.Event) { e.Socket().To("lobby").Emit("said", e.Values()...) })
	socketio.On(ns, "say", func(e *socketio.Event, text string) error { return nil })
	socketio.OnAck(ns, "add", func(e *socketio.Event, n int) (int, error) { return n + 1, nil })
	ns.OnAny(func(e *socketio.Event) { fmt.Println(e.Name(), e.Len()) })

	ns.Emit("news", "rain")
	ns.To("lobby").Except("muted").Emit("news", "rain")
	ns.Volatile().Emit("position", 1, 2)
	for s := range ns.To("lobby").Sockets() {
		s.Disconnect(true)
	}

	s := ns.Socket(id)
	s.Emit("file", file)
	s.Broadcast().Emit("joined", s.ID())
	s.To("lobby").Emit("joined", s.ID())
	s.Join("lobby", "news")
	s.Leave("lobby")
	s.Rooms()
	s.Handshake().Query("token")
	s.Handshake().Header("Cookie")
	s.BindAuth(&token)
	s.SetData("ann")
	s.EmitWithAck(5*time.Second, "ready?", nil, func(args *socketio.Args, err error) {})
	return server.Shutdown(ctx)
}

var _ = fromNode

// TestFromNode: what the page for people from Node shows of Go is what the examples have, which compile.
func TestFromNode(t *testing.T) {
	page, err := os.ReadFile("../docs/from-node.md")
	if err != nil {
		t.Fatal(err)
	}
	var examples strings.Builder
	for _, name := range []string{"example_node_test.go", "example_http_test.go", "example_test.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		examples.Write(text)
	}
	shown := regexp.MustCompile("(?s)```go\n.*?```").FindAllString(string(page), -1)
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(strings.ReplaceAll(line, `\|`, "\x00"), " | "); len(cells) == 2 && strings.Contains(cells[1], "`") {
			_, code, _ := strings.Cut(cells[1], "`")
			code, _, _ = strings.Cut(code, "`")
			shown = append(shown, code)
		}
	}
	if len(shown) < 30 {
		t.Fatalf("only %d snippets found", len(shown))
	}
	for _, snippet := range shown {
		for line := range strings.Lines(snippet) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "```") && !strings.Contains(examples.String(), line) {
				t.Errorf("no example has %q", line)
			}
		}
	}
}
