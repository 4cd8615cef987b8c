package registry

// Stats is what an index holds at about one moment.
type Stats struct {
	Keys    int
	Members int    // seats taken
	Joins   uint64 // since the index was made; less Members, that many left
}

// Stats adds up the shards, each of which it locks for a moment.
func (x *Index[M]) Stats() Stats {
	var st Stats
	for i := range x.shards {
		sh := &x.shards[i]
		sh.mu.Lock()
		st.Keys += sh.keys
		st.Members += sh.members
		st.Joins += sh.joins.Load()
		sh.mu.Unlock()
	}
	return st
}
