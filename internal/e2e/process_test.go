package e2e_test

import (
	"net"
	"testing"
)

// TestPort: PORT is honoured, as the old server honoured it.
func TestPort(t *testing.T) {
	t.Parallel()
	g := &gateway{addr: freeAddr(t)}
	_, port, err := net.SplitHostPort(g.addr)
	if err != nil {
		t.Fatal(err)
	}
	g.launch(t, nil, []string{"PORT=" + port})
	g.wantNothing(t, onePerGeneration[0].join(t, g, "/socket/rider"))
}

// TestPushListen: the push API may have a listener of its own.
func TestPushListen(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	g := startGateway(t, "--push-listen", addr)
	s := onePerGeneration[0].join(t, g, "/socket/customer")
	s.setConnect(t, `{"uid":1,"type":"customer","token":"t"}`)
	push := &gateway{addr: addr, http: g.http}
	push.wantPush(t, "device_push", `{"type":"customer","uid":1,"data":1}`, 1)
	s.wantMessage(t, `1`)
}

// TestTermination: SIGTERM closes the clients' transports, so that they come back by themselves, after what they had
// coming; the process ends with 0 (the cleanup of every test checks that).
func TestTermination(t *testing.T) {
	matrix(t, []string{"2.2.0", "4.8.4"}, transports, func(t *testing.T, g *gateway, c client) {
		s := c.join(t, g, "/socket/customer")
		s.setConnect(t, `{"uid":1,"type":"customer","token":"t"}`)
		g.wantPush(t, "device_push", `{"type":"customer","uid":1,"data":"the last one"}`, 1)
		g.terminate(t)
		s.wantMessage(t, `"the last one"`)
		if n := s.wait(t, "disconnect"); n.Reason != "transport close" && n.Reason != "transport error" {
			t.Errorf("disconnected with %q: the client would not reconnect", n.Reason)
		}
	})
}
