package socketio_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"

	"github.com/valyala/fasthttp"

	"outrider/engineio"
	"outrider/socketio"
)

// A program that has an http.Server already: clients and requests share its port, and one of its handlers broadcasts.
func ExampleServer_ServeHTTP() {
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", server)
	mux.HandleFunc("POST /news", func(w http.ResponseWriter, r *http.Request) {
		server.Of("/").Emit("news", r.FormValue("title"))
		fmt.Fprintln(w, "sent")
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	web := &http.Server{Handler: mux}
	web.RegisterOnShutdown(func() { server.Close() })
	go web.Serve(ln)

	addr := ln.Addr().String()
	client := connect(addr, "40")
	fmt.Print(post("http://"+addr+"/news", "title=rain"))
	fmt.Println(client.receive())
	web.Close()
	server.Close()
	// Output:
	// sent
	// 42["news","rain"]
}

// The other way round, which is the faster: the port is the server's, and what is not for it goes to fasthttp.
func Example_fasthttp() {
	var server *socketio.Server
	web := &fasthttp.Server{NoDefaultDate: true, Handler: func(ctx *fasthttp.RequestCtx) {
		server.Of("/").Emit("news", string(ctx.FormValue("title")))
		ctx.WriteString("sent\n")
	}}
	server, err := socketio.NewServer(socketio.Config{Engine: engineio.Config{
		Fallback: func(c net.Conn) {
			go func() {
				defer c.Close()
				web.ServeConn(c)
			}()
		},
	}})
	if err != nil {
		log.Fatal(err)
	}

	addr := serve(server)
	client := connect(addr, "40")
	fmt.Print(post("http://"+addr+"/news", "title=rain"))
	fmt.Println(client.receive())
	server.Close()
	// Output:
	// sent
	// 42["news","rain"]
}

// post posts a form, on a connection of its own.
func post(url, form string) string {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Post(url, "application/x-www-form-urlencoded", strings.NewReader(form))
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		log.Fatal(err)
	}
	return string(body)
}

// An event with an argument of a Go type, and a value for the client that waits for it.
func ExampleOnAck() {
	type order struct {
		Item  string `json:"item"`
		Count int    `json:"count"`
	}
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	ns := server.Of("/")
	ns.OnError(func(e *socketio.Event, err error) { fmt.Println("failed:", e.Name()) })
	socketio.OnAck(ns, "order", func(_ *socketio.Event, o order) (id int, err error) {
		if o.Count == 0 {
			return 0, errors.New("order something")
		}
		return 1000 + o.Count, nil
	})

	client := connect(serve(server), "40")
	for i, o := range []string{`{"item":"noodles","count":2}`, `{"item":"noodles"}`, `"noodles"`} {
		client.send(fmt.Sprintf(`42%d["order",%s]`, i, o))
		fmt.Println(client.receive())
	}
	server.Close()
	// Unordered output:
	// 430[1002]
	// 431[{"error":"order something"}]
	// failed: order
	// 432[{"error":"argument 0 does not fit"}]
	// failed: order
}

// Two typed arguments, the first of them binary: emit("upload", buffer, "a.png").
func ExampleOn2() {
	server, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	socketio.On2(server.Of("/"), "upload", func(e *socketio.Event, file []byte, name string) error {
		return e.Socket().Emit("saved", name, len(file))
	})

	client := connect(serve(server), "40")
	client.send(`451-["upload",{"_placeholder":true,"num":0},"a.png"]`)
	client.sendBinary([]byte("pixels"))
	fmt.Println(client.receive())
	server.Close()
	// Output: 42["saved","a.png",6]
}
