package bench

import (
	"sync"
	"time"
)

// peakEvery is how often memory is looked at where its peak is asked for. A
// read of statm takes some microseconds.
const peakEvery = 5 * time.Millisecond

// memoryPeak looks for the most memory that the servers have at one moment.
type memoryPeak struct {
	session *session
	stop    chan struct{}
	running sync.WaitGroup
	most    int64 // the goroutine's until it has ended
}

func (s *session) startPeak() *memoryPeak {
	m := &memoryPeak{session: s, stop: make(chan struct{})}
	m.running.Go(func() {
		every := time.NewTicker(peakEvery)
		defer every.Stop()
		for {
			sum := int64(0)
			for _, t := range s.targets {
				sum += t.process.resident()
			}
			m.most = max(m.most, sum)
			select {
			case <-every.C:
			case <-m.stop:
				return
			}
		}
	})
	return m
}

// end returns the peak between two readings. The kernel's own high-water mark
// counts if it has risen meanwhile: then it is of this time, and exact. Those
// of several processes need not be of one moment, and do not count.
func (m *memoryPeak) end(before, after usage) float64 {
	close(m.stop)
	m.running.Wait()
	most := max(m.most, before.RSS, after.RSS)
	if len(m.session.targets) == 1 && after.Peak > before.Peak {
		most = max(most, after.Peak)
	}
	return float64(most)
}
