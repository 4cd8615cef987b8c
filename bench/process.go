package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// process is the server under test, looked at from outside.
type process struct{ pid int }

// usage is what a process has used up to a moment.
type usage struct {
	CPU  time.Duration // user and system, all threads, also those that ended
	RSS  int64         // bytes resident
	Anon int64         // ... of which not backed by a file
	Peak int64         // the most that was ever resident
}

// usage reads /proc, and the process's CPU clock.
func (p process) usage() (u usage, err error) {
	if u.CPU, err = p.cpu(); err != nil {
		return usage{}, err
	}
	status, err := p.fields("status")
	if err != nil {
		return usage{}, err
	}
	u.RSS, u.Anon, u.Peak = status["VmRSS"], status["RssAnon"], status["VmHWM"]
	// The kernel counts VmRSS for each processor and may be some pages off;
	// the roll-up counts the pages. It needs the same user, or root.
	if exact, err := p.fields("smaps_rollup"); err == nil {
		u.RSS, u.Anon = exact["Rss"], exact["Anonymous"]
	}
	return u, nil
}

// cpu reads the CPU clock of the process, which the scheduler keeps to the
// nanosecond; /proc/<pid>/stat has the same sum in ticks of 10 ms.
func (p process) cpu() (time.Duration, error) {
	const processClock = 2 // CPUCLOCK_SCHED, of the process and not of a thread
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^p.pid<<3|processClock), &ts); err == nil {
		return time.Duration(ts.Nano()), nil
	}
	return p.ticks()
}

// hertz is USER_HZ, the unit of times in /proc, on every architecture that Go
// knows.
const hertz = 100

// ticks is the CPU time as /proc/<pid>/stat has it.
func (p process) ticks() (time.Duration, error) {
	stat, err := os.ReadFile(p.path("stat"))
	if err != nil {
		return 0, err
	}
	// The command's name is in parentheses and may contain anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const user, system = 14 - 3, 15 - 3 // counted as in proc(5), less what was cut off
	if len(fields) <= system {
		return 0, fmt.Errorf("%s: not understood", p.path("stat"))
	}
	var sum int64
	for _, field := range []int{user, system} {
		n, err := strconv.ParseInt(fields[field], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", p.path("stat"), err)
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / hertz, nil
}

func (p process) path(file string) string {
	return filepath.Join("/proc", strconv.Itoa(p.pid), file)
}

// fields reads the lines "Name:   123 kB" of a file, in bytes.
func (p process) fields(file string) (map[string]int64, error) {
	f, err := os.Open(p.path(file))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := map[string]int64{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		if kib, ok := strings.CutSuffix(strings.TrimSpace(value), " kB"); ok {
			if n, err := strconv.ParseInt(kib, 10, 64); err == nil {
				out[name] = n << 10
			}
		}
	}
	return out, lines.Err()
}

var errNoListener = errors.New("no process here listens on it, or it is another user's")

// listenerOf finds the process that listens on an address of this machine: the
// socket's inode is in /proc/net/tcp, and the process has it open.
func listenerOf(addr netip.AddrPort) (process, error) {
	inodes := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return process{}, err
		}
		for line := range strings.Lines(string(text)) {
			const local, state, inode = 1, 3, 9
			fields := strings.Fields(line)
			if len(fields) > inode && fields[state] == "0A" && strings.HasSuffix(fields[local], fmt.Sprintf(":%04X", addr.Port())) {
				inodes["socket:["+fields[inode]+"]"] = true
			}
		}
	}
	files, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return process{}, err
	}
	for _, file := range files {
		if link, err := os.Readlink(file); err == nil && inodes[link] {
			pid, err := strconv.Atoi(strings.Split(file, "/")[2])
			return process{pid}, err
		}
	}
	return process{}, fmt.Errorf("%v: %w", addr, errNoListener)
}
