package e2e_test

import (
	"context"
	"sync"
)

// queue hands what arrives at any time to a test that asks for one thing after the other. It has no bound: a reader of a
// process's output must never wait for the test.
type queue[T any] struct {
	mu    sync.Mutex
	items []T
	more  chan struct{} // holds one token while items is not empty
}

func newQueue[T any]() *queue[T] {
	return &queue[T]{more: make(chan struct{}, 1)}
}

func (q *queue[T]) put(item T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = append(q.items, item)
	q.signal()
}

// take removes the oldest item, waiting for one until ctx ends.
func (q *queue[T]) take(ctx context.Context) (T, error) {
	for {
		if item, ok := q.poll(); ok {
			return item, nil
		}
		select {
		case <-q.more:
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
	}
}

func (q *queue[T]) poll() (item T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return item, false
	}
	item = q.items[0]
	q.items = q.items[1:]
	if len(q.items) > 0 {
		q.signal()
	}
	return item, true
}

func (q *queue[T]) signal() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}
