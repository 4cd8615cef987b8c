package e2e_test

import "testing"

// TestProxy: polling works through a proxy that opens a connection per request and breaks WebSocket; clients that would
// upgrade stay on polling.
func TestProxy(t *testing.T) {
	matrix(t, versions, []transport{polling, upgrade}, func(t *testing.T, g *gateway, c client) {
		s := c.joinWith(t, startProxy(t, g.addr), "/socket/rider", nil)
		s.setConnect(t, `{"uid":1,"type":"rider","topic":"east","token":"fcm"}`)
		checkUnicode(t, g, s)
		checkBurst(t, g, s)
		g.wantPush(t, "device_push", `{"type":"rider","uid":1,"data":1}`, 1)
		if n := s.wantMessage(t, "1"); n.Transport != "polling" {
			t.Errorf("received on %q, want polling", n.Transport)
		}
	})
}
