package fleet

import (
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// role is what a socket is for. It is a part of the token by which epoll
// names the socket.
type role uint8

const (
	roleMain  role = iota // the WebSocket, or the connection of the polls
	rolePost              // the connection of the POSTs
	roleProbe             // the WebSocket of an upgrade, also after it
)

const roleBits = 2

func token(client int, r role) uint64 { return uint64(client)<<roleBits | uint64(r) }

// sock is one socket. What an idle one does not need is behind a pointer.
type sock struct {
	left   *leftover // nil: nothing
	fd     int32     // -1: none
	armed  bool      // for EPOLLOUT
	paused bool      // not for EPOLLIN
}

// leftover is input whose message is not complete, and output that the kernel
// did not take, or cannot before the connection is established.
type leftover struct{ in, out []byte }

func (s *sock) more() *leftover {
	if s.left == nil {
		s.left = &leftover{}
	}
	return s.left
}

// trim lets go of the leftover when it is empty.
func (s *sock) trim() {
	if s.left != nil && len(s.left.in) == 0 && len(s.left.out) == 0 {
		s.left = nil
	}
}

// dial begins a connection of client i. That it is established shows when the
// socket takes what is sent.
func (f *Fleet) dial(i int, s *sock, r role) error {
	target := f.target(i)
	family := unix.AF_INET
	if target.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	if err := f.connect(i, fd, target); err != nil {
		_ = unix.Close(fd)
		return err
	}
	if err := f.control(unix.EPOLL_CTL_ADD, fd, token(i, r), unix.EPOLLIN); err != nil {
		_ = unix.Close(fd)
		return err
	}
	*s = sock{fd: int32(fd)}
	return nil
}

func (f *Fleet) connect(i, fd int, target netip.AddrPort) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := f.cfg.Socket(i).apply(fd); err != nil {
		return err
	}
	if source := f.cfg.Source(i); source.IsValid() {
		// Without this option bind would take a port for itself alone, and an
		// address has fewer of them than connections to several targets need.
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
		if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(source, 0))); err != nil {
			return os.NewSyscallError("bind", err)
		}
	}
	if err := unix.Connect(fd, sockaddr(target)); err != nil && err != unix.EINPROGRESS {
		return os.NewSyscallError("connect", err)
	}
	return nil
}

func (o SocketOptions) apply(fd int) error {
	for _, option := range []struct{ level, name, value int }{
		{unix.SOL_SOCKET, unix.SO_RCVBUF, o.ReceiveBuffer},
		{unix.IPPROTO_TCP, unix.TCP_MAXSEG, o.MaxSegment},
	} {
		if option.value == 0 {
			continue
		}
		if err := unix.SetsockoptInt(fd, option.level, option.name, option.value); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
}

// send writes b, and keeps what the kernel does not take. An error ends the
// client.
func (f *Fleet) send(i int, c *client, s *sock, r role, b []byte) {
	if s.left != nil && len(s.left.out) > 0 {
		s.left.out = append(s.left.out, b...)
		return
	}
	n, err := unix.Write(int(s.fd), b)
	if err != nil && err != unix.EAGAIN {
		f.close(i, c, broken(err))
		return
	}
	if n = max(n, 0); n < len(b) {
		s.more().out = append([]byte(nil), b[n:]...)
		f.interest(i, c, s, r)
	}
}

// flush writes what was kept.
func (f *Fleet) flush(i int, c *client, s *sock, r role) {
	if s.left == nil || len(s.left.out) == 0 {
		return
	}
	n, err := unix.Write(int(s.fd), s.left.out)
	if err != nil && err != unix.EAGAIN {
		f.close(i, c, broken(err))
		return
	}
	if s.left.out = s.left.out[max(n, 0):]; len(s.left.out) == 0 {
		s.trim()
		f.interest(i, c, s, r)
	}
}

// interest tells epoll what the socket waits for.
func (f *Fleet) interest(i int, c *client, s *sock, r role) {
	s.armed = s.left != nil && len(s.left.out) > 0
	var events uint32
	if s.armed {
		events |= unix.EPOLLOUT
	}
	if !s.paused {
		events |= unix.EPOLLIN
	}
	if f.control(unix.EPOLL_CTL_MOD, int(s.fd), token(i, r), events) != nil {
		f.close(i, c, CauseReset)
	}
}

// readable reads once into buf, behind what was left before, and presents it.
func (f *Fleet) readable(i int, c *client, s *sock, r role, buf []byte) {
	left := 0
	if s.left != nil && len(s.left.in) > 0 {
		left = len(s.left.in)
		if left >= len(buf) {
			buf = make([]byte, left+readSize) // a message longer than the buffer
		}
		copy(buf, s.left.in)
	}
	n, err := unix.Read(int(s.fd), buf[left:])
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return
	case err != nil:
		f.close(i, c, broken(err))
		return
	case n == 0:
		f.end(i, c, r)
		return
	}
	fd := s.fd
	used := f.input(i, c, r, buf[:left+n])
	// The socket of an upgrade has moved, one that is closed has nothing left.
	if s = c.sock(r); s == nil || s.fd != fd {
		return
	}
	if rest := buf[used : left+n]; len(rest) > 0 {
		s.more().in = append(s.more().in[:0], rest...)
	} else if s.left != nil {
		s.left.in = nil
		s.trim()
	}
}

// Pause stops reading from a client; what arrives fills the kernel's buffers.
// Resume reads on.
func (f *Fleet) Pause(client int)  { f.setPaused(client, true) }
func (f *Fleet) Resume(client int) { delete(f.slow, client); f.setPaused(client, false) }

func (f *Fleet) setPaused(i int, paused bool) {
	c := &f.clients[i]
	s, r := c.stream()
	if s.fd < 0 || c.state == closing || s.paused == paused {
		return
	}
	s.paused = paused
	f.interest(i, c, s, r)
}

// ReadSome reads at most n bytes from a client that is paused.
func (f *Fleet) ReadSome(client, n int) {
	c := &f.clients[client]
	s, r := c.stream()
	if s.fd < 0 || c.state == closing {
		return
	}
	left := 0
	if s.left != nil {
		left = len(s.left.in)
	}
	f.readable(client, c, s, r, make([]byte, left+n))
}
