package poll

import (
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What a loop does to sockets beside reading and writing. None of it blocks,
// and so none is announced to the runtime (see transfer).

// Accept takes a connection from a listening socket that does not block, and
// makes it one that does not either. It returns ErrAgain when none waits.
func Accept(ln int) (fd int, err error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(ln), 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	switch errno {
	case 0:
		return int(n), nil
	case unix.EAGAIN:
		return -1, ErrAgain
	}
	return -1, os.NewSyscallError("accept4", errno)
}

// SetTCP sets a number among the options of TCP.
func SetTCP(fd, option, value int) error {
	n := int32(value)
	_, _, errno := unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, uintptr(option), uintptr(unsafe.Pointer(&n)), unsafe.Sizeof(n), 0)
	return sysError("setsockopt", errno)
}

// PeerAddr returns the address at the other end of a connected TCP socket, and
// the zero AddrPort if there is none.
func PeerAddr(fd int) netip.AddrPort {
	var sa unix.RawSockaddrAny
	size := uint32(unix.SizeofSockaddrAny)
	if _, _, errno := unix.RawSyscall(unix.SYS_GETPEERNAME, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size))); errno != 0 {
		return netip.AddrPort{}
	}
	switch sa.Addr.Family {
	case unix.AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(&sa))
		return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), hostOrder(&in.Port))
	case unix.AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(&sa))
		return netip.AddrPortFrom(netip.AddrFrom16(in.Addr).Unmap(), hostOrder(&in.Port))
	}
	return netip.AddrPort{}
}

// hostOrder reads a port, which the kernel has in the network's order.
func hostOrder(port *uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(port))
	return uint16(b[0])<<8 | uint16(b[1])
}
