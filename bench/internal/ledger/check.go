package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
)

// atOnce is how many receipts the checker holds in memory: it reads the files
// once for each so many.
const atOnce = 4 << 20

// Check reads a ledger and says what is wrong in it.
func Check(dir string) (*Result, error) {
	return check(dir, atOnce)
}

func check(dir string, atOnce int) (*Result, error) {
	files, err := Files(dir)
	if err != nil {
		return nil, err
	}
	c := &checker{result: newResult(), book: newBook(), byNumber: map[uint64]int{}}
	for _, file := range files {
		if err := c.read(file); err != nil {
			return nil, err
		}
	}
	c.index()
	c.book.close()
	passes := uint64(c.result.Receipts/atOnce + 1)
	for pass := range passes {
		mine := map[uint64][]receipt{}
		for _, file := range files {
			if err := readReceipts(file, pass, passes, mine); err != nil {
				return nil, err
			}
		}
		c.clients(pass, passes, mine)
	}
	c.answers()
	return c.result, nil
}

// push is one push of the ledger.
type push struct {
	number  uint64
	sent    int64
	answer  Answer
	address Address
	must    int    // connections that must be among those that matched
	may     int    // ... that may be
	seen    uint32 // the last connection that got it
	counted uint32 // the last that may have it
}

// done is when the push was certainly handled: never, without an answer.
func (p *push) done() int64 {
	if p.answer.At == 0 {
		return never
	}
	return p.answer.At
}

func (p *push) ok() bool      { return p.answer.Status == 200 }
func (p *push) refused() bool { return p.answer.At != 0 && p.answer.Status != 200 }

// receipt is one of a client's.
type receipt struct {
	at         int64
	number     uint64
	connection int // the client's how manieth
}

// checker goes through a ledger, connection after connection.
type checker struct {
	result   *Result
	book     *book
	pushes   []push // in the order in which they were sent
	byNumber map[uint64]int
	to       map[Address][]int // pushes, in the same order
	slowest  int64             // the longest time to an answer
	turn     uint32            // the connection's number
}

// read takes everything of a file but its receipts, which it counts.
func (c *checker) read(file string) error {
	for r, err := range records(file) {
		if err != nil {
			return err
		}
		switch r.Event {
		case Received:
			c.result.Receipts++
		case Pushed:
			c.pushes = append(c.pushes, push{number: r.Number, sent: r.At, answer: r.Answer, address: r.Addresses[0]})
		case Ended:
			c.book.ended = min(c.book.ended, r.At)
			c.result.Foreign += int(r.Number)
		default:
			c.book.add(r)
		}
	}
	return nil
}

// index puts the pushes in order.
func (c *checker) index() {
	slices.SortFunc(c.pushes, func(a, b push) int { return cmp.Compare(a.sent, b.sent) })
	c.to = map[Address][]int{}
	for i := range c.pushes {
		p := &c.pushes[i]
		c.byNumber[p.number] = i
		c.to[p.address] = append(c.to[p.address], i)
		c.result.Pushes++
		switch {
		case p.answer.At == 0:
			c.result.Unanswered++
		case !p.ok():
			c.result.Refused++
		}
		c.slowest = max(c.slowest, p.answer.At-p.sent)
	}
	c.result.Claims = c.book.claims
}

// readReceipts takes those of every so-many-th client.
func readReceipts(file string, pass, passes uint64, into map[uint64][]receipt) error {
	opened := map[uint64]int{}
	for r, err := range records(file) {
		switch {
		case err != nil:
			return err
		case r.Event >= Pushed || r.Client%passes != pass:
		case r.Event == Opened:
			opened[r.Client]++
		case r.Event == Received:
			into[r.Client] = append(into[r.Client], receipt{r.At, r.Number, opened[r.Client] - 1})
		}
	}
	return nil
}

// clients checks the connections of every so-many-th client.
func (c *checker) clients(pass, passes uint64, receipts map[uint64][]receipt) {
	for client, connections := range c.book.clients {
		if client%passes != pass {
			continue
		}
		all := receipts[client]
		for i, conn := range connections {
			c.turn++
			c.result.Connections++
			n := sort.Search(len(all), func(k int) bool { return all[k].connection > i })
			c.received(conn, all[:n])
			all = all[n:]
			for _, s := range conn.stays {
				c.owed(conn, s)
			}
			c.logouts(conn)
		}
	}
}

// received checks what a connection got (rules 7 to 9).
func (c *checker) received(conn *connection, all []receipt) {
	sent := int64(0) // when the latest was that came so far
	for _, r := range all {
		i, known := c.byNumber[r.number]
		if !known {
			c.result.fault(Fault{Phantom, r.number, conn.client, r.at, "it was never sent"})
			continue
		}
		p := &c.pushes[i]
		if p.seen == c.turn {
			c.result.fault(p.fault(Duplicate, conn, r.at, ""))
			continue
		}
		p.seen = c.turn
		switch {
		case p.refused():
			c.result.fault(p.fault(Phantom, conn, r.at, fmt.Sprintf("it was refused with %d", p.answer.Status)))
		case !conn.may(p, r.at):
			c.result.fault(p.fault(Phantom, conn, r.at, "it is not the client's"))
		}
		if p.done() < sent {
			c.result.fault(p.fault(Reordered, conn, r.at, "one that was sent after its answer came before it"))
		}
		sent = max(sent, p.sent)
	}
}

// may reports whether the connection may have a push that it got (rule 1).
func (c *connection) may(p *push, at int64) bool {
	return slices.ContainsFunc(c.stays, func(s stay) bool {
		return s.address == p.address && s.begin <= min(at, p.done()) && s.over >= p.sent
	})
}

// owed checks what a connection should have got for one claim, and counts whom
// each push should have matched (rules 1, 5 and 6).
func (c *checker) owed(conn *connection, s stay) {
	to := c.to[s.address]
	from := sort.Search(len(to), func(k int) bool { return c.pushes[to[k]].sent >= s.begin-c.slowest })
	for _, i := range to[from:] {
		p := &c.pushes[i]
		if p.sent > s.over {
			break
		}
		if !p.ok() || p.done() < s.begin {
			continue
		}
		if p.counted != c.turn {
			p.counted = c.turn
			p.may++
		}
		if p.sent < s.sure || p.done() > min(s.end, conn.leaving) {
			continue
		}
		p.must++
		if p.done()+int64(Delivery) > min(conn.leaving, c.book.ended) {
			continue
		}
		c.result.Owed++
		if p.seen != c.turn {
			c.result.fault(p.fault(Lost, conn, 0, ""))
		}
	}
}

// answers checks what the push API said (rule 10).
func (c *checker) answers() {
	for i := range c.pushes {
		p := &c.pushes[i]
		if !p.ok() || p.answer.Matched < 0 {
			continue
		}
		open := p.address.Class == Group && c.result.Foreign > 0
		matched, written := p.answer.Matched, p.answer.Written
		if matched < p.must || matched > p.may && !open || written < p.must || written > matched {
			c.result.fault(Fault{
				WrongAnswer, p.number, 0, p.answer.At,
				fmt.Sprintf("to %v: matched %d, written %d; from %d to %d connections had to be found", p.address, matched, written, p.must, p.may),
			})
		}
	}
}

// logouts checks that who was displaced was told, and nobody else (rule 11).
func (c *checker) logouts(conn *connection) {
	for _, at := range conn.replaced {
		if !c.book.displaced(conn, at) {
			c.result.fault(Fault{WrongLogout, 0, conn.client, at, "nobody took its login over"})
		}
	}
	for i := range conn.ops {
		o := &conn.ops[i]
		f, ok := c.book.displacer(conn, i)
		if !ok || f.device == o.device {
			continue
		}
		late := f.acked + int64(Delivery)
		if late > min(conn.leaving, c.book.ended) {
			continue
		}
		c.result.Logouts++
		if !slices.ContainsFunc(conn.replaced, func(at int64) bool { return at >= f.begun && at <= late }) {
			c.result.fault(Fault{WrongLogout, 0, conn.client, f.acked, fmt.Sprintf("client %d took its login over, and it was not told", f.c.client)})
		}
	}
}

// displaced reports whether a connection may have been told so.
func (b *book) displaced(conn *connection, at int64) bool {
	for i := range conn.ops {
		o := &conn.ops[i]
		for _, f := range b.rivals(conn, o, at) {
			if o.begun < at && f.device != o.device {
				return true
			}
		}
	}
	return false
}

// displacer is the login that has certainly displaced what an op had made.
func (b *book) displacer(conn *connection, i int) (login, bool) {
	o := &conn.ops[i]
	until := int64(never)
	if i+1 < len(conn.ops) {
		until = conn.ops[i+1].begun
	}
	all := b.rivals(conn, o, until)
	if len(all) == 0 || o.acked == never {
		return login{}, false
	}
	f := all[0]
	certain := f.begun >= o.acked && f.acked <= until && f.acked != never
	if len(all) > 1 && all[1].begun <= f.acked { // either may have been the first
		certain = false
	}
	return f, certain
}
