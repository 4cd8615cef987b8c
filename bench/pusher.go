package bench

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"outrider/bench/internal/http1"
	"outrider/bench/internal/mono"
)

// pushJob is a series of pushes to one server.
type pushJob struct {
	// Rate is how many a second. The schedule does not wait for answers (an
	// open loop): a push that cannot be sent in time, because all connections
	// wait for the server, is sent late and timed from when it was due. 0 is
	// as fast as answers come, each connection with one push under way.
	Rate float64
	// Count ends the job, and so does the time For, if it is not 0.
	Count int
	For   time.Duration
	// Append appends the request of a push. Required.
	Append func(dst []byte, s stamp) []byte
	// First is the number of the first push.
	First uint64
	// Done, if there is one, is told what became of each push.
	Done func(s stamp, a pushAnswer)
}

// pushResult is what became of a job.
type pushResult struct {
	Sent    int // requests that were written
	OK      int // ... and answered with 200
	Failed  int // ... or not
	Unsent  int // of a schedule: never written, for want of a free connection
	Elapsed time.Duration
	Answers *Histogram // from when a push was due until its answer
}

// pushAnswer is what the push API said to one push, valid until the return.
// Status is 0 if it said nothing, or nothing was heard of it.
type pushAnswer struct {
	At     int64
	Status int
	Body   []byte
}

// drain is how long answers may take after the last push.
const drain = 5 * time.Second

var errAnswer = errors.New("bench: the push API's answer cannot be understood")

// pusher keeps connections to one server's push API. It is one thread on an
// epoll loop, woken by a timer of the kernel: the runtime's timers, and the
// hand-over between goroutines, are too coarse for what is measured here.
type pusher struct {
	addr   netip.AddrPort
	clock  mono.Clock
	ep     int
	timer  int
	conns  []pushConn
	free   []int // indices of conns that wait for nothing
	buf    []byte
	out    []byte
	events []unix.EpollEvent

	// of the job that runs
	job    pushJob
	result *pushResult
}

type pushConn struct {
	fd   int
	now  stamp  // of the push under way
	rest []byte // an answer that is not complete
}

func newPusher(addr netip.AddrPort, conns int) (*pusher, error) {
	p := &pusher{
		addr: addr, clock: mono.New(), ep: -1, timer: -1,
		buf: make([]byte, 64<<10), events: make([]unix.EpollEvent, 64), conns: make([]pushConn, conns),
	}
	for i := range p.conns {
		p.conns[i].fd = -1
	}
	if err := p.open(); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *pusher) open() (err error) {
	if p.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if p.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return os.NewSyscallError("timerfd_create", err)
	}
	if err := p.watch(p.timer, -1); err != nil {
		return err
	}
	for i := range p.conns {
		if err := p.dial(i); err != nil {
			return err
		}
		p.free = append(p.free, i)
	}
	return nil
}

func (p *pusher) watch(fd, index int) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(index)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.ep, unix.EPOLL_CTL_ADD, fd, &ev))
}

func (p *pusher) dial(i int) error {
	family, to := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Addr: [4]byte{}, Port: int(p.addr.Port())})
	if p.addr.Addr().Is4() {
		to.(*unix.SockaddrInet4).Addr = p.addr.Addr().As4()
	} else {
		family, to = unix.AF_INET6, &unix.SockaddrInet6{Addr: p.addr.Addr().As16(), Port: int(p.addr.Port())}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	p.conns[i] = pushConn{fd: fd}
	if err := errors.Join(
		os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)),
		os.NewSyscallError("connect", unix.Connect(fd, to)),
		os.NewSyscallError("fcntl", unix.SetNonblock(fd, true)),
	); err != nil {
		return fmt.Errorf("push API at %v: %w", p.addr, err)
	}
	return p.watch(fd, i)
}

func (p *pusher) close() {
	for _, c := range p.conns {
		if c.fd >= 0 {
			_ = unix.Close(c.fd)
		}
	}
	for _, fd := range []int{p.timer, p.ep} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// run does a job. It returns when every push is answered, at the latest some
// seconds after the last one was due, or soon after the context has ended.
func (p *pusher) run(ctx context.Context, job pushJob) (pushResult, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	result := pushResult{Answers: NewHistogram()}
	p.job, p.result = job, &result
	start := p.clock.Now()
	s := schedule{job: job, start: start}
	end := s.end() + int64(drain)
	// A connection that the server has closed since the last job is replaced
	// before it is used.
	if err := p.wait(0); err != nil {
		return result, err
	}
	for {
		now := p.clock.Now()
		if now >= end || ctx.Err() != nil {
			s.stopped = true
		}
		if err := p.sendDue(&s, now); err != nil {
			return result, err
		}
		waiting := len(p.conns) - len(p.free)
		if s.over(now) && (waiting == 0 || now >= end || ctx.Err() != nil) {
			break
		}
		if err := p.wait(50); err != nil {
			return result, err
		}
	}
	result.Elapsed = time.Duration(p.clock.Now() - start)
	result.Unsent = s.missed(p.clock.Now())
	result.Failed += len(p.conns) - len(p.free)
	return result, p.abandon()
}

// wait takes answers, for which it waits for so many milliseconds at most.
func (p *pusher) wait(timeout int) error {
	n, err := unix.EpollWait(p.ep, p.events, timeout)
	if err != nil && err != unix.EINTR {
		return os.NewSyscallError("epoll_wait", err)
	}
	for _, ev := range p.events[:max(n, 0)] {
		if ev.Fd < 0 {
			continue // the timer
		}
		if err := p.readable(int(ev.Fd)); err != nil {
			return err
		}
	}
	return nil
}

// sendDue sends what is due as far as there are free connections, and sets the
// timer for the next.
func (p *pusher) sendDue(s *schedule, now int64) error {
	for len(p.free) > 0 {
		due, ok := s.take(now)
		if !ok {
			if due > now {
				spec := unix.ItimerSpec{Value: unix.NsecToTimespec(due)}
				return os.NewSyscallError("timerfd_settime", unix.TimerfdSettime(p.timer, unix.TFD_TIMER_ABSTIME, &spec, nil))
			}
			return nil
		}
		i := p.free[len(p.free)-1]
		p.free = p.free[:len(p.free)-1]
		now = p.clock.Now()
		p.conns[i].now = stamp{number: p.job.First + uint64(s.next-1), due: due, sent: now}
		p.out = p.job.Append(p.out[:0], p.conns[i].now)
		p.result.Sent++
		if n, err := unix.Write(p.conns[i].fd, p.out); err != nil || n < len(p.out) {
			if err := p.lost(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// readable takes answers.
func (p *pusher) readable(i int) error {
	c := &p.conns[i]
	n := copy(p.buf, c.rest)
	got, err := unix.Read(c.fd, p.buf[n:])
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return nil
	case err != nil || got == 0:
		return p.lost(i)
	}
	in := p.buf[:n+got]
	resp, used, err := http1.Parse(in)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %.100q", errAnswer, in)
	case used == 0:
		c.rest = append(c.rest[:0], in...)
		return nil
	}
	if c.rest = c.rest[:0]; used < len(in) {
		return fmt.Errorf("%w: more than one: %.100q", errAnswer, in)
	}
	now := p.clock.Now()
	if resp.Status == 200 {
		p.result.OK++
		p.result.Answers.Record(now - c.now.due)
	} else {
		p.result.Failed++
	}
	p.tell(i, pushAnswer{now, resp.Status, resp.Body})
	p.free = append(p.free, i)
	return nil
}

func (p *pusher) tell(i int, a pushAnswer) {
	if p.job.Done != nil {
		p.job.Done(p.conns[i].now, a)
	}
}

// lost replaces a connection that the server has closed. If a push was under
// way it has failed: it cannot be known whether it was done.
func (p *pusher) lost(i int) error {
	_ = unix.Close(p.conns[i].fd)
	p.conns[i].fd = -1
	idle := false
	for _, k := range p.free {
		idle = idle || k == i
	}
	if !idle {
		p.result.Failed++
		p.tell(i, pushAnswer{})
		p.free = append(p.free, i)
	}
	return p.dial(i)
}

// abandon replaces the connections that wait in vain.
func (p *pusher) abandon() error {
	idle := make([]bool, len(p.conns))
	for _, i := range p.free {
		idle[i] = true
	}
	for i := range p.conns {
		if idle[i] {
			continue
		}
		p.tell(i, pushAnswer{})
		_ = unix.Close(p.conns[i].fd)
		p.conns[i].fd = -1
		p.free = append(p.free, i)
		if err := p.dial(i); err != nil {
			return err
		}
	}
	return nil
}
