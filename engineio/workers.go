package engineio

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/panjf2000/ants/v2"
)

// workers runs the handler for the sessions that have something for it.
//
// A session is with at most one worker, which takes all that waits in its
// inbox; so its messages are handled in order, and a burst costs one hand-over.
// As many workers as half the processors work at first: they go from session
// to session, and a hand-over to a goroutine that runs already costs a tenth of
// one that must be woken. The other sessions stand in line. If nobody has left
// it for a while, the handlers are such that wait, and everybody in line gets
// a worker of his own, as long as there are any; from then on a worker that
// has emptied an inbox goes to the first in line, and one whose session has
// filled it again meanwhile puts that session at the end. So a flood from some
// costs the others no more than their turn.
type workers struct {
	srv    *Server
	pool   *ants.PoolWithFuncGeneric[*Session]
	brisk  int          // how many work before there is a reason for more
	active atomic.Int64 // sessions with a worker or in line

	// guarded by mu
	mu       sync.Mutex
	line     []*Session
	gone     int  // of line, at its beginning
	running  int  // workers
	left     int  // sessions that have left the line since the timer fired last
	retrying bool // the timer runs

	inboxes sync.Pool
}

// retryPause is how long the line may stand still before more workers are
// looked for.
const retryPause = time.Millisecond

func newWorkers(srv *Server, size int) (*workers, error) {
	w := &workers{srv: srv, brisk: max(1, runtime.GOMAXPROCS(0)/2)}
	w.inboxes.New = func() any { return new(inbox) }
	var err error
	w.pool, err = ants.NewPoolWithFuncGeneric(size, w.work,
		ants.WithNonblocking(true), ants.WithLogger(discard{}))
	return w, err
}

// discard is the pool's logger: its workers never panic, since run recovers.
type discard struct{}

// Printf implements ants.Logger.
func (discard) Printf(string, ...any) {}

// submit sees to it that a session which has just got something to do gets a
// worker. The caller holds the session's mu.
func (w *workers) submit(s *Session) {
	w.active.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running < w.brisk && w.start(s) {
		return
	}
	w.line = append(w.line, s)
	w.retryLater()
}

// submit is workers.submit for who has called drain on a loop, and found that
// more waits.
func (s *Session) submit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.home.srv.workers.submit(s)
}

// start gives a session to a worker of its own, if one is free. The caller
// holds mu.
func (w *workers) start(s *Session) bool {
	if w.pool.Invoke(s) != nil {
		return false
	}
	w.running++
	return true
}

// retryLater starts the timer. The caller holds mu.
func (w *workers) retryLater() {
	if !w.retrying {
		w.retrying = true
		w.left = 0
		time.AfterFunc(retryPause, w.retry)
	}
}

// retry gives a line that stands still to the workers that are free.
func (w *workers) retry() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.retrying = false
	for w.left == 0 && w.waiting() > 0 {
		if !w.start(w.line[w.gone]) {
			w.srv.stats.overloads.Add(1)
			break
		}
		w.drop()
	}
	if w.waiting() > 0 && !w.pool.IsClosed() {
		w.retryLater()
	}
}

// work is what a worker does.
func (w *workers) work(s *Session) {
	for s != nil {
		if s.drain() {
			s = w.rotate(s)
			continue
		}
		w.active.Add(-1)
		s = w.next()
	}
}

// next takes the first session in line. If there is none, the worker that
// asks is done.
func (w *workers) next() *Session {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting() == 0 {
		w.running--
		return nil
	}
	return w.pop()
}

// rotate puts a session at the end of the line and takes the first.
func (w *workers) rotate(s *Session) *Session {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting() == 0 {
		return s
	}
	w.line = append(w.line, s)
	return w.pop()
}

// waiting returns how many sessions are in line. The caller holds mu.
func (w *workers) waiting() int { return len(w.line) - w.gone }

// pop takes the first session in line, where there is one. The caller holds
// mu.
func (w *workers) pop() *Session {
	s := w.line[w.gone]
	w.drop()
	w.left++
	return s
}

// drop takes the first session out of the line. The array is used again, and
// not kept when it was made for a long line that is gone.
func (w *workers) drop() {
	w.line[w.gone] = nil
	w.gone++
	if w.gone*2 < len(w.line) {
		return
	}
	n := copy(w.line, w.line[w.gone:])
	clear(w.line[n:])
	w.line, w.gone = w.line[:n], 0
	if n == 0 && cap(w.line) > maxInboxItems {
		w.line = nil
	}
}

// releaseTimeout is how long release waits.
const releaseTimeout = 5 * time.Second

// release ends the pool when its work is done, or after a while: a handler
// that never returns cannot be helped.
func (w *workers) release() {
	end := time.Now().Add(releaseTimeout)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for w.active.Load() > 0 && time.Now().Before(end) {
		<-tick.C
	}
	_ = w.pool.ReleaseTimeout(max(time.Until(end), time.Millisecond))
}

// inbox is what a session's handler has yet to see.
type inbox struct {
	items []item
	data  []byte // the messages' bytes, one after the other
}

// item is one call to be made.
type item struct {
	kind   itemKind
	binary bool
	reason CloseReason
	size   int // of the message, in inbox.data
	fn     func()
	post   *httpConn
}

type itemKind uint8

const (
	itemMessage itemKind = iota // Handler.Message
	itemClosed                  // Handler.Closed
	itemFunc                    // fn, of After or Post
	itemPosted                  // a POST's packets have been handled: answer it
)

// Bounds of an inbox. Over them the WebSocket is not read until a worker has
// taken it. (A polling client is held back by its POST's answer.)
const (
	maxInboxItems = 256
	maxInboxBytes = 64 << 10
)

func (in *inbox) full() bool {
	return len(in.items) >= maxInboxItems || len(in.data) >= maxInboxBytes
}

// Post runs fn on a worker, in order with Message. It does not run after
// Closed has been called.
func (s *Session) Post(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateOpen {
		s.enqueue(item{kind: itemFunc, fn: fn}, nil)
	}
}

// receiveMessage gives a message to the handler: where the handler never
// blocks (Config.Inline) and nothing is before the message, at once, as if this
// loop were the session's worker. It reports whether the next packet may come.
func (s *Session) receiveMessage(p Packet) (goOn bool) {
	it := item{kind: itemMessage, binary: p.Binary}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpen {
		return true
	}
	if s.working || !s.home.srv.cfg.Inline {
		s.enqueue(it, p.Data)
		return !s.paused
	}
	s.working = true
	s.mu.Unlock()
	s.run(&it, p.Data)
	s.mu.Lock()
	if s.working = s.inbox != nil; s.working {
		s.home.srv.workers.submit(s)
	}
	return !s.paused
}

// enqueue adds a call for the handler. The caller holds mu.
func (s *Session) enqueue(it item, data []byte) {
	w := s.home.srv.workers
	if s.inbox == nil {
		s.inbox = w.inboxes.Get().(*inbox)
	}
	in := s.inbox
	it.size = len(data)
	in.items = append(in.items, it)
	in.data = append(in.data, data...)
	if s.conn != nil && in.full() {
		s.paused = true
		s.conn.Pause() // each time: a Resume that is under way would outlast the first
	}
	if !s.working {
		s.working = true
		w.submit(s)
	}
}

// drain makes the calls that wait, and reports whether others wait by then.
func (s *Session) drain() (more bool) {
	s.mu.Lock()
	in := s.inbox
	s.inbox = nil
	if s.paused { // another inbox may fill while this one is worked off
		s.paused = false
		s.conn.Resume()
	}
	s.mu.Unlock()
	s.runAll(in)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.working = s.inbox != nil
	return s.working
}

func (s *Session) runAll(in *inbox) {
	data := in.data
	for i := range in.items {
		it := &in.items[i]
		s.run(it, data[:it.size:it.size])
		data = data[it.size:]
	}
	clear(in.items)
	in.items, in.data = in.items[:0], in.data[:0]
	if cap(in.data) <= maxPooled && cap(in.items) <= maxInboxItems {
		s.home.srv.workers.inboxes.Put(in)
	}
}

// run makes one call. A panic ends the session, not the process.
func (s *Session) run(it *item, data []byte) {
	srv := s.home.srv
	defer func() {
		if r := recover(); r != nil {
			s.recovered(r)
		}
	}()
	switch it.kind {
	case itemMessage:
		srv.cfg.Handler.Message(s, data, it.binary)
	case itemClosed:
		srv.cfg.Handler.Closed(s, it.reason)
	case itemFunc:
		it.fn()
	case itemPosted:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.acceptPost(it.post)
	}
}

// recovered notes a panic of the handler's, and ends the session.
func (s *Session) recovered(r any) {
	srv := s.home.srv
	srv.stats.panics.Add(1)
	srv.cfg.Logger.LogAttrs(context.Background(), slog.LevelError, "panic in a session's handler",
		slog.String("panic", fmt.Sprint(r)), slog.String("stack", string(debug.Stack())))
	s.end(ReasonTransportError, abrupt)
}
