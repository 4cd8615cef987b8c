package bench

import (
	"context"
	"errors"
	"sync"

	"outrider/bench/internal/fleet"
)

// everyTopic is pushes to one topic after the other. A round of them reaches
// each client once whose kind has topics.
type everyTopic struct {
	kinds  []fleet.Kind // one of each audience
	topics int
}

func (s *session) everyTopic() (everyTopic, error) {
	e := everyTopic{topics: s.opts.Topics}
	seen := map[string]bool{}
	for _, share := range s.profiles.Kind {
		kind, err := fleet.ParseKind(share.Name)
		if err != nil || share.Weight == 0 || !kind.Topical() || seen[kind.Audience()] {
			continue
		}
		seen[kind.Audience()] = true
		e.kinds = append(e.kinds, kind)
	}
	if len(e.kinds) == 0 {
		return e, misuse("no clients of a kind that has topics")
	}
	return e, nil
}

// round is how many pushes it takes to reach everybody at one target.
func (e everyTopic) round() int { return len(e.kinds) * e.topics }

// job is so many rounds of pushes to one target, so many rounds a second; a
// rate of 0 is as fast as answers come.
func (e everyTopic) job(api *pushAPI, first uint64, rounds int, rate float64) pushJob {
	return pushJob{
		Rate: rate * float64(e.round()), Count: rounds * e.round(), First: first,
		Append: func(dst []byte, st stamp) []byte {
			i := int((st.number - first) % uint64(e.round()))
			return api.topic(dst, e.kinds[i/e.topics], uint64(i%e.topics), st)
		},
	}
}

// pushRounds makes the rounds to all targets at once. The results are by
// target.
func (s *session) pushRounds(ctx context.Context, e everyTopic, rounds int, rate float64, size int) ([]pushResult, error) {
	return s.pushEach(ctx, func(_ int, api *pushAPI) pushJob {
		api.size = size
		return e.job(api, s.numbers(rounds*e.round()), rounds, rate)
	})
}

// pushEach runs a pusher for each target at once, with the job that it gets.
func (s *session) pushEach(ctx context.Context, job func(target int, api *pushAPI) pushJob) ([]pushResult, error) {
	n := len(s.targets)
	results := make([]pushResult, n)
	failed := make([]error, n)
	var running sync.WaitGroup
	for i := range n {
		p, api, err := s.pusher(i, max(1, s.opts.Conns/n))
		if err != nil {
			running.Wait()
			return nil, err
		}
		job := job(i, api)
		running.Go(func() {
			defer p.close()
			results[i], failed[i] = p.run(ctx, job)
		})
	}
	running.Wait()
	return results, errors.Join(failed...)
}
