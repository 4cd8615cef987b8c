package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"sync/atomic"
	"time"

	"outrider/engineio"
	"outrider/socketio"
)

// newSocketIOClient returns the program of socket.io-client's own suite
// (suites/README.md §4).
func newSocketIOClient() (server, error) {
	srv, err := socketio.NewServer(socketio.Config{
		Engine:   engineio.Config{PingInterval: 2 * time.Second, Admit: slowly},
		Recovery: &socketio.Recovery{},
	})
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"/timeout_socket", "/valid", "/asd"} {
		srv.Of(name)
	}
	srv.Of("/foo").On("getId", acknowledgeID)
	srv.Of("/abc").OnConnect(func(s *socketio.Socket) { _ = s.Emit("handshake", handshakeOf(s)) })
	srv.Of("/no").Use(func(*socketio.Socket) error { return refusal("custom") })
	main := srv.Of("/")
	main.Use(func(s *socketio.Socket) error {
		if s.Handshake().Query("fail") != "" {
			return refusal("main")
		}
		return nil
	})
	addEvents(main)
	addBinaryEvents(main)
	return srv, nil
}

// slowly lets everybody in, late: clients with a short timeout give up before.
func slowly(ctx context.Context, _ *engineio.Request) error {
	select {
	case <-time.After(10 * time.Millisecond):
	case <-ctx.Done():
	}
	return nil
}

// refusal is what a client is told whom middleware does not let in.
func refusal(namespace string) error {
	return &socketio.ConnectError{Message: "Auth failed (" + namespace + " namespace)"}
}

func acknowledgeID(e *socketio.Event) { _ = e.Ack(e.Socket().ID()) }

// addEvents adds the events of plain JSON.
func addEvents(ns *socketio.Namespace) {
	ns.On("hi", func(e *socketio.Event) { _ = e.Socket().Emit("hi") })
	ns.On("echo", func(e *socketio.Event) { _ = e.Ack(e.Values()...) })
	ns.On("ack", askBack)
	ns.On("getAckDate", func(e *socketio.Event) { _ = e.Ack(date()) })
	ns.On("getDate", func(e *socketio.Event) { _ = e.Socket().Emit("takeDate", date()) })
	ns.On("getDateObj", func(e *socketio.Event) {
		_ = e.Socket().Emit("takeDateObj", map[string]string{"date": date()})
	})
	ns.On("getUtf8", func(e *socketio.Event) {
		for _, text := range []string{"てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"} {
			_ = e.Socket().Emit("takeUtf8", text)
		}
	})
	ns.On("false", func(e *socketio.Event) { _ = e.Socket().Emit("false", false) })
	ns.On("getHandshake", func(e *socketio.Event) { _ = e.Ack(handshakeOf(e.Socket())) })
	ns.On("getId", acknowledgeID)
}

// askBack asks the client, and says so when it gets the answer that it wants.
func askBack(e *socketio.Event) {
	s := e.Socket()
	_ = s.EmitWithAck(0, "ack", nil, func(args *socketio.Args, err error) {
		number, numberErr := socketio.Arg[int](args, 0)
		object, objectErr := socketio.Arg[struct{ Test bool }](args, 1)
		if errors.Join(err, numberErr, objectErr) == nil && number == 5 && object.Test {
			_ = s.Emit("got it")
		}
	})
}

// date is the time as a Date of JavaScript's is written in JSON.
func date() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000Z") }

// handshake is the object of that name in the official server.
type handshake struct {
	Headers map[string]string `json:"headers"`
	Time    string            `json:"time"`
	Address string            `json:"address"`
	Issued  int64             `json:"issued"`
	URL     string            `json:"url"`
	Query   map[string]string `json:"query"`
	Auth    json.RawMessage   `json:"auth"`
}

func handshakeOf(s *socketio.Socket) handshake {
	h := s.Handshake()
	o := handshake{
		Headers: make(map[string]string),
		Time:    h.Time().String(),
		Address: h.RemoteAddr().Addr().String(),
		Issued:  h.Time().UnixMilli(),
		URL:     h.Path() + "?" + h.RawQuery(),
		Query:   make(map[string]string),
		Auth:    s.Auth(),
	}
	maps.Insert(o.Headers, h.Headers())
	maps.Insert(o.Query, h.Params())
	return o
}

// addBinaryEvents adds the events with binary data.
func addBinaryEvents(ns *socketio.Namespace) {
	for event, answer := range map[string]string{"doge": "doge", "getbin": "takebin"} {
		ns.On(event, func(e *socketio.Event) { _ = e.Socket().Emit(answer, []byte("asdfasdf")) })
	}
	ns.On("buffa", func(e *socketio.Event) {
		if _, ok := e.Binary(0); ok {
			_ = e.Socket().Emit("buffack")
		}
	})
	ns.On("jsonbuff", func(e *socketio.Event) {
		mixed, err := socketio.Arg[struct {
			Hello   string
			Message *socketio.Placeholder
			Goodbye string
		}](e, 0)
		if err == nil && mixed.Hello == "lol" && mixed.Message != nil && mixed.Goodbye == "gotcha" {
			_ = e.Socket().Emit("jsonbuff-ack")
		}
	})
	// The second must find that the first has come before it.
	ns.OnConnect(func(s *socketio.Socket) { s.SetData(new(atomic.Bool)) })
	ns.On("abuff1", func(e *socketio.Event) {
		if _, ok := e.Binary(0); ok {
			e.Socket().Data().(*atomic.Bool).Store(true)
		}
	})
	ns.On("abuff2", func(e *socketio.Event) {
		if e.Socket().Data().(*atomic.Bool).Load() {
			_ = e.Socket().Emit("abuff2-ack")
		}
	})
}
