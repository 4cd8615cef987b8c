package bench

import (
	"context"
	"net/netip"
	"time"

	"outrider/bench/internal/floor"
)

// Floor serves the floor until the context ends: a bare epoll server that
// answers the harness's load with as little work as can be.
func Floor(ctx context.Context, listen string, ping time.Duration, writers int) error {
	addr, err := netip.ParseAddrPort(listen)
	if err != nil || !addr.Addr().Is4() {
		return misuse("listen: %q is not an address like 127.0.0.1:3000", listen)
	}
	if !addr.Addr().IsLoopback() {
		return misuse("listen: the floor checks nothing, and is for this machine only")
	}
	s, err := floor.New(floor.Config{Listen: addr, PingInterval: ping, Writers: writers})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}
