package bench

import (
	"strconv"

	"outrider/bench/internal/fleet"
)

// pushAPI writes requests to one server's push API. It is used by one
// goroutine at a time.
type pushAPI struct {
	host string
	key  string // API key, if any
	size int    // of a push's data, at least
	body []byte // under construction
}

// padding is what data is filled up with.
const padding = "abcdefghijklmnopqrstuvwxyz0123456789"

// device appends a device push to one user.
func (a *pushAPI) device(dst []byte, kind fleet.Kind, user uint64, s stamp) []byte {
	return a.post(dst, "/device_push", func(dst []byte) []byte {
		dst = append(append(dst, `{"type":"`...), kind.Audience()...)
		dst = append(kind.AppendUID(append(dst, `","uid":"`...), user), `","data":`...)
		return append(a.data(dst, s), '}')
	})
}

// topic appends a push to a topic.
func (a *pushAPI) topic(dst []byte, kind fleet.Kind, topic uint64, s stamp) []byte {
	return a.post(dst, "/topic_push", func(dst []byte) []byte {
		dst = append(append(dst, `{"type":"`...), kind.Audience()...)
		dst = append(kind.AppendTopic(append(dst, `","topic":"`...), topic), `","data":`...)
		return append(a.data(dst, s), '}')
	})
}

// posTopic appends a push to the second topic of the pos in a topic.
func (a *pushAPI) posTopic(dst []byte, topic uint64, s stamp) []byte {
	return a.post(dst, "/topic_push", func(dst []byte) []byte {
		dst = fleet.AppendPOSTopic(append(dst, `{"type":"merchant","topic":"`...), topic)
		return append(a.data(append(dst, `","data":`...), s), '}')
	})
}

// client appends a push to all clients of a kind.
func (a *pushAPI) client(dst []byte, kind fleet.Kind, s stamp) []byte {
	return a.post(dst, "/client_push", func(dst []byte) []byte {
		dst = append(append(dst, `{"clients":["`...), kind.Group()...)
		dst = s.append(append(dst, `"],"title":"bench","body":"`...))
		return append(dst, `","push_type":"bench"}`...)
	})
}

// data appends an object with the stamp, filled up to the size.
func (a *pushAPI) data(dst []byte, s stamp) []byte {
	from := len(dst)
	dst = s.append(append(dst, `{"title":"New Order","body":"`...))
	for len(dst)-from < a.size-len(`"}`) {
		dst = append(dst, padding[:min(len(padding), a.size-len(`"}`)-(len(dst)-from))]...)
	}
	return append(dst, `"}`...)
}

func (a *pushAPI) post(dst []byte, endpoint string, body func([]byte) []byte) []byte {
	a.body = body(a.body[:0])
	dst = append(append(dst, "POST "...), endpoint...)
	dst = append(append(dst, " HTTP/1.1\r\nHost: "...), a.host...)
	if a.key != "" {
		dst = append(append(dst, "\r\nX-API-Key: "...), a.key...)
	}
	dst = append(dst, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	dst = append(strconv.AppendInt(dst, int64(len(a.body)), 10), "\r\n\r\n"...)
	return append(dst, a.body...)
}
