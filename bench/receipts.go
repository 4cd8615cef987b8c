package bench

// receipts counts the pushes that a worker's clients get. It belongs to the
// fleet's goroutine.
type receipts struct {
	from   uint64 // number of the first push that counts
	each   bool
	total  int64
	due    *Histogram
	sent   *Histogram
	pushes map[uint64]*arrivals

	// what is awaited, if anything
	want int64  // how many
	push uint64 // of this push; 0: of all
	done chan struct{}
}

// maxEach bounds how many pushes are counted each for itself.
const maxEach = 10_000

func newReceipts(with watchWith) *receipts {
	return &receipts{
		from: with.From, each: with.Each,
		due: NewHistogram(), sent: NewHistogram(), pushes: map[uint64]*arrivals{},
	}
}

// take counts a message, if it is a push that is watched.
func (r *receipts) take(text []byte, at int64) {
	s, ok := parseStamp(text)
	if !ok || s.number < r.from {
		return
	}
	r.total++
	r.due.Record(at - s.due)
	r.sent.Record(at - s.sent)
	if r.each {
		r.takeEach(s, at)
	}
	if r.done != nil && r.missing() <= 0 {
		close(r.done)
		r.done = nil
	}
}

func (r *receipts) takeEach(s stamp, at int64) {
	a := r.pushes[s.number]
	if a == nil {
		if len(r.pushes) >= maxEach {
			return
		}
		a = &arrivals{First: at - s.sent}
		r.pushes[s.number] = a
	}
	a.Count++
	a.First = min(a.First, at-s.sent)
	a.Last = max(a.Last, at-s.sent)
}

// missing is how many receipts there are too few.
func (r *receipts) missing() int64 {
	if r.push == 0 {
		return r.want - r.total
	}
	if a := r.pushes[r.push]; a != nil {
		return r.want - a.Count
	}
	return r.want
}

// await returns a channel that is closed when so many receipts have come, of a
// push, or of all when its number is 0.
func (r *receipts) await(want int64, push uint64) <-chan struct{} {
	r.want, r.push = want, push
	done := make(chan struct{})
	if r.missing() <= 0 {
		close(done)
		return done
	}
	r.done = done
	return done
}
