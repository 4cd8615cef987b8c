package httpwire_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"outrider/internal/httpwire"
)

// request is what a reader of a connection got out of one request.
type request struct {
	Method, Target, Path, Query string
	Proto                       uint8
	Headers                     []string
	KeepAlive, Upgrade, Expect  bool
	Body                        []byte
	Complete                    bool
}

// transcript is all that happened on a connection: the requests in order and, if one was refused, why and after how many bytes.
type transcript struct {
	Requests []request
	Status   int
	Reason   string
	Given    int // bytes that had been given when the refusal came
}

// reader reads a connection as a loop does: it keeps what is not parsed and gives it again with more behind it.
type reader struct {
	lim  httpwire.Limits
	head httpwire.Head
	body httpwire.Body
	kept []byte
	transcript
}

func (r *reader) reading() bool {
	return len(r.Requests) > 0 && !r.Requests[len(r.Requests)-1].Complete
}

// segment takes the next bytes in and reports whether the connection is still good. The buffer of the turn is spoilt behind it,
// so that nothing that was kept too long goes unseen.
func (r *reader) segment(b []byte) bool {
	r.Given += len(b)
	turn := slices.Concat(r.kept, b)
	rest, err := r.turn(turn)
	r.kept = bytes.Clone(rest)
	clear(turn)
	if refused, ok := errors.AsType[*httpwire.Error](err); ok {
		r.Status, r.Reason = refused.Status, refused.Reason
	}
	return err == nil
}

func (r *reader) turn(src []byte) ([]byte, error) {
	for {
		if !r.reading() {
			n, err := r.head.Parse(src, r.lim)
			if n == 0 || err != nil {
				return src, err
			}
			r.Requests = append(r.Requests, newRequest(&r.head))
			r.body = httpwire.NewBody(&r.head)
			src = src[n:]
		}
		data, n, done, err := r.body.Next(src)
		if err != nil {
			return nil, err
		}
		current := &r.Requests[len(r.Requests)-1]
		current.Body = append(current.Body, data...)
		current.Complete = done
		src = src[n:]
		if !done && len(src) == 0 {
			return nil, nil
		}
		if !done && n == 0 {
			return nil, errors.New("Next took nothing and is not done")
		}
	}
}

func newRequest(h *httpwire.Head) request {
	r := request{
		Method: string(h.Method), Target: string(h.Target), Path: string(h.Path), Query: string(h.RawQuery), Proto: h.Proto,
		KeepAlive: h.KeepAlive, Upgrade: h.Upgrade, Expect: h.Expect100,
	}
	for _, header := range h.Headers {
		r.Headers = append(r.Headers, fmt.Sprintf("%s: %s", header.Name, header.Value))
	}
	return r
}

// read gives the segments to a reader until one is refused.
func read(segments ...string) transcript {
	var r reader
	for _, s := range segments {
		if !r.segment([]byte(s)) {
			break
		}
	}
	return r.transcript
}

// trickle gives the input byte by byte.
func trickle(input string) transcript {
	var r reader
	for i := range len(input) {
		if !r.segment([]byte(input[i : i+1])) {
			break
		}
	}
	return r.transcript
}

// same reports whether two ways of cutting one input made the same of it: what was given by the time of a refusal may differ.
func same(a, b transcript) bool {
	return a.Status == b.Status && a.Reason == b.Reason && reflect.DeepEqual(a.Requests, b.Requests)
}

// checkCuts reads input whole, in two at every position (of a long one only at those near the ends) and byte by byte: the cut must
// not show. It returns the transcript of the trickle, whose Given is the earliest moment of a refusal.
func checkCuts(t *testing.T, input string) transcript {
	t.Helper()
	whole := read(input)
	const all, near = 2 << 10, 16
	for i := range input {
		if len(input) > all && i > near && i < len(input)-near {
			continue
		}
		if got := read(input[:i], input[i:]); !same(got, whole) {
			t.Fatalf("cut at %d:\n got %+v\nwhole %+v", i, got, whole)
		}
	}
	slow := trickle(input)
	if !same(slow, whole) {
		t.Fatalf("byte by byte:\n got %+v\nwhole %+v", slow, whole)
	}
	return slow
}

func post(headers, body string) string {
	return "POST /p HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n" + body
}

func chunked(body string) string { return post("Transfer-Encoding: chunked\r\n", body) }

func lines(s ...string) string { return strings.Join(s, "\r\n") + "\r\n\r\n" }
