package engineio_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"outrider/engineio"
)

// TestInline: messages are handled in the order in which they came, whether by
// a loop or, while something of the session is before them, by a worker. That
// no two calls overlap is seen by the recorder, and over a network with faults
// by TestChurn.
func TestInline(t *testing.T) {
	const messages = 200
	var mu sync.Mutex
	var ran []string // by Post
	s := serve(t, engineio.Config{Inline: true}, &recorder{message: func(s *engineio.Session, data []byte, _ bool) {
		text := string(data)
		if strings.HasSuffix(text, "5") { // which gives the session to a worker
			s.Post(func() {
				mu.Lock()
				defer mu.Unlock()
				ran = append(ran, text)
			})
		}
		if text == "end" {
			_ = s.Send(data, false)
		}
	}})
	var want, wantRan, packets []string
	for i := range messages {
		text := fmt.Sprintf("%03d", i)
		packets = append(packets, "4"+text)
		want = append(want, text)
		if i%10 == 5 {
			wantRan = append(wantRan, text)
		}
	}
	packets, want = append(packets, "4end"), append(want, "end")

	check := func(session *seen) {
		t.Helper()
		var got []string
		s.rec.mu.Lock()
		for _, m := range session.messages {
			got = append(got, string(m.Data))
		}
		s.rec.mu.Unlock()
		if !slices.Equal(got, want) {
			t.Errorf("messages came as %v", got)
		}
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(ran, wantRan) {
			t.Errorf("posts ran as %v", ran)
		}
		ran = nil
	}
	w, _ := s.websocket("EIO=4")
	for _, p := range packets {
		w.say(p)
	}
	w.hears("4end")
	if !settles(func() bool { mu.Lock(); defer mu.Unlock(); return len(ran) == len(wantRan) }) {
		t.Error("not all posts ran")
	}
	check(s.rec.session(t, 0))

	p := s.poll("EIO=4")
	p.deliver(strings.Join(packets, "\x1e"))
	if got := p.receive(); got != "4end" {
		t.Errorf("received %q", got)
	}
	if !settles(func() bool { mu.Lock(); defer mu.Unlock(); return len(ran) == len(wantRan) }) {
		t.Error("not all posts ran")
	}
	check(s.rec.session(t, 1))
}

// TestInlinePanics: a panic on a loop ends the session, and nobody else's.
func TestInlinePanics(t *testing.T) {
	s := serve(t, engineio.Config{Inline: true, Loops: 1}, &recorder{panics: 1, message: func(s *engineio.Session, data []byte, binary bool) {
		if string(data) == "panic" {
			panic("broken")
		}
		echo(s, data, binary)
	}})
	w, _ := s.websocket("EIO=4")
	other, _ := s.websocket("EIO=4")
	w.say("4panic")
	other.say("4x")
	other.hears("4x")
	if !settles(func() bool { st := s.Stats(); return st.Panics == 1 && st.Sessions == 1 }) {
		t.Errorf("%+v", s.Stats())
	}
}
