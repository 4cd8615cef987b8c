package bench

import "time"

// schedule says when pushes are due.
type schedule struct {
	job     pushJob
	start   int64
	next    int // how many were taken
	stopped bool
}

// due is when the push with this place is, on a schedule.
func (s *schedule) due(i int) int64 {
	return s.start + int64(float64(i)*float64(time.Second)/s.job.Rate)
}

// count is how many there are at all.
func (s *schedule) count() int {
	n := s.job.Count
	if s.job.Rate > 0 && s.job.For > 0 {
		n = min(n, int(s.job.Rate*s.job.For.Seconds()))
	}
	return n
}

// end is when the last one is due, by which a job without a schedule ends, too.
func (s *schedule) end() int64 {
	if s.job.Rate > 0 {
		return s.due(s.count())
	}
	if s.job.For > 0 {
		return s.start + int64(s.job.For)
	}
	return s.start + int64(time.Minute)
}

// over reports whether no more is to be sent.
func (s *schedule) over(now int64) bool {
	return s.stopped || s.next >= s.count() || s.job.Rate == 0 && now >= s.end()
}

// take returns when the next one was due, if it is by now.
func (s *schedule) take(now int64) (due int64, ok bool) {
	if s.over(now) {
		return 0, false
	}
	due = now
	if s.job.Rate > 0 {
		if due = s.due(s.next); due > now {
			return due, false
		}
	}
	s.next++
	return due, true
}

// missed is how many were due by now and not taken.
func (s *schedule) missed(now int64) int {
	if s.job.Rate == 0 {
		return 0
	}
	n := 0
	for i := s.next; i < s.count() && s.due(i) <= now; i++ {
		n++
	}
	return n
}
