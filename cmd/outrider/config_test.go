package main

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// TestBounds is each setting with a bound, at it and past it.
func TestBounds(t *testing.T) {
	tests := []struct {
		name     string
		good     func(*Config)
		bad      func(*Config)
		mentions string
	}{
		{"listen", func(c *Config) { c.Listen = ":0" }, func(c *Config) { c.Listen = ":65536" }, "listen: "},
		{"push-listen", func(c *Config) { c.PushListen = "" }, func(c *Config) { c.PushListen = "here" }, "push-listen: "},
		{"push-conns", func(c *Config) { c.PushConns = 1 }, func(c *Config) { c.PushConns = 0 }, "push-conns: "},
		{"api-key", func(c *Config) { c.APIKeys = nil }, func(c *Config) { c.APIKeys = []string{"a", ""} }, "api-key: "},
		{"path", func(c *Config) { c.Paths = []string{"/"} }, func(c *Config) { c.Paths = []string{"x"} }, "path: "},
		{"paths", func(c *Config) { c.Paths = []string{"/a", "/b"} }, func(c *Config) { c.Paths = nil }, "path: "},
		{"ping-interval", func(c *Config) { c.PingInterval = time.Millisecond }, func(c *Config) { c.PingInterval = 0 }, "ping-interval: "},
		{"ping-timeout", func(c *Config) { c.PingTimeout = time.Millisecond }, func(c *Config) { c.PingTimeout = -time.Second }, "ping-timeout: "},
		{"max-payload", func(c *Config) { c.MaxPayload = 1 }, func(c *Config) { c.MaxPayload = 0 }, "max-payload: "},
		{"offline-limit", func(c *Config) { c.OfflineLimit = 0 }, func(c *Config) { c.OfflineLimit = -1 }, "offline-limit: "},
		{"offline-ttl", func(c *Config) { c.OfflineTTL = 1 }, func(c *Config) { c.OfflineTTL = 0 }, "offline-ttl: "},
		{"shutdown-timeout", func(c *Config) { c.ShutdownTimeout = 1 }, func(c *Config) { c.ShutdownTimeout = 0 }, "shutdown-timeout: "},
		{"log-level", func(c *Config) { c.LogLevel = "debug" }, func(c *Config) { c.LogLevel = "" }, "log-level: "},
		{"log-format", func(c *Config) { c.LogFormat = "text" }, func(c *Config) { c.LogFormat = "xml" }, "log-format: "},
	}
	for _, tt := range tests {
		cfg := defaultConfig()
		if tt.good(cfg); cfg.validate() != nil {
			t.Errorf("%s: refused: %v", tt.name, cfg.validate())
		}
		cfg = defaultConfig()
		tt.bad(cfg)
		if err := cfg.validate(); err == nil || !strings.HasPrefix(err.Error(), tt.mentions) {
			t.Errorf("%s: error %v, want one about %s", tt.name, err, tt.mentions)
		}
	}
}

// TestEverySettingFromTheEnvironment: what flags names can be set by a
// variable, of whatever type it is.
func TestEverySettingFromTheEnvironment(t *testing.T) {
	values := map[string]string{
		"string": "text", "stringSlice": "one, two", "duration": "3s", "int": "17", "bool": "true",
	}
	defaultConfig().flags().VisitAll(func(f *pflag.Flag) {
		settings := defaultConfig().flags()
		name := "OUTRIDER_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if err := loadEnvironment(settings, []string{name + "=" + values[f.Value.Type()]}); err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		got := strings.ReplaceAll(strings.Trim(settings.Lookup(f.Name).Value.String(), "[]"), ",", ", ")
		if got != values[f.Value.Type()] {
			t.Errorf("%s: set to %q, want %q", name, got, values[f.Value.Type()])
		}
	})
}
