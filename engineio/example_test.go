package engineio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"outrider/engineio"
)

// parrot is a handler that sends every message back.
type parrot struct{}

func (parrot) Opened(s *engineio.Session, req *engineio.Request) {
	name, _ := req.Query("name")
	fmt.Println("opened, revision", s.Revision(), "over", s.Transport(), "by", name)
}

func (parrot) Message(s *engineio.Session, data []byte, binary bool) {
	if err := s.Send(data, binary); err != nil {
		log.Print(err) // the session has ended
	}
}

func (parrot) Closed(_ *engineio.Session, reason engineio.CloseReason) {
	fmt.Println("closed:", reason)
}

// A server that echoes, and a client that speaks the protocol by hand: a
// handshake over long-polling, a message, a poll and the close packet.
func Example() {
	srv, err := engineio.NewServer(engineio.Config{Handler: parrot{}})
	if err != nil {
		log.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = srv.Serve(ln) }()

	base := "http://" + ln.Addr().String() + "/engine.io/?EIO=4&transport=polling&name=polly"
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(url string) string { return body(client.Get(url)) }
	post := func(url, packet string) string {
		return body(client.Post(url, "text/plain;charset=UTF-8", strings.NewReader(packet)))
	}

	var open struct{ SID string }
	if err := json.Unmarshal([]byte(get(base)[len("0"):]), &open); err != nil {
		log.Fatal(err)
	}
	session := base + "&sid=" + open.SID
	fmt.Println(post(session, "4hello"))
	fmt.Println(get(session))
	post(session, "1")

	if err := srv.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// opened, revision 4 over polling by polly
	// ok
	// 4hello
	// closed: transport close
}

func body(res *http.Response, err error) string {
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		log.Fatal(err)
	}
	return string(text)
}

// A handshake that waits for somebody else's word, and a cookie for the load
// balancer with its answer.
func ExampleConfig() {
	lookUp := func(ctx context.Context, token string) (user string, err error) {
		if token != "secret" { // a query to a database, say, that ends with ctx
			return "", errors.New("unknown token")
		}
		return "ann", ctx.Err()
	}
	srv, err := engineio.NewServer(engineio.Config{
		Handler: parrot{},
		Admit: func(ctx context.Context, req *engineio.Request) error {
			token, _ := req.Query("token")
			_, err := lookUp(ctx, token)
			return err
		},
		AdmitTimeout: 3 * time.Second,
		OnRequest: func(req *engineio.Request, header http.Header) {
			if req.Session() == nil { // a handshake
				header.Add("Set-Cookie", "backend=7; Path=/")
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = srv.Serve(ln) }()

	base := "http://" + ln.Addr().String() + "/engine.io/?EIO=4&transport=polling&name=ann&token="
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	fmt.Println(body(client.Get(base + "guess")))
	res, err := client.Get(base + "secret")
	if err != nil {
		log.Fatal(err)
	}
	res.Body.Close()
	fmt.Println(res.Header.Get("Set-Cookie"))
	srv.Close()
	// Output:
	// {"code":4,"message":"unknown token"}
	// opened, revision 4 over polling by ann
	// backend=7; Path=/
	// closed: server shutting down
}

// What many sessions are to get is encoded once, whatever their revisions and
// transports.
func ExampleMessageFrame() {
	event := append(make([]byte, engineio.FramePrefix), `2["news",{"n":1}]`...)
	frame := engineio.MessageFrame(event)
	push := func(sessions []*engineio.Session) {
		for _, s := range sessions {
			_ = s.SendFrame(frame) // those who have ended do not want it
		}
	}
	push(nil)
	// Output:
}
