// Package floor is a server that does as little as a server can do under the
// harness's load: the yardstick beside which the figures of a real one stand.
//
// One epoll loop in one thread, no locks, no allocation after growth, fixed
// bytes wherever the load does not vary. It answers, correctly as far as a
// client of the harness can tell: the handshake of a WebSocket, the open
// packet, CONNECT, the greeting, set_connect with its acknowledgement, the
// heartbeats of both revisions of Engine.IO, and the push API's device_push,
// topic_push and client_push.
//
// What it leaves out, and a real server must pay for:
//
//   - Everything that does not happen in this load: long-polling, upgrades,
//     CORS, other namespaces and events, acknowledgements of pushes, binary,
//     fragments, frames or requests of clients in several pieces.
//   - All checks: of HTTP, of the WebSocket's key (the answer to the harness's
//     one key is a constant), of UTF-8, of JSON, of field lengths, of API keys.
//   - Session ids: all have the same.
//   - Pings that are not answered in time: a silent client is kept.
//   - Queues: a client that does not read is closed.
//   - A user on several devices, single login, tokens, who is offline: the
//     latest connection of a uid is the user. A uid is a number under 2^24.
//   - Logs, counters, limits, an orderly end.
package floor

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Config shapes a server.
type Config struct {
	Listen       netip.AddrPort
	PingInterval time.Duration // default 25 s
	PingTimeout  time.Duration // default 20 s; only told to clients
	Writers      int           // threads that share the writing of a fan-out; default 1: the loop's own
}

// maxUID bounds the arrays that find a connection by its user.
const maxUID = 1 << 24

// The states of a connection.
const (
	gone  = iota
	fresh // nothing was said yet
	caller
	opened
	joined
)

// conn is a connection, at the index of its descriptor.
type conn struct {
	uid      uint32
	due      uint32 // when it is pinged, in milliseconds since the start; 0: not
	topic    seat   // what set_connect names
	group    seat   // the audience
	state    uint8
	revision uint8 // '3' or '4'
	audience uint8
}

// seat is a place among the members of a topic: index 0 is none.
type seat struct{ topic, place int32 }

// beat is a ping to be sent. Since the interval is one for all, pings are due
// in the order in which they were set: a queue is enough.
type beat struct {
	due uint32
	fd  int32
}

// audiences are the kinds of client, and what is sent to each.
type audience struct {
	name      string
	welcome   [2][]byte // by revision: the answer to CONNECT, and the greeting
	ack       []byte
	message   []byte  // how a push begins, up to its text
	users     []int32 // descriptors by uid
	namespace []byte
}

// Server is the floor.
type Server struct {
	cfg     Config
	ep      int
	ln      int
	wakeFD  int
	start   time.Time
	open    [2][]byte // by revision: 101, the open packet, and for 3 the root's CONNECT
	conns   []conn
	beats   []beat
	next    int              // the first of beats that was not sent
	names   map[string]int32 // of topics
	members [][]int32        // by topic
	rests   map[int32][]byte // requests of callers that are not complete
	auds    []*audience
	buf     []byte
	out     []byte
	push    []byte
	jobs    chan job
	running sync.WaitGroup
}

// job is a part of a fan-out.
type job struct {
	fds   []int32
	frame []byte
	slow  *[]int32
}

// New listens.
func New(cfg Config) (*Server, error) {
	if cfg.PingInterval <= 0 {
		cfg.PingInterval = 25 * time.Second
	}
	if cfg.PingTimeout <= 0 {
		cfg.PingTimeout = 20 * time.Second
	}
	s := &Server{
		cfg: cfg, start: time.Now(),
		names: map[string]int32{}, members: make([][]int32, 1), rests: map[int32][]byte{},
		buf: make([]byte, 64<<10), ln: -1, wakeFD: -1, ep: -1,
	}
	s.prepare()
	if err := s.listen(); err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

func (s *Server) listen() (err error) {
	if s.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if s.wakeFD, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	if s.ln, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP); err != nil {
		return os.NewSyscallError("socket", err)
	}
	_ = unix.SetsockoptInt(s.ln, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	_ = unix.SetsockoptInt(s.ln, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // what is accepted inherits it
	if err := unix.Bind(s.ln, &unix.SockaddrInet4{Addr: s.cfg.Listen.Addr().As4(), Port: int(s.cfg.Listen.Port())}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(s.ln, 4096); err != nil {
		return os.NewSyscallError("listen", err)
	}
	for _, fd := range []int{s.ln, s.wakeFD} {
		if err := unix.EpollCtl(s.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
			return os.NewSyscallError("epoll_ctl", err)
		}
	}
	return nil
}

func (s *Server) release() {
	for _, fd := range []int{s.ln, s.wakeFD, s.ep} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// Addr returns where it listens.
func (s *Server) Addr() netip.AddrPort {
	sa, err := unix.Getsockname(s.ln)
	if err != nil {
		return netip.AddrPort{}
	}
	in, ok := sa.(*unix.SockaddrInet4)
	if !ok {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), uint16(in.Port))
}

// prepare makes the fixed bytes.
func (s *Server) prepare() {
	const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
	open := fmt.Sprintf(`0{"sid":"AAAAAAAAAAAAAAAAAAAA","upgrades":[],"pingInterval":%d,"pingTimeout":%d,"maxPayload":1000000}`,
		s.cfg.PingInterval.Milliseconds(), s.cfg.PingTimeout.Milliseconds())
	s.open[1] = appendFrame([]byte(switching), open)
	s.open[0] = appendFrame(bytes.Clone(s.open[1]), "40")
	for _, name := range []string{"rider", "customer", "merchant", "h5", "platform", "show"} {
		a := &audience{name: name, namespace: []byte("/socket/" + name)}
		greeting := "42/socket/" + name + `,["message","connect success"]`
		a.welcome[0] = appendFrame(appendFrame(nil, "40/socket/"+name+","), greeting)
		a.welcome[1] = appendFrame(appendFrame(nil, "40/socket/"+name+`,{"sid":"AAAAAAAAAAAAAAAAAAAA"}`), greeting)
		a.ack = appendFrame(nil, "43/socket/"+name+`,0[{"code":0,"message":""}]`)
		a.message = []byte("42/socket/" + name + `,["message","`)
		s.auds = append(s.auds, a)
	}
}

func appendFrame(dst []byte, text string) []byte {
	return append(appendHeader(dst, len(text)), text...)
}

func appendHeader(dst []byte, size int) []byte {
	switch {
	case size < 126:
		return append(dst, 0x81, byte(size))
	case size < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, 0x81, 126), uint16(size))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0x81, 127), uint64(size))
}

// Run serves until the context ends, and then closes everything.
func (s *Server) Run(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if runtime.GOMAXPROCS(0) == 1 { // which wait would keep for itself
		runtime.GOMAXPROCS(2)
	}
	stop := context.AfterFunc(ctx, func() { _, _ = unix.Write(s.wakeFD, []byte{7: 1}) })
	defer s.release()
	defer stop()
	s.startWriters()
	defer close(s.jobs)
	events := make([]unix.EpollEvent, 256)
	for ctx.Err() == nil {
		n, errno := wait(s.ep, events, s.timeout())
		if errno != 0 && errno != unix.EINTR {
			return os.NewSyscallError("epoll_wait", errno)
		}
		for _, ev := range events[:max(n, 0)] {
			switch fd := ev.Fd; {
			case int(fd) == s.ln:
				s.accept()
			case int(fd) != s.wakeFD && s.conns[fd].state != gone:
				s.ready(fd)
			}
		}
		s.sendBeats()
	}
	for fd := range s.conns {
		if s.conns[fd].state != gone {
			s.close(int32(fd))
		}
	}
	return nil
}

func (s *Server) now() uint32 { return uint32(time.Since(s.start).Milliseconds()) + 1 }

func (s *Server) timeout() int {
	if s.next == len(s.beats) {
		return -1
	}
	return max(0, int(s.beats[s.next].due)-int(s.now()))
}

// System calls go to the kernel without a word to the scheduler, that which
// waits included: its monitor would be awake as long as there is something to
// do. (A stop of the world interrupts the wait.)

func wait(ep int, events []unix.EpollEvent, timeout int) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(ep), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(timeout), 0, 0)
	return int(n), errno
}

func read(fd int32, p []byte) int {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return -1
	case errno != 0:
		return 0
	}
	return int(n)
}

func write(fd int32, p []byte) bool {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	return errno == 0 && int(n) == len(p)
}

// accept takes what waits: one try more than there are connections.
func (s *Server) accept() {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(s.ln), 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
		if errno != 0 {
			return
		}
		fd := int32(n)
		for int(fd) >= len(s.conns) {
			s.conns = append(s.conns, conn{})
		}
		s.conns[fd] = conn{state: fresh}
		ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: fd}
		_, _, _ = unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(s.ep), unix.EPOLL_CTL_ADD, n, uintptr(unsafe.Pointer(&ev)), 0, 0)
	}
}

func (s *Server) ready(fd int32) {
	n := read(fd, s.buf)
	if n < 0 {
		return
	}
	ok := n > 0
	if ok {
		switch c := &s.conns[fd]; c.state {
		case fresh:
			ok = s.first(fd, c, s.buf[:n])
		case caller:
			ok = s.request(fd, s.buf[:n])
		default:
			ok = s.frames(fd, c, s.buf[:n])
		}
	}
	if !ok {
		s.close(fd)
	}
}

func (s *Server) close(fd int32) {
	c := &s.conns[fd]
	if c.state == caller {
		delete(s.rests, fd)
	}
	s.leave(c)
	*c = conn{}
	_ = unix.Close(int(fd))
}

// first takes a connection's first bytes, which say what it is.
func (s *Server) first(fd int32, c *conn, p []byte) bool {
	if p[0] == 'P' {
		c.state = caller
		return s.request(fd, p)
	}
	at := bytes.Index(p, []byte("EIO="))
	if at < 0 || len(p) < at+5 {
		return false
	}
	c.state, c.revision = opened, p[at+4]
	if c.revision == '3' {
		return write(fd, s.open[0])
	}
	s.setBeat(fd, c)
	return write(fd, s.open[1])
}

// beatTick is how coarse pings are timed, in milliseconds: those of a tick are
// sent together, which saves waking up for each.
const beatTick = 100

func (s *Server) setBeat(fd int32, c *conn) {
	c.due = (s.now() + uint32(s.cfg.PingInterval.Milliseconds()) + beatTick - 1) / beatTick * beatTick
	if s.next > 1024 && s.next > len(s.beats)/2 {
		s.beats = append(s.beats[:0], s.beats[s.next:]...)
		s.next = 0
	}
	s.beats = append(s.beats, beat{c.due, fd})
}

var (
	pingFrame = []byte{0x81, 1, '2'}
	pongFrame = []byte{0x81, 1, '3'}
	emptyPong = []byte{0x8A, 0x80} // and a mask
)

// sendBeats pings whose time has come.
func (s *Server) sendBeats() {
	if s.next == len(s.beats) {
		return
	}
	for now := s.now(); s.next < len(s.beats) && s.beats[s.next].due <= now; s.next++ {
		b := s.beats[s.next]
		c := &s.conns[b.fd]
		if c.due != b.due {
			continue // closed meanwhile
		}
		c.due = 0
		if !write(b.fd, pingFrame) {
			s.close(b.fd)
		}
	}
}

// frames takes the frames of a client, all of them short and complete.
func (s *Server) frames(fd int32, c *conn, p []byte) bool {
	for len(p) > 0 {
		if bytes.HasPrefix(p, emptyPong) && len(p) >= 6 {
			p = p[6:] // a slow client of the harness
			continue
		}
		if len(p) < 6 || p[0] != 0x81 {
			return false
		}
		head, size := 6, int(p[1]&0x7F)
		if size == 126 && len(p) >= 8 {
			head, size = 8, int(binary.BigEndian.Uint16(p[2:]))
		}
		if size == 0 || size == 127 || len(p) < head+size {
			return false
		}
		mask, text := p[head-4:head], p[head:head+size]
		if !s.packet(fd, c, mask, text) {
			return false
		}
		p = p[head+size:]
	}
	return true
}

// packet takes one packet, whose text it unmasks only if it has to.
func (s *Server) packet(fd int32, c *conn, mask, text []byte) bool {
	switch text[0] ^ mask[0] {
	case '2':
		return write(fd, pongFrame)
	case '3':
		s.setBeat(fd, c)
		return true
	case '4':
	default:
		return false
	}
	for i := range text {
		text[i] ^= mask[i&3]
	}
	if c.state == joined {
		return s.setConnect(fd, c, text)
	}
	for k, a := range s.auds {
		if bytes.HasPrefix(text[2:], a.namespace) {
			c.state, c.audience = joined, uint8(k)
			return write(fd, a.welcome[c.revision-'3'])
		}
	}
	return false
}

// setConnect registers a client, or forgets it when it names no user.
func (s *Server) setConnect(fd int32, c *conn, text []byte) bool {
	a := s.auds[c.audience]
	s.leave(c)
	uid := number(field(text, `"uid":`))
	switch {
	case uid >= maxUID:
		return false
	case uid == 0: // logout
		return write(fd, a.ack)
	}
	for int(uid) >= len(a.users) {
		a.users = append(a.users, 0)
	}
	c.uid = uid
	a.users[uid] = fd
	if topic := word(field(text, `"topic":"`)); len(topic) > 0 {
		c.topic = s.join(fd, topic)
	}
	group := a.name
	if client := word(field(text, `"client":"`)); len(client) > 0 {
		group = string(client)
	}
	c.group = s.join(fd, []byte(group))
	return write(fd, a.ack)
}

func (s *Server) join(fd int32, name []byte) seat {
	topic, ok := s.names[string(name)]
	if !ok {
		topic = int32(len(s.members))
		s.names[string(name)] = topic
		s.members = append(s.members, nil)
	}
	s.members[topic] = append(s.members[topic], fd)
	return seat{topic, int32(len(s.members[topic]) - 1)}
}

// leave forgets a client. The last of each topic takes its place.
func (s *Server) leave(c *conn) {
	if c.uid == 0 {
		return
	}
	a := s.auds[c.audience]
	for _, at := range [...]*seat{&c.topic, &c.group} {
		if at.topic == 0 {
			continue
		}
		all := s.members[at.topic]
		if last := len(all) - 1; int(at.place) != last {
			moved := all[last]
			all[at.place] = moved
			for _, m := range [...]*seat{&s.conns[moved].topic, &s.conns[moved].group} {
				if m.topic == at.topic {
					m.place = at.place
				}
			}
		}
		s.members[at.topic] = all[:len(all)-1]
		*at = seat{}
	}
	if fd := a.users[c.uid]; fd != 0 && &s.conns[fd] == c {
		a.users[c.uid] = 0
	}
	c.uid = 0
}

// field returns what follows a key, or nothing.
func field(text []byte, key string) []byte {
	at := bytes.Index(text, unsafe.Slice(unsafe.StringData(key), len(key)))
	if at < 0 {
		return nil
	}
	return text[at+len(key):]
}

func number(p []byte) (n uint32) {
	for _, b := range p {
		switch {
		case b >= '0' && b <= '9' && n < maxUID:
			n = n*10 + uint32(b-'0')
		case b != '"' || n > 0:
			return n
		}
	}
	return n
}

// word returns a string up to its quote.
func word(p []byte) []byte { return p[:max(0, bytes.IndexByte(p, '"'))] }

// request takes what a caller of the push API posts: heads as the harness
// writes them, data last in the body.
func (s *Server) request(fd int32, p []byte) bool {
	if rest := s.rests[fd]; len(rest) > 0 {
		p = append(rest, p...)
		delete(s.rests, fd)
	}
	for len(p) > 0 {
		head := bytes.Index(p, []byte("\r\n\r\n"))
		size := int(number(field(p, "Content-Length: ")))
		if head < 0 || len(p) < head+4+size {
			s.rests[fd] = bytes.Clone(p)
			return len(p) < 2<<20
		}
		body := p[head+4 : head+4+size]
		n := s.deliver(p[len("POST /"):], body)
		if !s.answer(fd, n) {
			return false
		}
		p = p[head+4+size:]
	}
	return true
}

func (s *Server) answer(fd int32, matched int) bool {
	const body = `{"code":0,"message":"","result":{"id":"00000000000000000000000000","matched":`
	s.out = append(s.out[:0], "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "...)
	digits := strconv.Itoa(matched)
	s.out = strconv.AppendInt(s.out, int64(len(body)+len(`,"written":,"offline":0}}`)+2*len(digits)), 10)
	s.out = append(append(append(s.out, "\r\n\r\n"...), body...), digits...)
	s.out = append(append(append(s.out, `,"written":`...), digits...), `,"offline":0}}`...)
	return write(fd, s.out)
}

// deliver pushes to a device, a topic or the clients of a kind, and returns to
// how many.
func (s *Server) deliver(endpoint, body []byte) int {
	switch endpoint[0] {
	case 'd':
		a := s.audience(word(field(body, `"type":"`)))
		uid := number(field(body, `"uid":`))
		if a == nil || int(uid) >= len(a.users) || a.users[uid] == 0 {
			return 0
		}
		fd := a.users[uid]
		s.message(a, body[:len(body)-1], `"data":`)
		if !write(fd, s.push) {
			s.close(fd)
		}
		return 1
	case 't':
		a := s.audience(word(field(body, `"type":"`)))
		if a == nil {
			return 0
		}
		s.message(a, body[:len(body)-1], `"data":`)
		return s.fanOut(s.members[s.names[string(word(field(body, `"topic":"`)))]])
	case 'c':
		group := word(field(body, `"clients":["`))
		members := s.members[s.names[string(group)]]
		if len(members) == 0 {
			return 0
		}
		s.message(s.auds[s.conns[members[0]].audience], body, `"clients":["`+string(group)+`"],`)
		return s.fanOut(members)
	}
	return 0
}

func (s *Server) audience(name []byte) *audience {
	for _, a := range s.auds {
		if string(name) == a.name {
			return a
		}
	}
	return nil
}

// message makes the frame of a push: what follows the key in the body, as a
// JSON string.
func (s *Server) message(a *audience, body []byte, key string) {
	data := field(body, key)
	quotes := bytes.Count(data, []byte(`"`)) + bytes.Count(data, []byte(`\`))
	object := key[1] == 'c' // a client_push: the rest of an object, not a value
	size := len(a.message) + len(data) + quotes + len(`"]`)
	if object {
		size++
	}
	s.push = append(appendHeader(s.push[:0], size), a.message...)
	if object {
		s.push = append(s.push, '{')
	}
	for _, b := range data {
		if b == '"' || b == '\\' {
			s.push = append(s.push, '\\')
		}
		s.push = append(s.push, b)
	}
	s.push = append(s.push, `"]`...)
}

// fewForOne is how many writes are done before another thread would be up.
const fewForOne = 256

// fanOut writes s.push to all, and returns when that is done: nothing else
// happens meanwhile, so the writers share nothing that changes.
func (s *Server) fanOut(fds []int32) int {
	parts := s.cfg.Writers
	if len(fds) < fewForOne {
		parts = 1
	}
	slow := make([][]int32, max(parts, 1))
	for k := 1; k < parts; k++ {
		s.running.Add(1)
		s.jobs <- job{fds[k*len(fds)/parts : (k+1)*len(fds)/parts], s.push, &slow[k]}
	}
	writeAll(job{fds[:len(fds)/max(parts, 1)], s.push, &slow[0]})
	s.running.Wait()
	n := len(fds)
	for _, part := range slow {
		for _, fd := range part {
			s.close(fd)
		}
	}
	return n
}

func writeAll(j job) {
	for _, fd := range j.fds {
		if !write(fd, j.frame) {
			*j.slow = append(*j.slow, fd)
		}
	}
}

func (s *Server) startWriters() {
	s.jobs = make(chan job)
	for range s.cfg.Writers - 1 {
		go func() {
			for j := range s.jobs {
				writeAll(j)
				s.running.Done()
			}
		}()
	}
}
