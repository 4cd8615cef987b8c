package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"strings"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"outrider/socketio"
)

// A server that sends every "message" back.
func Example() {
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	server.Of("/").On("message", func(e *socketio.Event) {
		e.Socket().Emit("message", e.Values()...)
	})

	addr := serve(server)
	client := connect(addr, "40")
	client.send(`42["message","hello",{"n":1}]`)
	fmt.Println(client.receive())
	server.Close()
	// Output: 42["message","hello",{"n":1}]
}

// A chat: what somebody says goes to everybody else in the room.
func ExampleSocket_To() {
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	chat := server.Of("/chat")
	chat.On("enter", func(e *socketio.Event) {
		room, err := socketio.Arg[string](e, 0)
		if err != nil {
			e.Ack(err.Error())
			return
		}
		if err := e.Socket().Join(room); err != nil {
			e.Ack(err.Error())
			return
		}
		e.Ack()
	})
	chat.On("say", func(e *socketio.Event) {
		for _, room := range e.Socket().Rooms() {
			e.Socket().To(room).Emit("said", room, e.Arg(0))
		}
	})
	chat.OnDisconnect(func(s *socketio.Socket, why socketio.DisconnectReason) {
		chat.To(s.Rooms()...).Emit("left", why.String())
	})

	addr := serve(server)
	ann, bob := connect(addr, "40/chat,"), connect(addr, "40/chat,")
	for _, c := range []*exampleClient{ann, bob} {
		c.send(`42/chat,0["enter","lobby"]`)
		c.receive()
	}
	ann.send(`42/chat,["say","hi"]`, `41/chat,`)
	fmt.Println(bob.receive())
	fmt.Println(bob.receive())
	server.Close()
	// Output:
	// 42/chat,["said","lobby","hi"]
	// 42/chat,["left","client namespace disconnect"]
}

// An event with typed arguments, acknowledged.
func ExampleEvent_Ack() {
	type order struct {
		Item  string `json:"item"`
		Count int    `json:"count"`
	}
	type receipt struct {
		ID    int    `json:"id,omitempty"`
		Error string `json:"error,omitempty"`
	}
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	server.Of("/").On("order", func(e *socketio.Event) {
		o, err := socketio.Arg[order](e, 0)
		if err != nil {
			e.Ack(receipt{Error: "not an order"})
			return
		}
		e.Ack(receipt{ID: 1000 + o.Count})
	})

	client := connect(serve(server), "40")
	client.send(`421["order",{"item":"noodles","count":2}]`, `422["order","noodles"]`)
	fmt.Println(client.receive())
	fmt.Println(client.receive())
	server.Close()
	// Output:
	// 431[{"id":1002}]
	// 432[{"error":"not an order"}]
}

// Asking the client, with a time limit.
func ExampleSocket_EmitWithAck() {
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan string)
	server.Of("/").OnConnect(func(s *socketio.Socket) {
		err := s.EmitWithAck(10*time.Second, "ready?", []any{1}, func(args *socketio.Args, err error) {
			switch {
			case errors.Is(err, socketio.ErrAckTimeout):
				done <- "no answer"
			case err != nil:
				done <- err.Error()
			default:
				done <- string(args.Arg(0))
			}
		})
		if err != nil {
			log.Print(err)
		}
	})

	client := connect(serve(server), "40")
	fmt.Println(client.receive())
	client.send(`430["yes"]`)
	fmt.Println(<-done)
	server.Close()
	// Output:
	// 420["ready?",1]
	// "yes"
}

// A namespace for those who have a token.
func ExampleNamespace_Use() {
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	users := map[string]string{"secret": "ann"} // whatever checks tokens
	admin := server.Of("/admin")
	admin.Use(func(s *socketio.Socket) error {
		var auth struct {
			Token string `json:"token"`
		}
		if err := s.BindAuth(&auth); err != nil {
			return errors.New("bad request")
		}
		user, ok := users[auth.Token]
		if !ok {
			return &socketio.ConnectError{Message: "not authorized", Data: map[string]string{"hint": "log in"}}
		}
		s.SetData(user)
		return nil
	})
	admin.OnConnect(func(s *socketio.Socket) { s.Emit("welcome", s.Data()) })

	client := connect(serve(server), `40/admin,{"token":"guess"}`)
	fmt.Println(client.first)
	client.send(`40/admin,{"token":"secret"}`)
	client.receive() // CONNECT
	fmt.Println(client.receive())
	server.Close()
	// Output:
	// 44/admin,{"message":"not authorized","data":{"hint":"log in"}}
	// 42/admin,["welcome","ann"]
}

// One namespace for each order, made when somebody asks for it.
func ExampleServer_OfFunc() {
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	orders := server.OfFunc(func(name string) bool { return strings.HasPrefix(name, "/order-") })
	orders.OnConnect(func(s *socketio.Socket) { s.Emit("watching", s.Namespace().Name()) })

	client := connect(serve(server), `40/order-17,`)
	fmt.Println(client.receive())
	server.Close()
	// Output: 42/order-17,["watching","/order-17"]
}

// The same event for many sockets, encoded once.
func ExamplePrepare() {
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	addr := serve(server)
	first, second := connect(addr, "40"), connect(addr, "40")

	event, err := socketio.Prepare("price", 12.5)
	if err != nil {
		log.Fatal(err)
	}
	for s := range server.Of("/").Sockets() {
		if err := s.Send(event); err != nil {
			log.Print(err)
		}
	}
	fmt.Println(first.receive())
	fmt.Println(second.receive())
	server.Close()
	// Output:
	// 42["price",12.5]
	// 42["price",12.5]
}

// Binary data in both directions: as an argument, and inside one.
func ExampleWithAttachments() {
	type upload struct {
		Name string               `json:"name"`
		File socketio.Placeholder `json:"file"`
	}
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	server.Of("/").On("upload", func(e *socketio.Event) {
		up, err := socketio.Arg[upload](e, 0)
		if err != nil {
			return
		}
		file := e.Attachment(int(up.File))
		e.Socket().Emit("saved", len(file), socketio.WithAttachments{
			Value: upload{Name: "thumbnail of " + up.Name}, Attachments: [][]byte{file[:1]},
		})
	})

	client := connect(serve(server), "40")
	client.send(`451-["upload",{"name":"a.png","file":{"_placeholder":true,"num":0}}]`)
	client.sendBinary([]byte("pixels"))
	fmt.Println(client.receive())
	fmt.Println(client.receive())
	server.Close()
	// Output:
	// 451-["saved",6,{"name":"thumbnail of a.png","file":{"_placeholder":true,"num":0}}]
	// p
}

// Telling each socket in a room something else.
func ExampleBroadcast_Sockets() {
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	ns := server.Of("/")
	ns.OnConnect(func(s *socketio.Socket) { s.Join("table-1") })
	ns.On("deal", func(*socketio.Event) {
		card := 0
		for s := range ns.To("table-1").Sockets() {
			card++
			s.Emit("card", card)
		}
	})

	client := connect(serve(server), "40")
	client.send(`42["deal"]`)
	fmt.Println(client.receive())
	server.Close()
	// Output: 42["card",1]
}

// A client that loses its connection and comes back finds its socket again, and gets what it has missed.
func ExampleRecovery() {
	server, err := socketio.NewServer(socketio.Config{
		Recovery: &socketio.Recovery{
			Namespaces:       func(name string) bool { return name == "/" },
			MaxDisconnection: time.Minute,
			MaxEvents:        1000,
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	gone, back := make(chan struct{}, 2), make(chan []string, 1)
	ns := server.Of("/")
	ns.OnConnect(func(s *socketio.Socket) {
		if s.Recovered() {
			back <- s.Rooms()
			return
		}
		s.Join("news")
		s.Emit("welcome")
	})
	ns.OnDisconnect(func(*socketio.Socket, socketio.DisconnectReason) { gone <- struct{}{} })

	addr := serve(server)
	client := connect(addr, "40")
	var private struct{ PID string } // which real clients keep to themselves
	if err := json.Unmarshal([]byte(client.first[len("40"):]), &private); err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.receive())
	client.conn.Close()
	<-gone
	ns.To("news").Emit("headline", "rain")

	client = connect(addr, `40{"pid":"`+private.PID+`","offset":"1"}`)
	fmt.Println(client.first)
	fmt.Println("back in", <-back, server.Stats().Recovered)
	server.Close()
	// Output:
	// 42["welcome","1"]
	// 42["headline","rain","2"]
	// back in [news] 1
}

// What a middleware can see of the request that opened the connection.
func ExampleSocket_Handshake() {
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	server.Of("/").Use(func(s *socketio.Socket) error {
		h := s.Handshake()
		for key, value := range h.Params() {
			fmt.Println(key, "=", value)
		}
		fmt.Println(h.Header("Upgrade"), h.RemoteAddr().Addr(), time.Since(h.Time()) < time.Minute)
		return nil
	})
	connect(serve(server), "40")
	server.Close()
	// Output:
	// EIO = 4
	// transport = websocket
	// websocket 127.0.0.1 true
}

// An orderly end: clients are told, what is queued for them leaves first.
func ExampleServer_Shutdown() {
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	gone := make(chan socketio.DisconnectReason, 1)
	server.Of("/").OnDisconnect(func(_ *socketio.Socket, why socketio.DisconnectReason) { gone <- why })
	client := connect(serve(server), "40")
	go client.receive() // a client closes when the server does

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		log.Print(err)
	}
	fmt.Println(<-gone)
	// Output: server shutting down
}

// The rest of this file is a client as small as can be; its packets show what goes over the wire.

// serve serves on a free port.
func serve(server *socketio.Server) (addr string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go server.Serve(ln)
	return ln.Addr().String()
}

type exampleClient struct {
	conn  net.Conn
	first string // the answer to CONNECT
}

func connect(addr, packet string) *exampleClient {
	conn, early, _, err := ws.Dial(context.Background(), "ws://"+addr+"/socket.io/?EIO=4&transport=websocket")
	if err != nil {
		log.Fatal(err)
	}
	if early != nil {
		conn = &bufferedConn{conn, early}
	}
	c := &exampleClient{conn: conn}
	c.receive() // the engine's open packet
	c.send(packet)
	c.first = c.receive()
	return c
}

func (c *exampleClient) send(packets ...string) {
	for _, p := range packets {
		if err := wsutil.WriteClientText(c.conn, []byte(p)); err != nil {
			log.Fatal(err)
		}
	}
}

func (c *exampleClient) sendBinary(data []byte) {
	if err := wsutil.WriteClientBinary(c.conn, data); err != nil {
		log.Fatal(err)
	}
}

func (c *exampleClient) receive() string {
	data, _, err := wsutil.ReadServerData(c.conn)
	if err != nil {
		c.conn.Close()
		return err.Error()
	}
	return string(data)
}
