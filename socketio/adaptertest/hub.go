package adaptertest

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"outrider/socketio"
)

// Hub joins several servers in one process into a cluster, for tests of what is built on one. What passes through it is
// encoded and decoded as on a network.
type Hub struct {
	mu      sync.Mutex // guards what follows; none is locked under it
	members []*Member
}

// Member is the adapter of one server.
type Member struct {
	hub      *Hub
	node     *socketio.Node // set by Start
	requests sync.WaitGroup // that node answers

	receiving sync.Mutex // held while node receives

	stalled atomic.Bool
}

var (
	errStalled = errors.New("adaptertest: node is stalled")
	errMissing = errors.New("adaptertest: replies are missing")
)

// Adapter returns the adapter for one more server.
func (h *Hub) Adapter() *Member { return &Member{hub: h} }

// Start implements [socketio.Adapter].
func (m *Member) Start(node *socketio.Node) error {
	m.node = node
	m.hub.mu.Lock()
	defer m.hub.mu.Unlock()
	m.hub.members = append(m.hub.members, m)
	return nil
}

// Stall has the node get no messages and answer none, as one whose network is cut, until it is called with false. What
// is sent meanwhile is lost.
func (m *Member) Stall(on bool) { m.stalled.Store(on) }

// others returns the members but this one.
func (m *Member) others() []*Member {
	m.hub.mu.Lock()
	defer m.hub.mu.Unlock()
	var others []*Member
	for _, o := range m.hub.members {
		if o != m {
			others = append(others, o)
		}
	}
	return others
}

// Publish implements [socketio.Adapter]. The others receive the message before it returns.
func (m *Member) Publish(msg *socketio.Message) error {
	var failed error
	for _, o := range m.others() {
		failed = errors.Join(failed, o.receive(msg))
	}
	return failed
}

func (m *Member) receive(msg *socketio.Message) error {
	if m.stalled.Load() {
		return errStalled
	}
	copied, err := carry(msg)
	if err != nil {
		return err
	}
	m.receiving.Lock()
	defer m.receiving.Unlock()
	return m.node.Receive(copied)
}

// Request implements [socketio.Adapter].
func (m *Member) Request(ctx context.Context, msg *socketio.Message) ([]*socketio.Reply, error) {
	type result struct {
		reply *socketio.Reply
		err   error
	}
	others := m.others()
	results := make(chan result, len(others)) // so that nobody waits who answers too late
	for _, o := range others {
		o.requests.Go(func() {
			reply, err := o.answer(ctx, msg)
			results <- result{reply, err}
		})
	}
	var replies []*socketio.Reply
	var failed error
	for range others {
		select {
		case r := <-results:
			if r.err != nil {
				failed = errors.Join(failed, r.err)
			} else {
				replies = append(replies, r.reply)
			}
		case <-ctx.Done():
			return replies, fmt.Errorf("%w: %d of %d: %w", errMissing, len(others)-len(replies), len(others), ctx.Err())
		}
	}
	return replies, failed
}

func (m *Member) answer(ctx context.Context, msg *socketio.Message) (*socketio.Reply, error) {
	if m.stalled.Load() {
		<-ctx.Done()
		return nil, errStalled
	}
	copied, err := carry(msg)
	if err != nil {
		return nil, err
	}
	reply, err := m.node.Answer(ctx, copied)
	if err != nil {
		return nil, err
	}
	return carry(reply)
}

// Close implements [socketio.Adapter].
func (m *Member) Close() error {
	m.hub.mu.Lock()
	for i, o := range m.hub.members {
		if o == m {
			m.hub.members = append(m.hub.members[:i:i], m.hub.members[i+1:]...)
			break
		}
	}
	m.hub.mu.Unlock()
	m.requests.Wait()
	return nil
}

// carry returns what arrives of v at the other end of a network.
func carry[T any](v *T) (*T, error) {
	var wire bytes.Buffer
	if err := gob.NewEncoder(&wire).Encode(v); err != nil {
		return nil, err
	}
	arrived := new(T)
	return arrived, gob.NewDecoder(&wire).Decode(arrived)
}
