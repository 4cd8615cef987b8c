package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/gobwas/ws"
)

const (
	// patience bounds everything that a client waits for.
	patience = 60 * time.Second
	// readBuffer is small because 10,000 clients have one; what is longer is read past it.
	readBuffer = 512
)

// client is a connection that has joined namespace "/".
type client struct {
	conn    net.Conn
	in      *bufio.Reader
	message []byte // the last that was read
}

// dial opens a session on WebSocket and joins the namespace.
func dial(ctx context.Context, addr string) (*client, error) {
	dialer := ws.Dialer{Timeout: patience, ReadBufferSize: readBuffer, WriteBufferSize: readBuffer}
	conn, in, _, err := dialer.Dial(ctx, "ws://"+addr+"/socket.io/?EIO=4&transport=websocket")
	if err != nil {
		return nil, err
	}
	if in == nil { // otherwise the first frames came with the handshake's answer
		in = bufio.NewReaderSize(conn, readBuffer)
	}
	c := &client{conn: conn, in: in}
	if err := c.join(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("joining: %w", err)
	}
	return c, nil
}

func (c *client) join() error {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if err := c.expect(ws.OpText, "0{"); err != nil {
		return err
	}
	if _, err := c.conn.Write(frame(ws.OpText, []byte("40"))); err != nil {
		return err
	}
	return c.expect(ws.OpText, "40{")
}

// expect reads a message, which must begin like that.
func (c *client) expect(op ws.OpCode, prefix string) error {
	got, message, err := c.read()
	if err != nil {
		return err
	}
	if got != op || !bytes.HasPrefix(message, []byte(prefix)) {
		return fmt.Errorf("got %.80q, not %.80q", message, prefix)
	}
	return nil
}

// pong answers a heartbeat.
var pong = frame(ws.OpText, []byte("3"))

// read returns the next message that is no heartbeat, and answers those. The
// message is valid until the next call.
func (c *client) read() (ws.OpCode, []byte, error) {
	for {
		op, err := c.readMessage()
		if err != nil {
			return 0, nil, err
		}
		if op != ws.OpText || string(c.message) != "2" {
			return op, c.message, nil
		}
		if _, err := c.conn.Write(pong); err != nil {
			return 0, nil, err
		}
	}
}

// readMessage joins the frames of a message.
func (c *client) readMessage() (op ws.OpCode, err error) {
	c.message = c.message[:0]
	for first := true; ; first = false {
		head, err := ws.ReadHeader(c.in)
		if err != nil {
			return 0, err
		}
		switch {
		case head.OpCode.IsControl():
			return 0, fmt.Errorf("the server sent a control frame, opcode %d", head.OpCode)
		case head.OpCode == ws.OpContinuation == first:
			return 0, fmt.Errorf("the server broke the order of frames, opcode %d", head.OpCode)
		case head.Length > payloadLimit-int64(len(c.message)):
			return 0, fmt.Errorf("the server sent more than %d bytes", payloadLimit)
		case first:
			op = head.OpCode
		}
		from := len(c.message)
		c.message = append(c.message, make([]byte, head.Length)...)
		if _, err := io.ReadFull(c.in, c.message[from:]); err != nil {
			return 0, err
		}
		if head.Fin {
			return op, nil
		}
	}
}

// frame is a message as a client sends it, masked.
func frame(op ws.OpCode, payload []byte) []byte {
	return ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(op, true, payload)))
}
