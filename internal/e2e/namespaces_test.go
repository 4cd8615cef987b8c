package e2e_test

import (
	"fmt"
	"testing"
)

// TestNamespaceNames: each audience has two names, and a push reaches both, each on the namespace that it joined.
func TestNamespaceNames(t *testing.T) {
	for kind, name := range map[string]string{
		"customer": "customer", "rider": "rider", "merchant": "app", "h5": "h5", "platform": "platform",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			g := startGateway(t)
			var sockets []*socket
			for i, nsp := range []string{"/socket/" + kind, "/" + kind} {
				for j, c := range onePerGeneration {
					s := c.join(t, g, nsp)
					s.setConnect(t, identityOf(kind, 1+2*i+j))
					sockets = append(sockets, s)
				}
			}
			push := audience(name, len(sockets))
			g.wantPush(t, push.endpoint, push.body, push.matched)
			for _, s := range sockets {
				s.wantMessage(t, `{"title":"t","body":"b","push_type":"p"}`)
			}
		})
	}
}

// identityOf is a set_connect of a kind that the kind's rules accept.
func identityOf(kind string, uid int) string {
	extra := map[string]string{
		"rider":    `,"topic":"rider_Tianhe_Qu_notification"`,
		"merchant": `,"topic":"store_1_base_notification","client":"app"`,
		"h5":       `,"connect_type":"person"`,
	}
	return fmt.Sprintf(`{"uid":%d,"type":%q,"token":"t"%s}`, uid, kind, extra[kind])
}

// TestShow: the operators' view is a namespace like the others.
func TestShow(t *testing.T) {
	generations(t, func(t *testing.T, g *gateway, c client) {
		c.join(t, g, "/socket/show")
		c.join(t, g, "/show")
	})
}

// TestEnginePaths: both paths serve every namespace.
func TestEnginePaths(t *testing.T) {
	generations(t, func(t *testing.T, g *gateway, c client) {
		for _, path := range []string{"/socket/socket.io", "/socket/socket.io/", "/socket.io", "/socket.io/"} {
			for _, nsp := range []string{"/socket/rider", "/merchant"} {
				c.joinWith(t, g.addr, nsp, options{"path": path})
			}
		}
	})
}

// TestPathWithoutSlash: clients from 4.6 on can be told to leave the trailing slash out.
func TestPathWithoutSlash(t *testing.T) {
	matrix(t, []string{"4.8.4"}, transports, func(t *testing.T, g *gateway, c client) {
		for _, path := range []string{"/socket/socket.io", "/socket.io"} {
			s := c.joinWith(t, g.addr, "/socket/rider", options{"path": path, "addTrailingSlash": false})
			g.wantNothing(t, s)
		}
	})
}

// TestUnknownNamespace: the client hears that there is no such namespace, in its generation's form.
func TestUnknownNamespace(t *testing.T) {
	generations(t, func(t *testing.T, g *gateway, c client) {
		for _, nsp := range []string{"/socket/robot", "/riders", "/socket/socket/rider"} {
			got := string(c.open(t, g.addr, nsp, nil).wait(t, "connect_error").Error)
			want := `{"message":"Invalid namespace"}`
			if c.old() {
				want = `"Invalid namespace"`
			}
			if got != want {
				t.Errorf("%s: refused with %s, want %s", nsp, got, want)
			}
		}
	})
}

// TestSharedConnection: a page may be in several namespaces over one connection; each hears its own pushes.
func TestSharedConnection(t *testing.T) {
	matrix(t, []string{"2.2.0", "4.8.4"}, transports, func(t *testing.T, g *gateway, c client) {
		one := options{"path": "/socket.io", "forceNew": false}
		rider := c.joinWith(t, g.addr, "/rider", one)
		merchant := c.joinWith(t, g.addr, "/socket/merchant", one)
		rider.setConnect(t, `{"uid":1,"type":"rider","topic":"r","token":"t"}`)
		merchant.setConnect(t, `{"uid":1,"type":"merchant","topic":"store_1_x","client":"pad","token":"t"}`)

		g.wantPush(t, "device_push", `{"type":"rider","uid":1,"data":"to the rider"}`, 1)
		g.wantPush(t, "device_push", `{"type":"merchant","uid":1,"data":"to the merchant"}`, 1)
		rider.wantMessage(t, `"to the rider"`)
		merchant.wantMessage(t, `"to the merchant"`)

		merchant.close()
		g.eventually(t, "device_push", `{"type":"merchant","uid":1,"data":0}`, wantOffline(1))
		g.wantNothing(t, rider)
	})
}
