package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"time"

	"outrider/socketio"
	"outrider/socketio/adaptertest"
)

// Asking everybody in a room, and making do with the answers that come in time.
func ExampleBroadcast_EmitWithAck() {
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	ns := server.Of("/")
	joined := make(chan struct{}, 2)
	ns.OnConnect(func(s *socketio.Socket) {
		s.Join("crew")
		joined <- struct{}{}
	})

	addr := serve(server)
	ann, bob := connect(addr, "40"), connect(addr, "40")
	<-joined
	<-joined
	go func() { // the clients: ann answers, bob goes away
		fmt.Println(ann.receive())
		ann.send(`430[42]`)
		bob.receive()
		bob.send("41")
	}()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	answers, err := ns.To("crew").EmitWithAck(ctx, "how many?")
	for _, answer := range answers {
		n, err := socketio.Arg[int](&answer, 0)
		fmt.Println(n, err, answer.Args().Len(), ns.Socket(answer.Socket).Rooms())
	}
	if missing, ok := errors.AsType[*socketio.AckError](err); ok {
		fmt.Println(missing.Answers, "of", missing.Receivers, errors.Is(err, socketio.ErrAckTimeout))
	}
	server.Close()
	// Output:
	// 420["how many?"]
	// 42 <nil> 1 [crew]
	// 1 of 2 true
}

// Sending away everybody in a room.
func ExampleBroadcast_Disconnect() {
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	ns := server.Of("/")
	ns.OnConnect(func(s *socketio.Socket) { s.Join("table-1") })
	ns.On("close", func(*socketio.Event) { ns.To("table-1").Disconnect(false) })

	client := connect(serve(server), "40")
	client.send(`42["close"]`)
	fmt.Println(client.receive())
	server.Close()
	// Output: 41
}

// Two servers that act as one: each reaches the sockets of both. Their adapters would speak to a message broker;
// here they are in one process.
func ExampleAdapter() {
	var hub adaptertest.Hub
	joined := make(chan struct{}, 2)
	var servers []*socketio.Server
	var clients []*exampleClient
	for range 2 {
		server, err := socketio.NewServer(socketio.Config{Adapter: hub.Adapter()})
		if err != nil {
			log.Fatal(err)
		}
		server.Of("/").OnConnect(func(*socketio.Socket) { joined <- struct{}{} })
		servers = append(servers, server)
		clients = append(clients, connect(serve(server), "40"))
		<-joined
	}

	ns := servers[0].Of("/")
	if err := ns.To().Join("all"); err != nil {
		log.Print(err)
	}
	if err := ns.Local().Leave("all"); err != nil {
		log.Print(err)
	}
	if _, err := ns.To("all").Emit("hello"); err != nil {
		log.Print(err) // such as ErrNode: the sockets of this node have got it
	}
	fmt.Println(clients[1].receive())

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	sockets, err := ns.To().Fetch(ctx)
	slices.SortFunc(sockets, func(a, b socketio.SocketInfo) int { return len(a.Rooms) - len(b.Rooms) })
	for _, info := range sockets {
		fmt.Println(info.Path, info.Rooms, ns.Socket(info.ID) != nil)
	}
	fmt.Println(err)
	for _, server := range servers {
		server.Close()
	}
	// Output:
	// 42["hello"]
	// /socket.io/ [] true
	// /socket.io/ [all] false
	// <nil>
}
