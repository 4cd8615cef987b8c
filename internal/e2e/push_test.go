package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	jsonBody = "application/json"
	formBody = "application/x-www-form-urlencoded"
)

// answer is what the push API says.
type answer struct {
	status  int
	body    string
	Code    int    `json:"code"`
	Message string `json:"message"`
	Result  result `json:"result"`
}

type result struct {
	ID      string `json:"id"`
	Matched int    `json:"matched"`
	Written int    `json:"written"`
	Offline int    `json:"offline"`
}

// request makes one request of the push API and returns its answer, whatever that is.
func (g *gateway) request(t *testing.T, method, path, contentType, body string, headers ...string) answer {
	t.Helper()
	a, err := g.try(method, path, contentType, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// try is request for goroutines that are not the test's own.
func (g *gateway) try(method, path, contentType, body string, headers ...string) (answer, error) {
	req, err := http.NewRequest(method, "http://"+g.addr+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := g.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: resp.StatusCode, body: string(text)}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("%s %s: answered %d with what is not JSON: %s", method, path, a.status, abridged(a.body))
	}
	return a, nil
}

// push posts a JSON body to an endpoint, which must accept it.
func (g *gateway) push(t *testing.T, endpoint, body string) result {
	t.Helper()
	return g.accepted(t, "/"+endpoint, jsonBody, body)
}

func (g *gateway) accepted(t *testing.T, path, contentType, body string) result {
	t.Helper()
	a := g.request(t, "POST", path, contentType, body)
	if a.status != http.StatusOK || a.Code != 0 || a.Message != "" {
		t.Fatalf("%s %s: answered %d %s", path, abridged(body), a.status, a.body)
	}
	return a.Result
}

// wantPush posts a JSON body and requires the number of connections it matched; all of them must have been written to.
func (g *gateway) wantPush(t *testing.T, endpoint, body string, matched int) result {
	t.Helper()
	r := g.push(t, endpoint, body)
	if r.Matched != matched || r.Written != matched {
		t.Fatalf("%s %s: matched %d, written %d, want %d of both", endpoint, abridged(body), r.Matched, r.Written, matched)
	}
	return r
}

// wantNothing requires that the client was sent nothing since its last event. A push to the socket's own id is the proof:
// pushes by one caller arrive in order, so it would arrive after what must not be there.
func (g *gateway) wantNothing(t *testing.T, s *socket) {
	t.Helper()
	g.wantPush(t, "print_push", fmt.Sprintf(`{"id":%q,"data":"nothing before this"}`, s.id), 1)
	s.wantMessage(t, `"nothing before this"`)
}

// eventually repeats a push until its answer satisfies ok. It is for what the gateway learns only from the kernel: that a
// client is gone.
func (g *gateway) eventually(t *testing.T, endpoint, body string, ok func(result) bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; <-time.After(time.Millisecond) {
		r := g.push(t, endpoint, body)
		if ok(r) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s %s: still answered with %+v", endpoint, body, r)
		}
	}
}

func wantOffline(n int) func(result) bool {
	return func(r result) bool { return r.Matched == 0 && r.Offline == n }
}

func wantMatched(n int) func(result) bool {
	return func(r result) bool { return r.Matched == n }
}
