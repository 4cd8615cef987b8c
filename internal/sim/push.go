package sim

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"outrider/pushhttp"
)

// payload is what a push carries: a hundred bytes, as bench's pushes do.
const payload = `{"title":"bench","body":"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrst","push_type":"bench"}`

// spread is a prime by which consecutive pushes go to users that are far from
// each other: their records are in no cache.
const spread = 7_368_787

// Pushes is what a number of pushes took, one by one.
type Pushes struct {
	Took    []time.Duration // of each
	Elapsed time.Duration
	Missed  int // that did not have exactly the receivers they should
}

// made is the number of those that had.
func (p *Pushes) made() int64 { return int64(len(p.Took) - p.Missed) }

// pushUID makes n pushes to one user each, beginning with the from-th.
func (r *run) pushUID(ctx context.Context, from, n int, push func(uid string) (written int)) (p Pushes) {
	p.Took = make([]time.Duration, 0, n)
	began := time.Now()
	for i := from; i < from+n && ctx.Err() == nil; i++ {
		user := uid(int(int64(i) * spread % int64(r.cfg.Sessions)))
		at := time.Now()
		written := push(user)
		p.Took = append(p.Took, time.Since(at))
		if written != 1 {
			p.Missed++
		}
	}
	p.Elapsed = time.Since(began)
	return p
}

// direct is a push through the gateway, as the push API's handler makes it.
func (r *run) direct() func(uid string) int {
	uids, data := make([]string, 1), []byte(payload)
	return func(uid string) int {
		uids[0] = uid
		return r.gateway.PushDevice("rider", uids, data).Written
	}
}

// posted is a push through the push API's handler, as its server calls it when
// a request has been read. It has the handler decode, push and answer.
func (r *run) posted() (func(uid string) int, error) {
	const secret = "simulated"
	h, err := pushhttp.New(pushhttp.Config{Publisher: r.gateway, Keys: []pushhttp.Key{pushhttp.NewKey("sim", secret)}})
	if err != nil {
		return nil, err
	}
	ctx := new(fasthttp.RequestCtx)
	ctx.Init(new(fasthttp.Request), nil, nil)
	var body []byte
	return func(uid string) int {
		body = append(append(body[:0], `{"type":"rider","uid":`...), uid...)
		body = append(append(append(body, `,"data":`...), payload...), '}')
		ctx.Request.Reset()
		ctx.Response.Reset()
		ctx.Request.Header.SetMethod(fasthttp.MethodPost)
		ctx.Request.SetRequestURI("/device_push")
		ctx.Request.Header.SetContentType("application/json")
		ctx.Request.Header.Set(fasthttp.HeaderAuthorization, "Bearer "+secret)
		ctx.Request.SetBodyRaw(body)
		h.ServeHTTP(ctx)
		if ctx.Response.StatusCode() != fasthttp.StatusOK {
			return 0
		}
		return 1 // or the clients' count will tell
	}, nil
}

// pushUIDs is all that is measured of pushes to one user.
func (r *run) pushUIDs(ctx context.Context) error {
	n := r.cfg.UIDPushes
	r.phase("uid push", 0)
	before := r.net.messages()
	r.result.UIDPush = r.pushUID(ctx, 0, n, r.direct())
	posted, err := r.posted()
	if err != nil {
		return err
	}
	r.result.PostedPush = r.pushUID(ctx, n, n, posted)

	callers := make([]Pushes, r.cfg.Callers)
	var all sync.WaitGroup
	began := time.Now()
	for i := range callers {
		all.Go(func() {
			from, to := n*i/len(callers), n*(i+1)/len(callers)
			callers[i] = r.pushUID(ctx, 2*n+from, to-from, r.direct())
		})
	}
	all.Wait()
	sum := &r.result.CallersPush
	sum.Elapsed = time.Since(began)
	for _, p := range callers {
		sum.Took = append(sum.Took, p.Took...)
		sum.Missed += p.Missed
	}
	return r.count("uid push", before, r.result.UIDPush.made()+r.result.PostedPush.made()+sum.made())
}

// pushAll pushes to all, time after time.
func (r *run) pushAll(ctx context.Context) error {
	r.phase("system push", r.cfg.SystemPushes)
	p := &r.result.SystemPush
	for i := 0; i < r.cfg.SystemPushes && ctx.Err() == nil; i++ {
		before, ready := r.net.messages(), r.net.ready.Load()
		at := time.Now()
		written := r.gateway.PushClient([]string{"rider"}, []byte(payload)).Written
		took := time.Since(at)
		p.Took = append(p.Took, took)
		p.Elapsed += took
		if int64(written) != ready {
			p.Missed++
		}
		if err := r.count("system push", before, ready); err != nil {
			return err
		}
		r.step(i + 1)
	}
	return nil
}

// count holds what the clients have received against what they should have: a
// push is not done when the server says so, and a fast one that reaches nobody
// is none.
func (r *run) count(what string, before, want int64) error {
	r.received.Store(r.net.messages())
	if got := r.received.Load() - before; got != want {
		return fmt.Errorf("sim: %s: %d of %d messages arrived", what, got, want)
	}
	return nil
}
