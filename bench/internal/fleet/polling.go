package fleet

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"

	"outrider/bench/internal/http1"
	"outrider/engineio"
)

// polling is what a client has that polls, for life or until its upgrade. Like
// a browser it keeps two connections, one for the GET that waits and one for
// POSTs.
type polling struct {
	sid     string
	post    sock
	probe   sock
	outbox  [][]byte // packets for the next POST, or for after the upgrade
	asking  bool     // a GET waits
	posting bool     // a POST waits for its answer
	probing bool     // the probe's handshake is over
	paused  bool     // the probe was answered: no more GETs and POSTs
}

// openLong takes what the open packet says to a client that polls.
func (f *Fleet) openLong(i int, c *client, handshake []byte) bool {
	_, rest, _ := bytes.Cut(handshake, []byte(`"sid":"`))
	sid, _, ok := bytes.Cut(rest, []byte(`"`))
	if !ok {
		f.close(i, c, CauseProtocol)
		return false
	}
	c.long.sid = string(sid)
	if c.profileOf().Transport != Upgrade {
		return true
	}
	if f.dial(i, &c.long.probe, roleProbe) != nil {
		f.close(i, c, CauseConnect)
		return false
	}
	f.out = f.appendUpgrade(f.out[:0], i, c)
	f.send(i, c, &c.long.probe, roleProbe, f.out)
	return true
}

// poll sends the next GET.
func (f *Fleet) poll(i int, c *client) {
	c.long.asking = true
	f.out = f.appendPoll(f.out[:0], i, c)
	f.send(i, c, &c.main, roleMain, f.out)
}

// polled takes the answer to a GET.
func (f *Fleet) polled(i int, c *client, p []byte) int {
	resp, n, err := http1.Parse(p)
	switch {
	case err != nil || n > 0 && !c.long.asking:
		f.close(i, c, CauseProtocol)
		return 0
	case n == 0:
		return 0
	case resp.Status != 200:
		f.close(i, c, CauseRefused)
		return n
	}
	c.long.asking = false
	f.payload(i, c, resp)
	if c.state == closing || c.long == nil {
		return n
	}
	if !c.long.paused {
		f.poll(i, c)
	} else {
		f.upgrade(i, c)
	}
	return n
}

// payload takes the packets of an answer.
func (f *Fleet) payload(i int, c *client, resp http1.Response) {
	packets := engineio.Payload4(resp.Body)
	if c.profileOf().Revision == 3 {
		packets = engineio.Payload3(resp.Body, bytes.Equal(resp.Header("content-type"), []byte("application/octet-stream")))
	}
	var packet []byte
	for p, err := range packets {
		if err != nil {
			f.close(i, c, CauseProtocol)
		}
		if c.state == closing {
			return
		}
		packet = append(append(packet[:0], '0'+byte(p.Type)), p.Data...)
		f.packet(i, c, packet)
	}
}

// postOutbox sends what is in the outbox, in one POST, unless another one is
// under way.
func (f *Fleet) postOutbox(i int, c *client) {
	l := c.long
	if l.posting || l.paused || len(l.outbox) == 0 || c.state == closing {
		return
	}
	if l.post.fd < 0 {
		if f.dial(i, &l.post, rolePost) != nil {
			f.close(i, c, CauseConnect)
			return
		}
	}
	f.text = f.text[:0] // what was in it is in the outbox
	for k, packet := range l.outbox {
		switch {
		case c.profileOf().Revision == 3: // all of it is ASCII: a byte is a UTF-16 unit
			f.text = append(strconv.AppendInt(f.text, int64(len(packet)), 10), ':')
		case k > 0:
			f.text = append(f.text, 0x1e)
		}
		f.text = append(f.text, packet...)
	}
	l.outbox = nil
	l.posting = true
	f.out = f.appendPost(f.out[:0], i, c, f.text)
	f.send(i, c, &l.post, rolePost, f.out)
}

// posted takes the answer to a POST.
func (f *Fleet) posted(i int, c *client, p []byte) int {
	resp, n, err := http1.Parse(p)
	switch {
	case err != nil || n > 0 && !c.long.posting:
		f.close(i, c, CauseProtocol)
		return 0
	case n == 0:
		return 0
	case resp.Status != 200:
		f.close(i, c, CauseRefused)
		return n
	}
	c.long.posting = false
	if c.long.paused {
		f.upgrade(i, c)
	} else {
		f.postOutbox(i, c)
	}
	return n
}

// probeInput takes what comes on the WebSocket of an upgrade before it is one.
func (f *Fleet) probeInput(i int, c *client, p []byte) (n int) {
	l := c.long
	if !l.probing {
		resp, used, err := http1.Parse(p)
		switch {
		case err != nil:
			f.close(i, c, CauseProtocol)
			return 0
		case used == 0:
			return 0
		case !switched(resp):
			f.close(i, c, CauseRefused)
			return 0
		}
		l.probing, n = true, used
		f.out = appendFrame(f.out[:0], opText, f.nextKey(), []byte("2probe"))
		f.send(i, c, &l.probe, roleProbe, f.out)
	}
	fr, used, err := parseFrame(p[n:])
	switch {
	case err != nil:
		f.close(i, c, CauseProtocol)
	case used == 0:
		return n
	case fr.opcode != opText || string(fr.payload) != "3probe":
		f.close(i, c, CauseProtocol)
	default:
		l.paused = true
		f.upgrade(i, c)
		n += used
		if c.upgraded {
			n += f.frames(i, c, p[n:])
		}
	}
	return n
}

// upgrade makes the probe the client's connection when nothing is under way on
// the others, and sends what had to wait.
func (f *Fleet) upgrade(i int, c *client) {
	l := c.long
	if l.asking || l.posting || c.state == closing {
		return
	}
	closeSock(&c.main)
	closeSock(&l.post)
	c.main, c.long = l.probe, nil
	c.switched, c.upgraded = true, true
	f.write(i, c, []byte("5"))
	for _, packet := range l.outbox {
		f.write(i, c, packet)
	}
	f.settle(i, c)
}

// end is the end of a socket's stream.
func (f *Fleet) end(i int, c *client, r role) {
	if r == rolePost && !c.long.posting {
		closeSock(&c.long.post) // idle for too long; the next POST has another
		return
	}
	f.close(i, c, CausePeer)
}

func closeSock(s *sock) {
	if s.fd >= 0 {
		_ = unix.Close(int(s.fd))
	}
	*s = sock{fd: -1}
}
