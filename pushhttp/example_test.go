package pushhttp_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"outrider/pushhttp"
)

// printer is a Publisher that shows what it is asked for.
type printer struct{}

func (printer) PushDevice(kind string, uids []string, data []byte) pushhttp.Result {
	fmt.Printf("to %s %v: %s\n", kind, uids, data)
	return pushhttp.Result{Matched: 2, Written: 2}
}

func (printer) PushTopic(kind, topic string, data []byte) pushhttp.Result {
	fmt.Printf("to %ss in %s: %s\n", kind, topic, data)
	return pushhttp.Result{Matched: 40, Written: 39, Offline: 3}
}

func (printer) PushClient(clients []string, data []byte) pushhttp.Result {
	fmt.Printf("to all of %v: %s\n", clients, data)
	return pushhttp.Result{}
}

func (printer) PushSocket(id string, data []byte) pushhttp.Result {
	fmt.Printf("to %s: %s\n", id, data)
	return pushhttp.Result{Matched: 1, Written: 1}
}

func (printer) ClearTable(topic string) pushhttp.Result {
	fmt.Printf("nobody is at %s any more\n", topic)
	return pushhttp.Result{Matched: 4}
}

// A back end posts JSON, or a form, to a server with an API key.
func Example() {
	handler, err := pushhttp.New(pushhttp.Config{
		Publisher: printer{},
		Keys:      []pushhttp.Key{pushhttp.NewKey("back end", "s3cret")},
	})
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := pushhttp.NewServer(handler, pushhttp.ServerConfig{})
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Shutdown() }()

	post := func(path, contentType, body string) {
		request, err := http.NewRequest(http.MethodPost, "http://"+listener.Addr().String()+path, strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		request.Header.Set("Authorization", "Bearer s3cret")
		request.Header.Set("Content-Type", contentType)
		request.Close = true
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			panic(err)
		}
		defer response.Body.Close()
		answer, _ := io.ReadAll(response.Body)
		fmt.Println(response.StatusCode, withoutIDs(answer))
	}
	post("/device_push", "application/json", `{"type": "merchant", "uid": [7, "8"], "data": {"order": 1234567890123456789}}`)
	post("/topic_push", "application/x-www-form-urlencoded", url.Values{
		"type": {"rider"}, "topic": {"rider_Tianhe_Qu_notification"}, "data[title]": {"Rain"},
	}.Encode())
	post("/device_push", "application/json", `{"type": "merchant", "uid": [7, null], "data": {}}`)

	// Output:
	// to merchant [7 8]: {"order":1234567890123456789}
	// 200 {"code":0,"message":"","result":{"id":"…","matched":2,"written":2,"offline":0}}
	// to riders in rider_Tianhe_Qu_notification: {"title":"Rain"}
	// 200 {"code":0,"message":"","result":{"id":"…","matched":40,"written":39,"offline":3}}
	// 400 {"code":40003,"message":"uid[1]: must be an integer or a string, not null","request_id":"…"}
}

func withoutIDs(answer []byte) string {
	return regexp.MustCompile(`id":"[0-9A-Z]{26}"`).ReplaceAllString(string(answer), `id":"…"`)
}
