// Package poll is the seam between an event loop and the kernel: readiness
// of descriptors, and the few system calls that are made on them.
//
// [New] returns the real thing, one level-triggered epoll instance.
// Everything that a loop does to a descriptor goes through the [Poller]
// interface, input and output included, so that a fake one (package
// polltest) can run under the real loop: with short writes, stale events and
// a virtual clock, or with a million sessions that have no sockets.
package poll

import (
	"errors"
	"time"
)

// Interest is what a descriptor is watched for.
type Interest uint8

const (
	// Read asks for readiness to read, the peer's FIN included.
	Read Interest = 1 << iota
	// Write asks for readiness to write.
	Write
)

// Ready tells what a descriptor is ready for.
type Ready uint8

const (
	// Readable: a read will not block. It may return 0, which is the peer's FIN.
	Readable Ready = 1 << iota
	// Writable: a write will not block.
	Writable
	// Failed: the descriptor has an error or both its directions are shut
	// (EPOLLERR, EPOLLHUP). It is reported without being asked for.
	Failed
)

// Event is the readiness of one descriptor, which it names by the token that
// was given at Add, never by its number: numbers are reused at once.
type Event struct {
	Token uint64
	Ready Ready
}

// WakeToken is reserved: no descriptor may be added with it.
const WakeToken = ^uint64(0)

// ErrAgain is what Read and Write return when they would block. It carries
// no errno, so that a fake need not know the platform's.
var ErrAgain = errors.New("poll: would block")

// Poller watches descriptors for one loop.
//
// Wait is called by the loop's goroutine alone. All other methods may be
// called from any goroutine, for as long as the caller makes sure that the
// descriptor is not closed meanwhile.
type Poller interface {
	Add(fd int, token uint64, in Interest) error
	Mod(fd int, token uint64, in Interest) error
	Del(fd int) error

	// Wait blocks until something is ready, Wake was called or the timeout
	// has passed (a negative one never does), and fills events. A wake-up is
	// not reported as an event. It returns 0 events also on EINTR.
	Wait(events []Event, timeout time.Duration) (int, error)
	// Wake makes the present or the next Wait return. It costs a system call:
	// the loop calls it once for a batch.
	Wake() error

	// Read and Write return ErrAgain where the system says EAGAIN, and retry
	// on EINTR. Read returns 0, nil at the end of the stream.
	Read(fd int, p []byte) (int, error)
	Write(fd int, p []byte) (int, error)
	Writev(fd int, bufs [][]byte) (int, error)
	// Shutdown shuts the write side down: the peer reads what is under way
	// and then the end of the stream.
	Shutdown(fd int) error
	// CloseFD closes the descriptor, which takes it out of the poller.
	CloseFD(fd int) error

	// Close releases the poller itself.
	Close() error
}
