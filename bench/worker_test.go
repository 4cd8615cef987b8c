package bench

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"
)

// startCrew makes a crew of one worker within the test.
func startCrew(t *testing.T) *crew {
	t.Helper()
	c := &crew{watcher: func(Counts) {}}
	in, toWorker := io.Pipe()
	fromWorker, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := WorkerMain(in, out)
		out.Close()
		in.Close()
		ended <- err
	}()
	c.add("worker", toWorker, fromWorker, func() error { return <-ended })
	t.Cleanup(c.dismiss)
	return c
}

// TestWorkerErrors: what a worker is asked and cannot do comes back as an
// error, and the worker goes on.
func TestWorkerErrors(t *testing.T) {
	c := startCrew(t)
	good := startWith{Path: "/", Clients: 1, First: 1, Profiles: profiles{Mix{{"4", 1}}, Mix{{"websocket", 1}}, Mix{{"rider", 1}}}}
	bad := good
	bad.Profiles.EIO = Mix{{"2", 1}}
	for _, test := range []struct {
		do   string
		with any
		want string
	}{
		{"dance", nil, `no command "dance"`},
		{"stats", nil, "no clients yet"},
		{"start", 7, "startWith"},
		{"start", bad, "revision"},
		{"start", good, "no target"},
		{"connect", connectWith{}, "makes no sense"},
	} {
		_, err := ask[json.RawMessage](t.Context(), c, test.do, same(test.with))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.do, err, test.want)
		}
	}
}

// TestCancel: a command that would take long returns when the context ends,
// without an error, and what it has by then.
func TestCancel(t *testing.T) {
	c := startCrew(t)
	p := profiles{Mix{{"4", 1}}, Mix{{"websocket", 1}}, Mix{{"rider", 1}}}
	o := DefaultOptions()
	o.Targets = []string{"127.0.0.1:1"}
	addr, err := resolve(o.Targets[0])
	if err != nil {
		t.Fatal(err)
	}
	start := startWith{Path: "/", Clients: 1, First: 1, Profiles: p, Timeout: time.Second}
	start.Targets = append(start.Targets, addr)
	if _, err := ask[statsResult](t.Context(), c, "start", same(start)); err != nil {
		t.Fatal(err)
	}
	if _, err := ask[statsResult](t.Context(), c, "start", same(start)); err == nil {
		t.Error("a worker has two fleets")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	got, err := ask[receiptsSummary](ctx, c, "await", same(awaitWith{Total: 3, Timeout: time.Hour}))
	if err != nil || got[0].Missing != 3 {
		t.Errorf("await = %+v, %v, want 3 missing", got, err)
	}
	connected, err := ask[connectResult](t.Context(), c, "connect", same(connectWith{To: 9, InFlight: 1}))
	if err != nil || connected[0].Ready != 0 || failures(connected) != "connect 1" {
		t.Errorf("connect = %+v, %v", connected, err)
	}
}

// TestReceipts counts each push for itself, and nothing of earlier ones.
func TestReceipts(t *testing.T) {
	r := newReceipts(watchWith{From: 10, Each: true})
	take := func(number uint64, at int64) { r.take(stamp{number, 100, 110}.append(nil), at) }
	done := r.await(2, 11)
	take(9, 200)
	take(10, 200)
	take(11, 210)
	r.take([]byte(`"connect success"`), 210)
	select {
	case <-done:
		t.Fatal("one of two was enough")
	default:
	}
	take(11, 180)
	<-done
	if r.total != 3 || len(r.pushes) != 2 || *r.pushes[11] != (arrivals{Count: 2, First: 70, Last: 100}) {
		t.Errorf("%d in all, %+v of the last", r.total, r.pushes[11])
	}
	<-r.await(3, 0)
}
