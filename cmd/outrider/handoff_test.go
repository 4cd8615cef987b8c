package main

import (
	"errors"
	"io"
	"net"
	"testing"
)

// isClosed tells whether the other end of a pipe was closed.
func isClosed(t *testing.T, end net.Conn) bool {
	t.Helper()
	_, err := end.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}

func TestHandoffIsBounded(t *testing.T) {
	h := newHandoff(&net.TCPAddr{}, 2)
	var ours, theirs [4]net.Conn
	for i := range ours {
		ours[i], theirs[i] = net.Pipe()
	}
	for _, c := range ours[:3] {
		h.give(c)
	}
	if !isClosed(t, theirs[2]) {
		t.Error("a connection over the bound was not closed")
	}
	if c, err := h.Accept(); c != ours[0] || err != nil {
		t.Errorf("accepted %v, %v, want the first that was given", c, err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	h.give(ours[3])
	for _, i := range []int{1, 3} {
		if !isClosed(t, theirs[i]) {
			t.Errorf("connection %d outlived the listener", i)
		}
	}
	if _, err := h.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("error %v, want net.ErrClosed", err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	ours[0].Close()
}
