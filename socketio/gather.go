package socketio

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"outrider/engineio"
)

// Answer is what one receiver has answered to an event of [Broadcast.EmitWithAck]. It remains valid.
type Answer struct {
	Socket      string   // its id
	Data        []byte   // the arguments, as a JSON array
	Attachments [][]byte // the binary data among them
}

// answerSize is about what an answer takes besides its data: itself, the id and their places in lists.
const answerSize = 150

// Args returns the arguments; none if the answer comes from another node and is not what a client can have answered.
func (a *Answer) Args() *Args {
	args := &Args{text: a.Data, attachments: a.Attachments}
	n, err := splitArray(a.Data, maxDepth, args.first[:])
	if err == nil && len(a.Attachments) > 0 {
		err = checkPlaceholders(a.Data, len(a.Attachments))
	}
	if err != nil {
		return &Args{}
	}
	args.n = n
	if n > inlineSpans {
		args.rest = make([]span, n)
		splitArray(a.Data, maxDepth, args.rest) //nolint:errcheck // it has just been split
	}
	return args
}

// Bind decodes an argument, as [Args.Bind] does; so [Arg] takes answers, too.
func (a *Answer) Bind(i int, v any) error { return a.Args().Bind(i, v) }

// AckError is what [Broadcast.EmitWithAck] returns if answers are missing. It is an [ErrAckTimeout] whatever the reason:
// none of them came in time. Besides it is [ErrNotConnected] if a receiver has left or could not be sent to, [ErrLimit]
// if a bound of [Config] was in the way, [ErrNode] if another node has not told of its sockets, and the error of the
// context if that has ended.
type AckError struct {
	Receivers int // how many sockets were asked, as far as is known
	Answers   int // how many of their answers are here
	causes    []error
}

// Error says how many have answered, and why not all.
func (e *AckError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "socketio: %d of %d have answered", e.Answers, e.Receivers)
	for _, cause := range e.causes {
		text.WriteString(": " + cause.Error())
	}
	return text.String()
}

// Unwrap returns the reasons.
func (e *AckError) Unwrap() []error { return e.causes }

// EmitWithAck sends an event that all receivers are to acknowledge, and returns their answers when all of those that are
// left have answered, or when ctx ends, or after [Config].AckTimeout, whichever comes first. If answers are missing then,
// it returns those that came, and an [*AckError]; the other errors are those of [Prepare], and nothing has been sent.
//
//	answers, err := ns.To("room-1").EmitWithAck(ctx, "ready?")
//
// It waits for clients, and must not be called in a handler of a connection whose own answer it waits for, which cannot
// be read meanwhile: a handler asks everybody but its socket, as s.To("room-1") does, or from a goroutine.
//
// A socket that waits for [Config].MaxPendingAcks already is not asked, and counts as missing. An answer that would bring
// the sum of them over [Config].MaxAnswerBytes is dropped, and counts as missing.
func (b Broadcast) EmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error) {
	p, err := Prepare(event, args...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.ns.server.cfg.AckTimeout)
	defer cancel()
	g := b.gather(p)
	replies, err := b.request(ctx, Message{Kind: MessageAsk, Event: p.json, Attachments: p.attachments, Wait: share(ctx)})
	g.merge(replies, err)
	g.wait(ctx)
	return g.end(ctx)
}

// share returns how long other nodes may take: a little less than there is, so that what they have got arrives.
func share(ctx context.Context) time.Duration {
	deadline, _ := ctx.Deadline() // there is one
	left := time.Until(deadline)
	return max(0, left-min(left/10, time.Second))
}

// gathering is an acknowledged broadcast under way.
//
//  1. Each receiver that was counted is taken off open once: with its answer, or with why there is none.
//  2. When it has ended nothing refers to it any more, and no answer is taken in.
type gathering struct {
	rounds []round // owned by who asks
	full   chan struct{}

	mu        sync.Mutex // guards what follows; no other lock is taken under it
	answers   []Answer
	room      int // bytes that may still come
	receivers int
	open      int // receivers of whom nothing is known yet
	left      bool
	limited   bool
	nodes     error // why other nodes' answers are missing
	ended     bool
}

// round is the receivers in one namespace, and the id that they all have in it.
type round struct {
	id      uint64
	sockets []*Socket
}

// gather sends an event to the receivers on this node, and returns where their answers arrive.
func (b Broadcast) gather(p *Prepared) *gathering {
	g := &gathering{full: make(chan struct{}), room: b.ns.server.cfg.MaxAnswerBytes}
	g.open = 1 // the asking itself, so that the first answers do not seem to be all
	if b.ns.match == nil {
		b.ask(g, p)
	} else {
		for _, child := range b.ns.server.childrenOf(b.ns) {
			of := b
			of.ns = child
			of.ask(g, p)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.settle()
	return g
}

// ask sends an event to the receivers in one namespace, which is no template.
func (b Broadcast) ask(g *gathering, p *Prepared) {
	r := round{id: b.ns.acks.Add(1) - 1}
	packet := Packet{Type: PacketEvent, Namespace: b.ns.wire, ID: r.id, HasID: true}
	var frames [2]*engineio.Frame // of revision 4, and of revision 3
	for s := range b.Sockets() {
		if b.volatile && !s.conn.session.Writable() {
			continue
		}
		g.expect()
		if err := s.awaitAckAs(r.id, func(args *Args, err error) { g.answer(s, args, err) }); err != nil {
			g.answer(s, nil, err)
			continue
		}
		r.sockets = append(r.sockets, s)
		frame := &frames[0]
		if s.Revision() == engineio.Revision3 {
			frame = &frames[1]
		}
		if *frame == nil {
			*frame = newFrame(packet, p.json, p.attachments, s.Revision())
		}
		if err := s.conn.session.SendFrame(*frame); err != nil && s.takeAck(r.id) != nil {
			g.answer(s, nil, ErrNotConnected)
		}
	}
	g.rounds = append(g.rounds, r)
}

// expect counts a receiver.
func (g *gathering) expect() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.receivers++
	g.open++
}

// settle takes one off open. The caller holds mu.
func (g *gathering) settle() {
	if g.open--; g.open == 0 {
		close(g.full)
	}
}

// answer takes in what became of one receiver.
func (g *gathering) answer(s *Socket, args *Args, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return
	}
	defer g.settle()
	switch err {
	case nil:
		data := args.text
		if data == nil { // PROTOCOL.md 2.1: an acknowledgement without arguments
			data = []byte("[]")
		}
		g.take(Answer{Socket: s.ID(), Data: data, Attachments: args.attachments})
	case ErrNotConnected:
		g.left = true
	default:
		g.limited = true
	}
}

// take keeps a copy of an answer, if it fits. The caller holds mu.
func (g *gathering) take(a Answer) {
	size := answerSize + len(a.Data)
	for _, data := range a.Attachments {
		size += len(data)
	}
	if size > g.room {
		g.limited = true
		return
	}
	g.room -= size
	a.Data = bytes.Clone(a.Data)
	g.answers = append(g.answers, a)
}

// wait returns when everything is known, or when ctx has ended.
func (g *gathering) wait(ctx context.Context) {
	select {
	case <-g.full:
	case <-ctx.Done():
	}
}

// merge takes in what other nodes have gathered.
func (g *gathering) merge(replies []*Reply, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.nodes = err
	for _, r := range replies {
		g.receivers += r.Receivers
		g.left = g.left || r.Left
		g.limited = g.limited || r.Limited
		for _, a := range r.Answers {
			g.take(a)
		}
	}
}

// stop ends the gathering: what comes from now on comes too late. It reports whether all was known.
func (g *gathering) stop() (complete bool) {
	g.mu.Lock()
	g.ended = true
	complete = g.open == 0
	g.mu.Unlock()
	if !complete {
		g.takeBack()
	}
	return complete
}

// end stops waiting, and returns what came of it.
func (g *gathering) end(ctx context.Context) ([]Answer, error) {
	complete := g.stop() // from here on nothing changes
	if len(g.answers) == g.receivers && g.nodes == nil {
		return g.answers, nil
	}
	e := &AckError{Receivers: g.receivers, Answers: len(g.answers), causes: []error{ErrAckTimeout}}
	if g.left {
		e.causes = append(e.causes, ErrNotConnected)
	}
	if g.limited {
		e.causes = append(e.causes, ErrLimit)
	}
	if g.nodes != nil {
		e.causes = append(e.causes, g.nodes)
	}
	if !complete {
		e.causes = append(e.causes, ctx.Err())
	}
	return g.answers, e
}

// reply is end for another node.
func (g *gathering) reply() *Reply {
	g.stop()
	return &Reply{Receivers: g.receivers, Answers: g.answers, Left: g.left, Limited: g.limited}
}

// takeBack lets sockets forget what nobody waits for any more.
func (g *gathering) takeBack() {
	for _, r := range g.rounds {
		for _, s := range r.sockets {
			s.takeAck(r.id)
		}
	}
}
