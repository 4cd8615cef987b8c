package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/gobwas/ws"
)

// operation is something that a client asks for, and what it must get.
type operation struct {
	name    string
	clients func(*options) int
	request []byte // frames
	answer  func(*client) error
}

// text is what an event carries: 100 bytes.
var text = strings.Repeat("0123456789", 10)

// operations are the ones with an answer, each client having one request under way.
func operations() []operation {
	few := func(o *options) int { return o.clients }
	echo := `42["echo","` + text + `"]`
	// One id for all acknowledgements: nobody has two under way.
	const id = "7"
	attachment := make([]byte, 1<<20)
	rand.Read(attachment) // never fails
	event := []byte(`451-["binary",{"_placeholder":true,"num":0}]`)
	return []operation{
		{
			name: "echo", clients: few, request: frame(ws.OpText, []byte(echo)),
			answer: func(c *client) error { return c.expect(ws.OpText, echo) },
		},
		{
			name: "ack", clients: few, request: frame(ws.OpText, []byte(`42`+id+`["ack","`+text+`"]`)),
			answer: func(c *client) error { return c.expect(ws.OpText, `43`+id+`["`+text+`"]`) },
		},
		{
			name: "binary", clients: func(o *options) int { return o.binary },
			request: append(frame(ws.OpText, event), frame(ws.OpBinary, attachment)...),
			answer: func(c *client) error {
				// The keys of a placeholder have no order.
				if err := c.expect(ws.OpText, `451-["binary",{`); err != nil {
					return err
				}
				op, data, err := c.read()
				if err == nil && (op != ws.OpBinary || !bytes.Equal(data, attachment)) {
					err = fmt.Errorf("binary: what came back is not what was sent, but %d bytes", len(data))
				}
				return err
			},
		},
	}
}
