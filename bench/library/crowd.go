package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// dialling is how many clients connect at the same time.
const dialling = 64

// crowd is the clients of one run. The first that fails ends it.
type crowd struct {
	clients []*client
	ctx     context.Context // the run's, with the cause of its end
	fail    context.CancelCauseFunc
	leave   func() // closes all connections, once
}

// gather connects n clients. They live until leave is called.
func gather(ctx context.Context, addr string, n int) (*crowd, error) {
	g := &crowd{clients: make([]*client, n)}
	g.ctx, g.fail = context.WithCancelCause(ctx)
	g.leave = sync.OnceFunc(func() {
		g.fail(nil)
		for _, c := range g.clients {
			if c != nil {
				c.conn.Close()
			}
		}
	})
	var all sync.WaitGroup
	for first := range min(n, dialling) {
		all.Go(func() {
			for i := first; i < n && g.ctx.Err() == nil; i += dialling {
				c, err := dial(g.ctx, addr)
				if err != nil {
					g.fail(fmt.Errorf("client %d of %d: %w", i+1, n, err))
					return
				}
				g.clients[i] = c
			}
		})
	}
	all.Wait()
	if err := g.cause(); err != nil {
		g.leave()
		return nil, err
	}
	for _, c := range g.clients { // the run's patience begins now
		if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
			g.leave()
			return nil, err
		}
	}
	return g, nil
}

// check ends the run if a client has failed.
func (g *crowd) check(err error) {
	if err != nil {
		g.fail(err)
	}
}

// cause returns why the run has ended, nil if it has not.
func (g *crowd) cause() error { return context.Cause(g.ctx) }

// wait returns after a time, or with the cause if the run ends before.
func (g *crowd) wait(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-g.ctx.Done():
		return g.cause()
	}
}
