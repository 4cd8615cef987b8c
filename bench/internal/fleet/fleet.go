package fleet

import (
	"errors"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"outrider/bench/internal/mono"
	"outrider/internal/wheel"
)

// Observer is told what becomes of the clients. Its methods run on the fleet's
// goroutine, and may call all methods of the fleet but Run. Times are
// nanoseconds on the machine's monotonic clock.
type Observer interface {
	// Opened: the engine's session is open, took after the dial.
	Opened(client int, took int64)
	// Ready: set_connect is acknowledged; of a client that only listens, its
	// namespace is joined. It comes once for each dial.
	Ready(client int, took int64)
	// Message: the event message has come. text is the JSON of its arguments, a
	// part of the array, and valid until the return.
	Message(client int, text []byte, at int64)
	// Acked: a set_connect after the first is answered.
	Acked(client int, ok bool)
	// LoggedOut: a logout is acknowledged.
	LoggedOut(client int)
	// Event: another event than message has come.
	Event(client int, name, text []byte, at int64)
	// Closed: the client is not connected any more, or never was (ready tells).
	// It may be dialled again from here.
	Closed(client int, cause Cause, ready bool)
	// Turn is called before the loop sleeps and says for how long it may, if
	// nothing happens; negative is as long as it likes.
	Turn(now int64) time.Duration
}

// Config shapes a fleet.
type Config struct {
	// Targets are where clients connect: client i to the one with the number
	// First+i modulo their count.
	Targets []netip.AddrPort
	// Path of the engine; default /socket/socket.io/.
	Path string
	// Clients is how many there are.
	Clients int
	// First is the number of client 0 among all clients of the run; it is its
	// user, too, until SetUser says otherwise.
	First uint64
	// Profile says what a client is, by its number among all.
	Profile func(number uint64) Profile
	// Topics is how many topics there are; default 1. A client is in the one
	// with its number modulo Topics until SetTopic says otherwise.
	Topics int
	// Source says which address a client connects from, by its place in the
	// fleet; the zero Addr is the system's choice. Nil: always that.
	Source func(client int) netip.Addr
	// Timeout bounds the time from a dial to Ready; default 30 s.
	Timeout time.Duration
	// Socket says what a client's next sockets are like, by its place in the
	// fleet. Nil: as the system makes them.
	Socket func(client int) SocketOptions
	// Observer hears of everything. Required.
	Observer Observer
}

// SocketOptions are set before a socket connects. What is 0 is the system's
// choice.
type SocketOptions struct {
	ReceiveBuffer int // SO_RCVBUF, of which the kernel makes twice as much
	// MaxSegment is TCP_MAXSEG, which the server learns. By it the server's
	// kernel decides how much it takes to send: for loopback's 65,483 bytes a
	// buffer of 3.9 MB was seen, for Ethernet's 1,460 one of 70 to 100 KB.
	MaxSegment int
}

func (cfg Config) withDefaults() (Config, error) {
	switch {
	case len(cfg.Targets) == 0:
		return cfg, errors.New("fleet: no target")
	case cfg.Clients < 1:
		return cfg, errors.New("fleet: no clients")
	case cfg.Observer == nil || cfg.Profile == nil:
		return cfg, errors.New("fleet: no observer, or no profile")
	}
	if cfg.Path == "" {
		cfg.Path = "/socket/socket.io/"
	}
	if cfg.Topics < 1 {
		cfg.Topics = 1
	}
	if cfg.Source == nil {
		cfg.Source = func(int) netip.Addr { return netip.Addr{} }
	}
	if cfg.Socket == nil {
		cfg.Socket = func(int) SocketOptions { return SocketOptions{} }
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	return cfg, nil
}

const (
	readSize = 64 << 10
	batch    = 512
	tick     = 50 * time.Millisecond
)

// wakeToken names the descriptor by which Do interrupts the sleep.
const wakeToken = ^uint64(0)

// Fleet is the clients. See the invariants in the package's documentation.
type Fleet struct {
	// set at construction
	cfg    Config
	clock  mono.Clock
	ep     int
	wakeFD int

	// owned by Run
	now     int64 // of this turn
	clients []client
	timers  *wheel.Wheel
	events  []unix.EpollEvent
	buf     []byte // what was read
	out     []byte // a frame or request under construction
	text    []byte // a packet under construction
	key     uint32 // of the next frame's mask
	beat    beat   // what the server's last open packet said
	closing []int
	parts   map[int][]byte // messages whose last fragment has not come
	slow    map[int]pace   // of the clients that are throttled
	stats   Stats

	// guarded by mu
	mu      sync.Mutex
	queue   []func()
	stopped bool
}

// beat is the server's heartbeat. All servers of a run are taken to have the
// same.
type beat struct{ interval, timeout int64 }

// Stats counts. What ends in "now" is a state, the rest adds up.
type Stats struct {
	DialedNow  int // on their way to Ready
	ReadyNow   int
	Dials      uint64
	Readies    uint64
	Heartbeats uint64 // v4: pings answered. v3: pongs received
	Messages   uint64
	Failed     [Causes]uint64 // closed before they were ready
	Lost       [Causes]uint64 // closed when they were ready
}

// New makes a fleet of clients that are not connected.
func New(cfg Config) (*Fleet, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	f := &Fleet{
		cfg:     cfg,
		clock:   mono.New(),
		clients: make([]client, cfg.Clients),
		events:  make([]unix.EpollEvent, batch),
		buf:     make([]byte, readSize),
		parts:   map[int][]byte{},
		slow:    map[int]pace{},
		key:     0x6f757472,
	}
	f.now = f.clock.Now()
	f.timers = wheel.New(tick, f.now)
	for i := range f.clients {
		number := cfg.First + uint64(i)
		f.clients[i] = client{
			main:    sock{fd: -1},
			user:    uint32(i),
			topic:   uint32(number % uint64(cfg.Topics)),
			profile: cfg.Profile(number).index(),
		}
	}
	if f.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if f.wakeFD, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		_ = unix.Close(f.ep)
		return nil, os.NewSyscallError("eventfd", err)
	}
	if err := f.control(unix.EPOLL_CTL_ADD, f.wakeFD, wakeToken, unix.EPOLLIN); err != nil {
		f.release()
		return nil, err
	}
	return f, nil
}

func (f *Fleet) control(op, fd int, token uint64, events uint32) error {
	ev := unix.EpollEvent{Events: events, Fd: int32(uint32(token)), Pad: int32(uint32(token >> 32))}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(f.ep, op, fd, &ev))
}

func (f *Fleet) release() {
	_ = unix.Close(f.wakeFD)
	_ = unix.Close(f.ep)
}

// Run turns the loop until Stop, and then closes what is open, without a
// farewell. It is called once.
func (f *Fleet) Run() error {
	defer f.release()
	for {
		stopped, err := f.turn()
		if !stopped && err == nil {
			continue
		}
		f.Stop()
		f.runQueue() // after an error somebody may still wait in Do
		for i := range f.clients {
			f.closeSockets(&f.clients[i])
		}
		return err
	}
}

// Do runs fn on the fleet's goroutine and waits for it. It reports false, and
// may not have run fn, when the fleet has been stopped.
func (f *Fleet) Do(fn func()) bool {
	done := make(chan struct{})
	if !f.post(func() { fn(); close(done) }) {
		return false
	}
	<-done
	return true
}

// Stop ends Run after what was posted before.
func (f *Fleet) Stop() {
	f.mu.Lock()
	f.stopped = true
	f.mu.Unlock()
	f.wake()
}

func (f *Fleet) post(fn func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped {
		return false
	}
	f.queue = append(f.queue, fn)
	f.wake()
	return true
}

func (f *Fleet) wake() {
	one := [8]byte{7: 1} // any number but 0
	_, _ = unix.Write(f.wakeFD, one[:])
}

func (f *Fleet) turn() (stopped bool, err error) {
	wait := f.cfg.Observer.Turn(f.now)
	if d, any := f.timers.Wait(f.now); any && (wait < 0 || d < wait) {
		wait = d
	}
	if len(f.closing) > 0 { // a dial of Turn that failed at once
		wait = 0
	}
	n, err := unix.EpollWait(f.ep, f.events, milliseconds(wait))
	if err != nil && err != unix.EINTR {
		return false, os.NewSyscallError("epoll_wait", err)
	}
	f.now = f.clock.Now()
	for k := range max(n, 0) {
		ev := &f.events[k]
		f.ready(uint64(uint32(ev.Fd))|uint64(uint32(ev.Pad))<<32, ev.Events)
	}
	stopped = f.runQueue()
	f.now = f.clock.Now()
	f.timers.Advance(f.now, f.fire)
	f.finish()
	return stopped, nil
}

// milliseconds rounds up: waking just before a deadline is waking twice.
func milliseconds(d time.Duration) int {
	if d < 0 {
		return -1
	}
	return int((d + time.Millisecond - 1) / time.Millisecond)
}

func (f *Fleet) runQueue() (stopped bool) {
	f.mu.Lock()
	queue := f.queue
	f.queue, stopped = nil, f.stopped
	f.mu.Unlock()
	for _, fn := range queue {
		fn()
	}
	return stopped
}

// ready handles one event.
func (f *Fleet) ready(token uint64, events uint32) {
	if token == wakeToken {
		var b [8]byte
		_, _ = unix.Read(f.wakeFD, b[:])
		return
	}
	i, role := int(token>>roleBits), role(token&(1<<roleBits-1))
	c := &f.clients[i]
	s := c.sock(role)
	if s == nil || s.fd < 0 || c.state == closing {
		return // closed earlier in this batch
	}
	if events&unix.EPOLLOUT != 0 {
		f.flush(i, c, s, role)
	}
	if events&(unix.EPOLLIN|unix.EPOLLERR|unix.EPOLLHUP) != 0 && c.state != closing {
		f.readable(i, c, s, role, f.buf)
	}
}

// Stats returns the counters.
func (f *Fleet) Stats() Stats { return f.stats }

// Heartbeat is how long a server may take to miss a client that it hears
// nothing of, as the last open packet had it.
func (f *Fleet) Heartbeat() time.Duration { return time.Duration(f.beat.interval + f.beat.timeout) }

// Timeout returns how long a dial may take, SetTimeout changes it for the dials
// that follow.
func (f *Fleet) Timeout() time.Duration     { return f.cfg.Timeout }
func (f *Fleet) SetTimeout(d time.Duration) { f.cfg.Timeout = d }

// Now returns the time of this turn, Clock the clock that it is on.
func (f *Fleet) Now() int64        { return f.now }
func (f *Fleet) Clock() mono.Clock { return f.clock }
