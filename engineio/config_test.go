package engineio_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"outrider/engineio"
)

// TestConfigRefused: what cannot be run with is refused at once, and the error
// says what it is.
func TestConfigRefused(t *testing.T) {
	for want, cfg := range map[string]engineio.Config{
		"Handler":    {},
		"Paths":      {Handler: parrot{}, Paths: []string{"/ok", "engine.io"}},
		"question":   {Handler: parrot{}, Paths: []string{"/question?"}},
		"duration":   {Handler: parrot{}, PingInterval: -time.Second},
		"bound":      {Handler: parrot{}, MaxPayload: -1},
		"a duration": {Handler: parrot{}, AdmitTimeout: -time.Second},
		"a bound":    {Handler: parrot{}, MaxAdmitting: -1},
		"Cookie":     {Handler: parrot{}, Cookie: &http.Cookie{Name: "a b"}},
	} {
		srv, err := engineio.NewServer(cfg)
		if err == nil {
			t.Errorf("%s: accepted", want)
			_ = srv.Close()
		} else if !strings.HasPrefix(err.Error(), "engineio: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestConfigKept: the caller's Config stays the caller's.
func TestConfigKept(t *testing.T) {
	cfg := engineio.Config{Handler: parrot{}, Paths: []string{"/a/"}, Cookie: &http.Cookie{}}
	srv, err := engineio.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if cfg.Paths[0] != "/a/" || cfg.Cookie.Name != "" {
		t.Errorf("the caller's Config has changed: %+v", cfg)
	}
	cfg.Paths[0] = "/b"
	if !srv.Serves([]byte("/a")) || srv.Serves([]byte("/b")) {
		t.Error("the server uses the caller's Config")
	}
}
