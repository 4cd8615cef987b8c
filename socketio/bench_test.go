package socketio_test

import (
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/gobwas/ws"

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

// BenchmarkBroadcast is an event that is prepared once, to the four sockets of a namespace.
func BenchmarkBroadcast(b *testing.B) {
	s, clients, _ := crowd(b, socketio.Config{})
	for _, c := range clients {
		go io.Copy(io.Discard, c.conn)
	}
	p, err := socketio.Prepare("message", `{"title":"New Order","id":1234567890123456789}`)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if n := s.Of("/").Send(p); n != len(clients) {
			b.Fatalf("sent to %d", n)
		}
	}
}

type order struct {
	ID    int64    `json:"id"`
	Title string   `json:"title"`
	Items []string `json:"items"`
}

// BenchmarkEncodeEvent is an event of each kind of argument, as one receiver gets it.
func BenchmarkEncodeEvent(b *testing.B) {
	s, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for _, bm := range []struct {
		name string
		arg  any
	}{
		{"string", `{"title":"New Order","id":1234567890123456789}`},
		{"string-chinese", "新订单 #4021，请尽快取餐"},
		{"raw", json.RawMessage(`{"title":"New Order","id":1234567890123456789,"items":["a","b"]}`)},
		{"struct", order{1234567890123456789, "New Order", []string{"a", "b"}}},
		{"binary", make([]byte, 64)},
	} {
		for _, rev := range []engineio.Revision{engineio.Revision4, engineio.Revision3} {
			b.Run(fmt.Sprintf("arg=%s/EIO=%d", bm.name, rev), func(b *testing.B) {
				ns := s.Of("/rider")
				b.ReportAllocs()
				for b.Loop() {
					if _, err := socketio.EventFrame(ns, rev, "message", bm.arg); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkAppendPacket(b *testing.B) {
	p := socketio.Packet{
		Type: socketio.PacketAck, Namespace: []byte("/rider"), HasID: true, ID: 17, Data: []byte(`[{"code":0,"message":""}]`),
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = p.AppendText(buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkArgs takes the arguments out of an event that has been decoded.
func BenchmarkArgs(b *testing.B) {
	args := parse(b, `2["order",{"id":1234567890123456789,"title":"New Order","items":["a","b"]},"east"]`)
	b.Run("arg", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if args.Arg(1) == nil {
				b.Fatal("no argument")
			}
		}
	})
	b.Run("bind=string", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var s string
			if err := args.Bind(1, &s); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bind=struct", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var o order
			if err := args.Bind(0, &o); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkAck is an event from a client's frame to its handler, and the acknowledgement back.
func BenchmarkAck(b *testing.B) {
	_, clients, _ := crowd(b, socketio.Config{})
	conn := clients[0].conn
	question := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(`421["sync"]`))))
	answer := make([]byte, len(ws.MustCompileFrame(ws.NewTextFrame([]byte(`431[]`)))))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(question); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(conn, answer); err != nil {
			b.Fatal(err)
		}
	}
	if string(answer[2:]) != `431[]` {
		b.Errorf("received %q", answer)
	}
}

// BenchmarkEmitWithAck is an event to a client, and its acknowledgement back to the function that waits for it.
func BenchmarkEmitWithAck(b *testing.B) {
	_, clients, sockets := crowd(b, socketio.Config{})
	go func() {
		conn := clients[0].conn
		for {
			h, err := ws.ReadHeader(conn)
			if err != nil {
				return // the benchmark's end
			}
			text := make([]byte, h.Length)
			if _, err := io.ReadFull(conn, text); err != nil {
				return
			}
			var id uint64
			if _, err := fmt.Sscanf(string(text), "42%d", &id); err != nil {
				continue
			}
			answer := fmt.Appendf(nil, "43%d[1]", id)
			if ws.WriteFrame(conn, ws.MaskFrame(ws.NewTextFrame(answer))) != nil {
				return
			}
		}
	}()
	acked := make(chan error, 1)
	b.ReportAllocs() // the client's included
	for b.Loop() {
		err := sockets[0].EmitWithAck(time.Minute, "question", nil, func(_ *socketio.Args, err error) { acked <- err })
		if err != nil {
			b.Fatal(err)
		}
		if err := <-acked; err != nil {
			b.Fatal(err)
		}
	}
}
