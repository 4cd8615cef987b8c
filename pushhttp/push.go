package pushhttp

// endpoint is one of the API's.
type endpoint struct {
	// read takes what the endpoint needs from the envelope of s into its order.
	// It refuses before anything is pushed.
	read func(h *Handler, s *scratch) *refusal
	// publish carries the order out.
	publish func(p Publisher, o *order) Result
	// quick reports whether an order reaches so few that a loop may carry it
	// out. Nil: none does.
	quick func(s *scratch) bool
}

// order is one push, read and checked: what a Publisher is to be told.
type order struct {
	kind string
	to   string   // a topic, or a socket's id
	all  []string // uids, or clients
	data []byte
}

var devicePush = endpoint{
	read: func(h *Handler, s *scratch) (r *refusal) {
		if s.order.kind, r = readKind(s.envelope.Type, deviceKinds); r != nil {
			return r
		}
		if s.order.all, r = s.uids.read(s.envelope.UID, h.cfg.MaxUIDs); r != nil {
			return r
		}
		s.order.data, r = readData(s.envelope.Data, h.cfg.MaxData)
		return r
	},
	publish: func(p Publisher, o *order) Result { return p.PushDevice(o.kind, o.all, o.data) },
	quick:   func(s *scratch) bool { return len(s.order.all) <= QuickUIDs },
}

var topicPush = endpoint{
	read: func(h *Handler, s *scratch) (r *refusal) {
		if s.order.kind, r = readKind(s.envelope.Type, topicKinds); r != nil {
			return r
		}
		if s.order.to, r = readTopic(s.envelope.Topic); r != nil {
			return r
		}
		s.order.data, r = readData(s.envelope.Data, h.cfg.MaxData)
		return r
	},
	publish: func(p Publisher, o *order) Result { return p.PushTopic(o.kind, o.to, o.data) },
}

var clientPush = endpoint{
	read: func(h *Handler, s *scratch) (r *refusal) {
		if s.clients, r = readClients(s.clients[:0], s.envelope.Clients, h.cfg.MaxClients); r != nil {
			return r
		}
		if s.message, r = appendMessage(s.message[:0], &s.envelope); r != nil {
			return r
		}
		s.order.all = s.clients
		s.order.data, r = readData(s.message, h.cfg.MaxData)
		return r
	},
	publish: func(p Publisher, o *order) Result { return p.PushClient(o.all, o.data) },
}

var socketPush = endpoint{
	read: func(h *Handler, s *scratch) (r *refusal) {
		if s.order.to, r = readText("id", s.envelope.ID, maxID); r != nil {
			return r
		}
		s.order.data, r = readData(s.envelope.Data, h.cfg.MaxData)
		return r
	},
	publish: func(p Publisher, o *order) Result { return p.PushSocket(o.to, o.data) },
	quick:   func(*scratch) bool { return true },
}

var tableClear = endpoint{
	read: func(_ *Handler, s *scratch) (r *refusal) {
		s.order.to, r = readTopic(s.envelope.Topic)
		return r
	},
	publish: func(p Publisher, o *order) Result { return p.ClearTable(o.to) },
}

// appendMessage appends what client_push pushes: title, body and push_type, in
// that order, each as it was written. One that is missing is left out, as
// JSON.stringify in the old server left it out.
func appendMessage(dst []byte, e *envelope) ([]byte, *refusal) {
	members := [...]struct {
		name  string
		value rawValue
	}{{"title", e.Title}, {"body", e.Body}, {"push_type", e.PushType}}
	dst = append(dst, '{')
	for _, m := range members {
		if m.value == nil {
			continue
		}
		if m.value[0] == '{' || m.value[0] == '[' {
			return dst, invalid(m.name, "must be a string, a number, a boolean or null, not %s", m.value.describe())
		}
		if len(dst) > len("{") {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), m.name...), `":`...)
		dst = append(dst, m.value...)
	}
	if len(dst) == len("{") {
		return dst, refuse(CodeMissing, "title, body and push_type: all are missing")
	}
	return append(dst, '}'), nil
}
