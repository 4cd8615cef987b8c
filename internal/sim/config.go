package sim

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"outrider/internal/gateway"
	"outrider/socketio"
)

// ErrConfig is wrapped by the errors of New for a wrong Config.
var ErrConfig = errors.New("sim")

// Config says what is simulated. DefaultConfig has what a field is usually.
type Config struct {
	// Sessions is how many; at most MaxSessions.
	Sessions int
	// Revision is that of Engine.IO which all clients speak: 4 or 3.
	Revision int
	// Topics is how many topics the clients are spread over.
	Topics int
	// AtOnce is how many connects are under way at a time.
	AtOnce int
	// UIDPushes is how many pushes go to one user each, by one caller; Callers
	// then make as many again together.
	UIDPushes int
	Callers   int
	// SystemPushes is how many pushes go to all.
	SystemPushes int
	// Idle is how long nothing but heartbeats goes on. It should be a multiple
	// of the heartbeat's interval.
	Idle time.Duration
	// Collections is how many garbage collections are asked for, to see what one
	// takes with all sessions there.
	Collections int

	// IO and Gateway configure the server. IO.Engine must have a path and a
	// ping interval.
	IO      socketio.Config
	Gateway gateway.Config

	// HeapProfile, if set, is the file to which the heap with all sessions is
	// written. runtime.MemProfileRate must have been on from the start.
	HeapProfile string
	// CPUProfile, if set, is the file for the profile of the idle time.
	CPUProfile string

	// Progress, if set, is told now and then how far the run is, by one
	// goroutine at a time.
	Progress func(Progress)
}

// Progress is how far a run is.
type Progress struct {
	Phase       string
	Done, Total int // steps of the phase; Total is 0 if it has none
	Ready       int
	Failed      int
	Lost        int
	Heartbeats  int
	Messages    int // as of the last count
}

// MaxSessions is how many sessions there may be at most: more than any machine
// has the memory for, and few enough for descriptors, which are int32.
const MaxSessions = 100_000_000

// DefaultConfig is a million sessions for less than two minutes.
func DefaultConfig() Config {
	return Config{
		Sessions: 1_000_000, Revision: 4, Topics: 100, AtOnce: 1000,
		UIDPushes: 100_000, Callers: 8, SystemPushes: 5,
		Idle: 50 * time.Second, Collections: 50,
	}
}

func (cfg *Config) validate() error {
	for _, count := range []struct {
		name          string
		n, least, top int
	}{
		{"sessions", cfg.Sessions, 1, MaxSessions},
		{"topics", cfg.Topics, 1, MaxSessions},
		{"in-flight", cfg.AtOnce, 1, 100_000},
		{"uid-pushes", cfg.UIDPushes, 1, 10_000_000},
		{"callers", cfg.Callers, 1, 1024},
		{"system-pushes", cfg.SystemPushes, 1, 1000},
		{"collections", cfg.Collections, 1, 1000},
	} {
		if count.n < count.least || count.n > count.top {
			return fmt.Errorf("%w: %s: must be from %d to %d, is %d", ErrConfig, count.name, count.least, count.top, count.n)
		}
	}
	switch {
	case cfg.Revision != 3 && cfg.Revision != 4:
		return fmt.Errorf("%w: eio: must be 3 or 4, is %d", ErrConfig, cfg.Revision)
	case cfg.Idle <= 0 || cfg.Idle > 24*time.Hour:
		return fmt.Errorf("%w: idle: must be more than 0 and at most 24h, is %v", ErrConfig, cfg.Idle)
	case cfg.IO.Engine.PingInterval <= 0 || len(cfg.IO.Engine.Paths) == 0:
		return fmt.Errorf("%w: the engine needs a path and a ping interval", ErrConfig)
	}
	return nil
}

// path is the engine's, as clients ask for it.
func (cfg *Config) path() string { return strings.TrimRight(cfg.IO.Engine.Paths[0], "/") }
