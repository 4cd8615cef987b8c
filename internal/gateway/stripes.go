package gateway

import (
	"hash/maphash"
	"sync"
)

// stripes are the locks of the users: one lock stands for all (kind, uid) that
// hash to it. 256 of them make a collision rare among the few users that
// change at one moment, fit an index of one byte, and cost 2 KiB whatever the
// number of users; nothing has to decide when a user's lock may go.
type stripes struct {
	seed  maphash.Seed
	locks [256]sync.Mutex
}

func (s *stripes) of(k kind, uid string) uint8 {
	return uint8(maphash.String(s.seed, uid) + uint64(k))
}

// lock takes two stripes, which may be one and the same, in index order: two
// callers that go opposite ways never wait for each other.
func (s *stripes) lock(a, b uint8) {
	s.locks[min(a, b)].Lock()
	if a != b {
		s.locks[max(a, b)].Lock()
	}
}

func (s *stripes) unlock(a, b uint8) {
	if a != b {
		s.locks[max(a, b)].Unlock()
	}
	s.locks[min(a, b)].Unlock()
}
