package bench

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestProcess holds what the harness says of a process against the other
// views that the system has of it: of this one, at work.
func TestProcess(t *testing.T) {
	p := process{os.Getpid()}
	// Not the heap's: what that gives may be resident from earlier use.
	ballast, err := unix.Mmap(-1, 0, 64<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(ballast)
	before, err := p.usage()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for spent := time.Duration(0); spent < 300*time.Millisecond; {
		for i := 0; i < len(ballast); i += 512 {
			ballast[i]++
		}
		now, err := p.cpu()
		if err != nil {
			t.Fatal(err)
		}
		spent = now - before.CPU
	}
	took := time.Since(began)
	after, err := p.usage()
	if err != nil {
		t.Fatal(err)
	}
	ticks, err := p.ticks()
	if err != nil {
		t.Fatal(err)
	}
	if off := (after.CPU - ticks).Abs(); off > 100*time.Millisecond {
		t.Errorf("the CPU clock says %v, /proc %v", after.CPU, ticks)
	}
	if took < 100*time.Millisecond {
		t.Errorf("300 ms of CPU in %v", took)
	}
	// The race detector keeps two more bytes for each.
	if grown := after.RSS - before.RSS; grown < 60<<20 || grown > 3*68<<20 {
		t.Errorf("64 MiB more made %d MiB resident", grown>>20)
	}
	if after.Anon > after.RSS || after.Peak < after.RSS-16<<20 {
		t.Errorf("anonymous %d, resident %d, at most %d", after.Anon, after.RSS, after.Peak)
	}
	if _, err := (process{1 << 30}).usage(); err == nil {
		t.Error("a process that does not exist has usage")
	}
}

func TestListenerOf(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(ln.Addr().String())
	if p, err := listenerOf(addr); err != nil || p.pid != os.Getpid() {
		t.Errorf("listenerOf = %v, %v, want %d", p, err, os.Getpid())
	}
	ln.Close()
	if _, err := listenerOf(addr); !errors.Is(err, errNoListener) {
		t.Errorf("of a closed listener: %v", err)
	}
}
