package bench

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// progress tells who watches how far a run is: one line, written over, in a
// terminal; elsewhere a line for each phase, and one now and then.
type progress struct {
	mu       sync.Mutex
	w        io.Writer // nil: nobody watches
	terminal bool
	name     string // of the phase
	total    int    // steps of the phase, 0 if it has none
	done     int
	seen     Counts
	written  time.Time
	width    int // of the line in the terminal
}

func newProgress(w io.Writer, terminal bool) *progress { return &progress{w: w, terminal: terminal} }

// How often a line is written.
const (
	terminalEvery = 100 * time.Millisecond
	plainEvery    = 5 * time.Second
)

// phase begins the next part of the run.
func (p *progress) phase(name string, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.name, p.total, p.done, p.written = name, total, 0, time.Time{}
	p.show()
}

// step says how much of the phase is done.
func (p *progress) step(done int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = done
	p.show()
}

// counts is told what the clients do.
func (p *progress) counts(c Counts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = c
	if p.name == "connect" || p.name == "storm" {
		p.done = c.Ready
	}
	p.show()
}

// state returns the phase, and the latest counts.
func (p *progress) state() (phase string, c Counts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.name, p.seen
}

// end leaves the terminal as it was.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w != nil && p.terminal {
		fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.width))
	}
	p.w = nil
}

func (p *progress) show() {
	every := plainEvery
	if p.terminal {
		every = terminalEvery
	}
	now := time.Now()
	if p.w == nil || now.Sub(p.written) < every {
		return
	}
	p.written = now
	line := p.line()
	if !p.terminal {
		fmt.Fprintln(p.w, line)
		return
	}
	fmt.Fprintf(p.w, "\r%-*s", p.width, line)
	p.width = len(line)
}

func (p *progress) line() string {
	line := p.name
	if p.total > 0 {
		line += fmt.Sprintf(" %d/%d", p.done, p.total)
	}
	c := p.seen
	line += fmt.Sprintf("  ready %d  messages %d  heartbeats %d", c.Ready, c.Messages, c.Heartbeats)
	if c.Failed+c.Lost > 0 {
		line += fmt.Sprintf("  failed %d  lost %d", c.Failed, c.Lost)
	}
	return line
}
