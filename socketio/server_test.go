package socketio_test

import (
	"testing"

	"outrider/socketio"
)

func echo(s *socketio.Server) {
	for _, name := range []string{"/", "/custom"} {
		ns := s.Of(name)
		ns.OnConnect(func(s *socketio.Socket) { s.Emit("auth", s.Auth()) })
		ns.On("message", func(e *socketio.Event) { e.Socket().Emit("message-back", e.Values()...) })
		ns.On("message-with-ack", func(e *socketio.Event) { e.Ack(e.Values()...) })
	}
}

func TestConnect5(t *testing.T) {
	_, addr := start(t, socketio.Config{}, echo)
	c := dial(t, addr, "4")
	id := c.join("/")
	c.expect(`42["auth",{}]`)
	if id == c.sid {
		t.Error("the socket's id is the engine's")
	}
	c.send(`40/custom,{"token":"abc"}`)
	if text := c.read(); len(text) != len(`40/custom,{"sid":"12345678901234567890"}`) {
		t.Fatalf("got %s", text)
	}
	c.expect(`42/custom,["auth",{"token":"abc"}]`)
	c.send("40/random")
	c.expect(`44/random,{"message":"Invalid namespace"}`)
	c.send(`42["message",1,"2",{"3":[true]}]`)
	c.expect(`42["message-back",1,"2",{"3":[true]}]`)
	c.send(`42456["message-with-ack",1,"2",{"3":[false]}]`)
	c.expect(`43456[1,"2",{"3":[false]}]`)
}
