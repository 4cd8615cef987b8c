package gateway

import (
	"unsafe"

	"outrider/pushhttp"
	"outrider/socketio"
)

var _ pushhttp.Publisher = (*Gateway)(nil)

// delivery is one push under way: the event, encoded once for all who receive
// it, and what has become of it so far.
type delivery struct {
	event  *socketio.Prepared
	result pushhttp.Result
}

// deliver makes a push of data: the event message with one string, the JSON
// text itself. Prepare writes the string as JSON and keeps nothing of it, so it
// need not be a copy.
func deliver(data []byte) *delivery {
	event, err := socketio.Prepare("message", unsafe.String(unsafe.SliceData(data), len(data)))
	if err != nil { // a name and a string: there is nothing in it to refuse
		panic("gateway: " + err.Error())
	}
	return &delivery{event: event}
}

func (d *delivery) to(s *socketio.Socket) {
	d.result.Matched++
	if s.Send(d.event) == nil {
		d.result.Written++
	}
}

// PushDevice pushes data to every connection of the users, each of whom is
// named once. Users without one are counted as offline if a device of theirs
// is remembered.
func (g *Gateway) PushDevice(kind string, uids []string, data []byte) pushhttp.Result {
	k, ok := parseKind(kind)
	if !ok {
		return pushhttp.Result{}
	}
	d := deliver(data)
	to := func(m *member) { d.to(m.sock) }
	for _, uid := range uids {
		if g.roster.find(k, uid, to) == offlineOnly {
			d.result.Offline++
		}
	}
	return d.result
}

// PushTopic pushes data to every connection in the topic. The name of a group
// of that kind (openfood_rider) is a topic of all its members.
func (g *Gateway) PushTopic(kind, topic string, data []byte) pushhttp.Result {
	k, ok := parseKind(kind)
	if !ok {
		return pushhttp.Result{}
	}
	d := deliver(data)
	for m := range g.roster.topics[k].Members(topic) {
		d.to(m.sock)
	}
	d.result.Offline += g.roster.offline.inTopic(k, topic)
	if group := topicGroup(k, topic); group != noGroup {
		g.toGroup(d, group)
	}
	return d.result
}

// PushClient pushes data to every connection of the groups that clients names,
// each once.
func (g *Gateway) PushClient(clients []string, data []byte) pushhttp.Result {
	d := deliver(data)
	for _, name := range clients {
		if group, ok := parseGroup(name); ok {
			g.toGroup(d, group)
		}
	}
	return d.result
}

func (g *Gateway) toGroup(d *delivery, group group) {
	for m := range g.roster.peers.Members(group.String()) {
		d.to(m.sock)
	}
	d.result.Offline += g.roster.offline.inGroup(group)
}

// PushSocket pushes data to the socket with that id. socketio finds it without
// an index of ours; an id is unique, so asking each namespace in turn costs a
// few comparisons.
func (g *Gateway) PushSocket(id string, data []byte) pushhttp.Result {
	for _, n := range g.namespaces {
		if s := n.Socket(id); s != nil {
			d := deliver(data)
			d.to(s)
			return d.result
		}
	}
	return pushhttp.Result{}
}

// ClearTable takes every h5 connection out of a table's topic.
func (g *Gateway) ClearTable(topic string) pushhttp.Result {
	return pushhttp.Result{Matched: g.roster.clearTable(topic)}
}
