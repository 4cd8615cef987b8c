package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"outrider/internal/gateway"
)

// Config is every setting of the gateway. flags names them; the file, the
// environment and the command line all use those names.
type Config struct {
	Listen          string
	PushListen      string
	InternalListen  string
	PushConns       int
	APIKeys         []string
	Paths           []string
	PingInterval    time.Duration
	PingTimeout     time.Duration
	MaxPayload      int
	StrictVersion   bool
	AllowOrigins    []string
	SingleLogin     []string
	OfflineLimit    int
	OfflineTTL      time.Duration
	ShutdownTimeout time.Duration
	LogLevel        string
	LogFormat       string
}

func defaultConfig() *Config {
	return &Config{
		Listen:          "127.0.0.1:3000",
		PushConns:       4096,
		Paths:           []string{"/socket/socket.io", "/socket.io"},
		PingInterval:    25 * time.Second,
		PingTimeout:     20 * time.Second,
		MaxPayload:      1_000_000,
		AllowOrigins:    []string{"*"},
		SingleLogin:     []string{"customer", "rider"},
		OfflineLimit:    gateway.DefaultOfflineLimit,
		OfflineTTL:      gateway.DefaultOfflineTTL,
		ShutdownTimeout: 10 * time.Second,
		LogLevel:        "info",
		LogFormat:       "auto",
	}
}

// flags is the one place that gives settings their names; the values that c
// has are the defaults.
func (c *Config) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("outrider", pflag.ContinueOnError)
	f.SortFlags = false
	f.StringVar(&c.Listen, "listen", c.Listen, "`address` for clients and the push API; PORT in the environment sets its port")
	f.StringVar(&c.PushListen, "push-listen", c.PushListen, "second `address` for the push API, without clients")
	f.StringVar(&c.InternalListen, "internal-listen", c.InternalListen, "`address` for operators' profiles, /debug/pprof/; keep it private")
	f.IntVar(&c.PushConns, "push-conns", c.PushConns, "connections of the push API served at once")
	f.StringSliceVar(&c.APIKeys, "api-key", c.APIKeys, "`key` that lets a caller push, repeatable; without one only loopback may")
	f.StringSliceVar(&c.Paths, "path", c.Paths, "request `path` of the engine, repeatable")
	f.DurationVar(&c.PingInterval, "ping-interval", c.PingInterval, "time between heartbeats")
	f.DurationVar(&c.PingTimeout, "ping-timeout", c.PingTimeout, "how long a heartbeat may be overdue")
	f.IntVar(&c.MaxPayload, "max-payload", c.MaxPayload, "longest message, in bytes")
	f.BoolVar(&c.StrictVersion, "strict-version", c.StrictVersion, "refuse clients that do not send EIO (by default they count as Engine.IO 3)")
	f.StringSliceVar(&c.AllowOrigins, "allow-origin", c.AllowOrigins, "`origin` of pages that may connect, with credentials, repeatable; * is any")
	f.StringSliceVar(&c.SingleLogin, "single-login", c.SingleLogin, "`kind` of which a user's later connection takes over from the earlier, repeatable; \"\" is none")
	f.IntVar(&c.OfflineLimit, "offline-limit", c.OfflineLimit, "devices that are remembered after they lost the connection; 0 is none")
	f.DurationVar(&c.OfflineTTL, "offline-ttl", c.OfflineTTL, "how long they are remembered")
	f.DurationVar(&c.ShutdownTimeout, "shutdown-timeout", c.ShutdownTimeout, "time to flush and close clients after SIGTERM")
	f.StringVar(&c.LogLevel, "log-level", c.LogLevel, "debug, info, warn or error")
	f.StringVar(&c.LogFormat, "log-format", c.LogFormat, "json, text, or auto: text on a terminal")
	return f
}

// validate checks what a value's type does not say. The error names the
// setting.
func (c *Config) validate() error {
	if err := address("listen", c.Listen); err != nil {
		return err
	}
	if c.PushListen != "" {
		if err := address("push-listen", c.PushListen); err != nil {
			return err
		}
	}
	if c.InternalListen != "" {
		if err := address("internal-listen", c.InternalListen); err != nil {
			return err
		}
	}
	for name, d := range map[string]time.Duration{
		"ping-interval": c.PingInterval, "ping-timeout": c.PingTimeout,
		"offline-ttl": c.OfflineTTL, "shutdown-timeout": c.ShutdownTimeout,
	} {
		if d <= 0 {
			return fmt.Errorf("%s: must be more than 0, is %v", name, d)
		}
	}
	switch {
	case c.PushConns < 1:
		return fmt.Errorf("push-conns: must be at least 1, is %d", c.PushConns)
	case c.MaxPayload < 1:
		return fmt.Errorf("max-payload: must be at least 1, is %d", c.MaxPayload)
	case c.OfflineLimit < 0:
		return fmt.Errorf("offline-limit: must not be negative, is %d", c.OfflineLimit)
	case len(c.Paths) == 0:
		return errors.New("path: there must be one")
	case c.LogFormat != "auto" && c.LogFormat != "json" && c.LogFormat != "text":
		return fmt.Errorf("log-format: must be auto, json or text, is %q", c.LogFormat)
	}
	for _, p := range c.Paths {
		if !strings.HasPrefix(p, "/") {
			return fmt.Errorf("path: must begin with a slash, is %q", p)
		}
	}
	if slices.Contains(c.APIKeys, "") {
		return errors.New("api-key: is empty")
	}
	if err := new(slog.LevelVar).UnmarshalText([]byte(c.LogLevel)); err != nil {
		return fmt.Errorf("log-level: must be debug, info, warn or error, is %q", c.LogLevel)
	}
	return nil
}

func address(name, value string) error {
	if _, err := net.ResolveTCPAddr("tcp", value); err != nil {
		return fmt.Errorf("%s: %q is not an address like 127.0.0.1:3000", name, value)
	}
	return nil
}
