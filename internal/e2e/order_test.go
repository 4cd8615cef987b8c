package e2e_test

import (
	"fmt"
	"testing"
)

// TestOrder: pushes by one caller, one after the other, arrive in that order on every connection, whichever endpoints
// they use.
func TestOrder(t *testing.T) {
	matrix(t, []string{"2.2.0", "4.8.4"}, transports, func(t *testing.T, g *gateway, c client) {
		var riders []*socket
		for uid := 1; uid <= 4; uid++ {
			s := c.join(t, g, "/socket/rider")
			s.setConnect(t, fmt.Sprintf(`{"uid":%d,"type":"rider","topic":"east","token":"t"}`, uid))
			riders = append(riders, s)
		}
		const rounds = 50
		for n := range rounds {
			g.wantPush(t, "device_push", fmt.Sprintf(`{"type":"rider","uid":[4,3,2,1],"data":"device %d"}`, n), 4)
			g.wantPush(t, "topic_push", fmt.Sprintf(`{"type":"rider","topic":"east","data":"topic %d"}`, n), 4)
			g.wantPush(t, "client_push", fmt.Sprintf(`{"clients":["rider"],"title":"%d","body":"b","push_type":"p"}`, n), 4)
			for _, s := range riders {
				g.wantPush(t, "print_push", fmt.Sprintf(`{"id":%q,"data":"print %d"}`, s.id, n), 1)
			}
		}
		for _, s := range riders {
			for n := range rounds {
				s.wantMessage(t, fmt.Sprintf(`"device %d"`, n))
				s.wantMessage(t, fmt.Sprintf(`"topic %d"`, n))
				s.wantMessage(t, fmt.Sprintf(`{"title":"%d","body":"b","push_type":"p"}`, n))
				s.wantMessage(t, fmt.Sprintf(`"print %d"`, n))
			}
			g.wantNothing(t, s)
		}
	})
}
