package e2e_test

import (
	"fmt"
	"testing"
)

// TestSingleLogin: a later connection with a customer's or rider's uid takes over. The earlier one is told so only if it
// is another device, which the tokens say.
func TestSingleLogin(t *testing.T) {
	tokens := []struct {
		name, earlier, later string
		told                 bool
	}{
		{"another device", "fcm-1", "fcm-2", true},
		{"the same device", "fcm-1", "fcm-1", false},
		{"no tokens", "", "", false},
	}
	for _, kind := range []string{"customer", "rider"} {
		for _, tk := range tokens {
			for i, earlier := range onePerGeneration {
				later := onePerGeneration[1-i]
				t.Run(fmt.Sprintf("%s/%s/%s then %s", kind, tk.name, earlier.version, later.version), func(t *testing.T) {
					t.Parallel()
					g := startGateway(t)
					first, second := earlier.join(t, g, "/socket/"+kind), later.join(t, g, "/"+kind)
					first.setConnect(t, fmt.Sprintf(`{"uid":1,"type":%q,"topic":"east","token":%q}`, kind, tk.earlier))
					second.setConnect(t, fmt.Sprintf(`{"uid":"1","type":%q,"topic":"west","token":%q}`, kind, tk.later))

					if tk.told {
						first.wantEvent(t, "logout", `{"reason":"replaced"}`)
					}
					reaches := []reach{device(kind, "1", 1), audience(kind, 1)}
					if kind == "rider" {
						reaches = append(reaches, topic("rider", "east", 0), topic("rider", "west", 1))
					}
					checkReach(t, g, second, reaches)
					g.wantNothing(t, first)
				})
			}
		}
	}
}

// TestSingleLoginConfigured: which kinds have single login is configuration.
func TestSingleLoginConfigured(t *testing.T) {
	t.Parallel()
	g := startGateway(t, "--single-login", "merchant")
	for kind, want := range map[string]int{"merchant": 1, "rider": 2, "customer": 2} {
		for _, c := range onePerGeneration {
			c.join(t, g, "/socket/"+kind).setConnect(t, identityOf(kind, 1))
		}
		g.wantPush(t, "device_push", fmt.Sprintf(`{"type":%q,"uid":1,"data":1}`, kind), want)
	}
}

// TestSingleLoginTakenBack: the connection that was replaced stays, and may take the uid over again.
func TestSingleLoginTakenBack(t *testing.T) {
	generations(t, func(t *testing.T, g *gateway, c client) {
		first, second := c.join(t, g, "/socket/rider"), c.join(t, g, "/socket/rider")
		first.setConnect(t, `{"uid":1,"type":"rider","topic":"east","token":"a"}`)
		second.setConnect(t, `{"uid":1,"type":"rider","topic":"east","token":"b"}`)
		first.wantEvent(t, "logout", `{"reason":"replaced"}`)
		first.setConnect(t, `{"uid":1,"type":"rider","topic":"east","token":"a"}`)
		second.wantEvent(t, "logout", `{"reason":"replaced"}`)
		checkReach(t, g, first, []reach{device("rider", "1", 1), topic("rider", "east", 1), audience("rider", 1)})
		g.wantNothing(t, second)
	})
}

// TestReplacedLeaves: when the connection that was replaced goes away, the one that replaced it is still known.
func TestReplacedLeaves(t *testing.T) {
	generations(t, func(t *testing.T, g *gateway, c client) {
		first, second := c.join(t, g, "/socket/customer"), c.join(t, g, "/socket/customer")
		first.setConnect(t, `{"uid":1,"type":"customer","token":"a"}`)
		second.setConnect(t, `{"uid":1,"type":"customer","token":"a"}`)
		id := first.id
		first.close()
		g.eventually(t, "print_push", fmt.Sprintf(`{"id":%q,"data":0}`, id), wantMatched(0))
		checkReach(t, g, second, []reach{device("customer", "1", 1), audience("customer", 1)})
	})
}

// TestManyDevices: merchants, h5 persons and platform operators keep all their connections.
func TestManyDevices(t *testing.T) {
	for _, kind := range []string{"merchant", "h5", "platform"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			g := startGateway(t)
			var devices []*socket
			for _, nsp := range []string{"/socket/" + kind, "/" + kind} {
				for _, c := range onePerGeneration {
					s := c.join(t, g, nsp)
					s.setConnect(t, identityOf(kind, 1))
					devices = append(devices, s)
				}
			}
			g.wantPush(t, "device_push", fmt.Sprintf(`{"type":%q,"uid":1,"data":"all"}`, kind), 4)
			for _, s := range devices {
				s.wantMessage(t, `"all"`)
			}
			devices[0].close()
			g.eventually(t, "print_push", fmt.Sprintf(`{"id":%q,"data":0}`, devices[0].id), wantMatched(0))
			g.wantPush(t, "device_push", fmt.Sprintf(`{"type":%q,"uid":"1","data":"the others"}`, kind), 3)
			for _, s := range devices[1:] {
				s.wantMessage(t, `"the others"`)
				g.wantNothing(t, s)
			}
		})
	}
}

// TestLogout: the client's own logout forgets uid, topic, kind and token; the connection stays and may say who it is again.
func TestLogout(t *testing.T) {
	generations(t, func(t *testing.T, g *gateway, c client) {
		const rider = `{"uid":1,"type":"rider","topic":"east","token":"a"}`
		s := c.join(t, g, "/socket/rider")
		s.setConnect(t, rider)
		s.emit(t, "logout")
		// Acknowledged and refused: logout was handled, and nothing was registered since.
		s.emitAck(t, "set_connect", `{"type":"rider"}`)
		checkRefusal(t, s, "uid")

		for _, r := range []reach{device("rider", "1", 0), topic("rider", "east", 0), audience("rider", 0), topic("rider", "openfood_rider", 0)} {
			if got := g.wantPush(t, r.endpoint, r.body, 0); got.Offline != 0 {
				t.Errorf("%s %s: %d offline after logout, want 0: the token must be forgotten", r.endpoint, r.body, got.Offline)
			}
		}
		g.wantNothing(t, s)

		s.setConnect(t, rider)
		checkReach(t, g, s, []reach{device("rider", "1", 1), topic("rider", "east", 1), audience("rider", 1)})
	})
}

// TestOffline: losing the connection keeps uid and topic known; a push to them says how many it could not reach.
func TestOffline(t *testing.T) {
	generations(t, func(t *testing.T, g *gateway, c client) {
		for uid := 1; uid <= 3; uid++ {
			s := c.join(t, g, "/socket/rider")
			s.setConnect(t, fmt.Sprintf(`{"uid":%d,"type":"rider","topic":"east","token":"token-%d"}`, uid, uid))
			s.close()
		}
		g.eventually(t, "device_push", `{"type":"rider","uid":"1,2,3,4","data":0}`, wantOffline(3))
		g.eventually(t, "topic_push", `{"type":"rider","topic":"east","data":0}`, wantOffline(3))
		if r := g.wantPush(t, "device_push", `{"type":"rider","uid":4,"data":0}`, 0); r.Offline != 0 {
			t.Errorf("%d offline for a uid that never connected, want 0", r.Offline)
		}

		s := c.join(t, g, "/socket/rider")
		s.setConnect(t, `{"uid":2,"type":"rider","topic":"east","token":"token-2"}`)
		for _, push := range []struct{ endpoint, body string }{
			{"device_push", `{"type":"rider","uid":[1,2,3],"data":"back"}`},
			{"topic_push", `{"type":"rider","topic":"east","data":"back"}`},
		} {
			if r := g.wantPush(t, push.endpoint, push.body, 1); r.Offline != 2 {
				t.Errorf("%s %s: %d offline, want 2", push.endpoint, push.body, r.Offline)
			}
			s.wantMessage(t, `"back"`)
		}

		// A later set_connect and logout of uid 2 make it forgotten; the others stay.
		s.emit(t, "logout")
		s.emitAck(t, "set_connect", `{}`)
		checkRefusal(t, s, "uid")
		s.close()
		g.eventually(t, "device_push", `{"type":"rider","uid":[1,2,3],"data":0}`, wantOffline(2))
	})
}

// TestReconnect: a client whose network went away comes back by itself, says who it is again, and is reached once.
func TestReconnect(t *testing.T) {
	matrix(t, []string{"2.2.0", "2.5.0", "3.1.3", "4.8.4"}, transports, func(t *testing.T, g *gateway, c client) {
		network := startRelay(t, g.addr)
		s := c.joinWith(t, network.addr, "/socket/rider", options{"reconnection": true, "reconnectionDelay": 20, "randomizationFactor": 0})
		const rider = `{"uid":1,"type":"rider","topic":"east","token":"fcm"}`
		s.setConnect(t, rider)
		if c.transport == upgrade {
			s.wait(t, "upgrade")
		}
		before := s.id
		for n := range 3 {
			network.setDown(true)
			s.wait(t, "disconnect")
			network.setDown(false)
			s.waitGreeted(t)
			if s.id == before {
				t.Fatalf("the new connection has the id of the old one, %s", s.id)
			}
			s.setConnect(t, rider)
			g.wantPush(t, "device_push", fmt.Sprintf(`{"type":"rider","uid":1,"data":%d}`, n), 1)
			s.wantMessage(t, fmt.Sprint(n))
			g.wantPush(t, "topic_push", fmt.Sprintf(`{"type":"rider","topic":"east","data":%d}`, n), 1)
			s.wantMessage(t, fmt.Sprint(n))
			g.wantNothing(t, s) // no logout: the token is the same
			if c.transport == upgrade {
				s.wait(t, "upgrade")
			}
			before = s.id
		}
	})
}
