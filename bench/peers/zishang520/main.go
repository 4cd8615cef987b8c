// Command zishang520 is the server of bench/library on the Go port of socket.io
// by zishang520: what `make bench-library` measures beside ours and Node's. It
// is a module of its own, so that ours depends on nothing of it.
//
//	zishang520 127.0.0.1:3002
//
// Its settings are its defaults, but for the size of a message: 1 MiB is above
// the default of 1,000,000 bytes.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/zishang520/socket.io/servers/socket/v3"
)

const payloadLimit = 2 << 20

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "zishang520: give one address")
		os.Exit(2)
	}
	options := socket.DefaultServerOptions()
	options.SetMaxHttpBufferSize(payloadLimit)
	io := socket.NewServer(nil, nil)
	io.On("connection", func(sockets ...any) {
		s := sockets[0].(*socket.Socket)
		s.On("echo", func(args ...any) { s.Emit("echo", args...) })
		s.On("binary", func(args ...any) { s.Emit("binary", args...) })
		s.On("broadcast", func(args ...any) { io.Emit("broadcast", args...) })
		s.On("ack", func(args ...any) {
			last := len(args) - 1
			args[last].(socket.Ack)(args[:last], nil)
		})
	})
	io.Listen(os.Args[1], options)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	<-stop
}
