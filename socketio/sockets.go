package socketio

// sockets are those of one connection, in the order in which they came. Most connections have one and those of
// revision 3 two: there is room for two in it, and what it takes of an idle connection is 24 bytes.
type sockets struct {
	first [2]*Socket // nil where there is none
	more  *[]*Socket // those behind them; nil unless there were any
}

// len returns the number of sockets.
func (l *sockets) len() int {
	switch {
	case l.first[0] == nil:
		return 0
	case l.first[1] == nil:
		return 1
	case l.more == nil:
		return 2
	}
	return 2 + len(*l.more)
}

// at returns the place of the i-th socket, which exists.
func (l *sockets) at(i int) **Socket {
	if i < len(l.first) {
		return &l.first[i]
	}
	return &(*l.more)[i-len(l.first)]
}

// find returns the place of the first socket that match is true of, nil if there is none.
func (l *sockets) find(match func(*Socket) bool) (place **Socket) {
	for i := range l.len() {
		if place := l.at(i); match(*place) {
			return place
		}
	}
	return nil
}

// add puts a socket at the end.
func (l *sockets) add(s *Socket) {
	if n := l.len(); n < len(l.first) {
		l.first[n] = s
		return
	}
	if l.more == nil {
		l.more = new([]*Socket)
	}
	*l.more = append(*l.more, s)
}

// remove takes a socket out, if it is there; those behind it move up.
func (l *sockets) remove(s *Socket) {
	n, found := l.len(), false
	for i := range n {
		found = found || *l.at(i) == s
		if found && i+1 < n {
			*l.at(i) = *l.at(i + 1)
		}
	}
	if !found {
		return
	}
	*l.at(n - 1) = nil
	if n > len(l.first) {
		*l.more = (*l.more)[:n-1-len(l.first)]
	}
}

// all returns a copy.
func (l *sockets) all() []*Socket {
	all := make([]*Socket, l.len())
	for i := range all {
		all[i] = *l.at(i)
	}
	return all
}
