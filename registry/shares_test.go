package registry_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// TestShares: all shares together are every member once, whatever their number.
func TestShares(t *testing.T) {
	for _, members := range []int{0, 1, 2, 5, 100, 1000} {
		c := newCrowd(members)
		for _, n := range []int{1, 2, 3, 7} {
			t.Run(fmt.Sprintf("members=%d/n=%d", members, n), func(t *testing.T) {
				shares := c.x.Shares("k", n)
				if len(shares) != n {
					t.Fatalf("%d shares, want %d", len(shares), n)
				}
				var met []int
				for _, share := range shares {
					for m := range share {
						met = append(met, m.n)
					}
				}
				slices.Sort(met)
				var want []int
				for i := range members {
					want = append(want, i)
				}
				if !slices.Equal(met, want) {
					t.Errorf("met %v", met)
				}
			})
		}
	}
}

// TestSharesAreAlike: none has much more to do than another.
func TestSharesAreAlike(t *testing.T) {
	c := newCrowd(10_000)
	for i, share := range c.x.Shares("k", 4) {
		n := 0
		for range share {
			n++
		}
		if n < 2400 || n > 2600 {
			t.Errorf("share %d has %d of 10,000 members", i, n)
		}
	}
}

// TestSharesEnd: a loop that breaks off ends its share alone.
func TestSharesEnd(t *testing.T) {
	c := newCrowd(1000)
	shares := c.x.Shares("k", 2)
	for range shares[0] {
		break
	}
	n := 0
	for range shares[1] {
		n++
	}
	if n < 400 {
		t.Errorf("the other share has %d members", n)
	}
}

// TestSharesWhileMembersMove: invariant 4 for a walk by several goroutines. Who
// stays is met once, who moves about at most once.
func TestSharesWhileMembersMove(t *testing.T) {
	const members, movers, walks, n = 2000, 4, 50, 3
	c := newCrowd(members)
	var stop atomic.Bool
	var moving sync.WaitGroup
	for k := range movers {
		moving.Go(func() { // the odd ones move, each by one goroutine
			for i := 2*k + 1; !stop.Load(); i = (i + 2*movers) % members {
				c.rejoin(i)
			}
		})
	}
	for range walks {
		var met [members]atomic.Int32
		var walking sync.WaitGroup
		for _, share := range c.x.Shares("k", n) {
			walking.Go(func() {
				for m := range share {
					met[m.n].Add(1)
				}
			})
		}
		walking.Wait()
		for i := range met {
			if got := met[i].Load(); got > 1 || got == 0 && i%2 == 0 {
				t.Fatalf("member %d was met %d times", i, got)
			}
		}
	}
	stop.Store(true)
	moving.Wait()
}
