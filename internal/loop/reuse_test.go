package loop_test

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"outrider/internal/loop"
	"outrider/internal/poll/polltest"
)

// nonceSize is the size of the only message there is here: eight bytes that
// belong to one connection.
const nonceSize = 8

// town is a server to which clients come and go while pushers write to
// whomever they remember, which includes those that have just gone.
type town struct {
	t      *testing.T
	seats  []atomic.Pointer[citizen]
	served atomic.Int64
	pushed atomic.Int64
	nudges chan struct{} // for the pushers
}

// citizen is a connection's handler: it learns its nonce from the first
// message, and answers every message with its nonce.
type citizen struct {
	town  *town
	conn  *loop.Conn
	nonce [nonceSize]byte
	known bool
}

// closesItself tells those whom the server shall close.
func closesItself(nonce []byte) bool { return nonce[nonceSize-1]&3 == 0 }

func (z *citizen) Data(c *loop.Conn, p []byte) int {
	if len(p) < nonceSize {
		return 0
	}
	if !z.known {
		z.known = true
		copy(z.nonce[:], p)
		z.town.seats[rand.IntN(len(z.town.seats))].Store(z)
	}
	if string(z.nonce[:]) != string(p[:nonceSize]) {
		z.town.t.Errorf("the connection of %x was sent %x", z.nonce, p[:nonceSize])
	}
	z.town.served.Add(1)
	select {
	case z.town.nudges <- struct{}{}:
	default:
	}
	_ = c.Send(z.nonce[:])
	return nonceSize
}

func (z *citizen) EOF(c *loop.Conn)   { c.Finish() }
func (z *citizen) Expired(*loop.Conn) { z.town.t.Error("expired without a deadline") }

func (z *citizen) Closed(_ *loop.Conn, cause loop.Cause) {
	if cause == loop.CauseSlow || cause == loop.CausePeer {
		z.town.t.Errorf("closed because %v", cause)
	}
}

// push writes to connections from outside, alive or not, and closes some:
// three for every message that was served.
func (w *town) push(rng *rand.Rand) {
	for range w.nudges {
		for range 3 {
			z := w.seats[rng.IntN(len(w.seats))].Load()
			if z == nil {
				continue
			}
			if err := z.conn.Send(z.nonce[:]); err == nil {
				w.pushed.Add(1)
			}
			if closesItself(z.nonce[:]) {
				z.conn.Close(loop.CauseLocal)
			}
		}
	}
}

// client is one connection's life. It wants its own nonce back, nothing else
// and not less.
func client(addr string, rng *rand.Rand) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	nonce := binary.BigEndian.AppendUint64(nil, rng.Uint64())
	if _, err := c.Write(nonce); err != nil {
		return err
	}
	if err := own(c, nonce, 1+rng.IntN(3)); err != nil {
		return err
	}
	if rng.IntN(16) == 0 {
		return nil // with a FIN
	}
	return c.(*net.TCPConn).SetLinger(0) // with a RST
}

// own reads n messages. A client that the server shall close may miss some.
func own(c net.Conn, nonce []byte, n int) error {
	got := make([]byte, nonceSize)
	for range n {
		switch _, err := io.ReadFull(c, got); {
		case err != nil && closesItself(nonce):
			return nil
		case err != nil:
			return err
		case string(got) != string(nonce):
			return errors.New("a stranger's bytes")
		}
		if _, err := c.Write(nonce); err != nil && !closesItself(nonce) {
			return err
		}
	}
	return nil
}

// TestDescriptorsAreReused: descriptors change hands thousands of times a
// second while other goroutines write to their former owners. Nobody ever
// gets a stranger's byte, nobody is closed in another's place, and a
// bystander on every loop is served all the time (invariants 1 to 3).
func TestDescriptorsAreReused(t *testing.T) {
	const loops, clients, pushers = 4, 16, 2
	w := &town{t: t, seats: make([]atomic.Pointer[citizen], 64), nudges: make(chan struct{}, 64)}
	// A loop that waits holds its processor for a moment: more of them, so that
	// the clients need not stand in line.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2 * loops))
	g, addr := start(t, loop.Config{Loops: loops, Accept: func(c *loop.Conn) loop.Handler {
		return &citizen{town: w, conn: c}
	}})

	bystanders := make([]*net.TCPConn, 2*loops) // two for each: the least loaded is next
	for i := range bystanders {
		bystanders[i] = dial(t, addr)
	}
	var wg, pushing sync.WaitGroup
	for i := range pushers {
		pushing.Go(func() { w.push(rand.New(rand.NewPCG(1, uint64(i)))) })
	}
	var lives atomic.Int64
	end := time.Now().Add(reuseTime)
	for i := range clients {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(2, uint64(i)))
			for time.Now().Before(end) && !t.Failed() {
				if err := client(addr, rng); err != nil {
					t.Errorf("a client: %v", err)
				}
				lives.Add(1)
			}
		})
	}
	for round := 0; time.Now().Before(end) && !t.Failed(); round++ {
		for i, c := range bystanders {
			nonce := binary.BigEndian.AppendUint64(nil, uint64(i)<<8|1) // never closed
			if round == 0 {
				if _, err := c.Write(nonce); err != nil {
					t.Fatal(err)
				}
			}
			if err := own(c, nonce, 1); err != nil {
				t.Fatalf("bystander %d: %v", i, err)
			}
		}
	}
	wg.Wait()
	g.Close() // nobody nudges any more
	close(w.nudges)
	pushing.Wait()
	t.Logf("%d connections, %d messages answered, %d pushed", lives.Load(), w.served.Load(), w.pushed.Load())
	if lives.Load() < 1000 || w.pushed.Load() < 1000 {
		t.Error("that is too little to prove anything")
	}
}

// reuseTime is how long descriptors change hands.
const reuseTime = 3 * time.Second

// TestCloseAgainstWrite: several goroutines send, pause, resume and finish
// while one closes, on descriptors that are reused at once. The network in
// memory reports every call on a descriptor that is not the caller's.
func TestCloseAgainstWrite(t *testing.T) {
	const rounds, senders = 300, 4
	n := polltest.New(64, 0)
	conns := make(chan *loop.Conn, 1)
	g := startOn(t, n, loop.Config{Loops: 2, Accept: func(c *loop.Conn) loop.Handler {
		conns <- c
		return script{}
	}})
	for round := range rounds {
		p := connect(t, n, g)
		c := await(t, "a connection", conns)
		begin := make(chan struct{})
		var wg sync.WaitGroup
		for i := range senders {
			wg.Go(func() {
				<-begin
				for k := range 20 {
					if err := c.Send([]byte{byte(round), byte(round)}); errors.Is(err, loop.ErrClosed) {
						return
					}
					switch (i + k) % 8 {
					case 0:
						c.Pause()
					case 1:
						c.Resume()
					}
				}
			})
		}
		wg.Go(func() {
			<-begin
			if round%2 == 0 {
				c.Finish()
			}
			c.Close(loop.CauseLocal)
		})
		close(begin)
		got, err := io.ReadAll(p)
		if err != nil {
			t.Fatalf("the peer: %v", err)
		}
		for _, b := range got {
			if b != byte(round) {
				t.Fatalf("the peer of round %d read a byte of %d", round, b)
			}
		}
		wg.Wait()
	}
	if err := n.Misuse(); err != nil {
		t.Fatal(err)
	}
}
