package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"outrider/engineio"
)

// newEngineClient returns the program of engine.io-client's own suite
// (suites/README.md §5).
func newEngineClient() (server, error) {
	return engineio.NewServer(engineio.Config{
		Handler:      bouncer{},
		PingInterval: 500 * time.Millisecond,
		MaxPayload:   100,
		AllowRequest: func(req *engineio.Request) error {
			if _, deny := req.Query("deny"); deny {
				return errors.New("Forbidden")
			}
			return nil
		},
		OnRequest: cookiesAndHeaders,
	})
}

// bouncer sends messages back, but for three that ask for something else.
type bouncer struct{}

// visitor is what is kept of a session: the headers of its last POST.
type visitor struct {
	headers atomic.Pointer[map[string]string]
}

// cookiesAndHeaders sets four cookies with a handshake's answer, and remembers
// the headers of the POST that is about to be handled.
func cookiesAndHeaders(req *engineio.Request, header http.Header) {
	s := req.Session()
	if s == nil {
		for _, c := range []http.Cookie{
			{Name: "1", Value: "1", MaxAge: 86400},
			{Name: "2", Value: "2", Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode},
			{Name: "3", Value: "3", MaxAge: -1},
			{Name: "4", Value: "4", Expires: time.Now()},
		} {
			header.Add("Set-Cookie", c.String())
		}
		return
	}
	if req.Method() != http.MethodPost {
		return
	}
	headers := make(map[string]string)
	for name, value := range req.Headers() {
		headers[strings.ToLower(name)] = value
	}
	s.Data().(*visitor).headers.Store(&headers)
}

// Opened greets the client.
func (bouncer) Opened(s *engineio.Session, _ *engineio.Request) {
	s.SetData(new(visitor))
	_ = s.Send([]byte("hi"), false)
}

// Message sends back what the client sent, or what it asked for.
func (bouncer) Message(s *engineio.Session, data []byte, binary bool) {
	if !binary {
		switch string(data) {
		case "give binary":
			data, binary = []byte{0, 1, 2, 3, 4}, true
		case "give utf8":
			data = []byte("пойду спать всем спокойной ночи")
		case "sendHeaders":
			data, _ = json.Marshal(s.Data().(*visitor).headers.Load()) // a map of strings: it cannot fail
		}
	}
	_ = s.Send(data, binary)
}

// Closed has nothing to do.
func (bouncer) Closed(*engineio.Session, engineio.CloseReason) {}
