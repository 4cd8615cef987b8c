package socketio

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"outrider/engineio"
)

// Defaults of [Config].
const (
	DefaultPath               = "/socket.io"
	DefaultConnectTimeout     = 45 * time.Second
	DefaultMaxNamespaces      = 32
	DefaultMaxChildNamespaces = 10_000
	DefaultMaxNamespaceLength = 4096
	DefaultMaxAuthBytes       = 64 << 10
	DefaultMaxAttachments     = 10
	DefaultMaxAckDigits       = 15
	DefaultMaxPendingAcks     = 128
	DefaultAckTimeout         = 30 * time.Second
	DefaultMaxAnswerBytes     = 16 << 20
	DefaultMaxFetch           = 100_000
	DefaultMaxRooms           = 256
	DefaultMaxDepth           = 512
)

// Hard bounds of what can be configured.
const (
	maxDepth     = 1024 // bits of the splitter's stack
	maxAckDigits = 19   // what a uint64 holds whatever the digits are
	maxPayload   = 1e6  // the engine's default
)

// HandshakeMode says how long a connection remembers the request that opened it and what its sockets sent with
// CONNECT.
type HandshakeMode uint8

const (
	// KeepHandshake: as long as the connection lives. A few hundred bytes each.
	KeepHandshake HandshakeMode = iota
	// DropHandshake: until the connection has joined its first namespace. Middleware and OnConnect of that namespace
	// can read it.
	DropHandshake
	// NoHandshake: the request is not remembered at all. What comes with CONNECT can still be read in middleware and
	// OnConnect.
	NoHandshake
)

// Config is how a [Server] is set up. The zero value is a server as the official one is by default, with bounds on
// everything that a client can make it hold.
//
// A limit that a client runs into closes its connection with reason "parse error", unless the field says something
// else. A negative limit means that there is none of it: MaxAttachments -1 refuses all binary events.
type Config struct {
	// Engine is the configuration of the engine below. Its Handler is the Server's and must be nil. Paths is
	// {"/socket.io"} by default, Logger is this Config's.
	Engine engineio.Config

	// LazyRoot is for servers that have nothing to do in "/". A client before protocol 5, which is in it from the beginning,
	// is told so as always, but has a Socket there only once it has sent something to it: until then no broadcast in "/"
	// reaches it, and OnConnect has not run. "/" must have no middleware. It saves some 100 bytes for each such client.
	LazyRoot bool

	// ConnectTimeout is how long a connection may live without having joined a namespace. Default 45 s.
	ConnectTimeout time.Duration

	// Handshake says how long the opening request is remembered. Default KeepHandshake.
	Handshake HandshakeMode

	// MaxNamespaces is how many namespaces one connection may be in, "/" included. Default 32. One more is answered
	// with CONNECT_ERROR.
	MaxNamespaces int
	// MaxChildNamespaces is how many namespaces may exist that [Server.OfFunc] has made. Default 10,000. One more is
	// answered with CONNECT_ERROR.
	MaxChildNamespaces int
	// KeepEmptyNamespaces keeps the namespaces that OfFunc has made when the last socket has left. By default they are
	// forgotten, and made again when somebody comes back.
	KeepEmptyNamespaces bool
	// MaxNamespaceLength bounds the name of a namespace in bytes, with the query that a client of protocol 4 puts after
	// it. Default 4096.
	MaxNamespaceLength int
	// MaxAuthBytes bounds what comes with CONNECT in protocol 5, which may be kept as long as the socket. Default 64 KiB.
	// More is answered with CONNECT_ERROR.
	MaxAuthBytes int

	// MaxAttachments is how many binary attachments a packet may announce. Default 10.
	MaxAttachments int
	// MaxAttachmentBytes is how many bytes of attachments a connection may make the server hold until the packet they
	// belong to is complete. Default: the engine's MaxPayload.
	MaxAttachmentBytes int

	// MaxAckDigits bounds the length of ack ids in digits, at most 19. Default 15, which a JavaScript number holds.
	MaxAckDigits int
	// MaxPendingAcks is how many acknowledgements the server may wait for on one socket. Default 128.
	// [Socket.EmitWithAck] returns ErrLimit beyond it.
	MaxPendingAcks int
	// AckTimeout is how long [Broadcast.EmitWithAck] and [Broadcast.Fetch] wait at most, also if their context has no
	// end. Default 30 s.
	AckTimeout time.Duration
	// MaxAnswerBytes is how much memory the answers to one such event may take. Default 16 MiB.
	MaxAnswerBytes int
	// MaxFetch is how many sockets [Broadcast.Fetch] describes, and another node for it. Default 100,000.
	MaxFetch int
	// MaxRooms is how many rooms a socket may be in. Default 256. [Socket.Join] returns ErrLimit beyond it.
	MaxRooms int
	// MaxDepth is how deep arrays and objects may be nested in a packet, the array of the arguments included; at most
	// 1024. Default 512.
	MaxDepth int

	// Recovery lets clients that have lost their connection have their socket back, with what it has missed. Default:
	// not.
	Recovery *Recovery

	// Adapter reaches the other nodes of a cluster. Default: there are none, and that costs nothing.
	Adapter Adapter

	// Logger receives what an operator should know: panics at Error, refused connections at Debug. Default: nothing.
	Logger *slog.Logger
}

// withDefaults returns a copy that has a value in every field, or says what is wrong with c.
func (c Config) withDefaults() (Config, error) {
	if c.Engine.Handler != nil {
		return c, errors.New("socketio: Config.Engine.Handler must be nil")
	}
	if c.Engine.Paths == nil {
		c.Engine.Paths = []string{DefaultPath}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Engine.Logger == nil {
		c.Engine.Logger = c.Logger
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = DefaultConnectTimeout
	}
	if c.AckTimeout == 0 {
		c.AckTimeout = DefaultAckTimeout
	}
	held := c.Engine.MaxPayload
	if held == 0 {
		held = maxPayload
	}
	for _, limit := range []struct {
		field    *int
		standard int
	}{
		{&c.MaxNamespaces, DefaultMaxNamespaces},
		{&c.MaxChildNamespaces, DefaultMaxChildNamespaces},
		{&c.MaxNamespaceLength, DefaultMaxNamespaceLength},
		{&c.MaxAuthBytes, DefaultMaxAuthBytes},
		{&c.MaxAttachments, DefaultMaxAttachments},
		{&c.MaxAttachmentBytes, held},
		{&c.MaxAckDigits, DefaultMaxAckDigits},
		{&c.MaxPendingAcks, DefaultMaxPendingAcks},
		{&c.MaxAnswerBytes, DefaultMaxAnswerBytes},
		{&c.MaxFetch, DefaultMaxFetch},
		{&c.MaxRooms, DefaultMaxRooms},
		{&c.MaxDepth, DefaultMaxDepth},
	} {
		defaults(limit.field, limit.standard)
	}
	if c.Recovery != nil {
		var err error
		if c.Recovery, err = c.Recovery.withDefaults(); err != nil {
			return c, err
		}
	}
	return c, c.validate()
}

// defaults gives a limit its default if it has no value, and makes it 0 if it is negative.
func defaults(limit *int, standard int) {
	if *limit == 0 {
		*limit = standard
	}
	*limit = max(*limit, 0)
}

func (c *Config) validate() error {
	switch {
	case c.ConnectTimeout < 0:
		return fmt.Errorf("socketio: Config.ConnectTimeout is negative: %v", c.ConnectTimeout)
	case c.AckTimeout < 0:
		return fmt.Errorf("socketio: Config.AckTimeout is negative: %v", c.AckTimeout)
	case c.MaxDepth > maxDepth:
		return fmt.Errorf("socketio: Config.MaxDepth is over %d: %d", maxDepth, c.MaxDepth)
	case c.MaxAckDigits > maxAckDigits:
		return fmt.Errorf("socketio: Config.MaxAckDigits is over %d: %d", maxAckDigits, c.MaxAckDigits)
	case c.MaxNamespaces == 0:
		return errors.New("socketio: Config.MaxNamespaces is negative")
	case c.Handshake > NoHandshake:
		return fmt.Errorf("socketio: Config.Handshake is unknown: %d", c.Handshake)
	}
	return nil
}

// limits is what the decoder needs of the configuration.
func (c *Config) limits() limits {
	return limits{
		attachments: c.MaxAttachments,
		ackDigits:   c.MaxAckDigits,
		namespace:   c.MaxNamespaceLength,
		depth:       c.MaxDepth,
	}
}
