package adaptertest

import (
	"encoding/json"
	"strings"
	"testing"

	"outrider/socketio"
)

// testRecovery: events of other nodes are kept for a socket that is away, too.
func testRecovery(t *testing.T, adapters []socketio.Adapter) {
	c := start(t, adapters, socketio.Config{Recovery: &socketio.Recovery{}})
	gone, there := dial(t, c.addrs[1]), dial(t, c.addrs[1])
	var socket struct{ PID string }
	gone.send("40")
	if err := json.Unmarshal([]byte(gone.welcome()[2:]), &socket); err != nil {
		t.Fatal(err)
	}
	if err := wait(t, c.connect).Join("a"); err != nil {
		t.Fatal(err)
	}
	there.send("40")
	there.welcome()
	wait(t, c.connect)

	emit := func(room, event string) {
		t.Helper()
		if _, err := c.ns(0).To(room).Emit(event); err != nil {
			t.Fatal(err)
		}
	}
	emit("a", "seen")
	gone.expect(`42["seen","1"]`)
	gone.conn.Close()
	wait(t, c.leave)
	emit("a", "missed")
	emit("b", "for others")
	if _, err := c.ns(0).Emit("for all"); err != nil {
		t.Fatal(err)
	}
	there.expect(`42["for all","4"]`)

	back := dial(t, c.addrs[1])
	back.send(`40{"pid":"` + socket.PID + `","offset":"1"}`)
	back.expect(`42["missed","2"]`, `42["for all","4"]`)
	if welcome := back.welcome(); !strings.Contains(welcome, socket.PID) {
		t.Errorf("came back as another: %s", welcome)
	}
	if s := wait(t, c.connect); !s.Recovered() {
		t.Error("not recovered")
	}
	emit("a", "live")
	back.expect(`42["live","5"]`)
}
