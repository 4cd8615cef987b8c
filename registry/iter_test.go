package registry_test

import (
	"slices"
	"testing"

	"outrider/registry"
)

// crowd is a key with n members and their seats.
type crowd struct {
	x       *registry.Index[member]
	members []*member
	seats   []registry.Seat[member]
}

func newCrowd(n int) *crowd {
	c := &crowd{x: registry.NewIndex[member]()}
	for i := range n {
		c.members = append(c.members, &member{i})
		c.seats = append(c.seats, c.x.Join("k", c.members[i]))
	}
	return c
}

func (c *crowd) rejoin(i int) {
	c.seats[i].Leave()
	c.seats[i] = c.x.Join("k", c.members[i])
}

// Invariant 4, move by move: members change seats while a walk stands at its first member.
func TestWalkWhileMembersMove(t *testing.T) {
	tests := []struct {
		name   string
		n      int
		during func(*crowd)
		want   []int
	}{
		{"nothing", 4, func(*crowd) {}, []int{0, 1, 2, 3}},
		{"the first slot rejoins in its place", 3, func(c *crowd) { c.rejoin(0) }, []int{0, 1, 2}},
		{"the first slot moves to the overflow", 3, func(c *crowd) {
			c.seats[0].Leave()
			c.x.Join("k", &member{9})
			c.seats[0] = c.x.Join("k", c.members[0])
		}, []int{0, 1, 2}},
		{"a seat ahead moves behind", 5, func(c *crowd) {
			c.seats[3].Leave()
			c.seats[1].Leave()
			c.seats[3] = c.x.Join("k", c.members[3])
		}, []int{0, 2, 4}},
		{"a seat ahead rejoins in its place", 5, func(c *crowd) { c.rejoin(3) }, []int{0, 1, 2, 4}},
		{"the place of a member ahead is taken by another", 5, func(c *crowd) {
			c.seats[3].Leave()
			c.x.Join("k", &member{9})
		}, []int{0, 1, 2, 4}},
		{"new chunks are added", 3, func(c *crowd) {
			for range 200 {
				c.x.Join("k", &member{9})
			}
		}, []int{0, 1, 2}},
		{"all leave", 100, func(c *crowd) {
			for _, s := range c.seats {
				s.Leave()
			}
		}, []int{0}},
		{"all leave and come back", 5, func(c *crowd) {
			for _, s := range c.seats {
				s.Leave()
			}
			for i, m := range c.members {
				c.seats[i] = c.x.Join("k", m)
			}
		}, []int{0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCrowd(tt.n)
			var got []int
			for m := range c.x.Members("k") {
				if len(got) == 0 {
					tt.during(c)
				}
				got = append(got, m.n)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("yielded %v, want %v", got, tt.want)
			}
		})
	}
}

func TestWalkStopsAndStartsAnew(t *testing.T) {
	c := newCrowd(100)
	seq := c.x.Members("k")
	for _, stop := range []int{1, 2, 50, 100} {
		n := 0
		for range seq {
			if n++; n == stop {
				break
			}
		}
		if n != stop {
			t.Errorf("%d members before the break, want %d", n, stop)
		}
	}
	c.x.Join("k", &member{100})
	if got := len(slices.Collect(seq)); got != 101 {
		t.Errorf("a later range yields %d, want 101", got)
	}
}

func TestWalksNest(t *testing.T) {
	c := newCrowd(20)
	n := 0
	for range c.x.Members("k") {
		for range c.x.Members("k") {
			n++
		}
	}
	if n != 400 {
		t.Errorf("%d pairs, want 400", n)
	}
}

// The loop's body may empty the key as it goes: clear_table of the push API.
func TestWalkThatRemoves(t *testing.T) {
	c := newCrowd(1000)
	n := 0
	for m := range c.x.Members("k") {
		c.seats[m.n].Leave()
		n++
	}
	if n != 1000 || c.x.Len("k") != 0 || c.x.Stats().Keys != 0 {
		t.Errorf("removed %d, %d left", n, c.x.Len("k"))
	}
}
