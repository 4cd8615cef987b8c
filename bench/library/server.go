package main

import (
	"context"
	"errors"
	"flag"
	"net"

	"outrider/engineio"
	"outrider/socketio"
)

// payloadLimit is what all servers accept, beside the driver. By default it is
// 1,000,000 bytes everywhere, which 1 MiB is above.
const payloadLimit = 2 << 20

// serve is our server: the defaults but for payloadLimit. It returns nil when
// ctx has ended.
func serve(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	inline := flags.Bool("inline", false, "handlers run on the loops (Config.Engine.Inline)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("serve: give one address")
	}
	server, err := socketio.NewServer(socketio.Config{
		Engine: engineio.Config{Inline: *inline, MaxPayload: payloadLimit},
	})
	if err != nil {
		return err
	}
	all := server.Of("/")
	echo := func(e *socketio.Event) { e.Socket().Emit(e.Name(), e.Values()...) }
	all.On("echo", echo)
	all.On("binary", echo)
	all.On("ack", func(e *socketio.Event) { e.Ack(e.Values()...) })
	all.On("broadcast", func(e *socketio.Event) { all.Emit("broadcast", e.Values()...) })

	ln, err := net.Listen("tcp", flags.Arg(0))
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(ln); !errors.Is(err, engineio.ErrServerClosed) {
		return err
	}
	return nil
}
