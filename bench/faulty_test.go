package bench_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"outrider/bench/internal/ledger"
)

// faulty is a server at fault: it stands before a gateway, and of the pushes
// that the gateway sends over a WebSocket it gets every so-many-th wrong.
type faulty struct {
	sort  ledger.Sort
	every int
	to    string // the gateway's address
	addr  string

	mu     sync.Mutex // of what follows
	lines  []*line
	pushes int
	made   int
}

// line is one connection through it. Its fields are guarded by the relay's
// mutex.
type line struct {
	client net.Conn
	uid    int    // of its last set_connect
	held   []byte // a frame that is to come after the next one
	gone   bool
}

// cityNumber is the least number of a push of a city; those before warm up.
const cityNumber = 1 << 32

func startFaulty(t *testing.T, to string, sort ledger.Sort, every int) *faulty {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{sort: sort, every: every, to: to, addr: ln.Addr().String()}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				client.Close()
				continue
			}
			l := &line{client: client}
			f.mu.Lock()
			f.lines = append(f.lines, l)
			f.mu.Unlock()
			running.Go(func() { f.up(l, server) })
			running.Go(func() { f.down(l, server) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		running.Wait() // the clients have gone, and with them all lines
	})
	return f
}

var uidIn = regexp.MustCompile(`"set_connect",\{"uid":(\d+)`)

// up passes on what the client says, and listens for who it is.
func (f *faulty) up(l *line, server net.Conn) {
	defer server.Close()
	in := bufio.NewReader(io.TeeReader(l.client, server))
	if skipHead(in) != nil {
		return
	}
	for {
		frame, err := readFrame(in)
		if err != nil {
			return
		}
		if m := uidIn.FindSubmatch(frame); m != nil {
			f.mu.Lock()
			l.uid, _ = strconv.Atoi(string(m[1]))
			f.mu.Unlock()
		}
	}
}

// down passes on what the server says, but for the faults.
func (f *faulty) down(l *line, server net.Conn) {
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		l.gone = true
		l.client.Close()
	}()
	var head bytes.Buffer
	in := bufio.NewReader(server)
	tee := bufio.NewReaderSize(io.TeeReader(in, &head), 16)
	if skipHead(tee) != nil {
		return
	}
	// What the small reader has taken beyond the head is in front of the rest.
	rest, _ := tee.Peek(tee.Buffered())
	f.send(l, head.Bytes()[:head.Len()-len(rest)])
	in = bufio.NewReader(io.MultiReader(bytes.NewReader(rest), in))
	for {
		frame, err := readFrame(in)
		if err != nil {
			return
		}
		f.pass(l, frame)
	}
}

func (f *faulty) send(l *line, p []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, _ = l.client.Write(p) // who has gone shows when it is read from
}

var pushIn = regexp.MustCompile(`bench\.(\d+)\.`)

// pass passes a frame on, or makes a fault of it.
func (f *faulty) pass(l *line, frame []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var number int
	if m := pushIn.FindSubmatch(frame); m != nil {
		number, _ = strconv.Atoi(string(m[1]))
	}
	if number < cityNumber {
		_, _ = l.client.Write(frame)
		return
	}
	f.pushes++
	faults := f.pushes%f.every == 0
	switch {
	case !faults:
	case f.sort == ledger.Lost:
		f.made++
		return
	case f.sort == ledger.Duplicate:
		f.made++
		frame = append(frame, frame...)
	case f.sort == ledger.Reordered && l.held == nil:
		l.held = frame
		return
	case f.sort == ledger.Phantom && !bytes.Contains(frame, []byte("push_type")):
		for _, other := range f.lines {
			if !other.gone && other.uid != 0 && other.uid != l.uid {
				f.made++
				_, _ = other.client.Write(frame)
				break
			}
		}
	}
	_, _ = l.client.Write(frame)
	if l.held != nil {
		f.made++
		_, _ = l.client.Write(l.held)
		l.held = nil
	}
}

// faults says how many were made; what was held back to the end is lost.
func (f *faulty) faults() map[ledger.Sort]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	made := map[ledger.Sort]int{f.sort: f.made}
	for _, l := range f.lines {
		if l.held != nil {
			made[ledger.Lost]++
		}
	}
	return made
}

func skipHead(in *bufio.Reader) error {
	for {
		text, err := in.ReadString('\n')
		if err != nil || text == "\r\n" {
			return err
		}
	}
}

// readFrame reads a frame of RFC 6455 and takes off its mask: a server's comes
// as it is.
func readFrame(in *bufio.Reader) ([]byte, error) {
	frame := make([]byte, 2, 512)
	if _, err := io.ReadFull(in, frame); err != nil {
		return nil, err
	}
	more := func(n int) []byte {
		from := len(frame)
		frame = append(frame, make([]byte, n)...)
		if _, err := io.ReadFull(in, frame[from:]); err != nil {
			return nil
		}
		return frame[from:]
	}
	size := int(frame[1] & 0x7f)
	switch size {
	case 126:
		if b := more(2); b != nil {
			size = int(binary.BigEndian.Uint16(b))
		}
	case 127:
		if b := more(8); b != nil {
			size = int(binary.BigEndian.Uint64(b))
		}
	}
	var mask []byte
	if frame[1]&0x80 != 0 {
		mask = more(4)
	}
	payload := more(size)
	if payload == nil && size > 0 {
		return nil, io.ErrUnexpectedEOF
	}
	for i := range payload {
		if mask != nil {
			payload[i] ^= mask[i%4]
		}
	}
	return frame, nil
}
