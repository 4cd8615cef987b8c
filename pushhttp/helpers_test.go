package pushhttp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"outrider/pushhttp"
)

// recorder is a Publisher that writes down what it is asked for.
type recorder struct {
	mu     sync.Mutex
	calls  []string
	result pushhttp.Result
	panics bool
}

func (r *recorder) record(format string, args ...any) pushhttp.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.panics {
		panic("the publisher is broken")
	}
	r.calls = append(r.calls, fmt.Sprintf(format, args...))
	return r.result
}

// taken returns the calls since it was last asked.
func (r *recorder) taken() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls
	r.calls = nil
	return calls
}

func (r *recorder) PushDevice(kind string, uids []string, data []byte) pushhttp.Result {
	return r.record("device %s %s %s", kind, strings.Join(uids, "|"), data)
}

func (r *recorder) PushTopic(kind, topic string, data []byte) pushhttp.Result {
	return r.record("topic %s %s %s", kind, topic, data)
}

func (r *recorder) PushClient(clients []string, data []byte) pushhttp.Result {
	return r.record("client %s %s", strings.Join(clients, "|"), data)
}

func (r *recorder) PushSocket(id string, data []byte) pushhttp.Result {
	return r.record("socket %s %s", id, data)
}

func (r *recorder) ClearTable(topic string) pushhttp.Result { return r.record("clear %s", topic) }

func newHandler(t testing.TB, cfg pushhttp.Config) (*pushhttp.Handler, *recorder) {
	t.Helper()
	r := &recorder{}
	if cfg.Publisher == nil {
		cfg.Publisher = r
	}
	h, err := pushhttp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h, r
}

// reply is an answer as a caller sees it.
type reply struct {
	status int
	header map[string]string
	body   string
	json   struct {
		Code      pushhttp.Code `json:"code"`
		Message   string        `json:"message"`
		RequestID string        `json:"request_id"`
		Result    *struct {
			ID      string `json:"id"`
			Matched int    `json:"matched"`
			Written int    `json:"written"`
			Offline int    `json:"offline"`
		} `json:"result"`
	}
}

func (r *reply) decode(t testing.TB) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), &r.json); err != nil {
		t.Fatalf("the answer is not JSON: %v: %q", err, r.body)
	}
}
