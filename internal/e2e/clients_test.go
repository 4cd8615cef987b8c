package e2e_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestStockClients is what every client does, on every transport: connect, be greeted, say who it is, be pushed to.
func TestStockClients(t *testing.T) {
	matrix(t, versions, transports, func(t *testing.T, g *gateway, c client) {
		s := c.join(t, g, "/socket/rider")
		checkID(t, s)
		s.setConnect(t, `{"uid":1,"type":"rider","topic":"rider_Tianhe_Qu_notification","token":"fcm"}`)

		g.wantPush(t, "device_push", `{"type":"rider","uid":1,"data":{"title":"new order","n":1}}`, 1)
		s.wantMessage(t, `{"title":"new order","n":1}`)
		checkUnicode(t, g, s)
		checkBurst(t, g, s)
		if c.transport == upgrade {
			if n := s.wait(t, "upgrade"); n.Transport != "websocket" {
				t.Fatalf("upgraded to %q", n.Transport)
			}
			checkUnicode(t, g, s)
			checkBurst(t, g, s)
		}
		checkTransport(t, g, s)

		s.close()
		g.eventually(t, "device_push", `{"type":"rider","uid":1,"data":0}`, wantOffline(1))
	})
}

// checkID requires the id's form (SPEC.md §1): the back end stores it and pushes to it.
func checkID(t *testing.T, s *socket) {
	t.Helper()
	id := s.id
	if s.c.old() {
		var ok bool
		if id, ok = strings.CutPrefix(s.id, s.nsp+"#"); !ok {
			t.Fatalf("socket id %q does not begin with %q", s.id, s.nsp+"#")
		}
	}
	if len(id) != 20 {
		t.Fatalf("socket id %q: %d characters, want 20", s.id, len(id))
	}
}

// checkUnicode pushes text that is two, three and four bytes long in UTF-8, and the two line ends that JavaScript knows and
// JSON does not.
func checkUnicode(t *testing.T, g *gateway, s *socket) {
	t.Helper()
	const text = "{\"title\":\"新订单 №1 é\",\"emoji\":\"🍜🛵👩‍🍳\",\"lines\":\"a\u2028b\u2029c\"}"
	g.wantPush(t, "device_push", `{"type":"rider","uid":1,"data":`+text+`}`, 1)
	s.wantMessage(t, text)
}

// checkBurst pushes 20 messages before it reads one.
func checkBurst(t *testing.T, g *gateway, s *socket) {
	t.Helper()
	for n := range 20 {
		g.wantPush(t, "device_push", fmt.Sprintf(`{"type":"rider","uid":"1","data":{"n":%d}}`, n), 1)
	}
	for n := range 20 {
		s.wantMessage(t, fmt.Sprintf(`{"n":%d}`, n))
	}
}

// checkTransport requires that the client ended up on the transport that it was to use.
func checkTransport(t *testing.T, g *gateway, s *socket) {
	t.Helper()
	g.wantPush(t, "print_push", fmt.Sprintf(`{"id":%q,"data":1}`, s.id), 1)
	want := string(s.c.transport)
	if s.c.transport == upgrade {
		want = "websocket"
	}
	if n := s.wantMessage(t, "1"); n.Transport != want {
		t.Fatalf("received on %q, want %q", n.Transport, want)
	}
}

// TestHeartbeats keeps idle clients over several ping intervals. Which side pings differs by revision, and a ping in the
// wrong direction ends the session on either end.
func TestHeartbeats(t *testing.T) {
	matrix(t, versions, transports, func(t *testing.T, g *gateway, c client) {
		s := c.join(t, g, "/merchant")
		for range 4 {
			s.wait(t, "heartbeat")
		}
		g.wantNothing(t, s)
	}, "--ping-interval", "150ms", "--ping-timeout", "5s")
}

// TestLargeMessage pushes a message that needs many writes to the client's socket, and many reads of the request's.
func TestLargeMessage(t *testing.T) {
	matrix(t, []string{"2.2.0", "4.8.4"}, transports, func(t *testing.T, g *gateway, c client) {
		s := c.join(t, g, "/socket/merchant")
		text := `["` + strings.Repeat("大单🍜", 30_000) + `"]`
		g.wantPush(t, "print_push", fmt.Sprintf(`{"id":%q,"data":%s}`, s.id, text), 1)
		s.wantMessage(t, text)
		g.wantNothing(t, s)
	})
}
