package bench

import (
	"time"

	"outrider/bench/internal/fleet"
	"outrider/bench/internal/ledger"
)

// day is what citizens do in the course of time. Each acts once in a while, one
// after the other, and what it does is a function of its number and of how
// often it has been its turn.
type day struct {
	begun int64
	step  int64  // steps that are over
	acted uint64 // turns that clients have had
	later map[int64][]chore
	on    bool
}

// chore is what a client has to do later.
type chore struct {
	client int
	do     func(c *citizens, client int)
}

// dayStep is how finely time passes.
const dayStep = int64(100 * time.Millisecond)

// begin lets the day begin.
func (c *citizens) begin() {
	c.day = day{begun: c.fleet.Clock().Now(), later: map[int64][]chore{}, on: true}
}

// turn does what is due and says for how long nothing is.
func (d *day) turn(c *citizens, now int64) time.Duration {
	if !d.on {
		return -1
	}
	for ; d.begun+(d.step+1)*dayStep <= now; d.step++ {
		chores := d.later[d.step]
		delete(d.later, d.step)
		for _, chore := range chores {
			chore.do(c, chore.client)
		}
		n := uint64(len(c.each))
		due := uint64(float64((d.step+1)*dayStep) / float64(c.with.Every) * float64(n))
		for ; d.acted < due; d.acted++ {
			c.act(int(d.acted%n), d.acted/n)
		}
	}
	return time.Duration(d.begun + (d.step+1)*dayStep - now)
}

// after has a client do something later.
func (d *day) after(wait time.Duration, client int, do func(*citizens, int)) {
	at := d.step + 1 + int64(wait)/dayStep
	d.later[at] = append(d.later[at], chore{client, do})
}

// act is a client's turn. Who is on the way, or waits for an answer, has none.
func (c *citizens) act(client int, round uint64) {
	if z := &c.each[client]; !c.fleet.Ready(client) || z.pending || z.silent {
		return
	}
	random := scatter(c.number(client)<<20 ^ round)
	does := ""
	switch percent := random % 100; {
	case percent < 60 && !c.claims(client):
		return
	case percent < 40 && c.fleet.Profile(client).Kind == fleet.Rider:
		does = "moves"
		c.fleet.SetTopic(client, c.with.Plan.topic(fleet.Rider, c.number(client), 0, round+1))
		c.claim(client)
	case percent < 60:
		does = "repeats"
		c.claim(client)
	case percent < 70 && c.claims(client):
		does = "logs out"
		c.logOut(client, time.Duration(random>>32%3000)*time.Millisecond)
	case percent < 83:
		does = "leaves"
		c.record(ledger.Leaving, client)
		c.fleet.Close(client)
	case percent < 95:
		does = "breaks off"
		c.record(ledger.Leaving, client)
		c.fleet.Abort(client)
	default:
		does = "falls silent"
		c.fallSilent(client, time.Duration(random>>32%40_000)*time.Millisecond)
	}
	c.result.Acts[does]++
}

// logOut lets a client log out, and in again after a while.
func (c *citizens) logOut(client int, away time.Duration) {
	c.record(ledger.LoggingOut, client)
	c.each[client].pending = true
	c.fleet.Logout(client)
	c.day.after(away, client, func(c *citizens, client int) {
		// A logout without an answer must not last for ever.
		if z := &c.each[client]; c.fleet.Ready(client) && !z.silent {
			c.claim(client)
		}
	})
}

// fallSilent takes a client off the network. When it is back it notices that
// its connection is of no use, if the server has not before.
func (c *citizens) fallSilent(client int, away time.Duration) {
	c.record(ledger.Leaving, client)
	c.each[client].silent = true
	c.fleet.Silence(client)
	c.day.after(away, client, func(c *citizens, client int) {
		if c.each[client].silent {
			c.fleet.Abort(client)
		}
	})
}
