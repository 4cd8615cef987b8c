package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/mailru/easyjson"

	"outrider/socketio"
)

// Defaults of Config.
const (
	DefaultOfflineLimit = 200_000
	DefaultOfflineTTL   = 7 * 24 * time.Hour
)

// ErrConfig is wrapped by the errors that New returns for a wrong Config.
var ErrConfig = errors.New("gateway: invalid config")

// Config says how a Gateway behaves; the zero value is the production default.
type Config struct {
	// SingleLogin names the kinds of which a user has one connection at a time,
	// the latest. Nil: customer and rider. Empty, not nil: none.
	SingleLogin []string

	// OfflineLimit bounds how many lost devices are remembered, all kinds
	// together; the oldest goes first. A rider's record takes 260 bytes
	// (BenchmarkLost). Zero: DefaultOfflineLimit. Negative: none is remembered.
	OfflineLimit int

	// OfflineTTL is how long a lost device is remembered. Zero:
	// DefaultOfflineTTL.
	OfflineTTL time.Duration

	// Logger is told, at Debug, of refused set_connects and displaced logins.
	// Nil: nobody is.
	Logger *slog.Logger
}

func (cfg Config) withDefaults() (Config, error) {
	if cfg.OfflineLimit == 0 {
		cfg.OfflineLimit = DefaultOfflineLimit
	}
	if cfg.OfflineTTL == 0 {
		cfg.OfflineTTL = DefaultOfflineTTL
	}
	if cfg.OfflineTTL < 0 {
		return cfg, fmt.Errorf("%w: OfflineTTL is %v, want more than 0", ErrConfig, cfg.OfflineTTL)
	}
	if cfg.SingleLogin == nil {
		cfg.SingleLogin = []string{customer.String(), rider.String()}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg, nil
}

// singleLogin is SingleLogin by kind.
func (cfg Config) singleLogin() (single [kinds]bool, err error) {
	for _, name := range cfg.SingleLogin {
		k, ok := parseKind(name)
		if !ok {
			return single, fmt.Errorf("%w: SingleLogin: no kind %q", ErrConfig, name)
		}
		single[k] = true
	}
	return single, nil
}

// Gateway puts pushes on the connections that should have them. It is a
// pushhttp.Publisher. All methods may be called by many goroutines at once.
type Gateway struct {
	log        *slog.Logger
	roster     *roster
	namespaces []*socketio.Namespace // both of each kind

	// Sent to every socket that joins, and to every displaced one: encoded once.
	greeting *socketio.Prepared
	replaced *socketio.Prepared
	accepted any // the acknowledgement of success, as JSON: every client asks for it
}

// New returns a gateway that serves the namespaces of its six kinds on io. It
// must be called before io serves.
func New(io *socketio.Server, cfg Config) (*Gateway, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	single, err := cfg.singleLogin()
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		log:    cfg.Logger,
		roster: newRoster(single, newOffline(cfg.OfflineLimit, cfg.OfflineTTL)),
	}
	if g.greeting, err = socketio.Prepare("message", "connect success"); err != nil {
		return nil, fmt.Errorf("gateway: greeting: %w", err)
	}
	if g.replaced, err = socketio.Prepare("logout", json.RawMessage(`{"reason":"replaced"}`)); err != nil {
		return nil, fmt.Errorf("gateway: logout: %w", err)
	}
	accepted, err := easyjson.Marshal(&refusal{})
	if err != nil {
		return nil, fmt.Errorf("gateway: acknowledgement: %w", err)
	}
	g.accepted = json.RawMessage(accepted)
	for k := range kinds {
		for _, name := range k.namespaces() {
			n := io.Of(name)
			g.namespaces = append(g.namespaces, n)
			g.serve(k, n)
		}
	}
	return g, nil
}

// serve attaches the gateway to one namespace of a kind.
func (g *Gateway) serve(k kind, n *socketio.Namespace) {
	if err := n.Greet(g.greeting); err != nil { // it has no attachments, which is all there is to refuse
		panic("gateway: " + err.Error())
	}
	if k == show { // greeted like the others, and nothing it says has an effect
		return
	}
	n.OnConnect(func(s *socketio.Socket) { g.joined(k, s) })
	n.OnDisconnect(func(s *socketio.Socket, _ socketio.DisconnectReason) { g.left(s) })
	n.On("set_connect", g.setConnect)
	n.On("logout", g.logout)
}

func (g *Gateway) joined(k kind, s *socketio.Socket) {
	s.SetData(&member{sock: s, kind: k})
}

func (g *Gateway) left(s *socketio.Socket) {
	if m, ok := s.Data().(*member); ok {
		g.roster.leave(m)
	}
}

func (g *Gateway) setConnect(e *socketio.Event) {
	m, ok := e.Socket().Data().(*member)
	if !ok {
		return
	}
	var arg []byte
	if e.Len() > 0 {
		arg = e.Arg(0)
	}
	reg, refused := parseSetConnect(m.kind, arg)
	if refused != nil {
		g.refused(e, m, refused)
		return
	}
	displaced, ok := g.roster.set(m, reg)
	if !ok {
		return // the connection is gone, and with it whoever waits for an answer
	}
	if displaced != nil {
		g.log.LogAttrs(context.Background(), slog.LevelDebug, "gateway: displaced by a later login",
			slog.String("nsp", displaced.sock.Namespace().Name()))
		_ = displaced.sock.Send(g.replaced)
	}
	g.acknowledge(e, g.accepted)
}

func (g *Gateway) refused(e *socketio.Event, m *member, why *refusal) {
	g.log.LogAttrs(context.Background(), slog.LevelDebug, "gateway: set_connect refused",
		slog.String("nsp", m.sock.Namespace().Name()), slog.String("reason", why.Message))
	if err := e.Socket().Emit("set_connect_error", why); err != nil {
		return // closed, or too slow to be told
	}
	g.acknowledge(e, why)
}

func (g *Gateway) logout(e *socketio.Event) {
	if m, ok := e.Socket().Data().(*member); ok {
		g.roster.logout(m)
		g.acknowledge(e, g.accepted)
	}
}

// acknowledge answers who asked. An error means that the socket is closing.
func (g *Gateway) acknowledge(e *socketio.Event, answer any) {
	if e.WantsAck() {
		_ = e.Ack(answer)
	}
}
