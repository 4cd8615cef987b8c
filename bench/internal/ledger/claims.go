package ledger

import (
	"cmp"
	"math"
	"slices"
)

// never is later than everything.
const never = math.MaxInt64

// connection is one connection of a client, with what it claimed.
type connection struct {
	client   uint64
	ops      []op
	leaving  int64 // never: it stayed
	settled  int64 // when the server has noticed that it is closed; the same
	replaced []int64
	stays    []stay
}

// op is a change of what a connection claims: a set_connect, or, without
// addresses, a logout.
type op struct {
	begun     int64
	acked     int64 // never: it was not
	answered  bool
	device    uint8
	exclusive bool
	addresses []Address
}

func (o *op) names(a Address) bool { return slices.Contains(o.addresses, a) }

// latest is by when the op has had its effect, if it has one (rule 4).
func (o *op) latest(c *connection) int64 { return min(o.acked, c.settled) }

// stay is a claim to one address. The server's own idea of it begins within
// [begin, sure] and ends within [end, over].
type stay struct {
	address                Address
	begin, sure, end, over int64
}

// login is one set_connect among all that have the same exclusive login.
type login struct {
	c *connection
	*op
}

// book is all claims of a ledger.
type book struct {
	clients map[uint64][]*connection // by number, in the order of time
	logins  map[Address][]login      // by exclusive login, in the order in which they begun
	ended   int64                    // when the first file did
	claims  int
}

func newBook() *book {
	return &book{clients: map[uint64][]*connection{}, logins: map[Address][]login{}, ended: never}
}

// add takes a record of a client. The records of one client come in their
// order.
func (b *book) add(r *Record) {
	all := b.clients[r.Client]
	if r.Event == Opened {
		b.clients[r.Client] = append(all, &connection{client: r.Client, leaving: never, settled: never})
		return
	}
	if len(all) == 0 {
		return
	}
	c := all[len(all)-1]
	switch r.Event {
	case Claimed:
		b.claims++
		c.ops = append(c.ops, op{
			begun: r.At, acked: never, device: r.Device, exclusive: r.Exclusive,
			addresses: slices.Clone(r.Addresses),
		})
	case LoggingOut:
		c.ops = append(c.ops, op{begun: r.At, acked: never})
	case Acked:
		c.answer(r.At, false)
	case Refused:
		c.answer(never, false)
	case LoggedOut:
		c.answer(r.At, true)
	case Replaced:
		c.replaced = append(c.replaced, r.At)
	case Leaving:
		c.leaving = min(c.leaving, r.At)
	case Closed:
		c.leaving, c.settled = min(c.leaving, r.At), r.At+int64(Settle+r.Notice)
	}
}

// answer is for the first op of its sort that waits for one. What is refused
// is as uncertain as what was never answered.
func (c *connection) answer(at int64, logout bool) {
	for i := range c.ops {
		if o := &c.ops[i]; !o.answered && (o.addresses == nil) == logout {
			o.acked, o.answered = at, true
			return
		}
	}
}

// close turns ops into stays, when all are known.
func (b *book) close() {
	for _, all := range b.clients {
		for _, c := range all {
			for i := range c.ops {
				if o := &c.ops[i]; o.exclusive && len(o.addresses) > 0 {
					b.logins[o.addresses[0]] = append(b.logins[o.addresses[0]], login{c, o})
				}
			}
		}
	}
	for _, all := range b.logins {
		slices.SortFunc(all, func(x, y login) int { return cmp.Compare(x.begun, y.begun) })
	}
	for _, all := range b.clients {
		for _, c := range all {
			b.settle(c)
		}
	}
}

// rivals are the logins of other connections that may displace what op o of c
// has made, up to a time.
func (b *book) rivals(c *connection, o *op, until int64) (found []login) {
	if !o.exclusive {
		return nil
	}
	for _, f := range b.logins[o.addresses[0]] {
		if f.begun > until {
			break
		}
		if f.c != c && f.latest(f.c) > o.begun {
			found = append(found, f)
		}
	}
	return found
}

// settle makes the stays of a connection.
func (b *book) settle(c *connection) {
	var open []stay // of the op before that go on
	for i := range c.ops {
		o := &c.ops[i]
		end, over := int64(never), c.settled
		var next *op
		if i+1 < len(c.ops) {
			next = &c.ops[i+1]
			end, over = next.begun, min(over, next.latest(c))
		}
		rivals := b.rivals(c, o, over)
		for _, f := range rivals {
			end = min(end, max(f.begun, o.begun))
			if f.begun >= o.acked { // later for certain
				over = min(over, f.acked)
			}
		}
		keeps := next != nil && next.acked != never && len(rivals) == 0 && o.acked != never
		var on []stay
		for _, a := range o.addresses {
			s := stay{address: a, begin: o.begun, sure: o.acked}
			if k := slices.IndexFunc(open, func(s stay) bool { return s.address == a }); k >= 0 {
				s = open[k]
			}
			if s.end, s.over = end, over; keeps && next.names(a) {
				on = append(on, s)
			} else {
				c.stays = append(c.stays, s)
			}
		}
		open = on
	}
}
