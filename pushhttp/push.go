package pushhttp

// endpoint makes the push that the envelope of s describes, and puts what
// became of it into the answer of s. It refuses before it pushes anything.
type endpoint func(h *Handler, s *scratch) *refusal

func (h *Handler) pushDevice(s *scratch) *refusal {
	kind, r := readKind(s.envelope.Type, deviceKinds)
	if r != nil {
		return r
	}
	uids, r := s.uids.read(s.envelope.UID, h.cfg.MaxUIDs)
	if r != nil {
		return r
	}
	data, r := readData(s.envelope.Data, h.cfg.MaxData)
	if r != nil {
		return r
	}
	s.answer.Result.set(h.cfg.Publisher.PushDevice(kind, uids, data))
	return nil
}

func (h *Handler) pushTopic(s *scratch) *refusal {
	kind, r := readKind(s.envelope.Type, topicKinds)
	if r != nil {
		return r
	}
	topic, r := readTopic(s.envelope.Topic)
	if r != nil {
		return r
	}
	data, r := readData(s.envelope.Data, h.cfg.MaxData)
	if r != nil {
		return r
	}
	s.answer.Result.set(h.cfg.Publisher.PushTopic(kind, topic, data))
	return nil
}

func (h *Handler) pushClient(s *scratch) (r *refusal) {
	if s.clients, r = readClients(s.clients[:0], s.envelope.Clients, h.cfg.MaxClients); r != nil {
		return r
	}
	if s.message, r = appendMessage(s.message[:0], &s.envelope); r != nil {
		return r
	}
	data, r := readData(s.message, h.cfg.MaxData)
	if r != nil {
		return r
	}
	s.answer.Result.set(h.cfg.Publisher.PushClient(s.clients, data))
	return nil
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

func (h *Handler) pushSocket(s *scratch) *refusal {
	id, r := readText("id", s.envelope.ID, maxID)
	if r != nil {
		return r
	}
	data, r := readData(s.envelope.Data, h.cfg.MaxData)
	if r != nil {
		return r
	}
	s.answer.Result.set(h.cfg.Publisher.PushSocket(id, data))
	return nil
}

func (h *Handler) clearTable(s *scratch) *refusal {
	topic, r := readTopic(s.envelope.Topic)
	if r != nil {
		return r
	}
	s.answer.Result.set(h.cfg.Publisher.ClearTable(topic))
	return nil
}
