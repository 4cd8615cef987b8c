package poll

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Epoll is a level-triggered epoll instance with an eventfd for wake-ups.
//
// Level-triggered, because a loop that reads at most one buffer per event
// must be told again of what it left (docs/adr/0002-level-triggered.md).
//
// A loop that has nothing to do parks in the runtime's own poller, which
// watches the epoll instance like any descriptor (an epoll instance is
// readable while it has events). A goroutine that blocked in epoll_wait
// instead would keep a thread and, until the runtime's monitor takes it away,
// a processor; the monitor then never sleeps long, and every return from
// epoll_wait has to find a processor again.
type Epoll struct {
	fd     int
	file   *os.File        // owns fd
	conn   syscall.RawConn // of file
	wakeFD int

	// owned by Wait
	raw  []unix.EpollEvent
	park func(uintptr) bool // made once: a closure for each Wait would be garbage
	got  polled

	deadline time.Time // of parking; zero if there is none
}

// polled is what poll has found, in the events that Wait was given.
type polled struct {
	events []Event
	n      int
	woken  bool
	err    error
}

var _ Poller = (*Epoll)(nil)

// New returns an epoll instance.
func New() (*Epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	// Non-blocking is what makes os.NewFile give it to the runtime's poller.
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	p := &Epoll{fd: fd, file: os.NewFile(uintptr(fd), "epoll"), wakeFD: -1}
	if p.conn, err = p.file.SyscallConn(); err != nil {
		p.Close()
		return nil, err
	}
	if p.wakeFD, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		p.Close()
		return nil, os.NewSyscallError("eventfd", err)
	}
	p.park = func(uintptr) (done bool) { return p.poll() }
	if err := p.Add(p.wakeFD, WakeToken, Read); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// Add starts to watch fd, and reports it under token from now on.
func (p *Epoll) Add(fd int, token uint64, in Interest) error {
	return p.ctl("epoll_ctl add", unix.EPOLL_CTL_ADD, fd, token, in)
}

// Mod changes what fd is watched for.
func (p *Epoll) Mod(fd int, token uint64, in Interest) error {
	return p.ctl("epoll_ctl mod", unix.EPOLL_CTL_MOD, fd, token, in)
}

// Del stops watching fd.
func (p *Epoll) Del(fd int) error {
	return p.ctl("epoll_ctl del", unix.EPOLL_CTL_DEL, fd, 0, 0)
}

func (p *Epoll) ctl(name string, op, fd int, token uint64, in Interest) error {
	// The token takes the event's eight bytes of user data, which x/sys
	// presents as the two fields Fd and Pad.
	ev := unix.EpollEvent{Fd: int32(uint32(token)), Pad: int32(uint32(token >> 32))}
	if in&Read != 0 {
		ev.Events |= unix.EPOLLIN
	}
	if in&Write != 0 {
		ev.Events |= unix.EPOLLOUT
	}
	if err := unix.EpollCtl(p.fd, op, fd, &ev); err != nil {
		return os.NewSyscallError(name, err)
	}
	return nil
}

// Wait implements Poller.
func (p *Epoll) Wait(events []Event, timeout time.Duration) (int, error) {
	p.got = polled{events: events}
	if p.poll() || timeout == 0 {
		return p.got.n, p.got.err
	}
	if err := p.setDeadline(timeout); err != nil {
		return 0, err
	}
	if err := p.conn.Read(p.park); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, err
	}
	return p.got.n, p.got.err
}

// deadlineSlack is how much too early or too late a deadline may be.
const deadlineSlack = time.Millisecond

// setDeadline sees to it that parking ends after the timeout. A loop waits for
// the same tick of its wheel many times, and moving the runtime's timer each
// time would cost as much as a system call.
func (p *Epoll) setDeadline(timeout time.Duration) error {
	var at time.Time
	if timeout > 0 {
		now := time.Now()
		at = now.Add(timeout)
		if p.deadline.After(now) && at.Sub(p.deadline).Abs() <= deadlineSlack {
			return nil
		}
	} else if p.deadline.IsZero() {
		return nil
	}
	p.deadline = at
	return p.file.SetReadDeadline(at)
}

// poll takes the events that are there, and reports whether there is something
// to return for. It does not block, so that the runtime need not be told of
// the system call.
func (p *Epoll) poll() bool {
	events := p.got.events
	if len(p.raw) < len(events) {
		p.raw = make([]unix.EpollEvent, len(events))
	}
	ready, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.raw[0])), uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		if errno != unix.EINTR {
			p.got.err = os.NewSyscallError("epoll_pwait", errno)
		}
		return p.got.err != nil
	}
	for i := range p.raw[:ready] {
		ev := &p.raw[i]
		token := uint64(uint32(ev.Fd)) | uint64(uint32(ev.Pad))<<32
		if token == WakeToken {
			var b [8]byte
			_, _ = p.Read(p.wakeFD, b[:])
			p.got.woken = true
			continue
		}
		events[p.got.n] = Event{Token: token, Ready: readiness(ev.Events)}
		p.got.n++
	}
	return p.got.n > 0 || p.got.woken
}

// Wake implements Poller.
func (p *Epoll) Wake() error {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], 1)
	if _, err := p.Write(p.wakeFD, b[:]); err != nil && !errors.Is(err, ErrAgain) {
		return fmt.Errorf("poll: wake: %w", err)
	}
	return nil // ErrAgain: the counter is full, so it is readable
}

func readiness(events uint32) (r Ready) {
	if events&unix.EPOLLIN != 0 {
		r |= Readable
	}
	if events&unix.EPOLLOUT != 0 {
		r |= Writable
	}
	if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		r |= Failed
	}
	return r
}

// Read implements Poller.
func (p *Epoll) Read(fd int, b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	return transfer("read", unix.SYS_READ, fd, unsafe.Pointer(&b[0]), len(b))
}

// Write implements Poller.
func (p *Epoll) Write(fd int, b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	return transfer("write", unix.SYS_WRITE, fd, unsafe.Pointer(&b[0]), len(b))
}

// maxIOV is how many buffers Writev describes to the kernel on its stack.
const maxIOV = 64

// Writev implements Poller.
func (p *Epoll) Writev(fd int, bufs [][]byte) (int, error) {
	var short [maxIOV]unix.Iovec
	iov := short[:0]
	for _, b := range bufs {
		if len(b) > 0 {
			v := unix.Iovec{Base: &b[0]}
			v.SetLen(len(b))
			iov = append(iov, v)
		}
	}
	if len(iov) == 0 {
		return 0, nil
	}
	return transfer("writev", unix.SYS_WRITEV, fd, unsafe.Pointer(&iov[0]), len(iov))
}

// No system call of a loop blocks, and none is announced to the runtime: it is
// not one during which the processor could do something else. An announced one
// wakes the runtime's monitor, which then looks every 20 µs what has become of
// it, and whose looking costs more than the calls of a push.

// transfer reads or writes.
func transfer(name string, number uintptr, fd int, p unsafe.Pointer, size int) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(number, uintptr(fd), uintptr(p), uintptr(size))
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return 0, ErrAgain
		default:
			return 0, os.NewSyscallError(name, errno)
		}
	}
}

// Shutdown implements Poller.
func (p *Epoll) Shutdown(fd int) error {
	_, _, errno := unix.RawSyscall(unix.SYS_SHUTDOWN, uintptr(fd), unix.SHUT_WR, 0)
	return sysError("shutdown", errno)
}

// CloseFD implements Poller.
func (p *Epoll) CloseFD(fd int) error {
	_, _, errno := unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
	return sysError("close", errno)
}

func sysError(name string, errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return os.NewSyscallError(name, errno)
}

// Close implements Poller.
func (p *Epoll) Close() error {
	err := p.file.Close()
	if p.wakeFD >= 0 {
		err = errors.Join(err, os.NewSyscallError("close", unix.Close(p.wakeFD)))
	}
	return err
}
