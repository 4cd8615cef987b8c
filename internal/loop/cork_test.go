package loop_test

import (
	"bytes"
	"testing"
	"testing/synctest"

	"outrider/internal/loop"
	"outrider/internal/poll"
	"outrider/internal/poll/polltest"
)

// TestCork: between Cork and Uncork nothing leaves and the write interest is not
// armed, whoever sends; then all leaves in order, and what the socket does not
// take arms the interest (invariant 4).
func TestCork(t *testing.T) {
	const window = 1000
	for _, size := range []int{0, 1, window - 2, window - 1, window, 3 * window} {
		var during, written int
		var interest poll.Interest
		var peer *polltest.Peer
		cfg := loop.Config{Accept: func(*loop.Conn) loop.Handler {
			return script{data: func(c *loop.Conn, p []byte) int {
				c.Cork()
				_ = c.Send([]byte("a"))
				if size > 0 {
					_ = c.SendCopy(text(size))
				}
				during, written = c.Queued(), peer.Waiting()
				interest = peer.Interest()
				c.Uncork()
				return len(p)
			}}
		}}
		bubble(t, window, cfg, func(f *fixture) {
			p, c := f.connect()
			peer = p
			if _, err := p.Write([]byte("x")); err != nil {
				f.Fatal(err)
			}
			synctest.Wait()
			if during != 1+size || written != 0 || interest&poll.Write != 0 {
				f.Errorf("size %d, corked: %d bytes wait, %d have left, interest %v", size, during, written, interest)
			}
			f.wantQueue(c, p, max(0, 1+size-window))
			want := append([]byte("a"), text(size)...)
			for len(want) > 0 {
				k := min(len(want), window)
				if got := f.take(p, k); !bytes.Equal(got, want[:k]) {
					f.Fatalf("size %d: other bytes than were sent", size)
				}
				want = want[k:]
			}
			f.wantQueue(c, p, 0)
		})
	}
}
