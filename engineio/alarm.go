package engineio

import "time"

// Alarm is a function that a session will run. See [Session.After].
type Alarm struct {
	session *Session // set at construction
	at      int64
	fn      func()
	next    *Alarm // guarded by the session's mu
}

// After runs fn on a worker, in order with Message, when d has passed, up to
// a tick later. It does not run if the session ends before, or if the alarm
// is stopped, and nothing is kept of it then.
func (s *Session) After(d time.Duration, fn func()) *Alarm {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &Alarm{session: s, at: s.home.loop.Now() + int64(d), fn: fn}
	if s.state != stateOpen {
		return a
	}
	a.next, s.alarms = s.alarms, a
	if a.at < s.due { // else the wheel comes round before it anyway
		s.rearm()
	}
	return a
}

// Stop prevents the alarm's function from being run, and reports whether it
// did: false means that it has been given to a worker, or that the session has
// ended.
func (a *Alarm) Stop() bool {
	a.session.mu.Lock()
	defer a.session.mu.Unlock()
	for p := &a.session.alarms; *p != nil; p = &(*p).next {
		if *p == a {
			*p = a.next
			return true
		}
	}
	return false
}

// ring gives the alarms that are due to a worker, the earliest first.
func (s *Session) ring(now int64) {
	for {
		var first **Alarm
		for p := &s.alarms; *p != nil; p = &(*p).next {
			if (*p).at <= now && (first == nil || (*p).at <= (*first).at) {
				first = p // of two at the same time the one set first is last in the list
			}
		}
		if first == nil {
			return
		}
		s.enqueue(item{kind: itemFunc, fn: (*first).fn}, nil)
		*first = (*first).next
	}
}
