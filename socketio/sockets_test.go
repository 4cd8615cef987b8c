package socketio_test

import (
	"slices"
	"testing"

	"outrider/socketio"
)

// TestList adds to a connection's list and takes out of it in every order that
// there is for up to five sockets, and compares it with a slice.
func TestList(t *testing.T) {
	var all [5]*socketio.Socket
	for i := range all {
		all[i] = new(socketio.Socket)
	}
	var try func(l *socketio.List, want []*socketio.Socket, steps int)
	try = func(l *socketio.List, want []*socketio.Socket, steps int) {
		if got := l.All(); !slices.Equal(got, want) || l.Len() != len(want) {
			t.Fatalf("%v of %d, want %v", got, l.Len(), want)
		}
		if steps == 0 {
			return
		}
		for _, s := range all {
			next, with := l.Clone(), slices.Clone(want)
			if i := slices.Index(with, s); i >= 0 {
				next.Remove(s)
				with = slices.Delete(with, i, i+1)
			} else {
				next.Remove(s) // is not there
				next.Add(s)
				with = append(with, s)
			}
			try(next, with, steps-1)
		}
	}
	try(new(socketio.List), nil, 7)
}
