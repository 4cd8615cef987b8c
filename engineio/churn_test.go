package engineio_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"outrider/engineio"
	"outrider/internal/poll/polltest"
)

// actor is a test seen from another goroutine than its own, which ends alone.
type actor struct{ testing.TB }

func (a actor) Fatal(args ...any) {
	a.Helper()
	a.Error(args...)
	runtime.Goexit()
}

func (a actor) Fatalf(format string, args ...any) {
	a.Helper()
	a.Errorf(format, args...)
	runtime.Goexit()
}

// TestChurn has clients of all kinds come, talk and go in all manners over a
// network with faults. Every message comes back in order, every session ends
// once, and in the end nothing is left in any table.
func TestChurn(t *testing.T) {
	seeds := uint64(40)
	if raceEnabled || testing.Short() {
		seeds = 8
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { churn(t, seed) })
		})
	}
}

func churn(t *testing.T, seed uint64) {
	network := polltest.New(4<<10, seed)
	s := serveOn(t, network, engineio.Config{Loops: 3, Workers: 2, Inline: seed%2 == 0}, &recorder{message: echo, forget: true})
	var clients sync.WaitGroup
	for i := range 24 {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		clients.Go(func() {
			a := actor{t}
			v := &visitor{rng: rng, srv: &server{Server: s.Server, t: a, rec: s.rec, wire: s.wire}}
			for range 3 {
				v.visit()
			}
		})
	}
	clients.Wait()
	time.Sleep(2 * time.Minute) // for those who have only fallen silent
	synctest.Wait()
	if byID, byToken, timers := s.Tables(); byID != 0 || byToken != 0 || timers != 0 {
		t.Errorf("%d and %d sessions are left in the tables, and %d timers", byID, byToken, timers)
	}
	if st := s.Stats(); st.Conns != 0 || st.QueuedBytes != 0 || st.Panics != 0 || st.Slow != 0 {
		t.Errorf("%+v", st)
	}
	if n := network.Open(); n != 0 {
		t.Errorf("%d descriptors are open", n)
	}
}

// visitor is a client that plays a random part.
type visitor struct {
	rng  *rand.Rand
	srv  *server
	said int
}

func (v *visitor) visit() {
	query := []string{"EIO=4", "EIO=3", "EIO=3&b64=1"}[v.rng.IntN(3)]
	switch v.rng.IntN(8) {
	case 0, 1:
		w, _ := v.srv.websocket(query)
		v.talk(w)
		v.leave(w)
	case 2, 3:
		p := v.srv.poll(query)
		v.talkPolling(p)
		v.leavePolling(p)
	case 4, 5:
		p := v.srv.poll(query)
		v.talkPolling(p)
		w := p.probe()
		p.receive()
		w.say("5")
		v.talk(w)
		v.leave(w)
	case 6: // an upgrade that comes to nothing
		p := v.srv.poll(query)
		w := p.probe()
		v.leave(w)
		v.talkPolling(p)
		v.leavePolling(p)
	case 7: // rubbish
		c := v.srv.dial()
		b := make([]byte, v.rng.IntN(2000))
		for i := range b {
			b[i] = byte(v.rng.Uint32())
		}
		_, _ = c.Write(b)
		_ = c.CloseWrite()
		_, _ = c.Read(b)
		_ = c.Close()
	}
}

func (v *visitor) message() string {
	v.said++
	return strconv.Itoa(v.said) + strings.Repeat("x", v.rng.IntN(1<<v.rng.IntN(13)))
}

// talk says something, all at once, and hears it back.
func (v *visitor) talk(w *socket) {
	var said []string
	var b strings.Builder
	for range v.rng.IntN(10) {
		m := v.message()
		said = append(said, m)
		b.WriteString(frame(ws.OpText, "4"+m))
	}
	w.send(b.String())
	for _, m := range said {
		w.hears("4" + m)
	}
}

func (v *visitor) talkPolling(p *pollClient) {
	rev4 := strings.Contains(p.query, "EIO=4")
	for range v.rng.IntN(4) {
		var said []string
		var payload []string
		for range 1 + v.rng.IntN(5) {
			m := v.message()
			said = append(said, m)
			if m = "4" + m; !rev4 {
				m = fmt.Sprint(len(m), ":", m)
			}
			payload = append(payload, m)
		}
		separator := ""
		if rev4 {
			separator = "\x1e"
		}
		if v.rng.IntN(2) == 0 {
			p.start()
			p.deliver(strings.Join(payload, separator))
		} else {
			p.deliver(strings.Join(payload, separator))
			p.start()
		}
		for heard := p.finish(); ; heard = p.receive() {
			seq := engineio.Payload4([]byte(heard))
			if !rev4 {
				seq = engineio.Payload3([]byte(heard), false)
			}
			for m, err := range seq {
				switch {
				case err != nil:
					p.t.Fatal(err)
				case m.Type == engineio.Noop: // of an upgrade that did not happen
				case string(m.Data) != said[0]:
					p.t.Fatalf("heard %.20q, want %.20q", m.Data, said[0])
				default:
					said = said[1:]
				}
			}
			if len(said) == 0 {
				break
			}
		}
	}
}

func (v *visitor) leave(w *socket) {
	switch v.rng.IntN(7) {
	case 0:
		w.send(frame(ws.OpText, "1"))
	case 1:
		w.send(frame(ws.OpClose, "\x03\xe8"))
	case 2:
		_ = w.Close()
	case 3:
		w.Reset()
	case 4:
		_ = w.CloseWrite()
	case 5:
		w.send("\xff\xff\xff")
	case 6: // falls silent
	}
}

func (v *visitor) leavePolling(p *pollClient) {
	c := p.srv.dial()
	part := "POST " + engine(p.query) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
	switch v.rng.IntN(7) {
	case 0:
		c.send(request("POST", engine(p.query), "1"))
	case 1:
		c.send(request("POST", engine(p.query), "1:1"))
	case 2:
		c.send(request("GET", engine(p.query), ""))
		_ = c.Close()
	case 3:
		c.send(request("GET", engine(p.query), ""))
		c.Reset()
	case 4:
		c.send(part + "x")
		_ = c.Close()
	case 5:
		c.send(part)
	case 6: // falls silent
	}
}
