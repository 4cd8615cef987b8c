package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"outrider/engineio"
	"outrider/internal/gateway"
	"outrider/pushhttp"
	"outrider/socketio"
)

// daemon is the gateway with its listeners: open makes it, run serves until
// the context ends, close undoes open.
type daemon struct {
	// set by open
	cfg      *Config
	log      *slog.Logger
	public   net.Listener // clients, and the push API through handoff
	private  net.Listener // the push API alone; nil if not configured
	internal net.Listener // for operators; nil if not configured
	handoff  *handoff
	io       *socketio.Server
	quick    *pushhttp.Handler // on the loops of io
	push     *fasthttp.Server  // behind handoff
	pushOnly *fasthttp.Server  // behind private

	draining atomic.Bool
}

// pushGrace is how long, at the end, connections of the push API may finish
// the request that they are in. A push takes milliseconds; who is still
// sending its body after this has not been answered.
const pushGrace = 2 * time.Second

// serve runs the gateway until ctx ends.
func serve(ctx context.Context, cfg *Config, log *slog.Logger) error {
	tuneMemory(cfg.InternalListen != "")
	d, err := open(cfg, log)
	if err != nil {
		return err
	}
	defer d.close()
	if err := raiseFileLimit(ctx, log); err != nil {
		return err
	}
	return d.run(ctx)
}

func open(cfg *Config, log *slog.Logger) (*daemon, error) {
	d := &daemon{cfg: cfg, log: log}
	if err := d.open(); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *daemon) open() (err error) {
	if d.public, err = listen(d.cfg.Listen); err != nil {
		return err
	}
	if d.cfg.PushListen != "" {
		if d.private, err = listen(d.cfg.PushListen); err != nil {
			return err
		}
	}
	if d.cfg.InternalListen != "" {
		if d.internal, err = net.Listen("tcp", d.cfg.InternalListen); err != nil {
			return err
		}
	}
	d.handoff = newHandoff(d.public.Addr(), d.cfg.PushConns)
	clients := d.clients()
	clients.Engine.Answer, clients.Engine.Fallback = d.answer, d.handoff.give
	if d.io, err = socketio.NewServer(clients); err != nil {
		return err
	}
	g, err := gateway.New(d.io, d.gateway())
	if errors.Is(err, gateway.ErrConfig) { // the one setting that validate leaves to its owner
		return configError{fmt.Errorf("single-login: %w", err)}
	} else if err != nil {
		return err
	}
	// A proxy mixes its clients' requests on one connection: what comes behind
	// a push and is the engine's goes back to it.
	if d.quick, err = d.pushHandler(g, d.giveBack); err != nil {
		return err
	}
	only, err := d.pushHandler(g, nil)
	if err != nil {
		return err
	}
	cfg := pushhttp.ServerConfig{MaxConns: d.cfg.PushConns}
	d.push, d.pushOnly = pushhttp.NewServer(d.quick, cfg), pushhttp.NewServer(only, cfg)
	return nil
}

// answer has a push that is quick to make made on the loop that has read it.
func (d *daemon) answer(req *engineio.Request, dst, whole []byte) ([]byte, engineio.Verdict) {
	answer, outcome := d.quick.Answer(req, dst, whole)
	switch outcome {
	case pushhttp.Answered:
		return answer, engineio.KeepOpen
	case pushhttp.Final:
		return answer, engineio.HangUp
	}
	return answer, engineio.PassOn
}

// giveBack returns what takes a connection back whose next request has the
// path, nil for a path that is not the engine's.
func (d *daemon) giveBack(path []byte) func(net.Conn, []byte) {
	if !d.io.Serves(path) {
		return nil
	}
	return func(c net.Conn, read []byte) {
		if err := d.io.TakeOver(c, read); err != nil {
			d.log.LogAttrs(context.Background(), slog.LevelDebug, "a connection could not be given back", slog.Any("err", err))
		}
	}
}

// listen makes a listener of plain TCP. net.Listen's default is Multipath TCP
// where the kernel has it, whose sockets cost more and know fewer options.
func listen(address string) (net.Listener, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	return lc.Listen(context.Background(), "tcp", address)
}

// gateway is how pushes find clients.
func (d *daemon) gateway() gateway.Config {
	return gateway.Config{
		SingleLogin:  d.cfg.SingleLogin,
		OfflineLimit: offlineLimit(d.cfg.OfflineLimit),
		OfflineTTL:   d.cfg.OfflineTTL,
		Logger:       d.log,
	}
}

// clients is how socketio serves the clients in the field.
func (d *daemon) clients() socketio.Config {
	return socketio.Config{
		Engine: engineio.Config{
			Paths:         d.cfg.Paths,
			PingInterval:  d.cfg.PingInterval,
			PingTimeout:   d.cfg.PingTimeout,
			MaxPayload:    d.cfg.MaxPayload,
			StrictVersion: d.cfg.StrictVersion,
			CORS:          cors(d.cfg.AllowOrigins),
			Inline:        true, // the gateway's handlers take locks, none of them for long
		},
		LazyRoot:       true,                 // nothing happens in "/"
		Handshake:      socketio.NoHandshake, // nobody here asks for it
		MaxAttachments: 1,                    // no client of ours sends binary
		Logger:         d.log,
	}
}

// cors allows credentials, because old clients send their polling requests
// with them unasked.
func cors(origins []string) *engineio.CORS {
	switch {
	case len(origins) == 0:
		return nil
	case slices.Contains(origins, "*"):
		return &engineio.CORS{Credentials: true}
	}
	return &engineio.CORS{Origins: origins, Credentials: true}
}

// offlineLimit turns the setting, where 0 is none, into the gateway's, where 0
// is its default.
func offlineLimit(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

func (d *daemon) pushHandler(g *gateway.Gateway, giveBack func([]byte) func(net.Conn, []byte)) (*pushhttp.Handler, error) {
	keys := make([]pushhttp.Key, len(d.cfg.APIKeys))
	for i, secret := range d.cfg.APIKeys {
		keys[i] = pushhttp.NewKey(fmt.Sprintf("api-key %d", i+1), secret)
	}
	return pushhttp.New(pushhttp.Config{
		Publisher: g,
		Keys:      keys,
		Ready:     func() bool { return !d.draining.Load() },
		GiveBack:  giveBack,
		Logger:    d.log,
	})
}

// run serves until ctx ends or a listener fails, and then shuts down: no more
// pushes (503), no more connections, what is queued is sent, clients are
// closed, requests under way are answered.
func (d *daemon) run(ctx context.Context) error {
	ended := make(chan error, 4)
	go func() { ended <- d.io.Serve(d.public) }()
	go func() { ended <- d.push.Serve(d.handoff) }()
	if d.private != nil {
		go func() { ended <- d.pushOnly.Serve(d.private) }()
	}
	if d.internal != nil {
		go func() { ended <- serveInternal(d.internal) }()
	}
	d.announce(ctx)
	var failed error
	select {
	case <-ctx.Done():
		d.log.LogAttrs(ctx, slog.LevelInfo, "shutting down; a second signal ends at once", slog.String("timeout", d.cfg.ShutdownTimeout.String()))
	case failed = <-ended:
		d.log.LogAttrs(ctx, slog.LevelError, "a listener ended", slog.Any("err", failed))
	}
	return errors.Join(failed, d.shutdown())
}

func (d *daemon) announce(ctx context.Context) {
	d.log.LogAttrs(ctx, slog.LevelInfo, "listening", slog.String("address", d.public.Addr().String()),
		slog.Any("paths", d.cfg.Paths), slog.String("version", version()))
	if d.private != nil {
		d.log.LogAttrs(ctx, slog.LevelInfo, "listening for pushes", slog.String("address", d.private.Addr().String()))
	}
	if d.internal != nil {
		d.log.LogAttrs(ctx, slog.LevelInfo, "listening for operators", slog.String("address", d.internal.Addr().String()))
	}
	if len(d.cfg.APIKeys) == 0 {
		d.log.LogAttrs(ctx, slog.LevelWarn, "no API key is configured: the push API answers only to loopback")
	}
}

func (d *daemon) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), d.cfg.ShutdownTimeout)
	defer cancel()
	d.draining.Store(true)
	if err := d.io.Shutdown(ctx); err != nil {
		return fmt.Errorf("shutdown: not all clients were closed in time: %w", err)
	}
	ctx, cancel = context.WithTimeout(ctx, pushGrace)
	defer cancel()
	if err := errors.Join(d.push.ShutdownWithContext(ctx), d.pushOnly.ShutdownWithContext(ctx)); err != nil {
		d.log.LogAttrs(ctx, slog.LevelWarn, "a caller of the push API was cut off", slog.Any("err", err))
	}
	d.log.LogAttrs(ctx, slog.LevelInfo, "shut down")
	return nil
}

// close undoes what open did, as far as it came, in reverse.
func (d *daemon) close() {
	if d.io != nil {
		_ = d.io.Close()
	}
	if d.handoff != nil {
		_ = d.handoff.Close()
	}
	for _, ln := range []net.Listener{d.internal, d.private, d.public} {
		if ln != nil {
			_ = ln.Close() // closed before if it was served
		}
	}
}
