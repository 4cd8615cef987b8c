package poll

import (
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Epoll is a level-triggered epoll instance with an eventfd for wake-ups.
//
// Level-triggered, because a loop that reads at most one buffer per event
// must be told again of what it left (docs/adr/0002-level-triggered.md).
type Epoll struct {
	fd     int
	wakeFD int
	raw    []unix.EpollEvent // owned by Wait
}

var _ Poller = (*Epoll)(nil)

// New returns an epoll instance.
func New() (*Epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	wakeFD, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("eventfd", err)
	}
	p := &Epoll{fd: fd, wakeFD: wakeFD}
	if err := p.Add(wakeFD, WakeToken, Read); err != nil {
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
	if len(p.raw) < len(events) {
		p.raw = make([]unix.EpollEvent, len(events))
	}
	n, err := unix.EpollWait(p.fd, p.raw[:len(events)], milliseconds(timeout))
	if err == unix.EINTR {
		return 0, nil
	}
	if err != nil {
		return 0, os.NewSyscallError("epoll_wait", err)
	}
	out := 0
	for i := range p.raw[:n] {
		ev := &p.raw[i]
		token := uint64(uint32(ev.Fd)) | uint64(uint32(ev.Pad))<<32
		if token == WakeToken {
			var b [8]byte
			_, _ = unix.Read(p.wakeFD, b[:])
			continue
		}
		events[out] = Event{Token: token, Ready: ready(ev.Events)}
		out++
	}
	return out, nil
}

// Wake implements Poller.
func (p *Epoll) Wake() error {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], 1)
	for {
		_, err := unix.Write(p.wakeFD, b[:])
		switch err {
		case nil, unix.EAGAIN: // EAGAIN: the counter is full, so it is readable
			return nil
		case unix.EINTR:
			continue
		default:
			return fmt.Errorf("poll: wake: %w", err)
		}
	}
}

func ready(events uint32) (r Ready) {
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

// milliseconds rounds up: a loop that is woken a moment before its deadline
// would find nothing to do, and spin until it is reached.
func milliseconds(d time.Duration) int {
	if d < 0 {
		return -1
	}
	return int((d + time.Millisecond - 1) / time.Millisecond)
}

// Read implements Poller.
func (p *Epoll) Read(fd int, b []byte) (int, error) {
	for {
		n, err := unix.Read(fd, b)
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return 0, ErrAgain
		default:
			return 0, os.NewSyscallError("read", err)
		}
	}
}

// Write implements Poller.
func (p *Epoll) Write(fd int, b []byte) (int, error) {
	for {
		n, err := unix.Write(fd, b)
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return 0, ErrAgain
		default:
			return 0, os.NewSyscallError("write", err)
		}
	}
}

// Writev implements Poller.
func (p *Epoll) Writev(fd int, bufs [][]byte) (int, error) {
	for {
		n, err := unix.Writev(fd, bufs)
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return 0, ErrAgain
		default:
			return 0, os.NewSyscallError("writev", err)
		}
	}
}

// Shutdown implements Poller.
func (p *Epoll) Shutdown(fd int) error {
	return os.NewSyscallError("shutdown", unix.Shutdown(fd, unix.SHUT_WR))
}

// CloseFD implements Poller.
func (p *Epoll) CloseFD(fd int) error {
	return os.NewSyscallError("close", unix.Close(fd))
}

// Close implements Poller.
func (p *Epoll) Close() error {
	err := unix.Close(p.wakeFD)
	if e := unix.Close(p.fd); err == nil {
		err = e
	}
	return os.NewSyscallError("close", err)
}
