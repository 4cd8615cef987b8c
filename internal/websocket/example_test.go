package websocket_test

import (
	"errors"
	"fmt"

	"github.com/gobwas/ws"

	"outrider/internal/websocket"
)

// One turn of an event loop: all that is in its read buffer goes through the connection's Reader.
func ExampleReader() {
	var r websocket.Reader // in the connection
	var out []byte         // to be written to it

	buf := appendFrame(nil, true, ws.OpText, []byte("hello"))
	buf = appendFrame(buf, true, ws.OpPing, []byte("are you there"))
	buf = append(buf, appendFrame(nil, true, ws.OpText, []byte("later"))[:3]...)
	for {
		m, n, ok, err := r.Next(buf, websocket.Limits{MaxMessage: 1_000_000})
		if fault, is := errors.AsType[*websocket.Error](err); is {
			out = websocket.AppendClose(out, fault.Code, fault.Reason)
			break
		}
		buf = buf[n:]
		if !ok {
			break // what is left of buf goes in front of the next read
		}
		switch m.Op {
		case ws.OpText, ws.OpBinary:
			fmt.Printf("message %q\n", m.Data)
		case ws.OpPing:
			out = websocket.AppendPong(out, m.Data)
		case ws.OpClose:
			code, _, _ := websocket.ParseClose(m.Data)
			out = websocket.AppendClose(out, code, "")
		}
	}
	fmt.Printf("to write %q, left %d bytes\n", out, len(buf))
	// Output:
	// message "hello"
	// to write "\x8a\rare you there", left 3 bytes
}
