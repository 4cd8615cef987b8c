package bench

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Options is everything that a run can be told. Flags gives the fields their
// names.
type Options struct {
	// Targets are the servers: a URL; self, which starts this binary's gateway;
	// floor, which starts the floor; or exec: and a command line that serves on
	// {addr}, with heartbeats every {ping} milliseconds.
	Targets []string `json:"targets"`
	// Push are the URLs of the targets' push APIs, where they are others.
	Push   []string `json:"push,omitempty"`
	APIKey string   `json:"-"`
	Path   string   `json:"path"`
	// PID are the targets' processes, where they cannot be found by what
	// listens on their ports.
	PID []int `json:"pid,omitempty"`
	// AllowRemote lets targets be on other machines.
	AllowRemote bool `json:"allow_remote,omitempty"`

	Clients   int    `json:"clients"`
	FirstUID  uint64 `json:"first_uid"`
	EIO       Mix    `json:"eio"`
	Transport Mix    `json:"transport"`
	Kind      Mix    `json:"kind"` // empty: as the scenario has it
	Topics    int    `json:"topics"`
	Workers   int    `json:"workers,omitempty"`

	Rate     float64       `json:"rate"`
	InFlight int           `json:"in_flight"`
	Timeout  time.Duration `json:"timeout"`

	PingInterval time.Duration `json:"ping_interval,omitempty"`
	Idle         time.Duration `json:"idle"`

	FanOuts  int           `json:"fan_outs"`
	PushRate float64       `json:"push_rate"`
	PushFor  time.Duration `json:"push_for"`
	FlatOut  int           `json:"flat_out"`
	Conns    int           `json:"conns"`
	Size     int           `json:"size"`

	Storm StormOptions `json:"storm"`
	Slow  SlowOptions  `json:"slow"`
	City  CityOptions  `json:"city"`

	// Launch says how this binary is started for another part.
	Launch Launch `json:"-"`
	// Progress is written to while a run is under way; Terminal says that it
	// is one, where a line can be written over.
	Progress io.Writer `json:"-"`
	Terminal bool      `json:"-"`
}

// Launch is how the harness starts its own binary: each is a command with its
// first arguments, and Env is added to the environment.
type Launch struct {
	Worker  []string // WorkerMain
	Floor   []string // Floor; --listen and --ping-interval follow
	Gateway []string // the gateway; the same
	Env     []string
}

// DefaultOptions are those of a small run that starts its own gateway.
func DefaultOptions() *Options {
	return &Options{
		Targets: []string{targetSelf},
		Path:    "/socket/socket.io/",
		Clients: 1000, FirstUID: 1,
		EIO: Mix{{"4", 1}}, Transport: Mix{{"websocket", 1}}, Topics: 1,
		InFlight: 128, Timeout: 30 * time.Second,
		Idle:    15 * time.Second,
		FanOuts: 20, PushRate: 1000, PushFor: 10 * time.Second, FlatOut: 50_000, Conns: 16, Size: 100,
		Storm: defaultStorm(), Slow: defaultSlow(), City: defaultCity(),
	}
}

// Flags registers the flags whose defaults are what o has.
func (o *Options) Flags(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringArrayVar(&o.Targets, "target", o.Targets, "`server`: a URL, self, floor, or exec:COMMAND with {addr} and {ping}; repeatable")
	f.StringArrayVar(&o.Push, "push", o.Push, "`URL` of the target's push API, where it is another; repeatable, in the targets' order")
	f.StringVar(&o.APIKey, "api-key", o.APIKey, "`key` for the push API")
	f.StringVar(&o.Path, "path", o.Path, "request `path` of the engine")
	f.IntSliceVar(&o.PID, "pid", o.PID, "target's process, where it is not found by its port; repeatable")
	f.BoolVar(&o.AllowRemote, "allow-remote", o.AllowRemote, "let targets be on other machines")
	f.IntVarP(&o.Clients, "clients", "n", o.Clients, "how many")
	f.Uint64Var(&o.FirstUID, "first-uid", o.FirstUID, "uid of the first client; the others' follow")
	f.Var(&o.EIO, "eio", "revisions of Engine.IO, like 3:1,4:2")
	f.Var(&o.Transport, "transport", "transports, like websocket:8,polling:1,upgrade:1")
	f.Var(&o.Kind, "kind", "kinds: rider, customer, app, pos, pad, h5, table, platform, show; by default rider, in a city a mix")
	f.IntVar(&o.Topics, "topics", o.Topics, "topics that the clients are spread over")
	f.IntVar(&o.Workers, "workers", o.Workers, "worker processes, at least; the file limit may ask for more")
	f.Float64Var(&o.Rate, "rate", o.Rate, "connects a second; 0 is as fast as --in-flight lets")
	f.IntVar(&o.InFlight, "in-flight", o.InFlight, "connects under way at once, at most")
	f.DurationVar(&o.Timeout, "timeout", o.Timeout, "how long one connect may take")
	f.DurationVar(&o.PingInterval, "ping-interval", o.PingInterval, "heartbeat of a server that is started; 0 is what suits the scenario")
	f.DurationVar(&o.Idle, "idle", o.Idle, "idle: how long")
	f.IntVar(&o.FanOuts, "fan-outs", o.FanOuts, "fanout: how many topic pushes")
	f.Float64Var(&o.PushRate, "push-rate", o.PushRate, "unicast: device pushes a second")
	f.DurationVar(&o.PushFor, "push-for", o.PushFor, "unicast: how long at that rate")
	f.IntVar(&o.FlatOut, "flat-out", o.FlatOut, "unicast: how many pushes as fast as they go, afterwards")
	f.IntVar(&o.Conns, "conns", o.Conns, "unicast: connections to the push API")
	f.IntVar(&o.Size, "size", o.Size, "bytes of a push's data, at least")
	o.Storm.flags(f)
	o.Slow.flags(f)
	o.City.flags(f)
}

// ErrUsage is wrapped by the errors for options that make no sense.
var ErrUsage = errors.New("bench")

func misuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUsage}, args...)...)
}

// Bounds of what a run can be asked for, so that each ends.
const (
	maxClients = 10_000_000
	maxTime    = 24 * time.Hour
	maxPushes  = 100_000_000
	maxConns   = 1024
	maxSize    = 32 << 10
)

func (o *Options) validate() error {
	if err := (profiles{o.EIO, o.Transport, o.Kind}).check(); err != nil {
		return misuse("%w", err)
	}
	for _, count := range []struct {
		name          string
		n, least, top int
	}{
		{"clients", o.Clients, 1, maxClients},
		{"topics", o.Topics, 1, maxClients},
		{"workers", o.Workers, 0, 1024},
		{"in-flight", o.InFlight, 1, 10_000},
		{"fan-outs", o.FanOuts, 1, 10_000},
		{"flat-out", o.FlatOut, 0, maxPushes},
		{"conns", o.Conns, 1, maxConns},
		{"size", o.Size, 0, maxSize},
	} {
		if count.n < count.least || count.n > count.top {
			return misuse("%s: must be from %d to %d, is %d", count.name, count.least, count.top, count.n)
		}
	}
	for name, d := range map[string]time.Duration{"timeout": o.Timeout, "idle": o.Idle, "push-for": o.PushFor} {
		if d <= 0 || d > maxTime {
			return misuse("%s: must be more than 0 and at most %v, is %v", name, maxTime, d)
		}
	}
	switch {
	case o.PingInterval < 0 || o.PingInterval > maxTime:
		return misuse("ping-interval: must be from 0 to %v, is %v", maxTime, o.PingInterval)
	case o.Rate < 0 || o.Rate > 1e6:
		return misuse("rate: must be from 0 to a million, is %v", o.Rate)
	case o.PushRate <= 0 || o.PushRate > 1e6:
		return misuse("push-rate: must be more than 0 and at most a million, is %v", o.PushRate)
	case o.PushRate*o.PushFor.Seconds() > maxPushes:
		return misuse("push-rate for push-for is more than %d pushes", maxPushes)
	case !strings.HasPrefix(o.Path, "/"):
		return misuse("path: must begin with a slash, is %q", o.Path)
	case o.FirstUID == 0:
		return misuse("first-uid: 0 is no user")
	case len(o.Push) > 0 && len(o.Push) != len(o.Targets):
		return misuse("push: %d URLs for %d targets", len(o.Push), len(o.Targets))
	case len(o.PID) > 0 && len(o.PID) != len(o.Targets):
		return misuse("pid: %d processes for %d targets", len(o.PID), len(o.Targets))
	case len(o.Targets) == 0:
		return misuse("target: there must be one")
	}
	return errors.Join(o.Storm.validate(), o.Slow.validate(o.Topics), o.City.validate(), o.validateTargets())
}

func (o *Options) validateTargets() error {
	for _, target := range slices.Concat(o.Targets, o.Push) {
		if startsServer(target) {
			continue
		}
		addr, err := resolve(target)
		if err != nil {
			return misuse("target: %w", err)
		}
		if !addr.Addr().IsLoopback() && !o.AllowRemote {
			return misuse("target: %s is not on this machine; --allow-remote lets it be", target)
		}
	}
	return nil
}

// remote reports whether a target is on another machine, where clients cannot
// choose addresses of the loopback network.
func remote(addr netip.AddrPort) bool { return !addr.Addr().IsLoopback() || addr.Addr().Is6() }

// suit returns the options with what the scenarios ask for where nothing was
// said.
func (o *Options) suit(scenarios []Scenario) *Options {
	suited := *o
	for _, s := range scenarios {
		if len(suited.Kind) == 0 {
			suited.Kind = s.Kinds
		}
	}
	if len(suited.Kind) == 0 {
		suited.Kind = Mix{{"rider", 1}}
	}
	return &suited
}
