package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"outrider/internal/poll"
	"outrider/internal/sim"
)

const forAll = 25 * time.Second

func newNetwork(t *testing.T, revision, clients int) *sim.TestNetwork {
	t.Helper()
	n, err := sim.NewTestNetwork(revision, clients, forAll)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(n.Close(), n.Release()); err != nil {
			t.Error(err)
		}
	})
	return n
}

// ready returns the tokens that Wait reports without waiting.
func ready(t *testing.T, n *sim.TestNetwork) (tokens []uint64) {
	t.Helper()
	events := make([]poll.Event, 8)
	got, err := n.Wait(events, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range events[:got] {
		if ev.Ready != poll.Readable {
			t.Errorf("token %d is ready for %b", ev.Token, ev.Ready)
		}
		tokens = append(tokens, ev.Token)
	}
	return tokens
}

// read returns what a client says, "" for nothing and "FIN" for the end.
func read(t *testing.T, n *sim.TestNetwork, fd int) string {
	t.Helper()
	b := make([]byte, 4096)
	size, err := n.Read(fd, b)
	switch {
	case errors.Is(err, poll.ErrAgain):
		return ""
	case err != nil:
		t.Fatal(err)
	case size == 0:
		return "FIN"
	}
	return string(b[:size])
}

func write(t *testing.T, n *sim.TestNetwork, fd int, text string) {
	t.Helper()
	if size, err := n.Write(fd, []byte(text)); size != len(text) || err != nil {
		t.Fatalf("wrote %d of %q: %v", size, text, err)
	}
}

// text is a frame of the server's.
func text(payload string) string {
	if len(payload) < 126 {
		return "\x81" + string(rune(len(payload))) + payload
	}
	return "\x81\x7e\x00" + string([]byte{byte(len(payload))}) + payload
}

const answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"

// connect has the server's part of a session's beginning.
func connect(t *testing.T, n *sim.TestNetwork, fd int) {
	t.Helper()
	if err := n.Add(fd, uint64(fd), poll.Read); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ says, hears string }{
		{"GET /e/?EIO=", answer + text(`0{"sid":"x"}`)},
		{"\x81\x90\x00\x00\x00\x0040/socket/rider,", text(`40/socket/rider,{"sid":"y"}`) + text(`42/socket/rider,["message","connect success"]`)},
		{"\x81\xfe", text(`43/socket/rider,0[{"code":0,"message":""}]`)},
	} {
		if got := ready(t, n); !slices.Contains(got, uint64(fd)) {
			t.Fatalf("ready are %v, not %d", got, fd)
		}
		if got := read(t, n, fd); !strings.HasPrefix(got, step.says) {
			t.Fatalf("the client says %q, not %q", got, step.says)
		}
		write(t, n, fd, step.hears)
	}
}

// TestConversation is a session from beginning to end, of either revision.
func TestConversation(t *testing.T) {
	for revision := 3; revision <= 4; revision++ {
		n := newNetwork(t, revision, 2)
		n.Dial(1)
		connect(t, n, sim.FirstFD)
		if want := []int{sim.FirstFD, sim.FirstFD + 1}; !slices.Equal(n.Adopted, want) {
			t.Errorf("dialled are %v, want the second when the first was ready", n.Adopted)
		}
		write(t, n, sim.FirstFD, text(`42/socket/rider,["message","{}"]`))
		write(t, n, sim.FirstFD, text(`42/socket/rider,["message","`+strings.Repeat("x", 100)+`"]`))
		if got := read(t, n, sim.FirstFD); got != "" {
			t.Errorf("a client answers a push with %q", got)
		}
		if err := n.Shutdown(sim.FirstFD); err != nil {
			t.Fatal(err)
		}
		if got := read(t, n, sim.FirstFD); got != "FIN" {
			t.Errorf("a client answers a FIN with %q", got)
		}
		if err := n.CloseFD(sim.FirstFD); err != nil || n.Settled() {
			t.Errorf("%v; settled is %v", err, n.Settled())
		}
		if err := n.CloseFD(sim.FirstFD + 1); err != nil || !n.Settled() {
			t.Errorf("%v; settled is %v", err, n.Settled())
		}
		if got := n.Counts(); got != "ready 0 failed 1 lost 1 odd 0 beats 0 messages 2" {
			t.Errorf("revision %d: %s", revision, got)
		}
	}
}

// TestHeartbeats: a client of revision 4 answers a ping, behind which a FIN
// comes; one of revision 3 pings when its time has come and not before, each
// time anew.
func TestHeartbeats(t *testing.T) {
	n := newNetwork(t, 4, 1)
	n.Dial(1)
	connect(t, n, sim.FirstFD)
	write(t, n, sim.FirstFD, text("2"))
	if err := n.Shutdown(sim.FirstFD); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\x81\x81\x00\x00\x00\x003", "FIN", ""} {
		if got := read(t, n, sim.FirstFD); got != want {
			t.Errorf("the client says %q, want %q", got, want)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, 3, 2)
		n.Dial(2)
		connect(t, n, sim.FirstFD)
		time.Sleep(time.Second)
		connect(t, n, sim.FirstFD+1)
		events := make([]poll.Event, 8)
		began := time.Now()
		for i, want := range []time.Duration{forAll - time.Second, forAll, 2*forAll - time.Second, 2 * forAll} {
			got, err := n.Wait(events, -1)
			if at := time.Since(began); err != nil || got != 1 || events[0].Token != sim.FirstFD+uint64(i%2) || at != want {
				t.Fatalf("%d pings, the first of %d, after %v, %v, want one after %v", got, events[0].Token, at, err, want)
			}
			if got := read(t, n, sim.FirstFD+i%2); got != "\x81\x81\x00\x00\x00\x002" {
				t.Errorf("the client says %q", got)
			}
			write(t, n, sim.FirstFD+i%2, text("3"))
		}
		if err := n.CloseFD(sim.FirstFD); err != nil {
			t.Fatal(err)
		}
		if got, err := n.Wait(events, -1); err != nil || got != 0 {
			t.Errorf("a wake-up for a ping of one that is gone reports %d, %v", got, err)
		}
		if got, err := n.Wait(events, -1); err != nil || got != 1 || events[0].Token != sim.FirstFD+1 {
			t.Errorf("%d events, %v", got, err)
		}
		if got := n.Counts(); got != "ready 1 failed 0 lost 1 odd 0 beats 4 messages 0" {
			t.Error(got)
		}
	})
}

// TestNonsense: what no server says to its clients ends them, and is counted.
func TestNonsense(t *testing.T) {
	for _, bad := range []string{
		"HTTP/1.1 404 Not Found\r\n\r\n", "HTTP/1.1 101", answer + text("9"), answer + text(""), answer + text("4"),
		answer + text(`44/socket/rider,{"message":"no"}`), answer + text("41/socket/rider,"), answer + text("40/socket/customer,"),
		answer + text(`43/socket/rider,0[{"code":2}]`), answer + "\x81", answer + "\x81\x05x", answer + "\x01\x012",
		answer + "\x82\x012", answer + "\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x012",
	} {
		n := newNetwork(t, 4, 1)
		n.Dial(1)
		if err := n.Add(sim.FirstFD, 7, poll.Read); err != nil {
			t.Fatal(err)
		}
		read(t, n, sim.FirstFD)
		write(t, n, sim.FirstFD, bad)
		if got := read(t, n, sim.FirstFD); got != "FIN" {
			t.Errorf("%q: the client says %q", bad, got)
		}
		_ = n.CloseFD(sim.FirstFD)
		if got := n.Counts(); got != "ready 0 failed 1 lost 0 odd 1 beats 0 messages 0" {
			t.Errorf("%q: %s", bad, got)
		}
	}
}

// TestInterest: a client that is not watched waits with what it says.
func TestInterest(t *testing.T) {
	n := newNetwork(t, 4, 1)
	n.Dial(1)
	if err := n.Add(sim.FirstFD, 7, 0); err != nil {
		t.Fatal(err)
	}
	if got := ready(t, n); len(got) != 0 {
		t.Errorf("ready is %v, which nobody asked for", got)
	}
	for _, in := range []poll.Interest{poll.Read, 0} { // reported, but turned to only when it is not watched any more
		if err := n.Mod(sim.FirstFD, 7, in); err != nil {
			t.Fatal(err)
		}
	}
	if got := ready(t, n); len(got) != 0 {
		t.Errorf("ready is %v, which nobody asks for any more", got)
	}
	if err := n.Mod(sim.FirstFD, 7, poll.Read); err != nil {
		t.Fatal(err)
	}
	if got := ready(t, n); !slices.Equal(got, []uint64{7}) {
		t.Errorf("ready is %v, want 7", got)
	}
	if err := n.Mod(sim.FirstFD, 7, poll.Write); err == nil {
		t.Error("a descriptor can be watched for writing")
	}
	if err := n.Del(sim.FirstFD); err == nil {
		t.Error("a descriptor can leave")
	}
	if size, err := n.Writev(sim.FirstFD, [][]byte{[]byte(answer), []byte(text("0{}"))}); size != len(answer)+5 || err != nil {
		t.Errorf("wrote %d, %v", size, err)
	}
}

// TestWait: Wait ends when a client speaks, at Wake, and at its timeout.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, 4, 1)
		n.Dial(1)
		for _, test := range []struct {
			timeout, after time.Duration
			act            func() error
			events         int
			want           time.Duration
		}{
			{timeout: time.Second, after: time.Hour, act: func() error { return nil }, want: time.Second},
			{timeout: -1, after: time.Minute, act: n.Wake, want: time.Minute},
			{timeout: -1, after: time.Minute, act: func() error { return n.Add(sim.FirstFD, 7, poll.Read) }, events: 1, want: time.Minute},
			{timeout: 0, after: time.Hour, act: func() error { return nil }},
		} {
			began := time.Now()
			acting := time.AfterFunc(test.after, func() {
				if err := test.act(); err != nil {
					t.Error(err)
				}
			})
			got, err := n.Wait(make([]poll.Event, 4), test.timeout)
			if took := time.Since(began); got != test.events || err != nil || took != test.want {
				t.Errorf("%d events, %v, after %v, want %d after %v", got, err, took, test.events, test.want)
			}
			acting.Stop()
		}
		if err := n.Wake(); err != nil {
			t.Fatal(err)
		}
		if got, err := n.Wait(make([]poll.Event, 4), -1); got != 0 || err != nil {
			t.Errorf("a Wake before Wait: %d events, %v", got, err)
		}
	})
}

// TestLongLine: more clients than fit into a batch of events are reported in
// the order in which they spoke, however long the line gets.
func TestLongLine(t *testing.T) {
	const clients = 5000
	n := newNetwork(t, 4, clients)
	n.Dial(clients)
	var want, got []uint64
	for i := range clients {
		if err := n.Add(sim.FirstFD+i, uint64(i), poll.Read); err != nil {
			t.Fatal(err)
		}
		want = append(want, uint64(i))
	}
	for len(got) < clients {
		tokens := ready(t, n)
		if len(tokens) == 0 {
			break
		}
		got = append(got, tokens...)
		for _, token := range tokens {
			read(t, n, sim.FirstFD+int(token))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d of %d were reported, or not in order", len(got), clients)
	}
	if got := fmt.Sprint(ready(t, n)); got != "[]" {
		t.Errorf("ready is %v twice", got)
	}
}

// FuzzWrite: whatever a server writes, the client takes all of it, and either
// understands it or is ended.
func FuzzWrite(f *testing.F) {
	for _, seed := range []string{answer, answer + text("0{}") + text("2"), answer + text(`43/socket/rider,0[{"code":0}]`), "\x81\x7e\x00", "x"} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		n := newNetwork(t, 4, 1)
		n.Dial(1)
		if err := n.Add(sim.FirstFD, 7, poll.Read); err != nil {
			t.Fatal(err)
		}
		cut = max(0, min(cut, len(b)))
		for _, part := range [][]byte{b[:cut], b[cut:]} {
			if size, err := n.Write(sim.FirstFD, part); size != len(part) || err != nil {
				t.Errorf("wrote %d of %d: %v", size, len(part), err)
			}
		}
		if odd := !strings.Contains(n.Counts(), " odd 0 "); odd && !strings.HasSuffix(read(t, n, sim.FirstFD), "FIN") &&
			read(t, n, sim.FirstFD) != "FIN" {
			t.Errorf("a client that did not understand %q goes on", b)
		}
	})
}
