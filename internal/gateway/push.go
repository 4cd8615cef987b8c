package gateway

import (
	"iter"
	"runtime"
	"sync"
	"unsafe"

	"outrider/pushhttp"
	"outrider/registry"
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

// fanOutShare is the number of members for each of whom a goroutine more is
// worth its while: some 10 ms of system calls.
const fanOutShare = 1024

// fanOutTurn is after how many sends a fan-out lets others run. The runtime is
// not told of the system calls, and so takes no processor away from them; a
// push to one user, or a heartbeat, shall not wait for one to all.
const fanOutTurn = 64

// toAll pushes to every member of a key, on as many processors as that takes.
// It returns when all is done: what the caller pushes next comes behind it.
func (d *delivery) toAll(x *registry.Index[member], key string) {
	n := min(x.Len(key)/fanOutShare, runtime.GOMAXPROCS(0))
	if n < 2 {
		d.toEach(x.Members(key))
		return
	}
	shares := x.Shares(key, n)
	parts := make([]delivery, n)
	var running sync.WaitGroup
	for i, share := range shares {
		parts[i].event = d.event
		if i > 0 {
			running.Go(func() { parts[i].toEach(share) })
		}
	}
	parts[0].toEach(shares[0])
	running.Wait()
	for _, part := range parts {
		d.result.Matched += part.result.Matched
		d.result.Written += part.result.Written
	}
}

func (d *delivery) toEach(members iter.Seq[*member]) {
	turn := 0
	for m := range members {
		d.to(m.sock)
		if turn++; turn == fanOutTurn {
			turn = 0
			runtime.Gosched()
		}
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
	d.toAll(g.roster.topics[k], topic)
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
	d.toAll(g.roster.peers, group.String())
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
