package engineio_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gobwas/ws"

	"outrider/engineio"
	"outrider/internal/poll/polltest"
)

// TestResets: peers that break off, wherever they are, leave nothing behind,
// and a healthy client is served meanwhile (RELIABILITY rows 1 to 6;
// CVE-2022-41940).
func TestResets(t *testing.T) {
	s := serve(t, engineio.Config{}, nil)
	healthy, _ := s.websocket("EIO=4")
	polling := engine("EIO=4&transport=polling")
	websocket := engine("EIO=4&transport=websocket")
	descriptors := openDescriptors()
	for name, sent := range map[string]string{
		"nothing":         "",
		"eight bytes":     "GET /eng",
		"handshake":       request("GET", polling, ""),
		"upgrade":         request("GET", websocket, "", upgradeHeaders),
		"frames":          request("GET", websocket, "", upgradeHeaders) + frame(ws.OpText, "4"+strings.Repeat("x", 1000)),
		"half a frame":    request("GET", websocket, "", upgradeHeaders) + frame(ws.OpText, "4xyz")[:7],
		"foreign upgrade": request("GET", "/elsewhere/", "", upgradeHeaders),
		"unknown upgrade": request("GET", engine("EIO=4&transport=websocket&"+unknownSID), "", upgradeHeaders),
		"body":            "POST " + polling + " HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nxxx",
	} {
		for _, drop := range []func(wire){func(c wire) { c.Reset() }, func(c wire) { _ = c.CloseWrite(); _ = c.Close() }} {
			for range 20 {
				c := s.wire()
				if _, err := c.Write([]byte(sent)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				drop(c)
			}
			healthy.say("4healthy")
			healthy.hears("4healthy")
		}
	}
	if !settles(func() bool { return s.Stats().Conns == 1 && openDescriptors() <= descriptors }) {
		t.Errorf("%d connections, %d descriptors more than before", s.Stats().Conns, openDescriptors()-descriptors)
	}
	if n := s.Stats().Panics; n != 0 {
		t.Errorf("%d panics", n)
	}
}

// TestLostAnswer: an answer to a poll that cannot be sent is lost, and the
// session ends with it instead of going on with a gap.
func TestLostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := polltest.New(0, 0)
		s := serveOn(t, network, engineio.Config{}, nil)
		p := s.poll("EIO=4")
		p.start()
		synctest.Wait()
		network.Stop() // so that the server does not hear of the reset first
		p.get.Reset()
		if err := s.rec.session(t, 0).Send([]byte("lost"), false); err != engineio.ErrClosed {
			t.Errorf("Send: %v", err)
		}
		network.Continue()
		if got := s.rec.ended(t, 0); got != engineio.ReasonTransportError {
			t.Errorf("reason %q", got)
		}
		p.gone()
	})
}

// TestLatePoll: a poll that comes behind the probe's answer, and still waits
// when the upgrade packet comes, is as late as one that would come then.
func TestLatePoll(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server) {
		p := s.poll("EIO=4")
		w := p.probe()
		synctest.Wait() // the polls that came before it are released
		p.start()
		synctest.Wait()
		w.say("5")
		p.get.answer("GET").refused(t, 3, "Bad request")
		w.say("4x")
		w.hears("4x")
	})
}
