package socketio_test

import (
	"io"
	"testing"

	"outrider/engineio"
	"outrider/socketio"
)

// BenchmarkSend is the path of a push from a socket that has been found to the kernel.
func BenchmarkSend(b *testing.B) {
	_, clients, sockets := crowd(b, socketio.Config{})
	for _, c := range clients {
		go io.Copy(io.Discard, c.conn)
	}
	p, err := socketio.Prepare("message", `{"title":"New Order","id":1234567890123456789}`)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := sockets[0].Send(p); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSendKept is BenchmarkSend where the event is kept, in case the client loses its connection.
func BenchmarkSendKept(b *testing.B) {
	connects := make(chan *socketio.Socket, 1)
	_, addr := start(b, socketio.Config{Recovery: &socketio.Recovery{}}, func(s *socketio.Server) {
		s.Of("/").OnConnect(func(s *socketio.Socket) { connects <- s })
	})
	c := dial(b, addr, "4")
	c.enter("40")
	go io.Copy(io.Discard, c.conn)
	socket := wait(b, connects)
	p, err := socketio.Prepare("message", `{"title":"New Order","id":1234567890123456789}`)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := socket.Send(p); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVariant is the part of that path which is this package's.
func BenchmarkVariant(b *testing.B) {
	s, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	p, err := socketio.Prepare("message", "é")
	if err != nil {
		b.Fatal(err)
	}
	names := []*socketio.Namespace{s.Of("/rider"), s.Of("/socket/rider")}
	for _, ns := range names {
		p.Frame(ns, engineio.Revision3)
		p.Frame(ns, engineio.Revision4)
	}
	b.ReportAllocs()
	for b.Loop() {
		p.Frame(names[0], engineio.Revision3) // the last of the list
	}
}

func BenchmarkSocketByID(b *testing.B) {
	s, _, sockets := crowd(b, socketio.Config{})
	for i, name := range []string{"protocol=5", "protocol=4"} {
		id := sockets[i].ID()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if s.Of("/").Socket(id) == nil {
					b.Fatal("not found")
				}
			}
		})
	}
}

func BenchmarkJoinLeave(b *testing.B) {
	_, _, sockets := crowd(b, socketio.Config{})
	b.ReportAllocs()
	for b.Loop() {
		if err := sockets[3].Join("room"); err != nil {
			b.Fatal(err)
		}
		sockets[3].Leave("room")
	}
}

func BenchmarkTable(b *testing.B) {
	var table socketio.Table
	for range 500_000 {
		table.Add()
	}
	b.ReportAllocs()
	for b.Loop() {
		_, slot := table.Add() // a socket of its own is what it allocates
		table.Remove(slot)
	}
}
