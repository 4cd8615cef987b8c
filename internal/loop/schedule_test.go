package loop_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"outrider/internal/loop"
	"outrider/internal/poll"
	"outrider/internal/poll/polltest"
)

// Random schedules over the faulty network. One loop, and a driver that acts
// only while it sleeps or from within its Wait: so a seed is one schedule,
// and one that fails can be run again.
var (
	oneSeed = flag.Uint64("seed", 0, "run this schedule alone, and tell its steps")
	seeds   = flag.Int("seeds", manySeeds(), "how many schedules to run")
)

// manySeeds are fewer under the race detector: it is eight times as slow, and
// finds little where one goroutine runs at a time.
func manySeeds() int {
	if raceEnabled {
		return 400
	}
	return 2000
}

// TestRandomSchedules: short reads and writes, EAGAIN, and events that are
// doubled, stale, shuffled or about nothing change no byte of a stream, in
// either direction, and leave nothing behind.
func TestRandomSchedules(t *testing.T) {
	material := text(100_000)
	if *oneSeed != 0 {
		synctest.Test(t, func(t *testing.T) {
			t.Logf("%s", runSchedule(t, *oneSeed, material, true))
		})
		return
	}
	const shards = 4
	for shard := range shards {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			for seed := shard + 1; seed <= *seeds && !t.Failed(); seed += shards {
				synctest.Test(t, func(t *testing.T) { runSchedule(t, uint64(seed), material, false) })
			}
		})
	}
}

// TestASeedIsOneSchedule is what makes a failure replayable.
func TestASeedIsOneSchedule(t *testing.T) {
	material := text(100_000)
	for seed := range uint64(20) {
		var traces [2][]byte
		for i := range traces {
			synctest.Test(t, func(t *testing.T) { traces[i] = runSchedule(t, seed+1, material, true) })
		}
		if !bytes.Equal(traces[0], traces[1]) {
			t.Errorf("seed %d: two runs differ", seed+1)
		}
	}
}

// schedule is one run.
type schedule struct {
	*testing.T
	rng      *rand.Rand
	net      *polltest.Net
	group    *loop.Group
	pairs    []*pair
	accepted *pair // whom Accept is called for
	draining bool
	material []byte // what the streams are cut from
	traced   bool
	trace    []byte
}

// stream is one direction of a connection.
type stream struct {
	data      []byte
	sent, got int
}

// pair is both ends of a connection.
type pair struct {
	s        *schedule
	name     int
	peer     *polltest.Peer
	conn     *loop.Conn
	up, down stream

	fin      bool // the peer has shut its side
	ended    bool // the peer has read the end, or an error
	broken   bool // by a reset or by Close: bytes may be missing
	finished bool // by the server
	resets   bool // a reset after so many bytes was asked for
	closed   int  // how often Closed was called
}

// runSchedule returns what happened, if it is to be traced.
func runSchedule(t *testing.T, seed uint64, material []byte, traced bool) (trace []byte) {
	rng := rand.New(rand.NewPCG(seed, 1))
	s := &schedule{T: t, rng: rng, material: material, traced: traced}
	s.net = polltest.New(1<<(4+rng.IntN(9)), seed) // 16 to 4096 bytes
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("run it again with: go test -run 'TestRandomSchedules$' -seed %d", seed)
		}
	})
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	s.group = startOn(t, s.net, loop.Config{Logger: logger, Accept: func(c *loop.Conn) loop.Handler {
		s.accepted.conn = c
		return s.accepted
	}})
	s.net.Between(func() {
		if s.rng.IntN(4) == 0 {
			s.serverStep(s.pick())
		}
	})
	for range 60 {
		s.act(s.step)
		s.check()
	}
	s.drain()
	return s.trace
}

// act does something while the loop sleeps, and lets it work until it sleeps
// again.
func (s *schedule) act(do func()) {
	s.net.Stop()
	do()
	s.net.Continue()
	synctest.Wait()
}

func (s *schedule) note(format string, args ...any) {
	if s.traced {
		s.trace = fmt.Appendf(s.trace, format+"\n", args...)
	}
}

func (s *schedule) pick() *pair { return s.pairs[s.rng.IntN(len(s.pairs))] }

// step is one thing that happens while the loop sleeps.
func (s *schedule) step() {
	if len(s.pairs) < 3 || s.rng.IntN(20) == 0 {
		s.dial()
		return
	}
	p := s.pick()
	switch n := s.rng.IntN(100); {
	case n < 30:
		p.peerWrites()
	case n < 65:
		p.peerReads(s.rng.IntN(3000))
	case n < 97:
		s.serverStep(p)
	case n < 99:
		p.peerEnds()
	case p.closed == 0:
		s.note("%d reset", p.name)
		p.broken = true
		p.peer.Reset()
	}
}

func (s *schedule) dial() {
	p := &pair{s: s, name: len(s.pairs)}
	p.up.data = s.cut(30_000)
	p.down.data = s.cut(6_000)
	s.accepted = p
	peer, err := s.net.Dial(s.group.Adopt)
	if err != nil {
		s.Fatal(err)
	}
	p.peer = peer
	if s.rng.IntN(4) == 0 {
		in, out := s.rng.IntN(4000), s.rng.IntN(4000)
		s.note("%d resets after %d in or %d out", p.name, in, out)
		p.resets = true
		p.peer.ResetAfter(in, out)
	}
	s.pairs = append(s.pairs, p)
}

// cut returns a piece of the material, which is like no other's.
func (s *schedule) cut(atMost int) []byte {
	begin := s.rng.IntN(len(s.material) - atMost)
	return s.material[begin:][:s.rng.IntN(atMost)]
}

// serverStep is what another goroutine does to a connection.
func (s *schedule) serverStep(p *pair) {
	if p.conn == nil {
		return // not accepted yet
	}
	switch n := s.rng.IntN(100); {
	case n < 50:
		p.serverSends()
	case n < 65:
		s.note("%d pause", p.name)
		p.conn.Pause()
	case n < 95:
		s.note("%d resume", p.name)
		p.conn.Resume()
	case n < 98:
		p.serverFinishes()
	default:
		s.note("%d close", p.name)
		p.broken = true
		p.conn.Close(loop.CauseLocal)
	}
}

func (p *pair) peerWrites() {
	k := min(p.s.rng.IntN(5000), len(p.up.data)-p.up.sent)
	if p.fin || k == 0 {
		return
	}
	n, err := p.peer.Write(p.up.data[p.up.sent:][:k])
	p.s.note("%d peer writes %d, %v", p.name, n, err)
	p.up.sent += n
}

func (p *pair) peerReads(atMost int) {
	b := make([]byte, 1+min(atMost, p.peer.Waiting()))
	if len(b) == 1 && p.closed == 0 { // it would wait
		return
	}
	n, err := p.peer.Read(b)
	p.s.note("%d peer reads %d, %v", p.name, n, err)
	p.down.take(p, b[:n])
	p.ended = p.ended || err != nil
	if errors.Is(err, io.EOF) && !p.broken && !p.resets && p.down.got != p.down.sent {
		p.s.Fatalf("connection %d: the stream ends after %d of %d bytes", p.name, p.down.got, p.down.sent)
	}
}

// take checks what came out of a stream.
func (st *stream) take(p *pair, b []byte) {
	if !bytes.HasPrefix(st.data[st.got:st.sent], b) {
		p.s.Errorf("connection %d: different bytes from %d on: %q, of %d sent", p.name, st.got, b, st.sent)
	}
	st.got += len(b)
}

func (p *pair) peerEnds() {
	p.s.note("%d peer ends", p.name)
	p.fin = true
	_ = p.peer.CloseWrite()
}

func (p *pair) serverSends() {
	k := min(p.s.rng.IntN(3000), len(p.down.data)-p.down.sent)
	b := p.down.data[p.down.sent:][:k]
	var err error
	if p.s.rng.IntN(2) == 0 {
		err = p.conn.Send(b)
	} else {
		b = bytes.Clone(b)
		err = p.conn.SendCopy(b)
		clear(b)
	}
	p.s.note("%d server sends %d, %v", p.name, k, err)
	if err == nil {
		p.down.sent += k
	}
}

func (p *pair) serverFinishes() {
	p.s.note("%d finish", p.name)
	p.finished = true
	p.conn.Finish()
}

// Data implements loop.Handler: it takes some.
func (p *pair) Data(c *loop.Conn, b []byte) int {
	s := p.s
	p.alive("Data")
	k := len(b)
	if !s.draining && s.rng.IntN(2) == 0 {
		k = s.rng.IntN(len(b) + 1)
	}
	s.note("%d data %d of %d", p.name, k, len(b))
	p.up.take(p, b[:k])
	clear(b[:k]) // may be changed in place
	if !s.draining && s.rng.IntN(8) == 0 {
		s.serverStep(p)
	}
	return k
}

func (p *pair) alive(what string) {
	if p.finished || p.closed > 0 {
		p.s.Errorf("connection %d: %s after the end", p.name, what)
	}
}

// EOF implements loop.Handler.
func (p *pair) EOF(*loop.Conn) {
	p.alive("EOF")
	if !p.fin {
		p.s.Errorf("connection %d: EOF of a peer that goes on", p.name)
	}
}

// Expired implements loop.Handler.
func (p *pair) Expired(*loop.Conn) { p.s.Errorf("connection %d: expired without a deadline", p.name) }

// Closed implements loop.Handler.
func (p *pair) Closed(_ *loop.Conn, cause loop.Cause) {
	p.s.note("%d closed: %v", p.name, cause)
	p.closed++
	if cause == loop.CauseError && !p.resets && !p.broken {
		p.s.Errorf("connection %d: an error out of nothing", p.name)
	}
	p.broken = p.broken || cause == loop.CauseError
}

// check is what holds whenever the loop sleeps.
func (s *schedule) check() {
	for _, p := range s.pairs {
		queued := p.conn.Queued()
		if armed := p.peer.Interest()&poll.Write != 0; p.closed == 0 && armed != (queued > 0) {
			s.Fatalf("connection %d: write interest %v with %d bytes waiting", p.name, armed, queued)
		}
		if p.broken && p.closed != 1 {
			s.Fatalf("connection %d is broken, and was closed %d times", p.name, p.closed)
		}
	}
}

// drain ends every connection in order, and wants what is still owed.
func (s *schedule) drain() {
	s.draining = true
	s.net.Between(nil)
	for _, p := range s.pairs {
		p.drainUp()
		s.act(p.serverFinishes)
		for !p.ended && p.closed == 0 {
			before, fin := p.down.got, p.fin
			s.act(p.peerReadsOrEnds)
			if p.down.got == before && fin {
				s.Fatalf("connection %d: stuck after %d of %d bytes", p.name, p.down.got, p.down.sent)
			}
		}
		if p.closed != 1 {
			s.Fatalf("connection %d was closed %d times", p.name, p.closed)
		}
	}
	s.check()
	if n := s.group.Stats().Panics; n > 0 {
		s.Fatalf("%d panics", n)
	}
}

// drainUp wants every byte that the peer has sent, if nobody stopped it.
func (p *pair) drainUp() {
	if p.finished || p.broken {
		return
	}
	p.s.act(p.conn.Resume)
	if p.up.got != p.up.sent && !p.broken {
		p.s.Fatalf("connection %d: the server has %d of %d bytes", p.name, p.up.got, p.up.sent)
	}
}

// peerReadsOrEnds reads what has come, and when all has, shuts the peer's
// side, upon which the server closes.
func (p *pair) peerReadsOrEnds() {
	if p.peer.Waiting() > 0 {
		p.peerReads(1 << 20)
		return
	}
	p.peerEnds()
}
