package socketio_test

import (
	"errors"
	"strings"
	"testing"

	"outrider/socketio"
)

// TestGreet: a greeting follows CONNECT and precedes what OnConnect sends, for clients of either protocol, in namespaces
// that a template has made too.
func TestGreet(t *testing.T) {
	_, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
		hello, err := socketio.Prepare("message", "grüß dich")
		if err != nil {
			t.Fatal(err)
		}
		for _, ns := range []*socketio.Namespace{s.Of("/chat"), s.OfFunc(func(name string) bool { return name == "/made" })} {
			if err := ns.Greet(hello); err != nil {
				t.Fatal(err)
			}
			ns.OnConnect(func(s *socketio.Socket) { s.Emit("ready") })
		}
		file, err := socketio.Prepare("file", []byte{1})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Of("/chat").Greet(file); !errors.Is(err, socketio.ErrArgument) {
			t.Errorf("a greeting with an attachment: %v", err)
		}
	})
	for _, name := range []string{"/chat", "/made"} {
		c := dial(t, addr, "4")
		c.send("40" + name + ",")
		if got := c.read(); !strings.HasPrefix(got, "40"+name+`,{"sid":"`) {
			t.Fatalf("got %s", got)
		}
		c.expect("42"+name+`,["message","grüß dich"]`, "42"+name+`,["ready"]`)

		c = dial(t, addr, "3")
		c.expect("40")
		c.send("40" + name)
		c.expect("40"+name+",", "42"+name+`,["message","gr\u00fc\u00df dich"]`, "42"+name+`,["ready"]`)
	}
}

// TestGreetNobody takes a greeting away.
func TestGreetNobody(t *testing.T) {
	_, addr := start(t, socketio.Config{}, func(s *socketio.Server) {
		hello, err := socketio.Prepare("message", "hello")
		if err != nil {
			t.Fatal(err)
		}
		ns := s.Of("/chat")
		_, _ = ns.Greet(hello), ns.Greet(nil)
		ns.OnConnect(func(s *socketio.Socket) { s.Emit("ready") })
	})
	c := dial(t, addr, "4")
	c.join("/chat")
	c.expect(`42/chat,["ready"]`)
}
