package pushhttp_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"outrider/pushhttp"
)

var endpoints = []string{"/device_push", "/topic_push", "/client_push", "/print_push", "/clear_table"}

// TestBadBodies sends what is no push in any sense to every endpoint.
func TestBadBodies(t *testing.T) {
	const jsonObject = "must be a JSON object, not "
	tests := []struct {
		name, body string
		code       pushhttp.Code
		message    string
	}{
		{"row 112: empty", "", pushhttp.CodeSyntax, "body: is empty"},
		{"row 112: BOM alone", "\xef\xbb\xbf", pushhttp.CodeSyntax, "body: is empty"},
		{"row 112: blank", " \r\n", pushhttp.CodeSyntax, "at byte 3: a value is missing"},
		{"row 112: broken", `{"type":"rider"`, pushhttp.CodeSyntax, "at byte 15: '}' is missing"},
		{"row 112: null", "null", pushhttp.CodeSyntax, jsonObject + "null"},
		{"row 112: []", "[]", pushhttp.CodeSyntax, jsonObject + "an array"},
		{"row 112: 5", "5", pushhttp.CodeSyntax, jsonObject + "a number"},
		{"row 112: string", `"x"`, pushhttp.CodeSyntax, jsonObject + "a string"},
		{"row 112: {}", "{}", pushhttp.CodeMissing, "is missing"},
		{"row 113: 100 k deep arrays", `{"data":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}", pushhttp.CodeSyntax, "nested more than 512 levels deep"},
		{"row 113: 50 k deep objects", strings.Repeat(`{"a":`, 50_000) + "1" + strings.Repeat("}", 50_000), pushhttp.CodeSyntax, "nested more than 512 levels deep"},
		{"row 115: truncated UTF-8", `{"type":"` + "\xe6\x96", pushhttp.CodeSyntax, "a string is not UTF-8"},
		{"row 115: UTF-16", "\xff\xfe{\x00}\x00", pushhttp.CodeSyntax, "at byte 0: want a value"},
		{"row 115: NUL padding", "{}\x00\x00", pushhttp.CodeSyntax, "at byte 2: text after the end of the value"},
		{"row 115: two documents", `{"type":"rider"}{"type":"rider"}`, pushhttp.CodeSyntax, "text after the end of the value"},
		{"row 115: NaN", `{"data":NaN}`, pushhttp.CodeSyntax, "at byte 8: want a value"},
		{"row 122: gzip, not declared", gzipped(`{"type":"rider","uid":1,"data":1}`), pushhttp.CodeSyntax, "at byte 0: want a value"},
	}
	for _, tt := range tests {
		for _, path := range endpoints {
			t.Run(tt.name+path, func(t *testing.T) {
				h, publisher := newHandler(t, pushhttp.Config{})
				r := serve(t, h, newRequest(path, asJSON, tt.body))
				if r.json.Code != tt.code || !strings.Contains(r.json.Message, tt.message) {
					t.Errorf("got %d %q, want %d %q", r.json.Code, r.json.Message, tt.code, tt.message)
				}
				if calls := publisher.taken(); calls != nil {
					t.Errorf("pushed all the same: %q", calls)
				}
			})
		}
	}
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

func TestContentType(t *testing.T) {
	const (
		inJSON = `{"type":"rider","uid":1,"data":{"a":1}}`
		inForm = `type=rider&uid=1&data[a]=1`
	)
	tests := []struct {
		name, contentType, body string
		code                    pushhttp.Code
		data                    string
	}{
		{"JSON", "application/json", inJSON, 0, `{"a":1}`},
		{"JSON in UTF-8", `Application/JSON; charset="UTF-8"`, inJSON, 0, `{"a":1}`},
		{"old JSON", "text/json", inJSON, 0, `{"a":1}`},
		{"form", "application/x-www-form-urlencoded", inForm, 0, `{"a":"1"}`},
		{"form as jQuery says it", "application/x-www-form-urlencoded; charset=UTF-8", inForm, 0, `{"a":"1"}`},
		{"none, with JSON", "", inJSON, 0, `{"a":1}`},
		{"none, with a form", "", inForm, pushhttp.CodeSyntax, ""},
		{"JSON sent as a form, as PHP's curl does", "application/x-www-form-urlencoded", inJSON, 0, `{"a":1}`},
		{"the same with space in front", "application/x-www-form-urlencoded", "\r\n " + inJSON, 0, `{"a":1}`},
		{"the same with a BOM", "application/x-www-form-urlencoded", "\xef\xbb\xbf" + inJSON, 0, `{"a":1}`},
		{"form sent as JSON", "application/json", inForm, pushhttp.CodeSyntax, ""},
		{"row 121: text/plain", "text/plain", inJSON, pushhttp.CodeMediaType, ""},
		{"row 121: multipart without boundary", "multipart/form-data", inJSON, pushhttp.CodeMediaType, ""},
		{"row 121: multipart", "multipart/form-data; boundary=x", "--x\r\n\r\n--x--", pushhttp.CodeMediaType, ""},
		{"row 121: urlencoded __proto__", "application/x-www-form-urlencoded", "type=rider&uid=1&data[__proto__][a]=1&__proto__[b]=2", 0, `{"__proto__":{"a":"1"}}`},
		{"row 115: UTF-16, declared", "application/json; charset=utf-16", inJSON, pushhttp.CodeMediaType, ""},
		{"form in GBK", "application/x-www-form-urlencoded; charset=gbk", inForm, pushhttp.CodeMediaType, ""},
		{"JSON lines", "application/x-ndjson", inJSON, pushhttp.CodeMediaType, ""},
		{"prefix of a type", "application/jsonp", inJSON, pushhttp.CodeMediaType, ""},
		{"not a type", "json", inJSON, pushhttp.CodeMediaType, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, publisher := newHandler(t, pushhttp.Config{})
			ctx := newRequest("/device_push", tt.contentType, tt.body)
			r := serve(t, h, ctx)
			if r.json.Code != tt.code {
				t.Fatalf("got %d %s", r.status, r.body)
			}
			calls := publisher.taken()
			if tt.code == 0 && (len(calls) != 1 || calls[0] != "device rider 1 "+tt.data) {
				t.Errorf("got %q, want data %s", calls, tt.data)
			}
		})
	}
}

// TestContentEncoding is row 122: nothing is inflated.
func TestContentEncoding(t *testing.T) {
	for encoding, want := range map[string]pushhttp.Code{
		"": 0, "identity": 0, "Identity": 0,
		"gzip": pushhttp.CodeContentEncoding, "deflate": pushhttp.CodeContentEncoding,
		"br": pushhttp.CodeContentEncoding, "identity, gzip": pushhttp.CodeContentEncoding,
	} {
		h, _ := newHandler(t, pushhttp.Config{})
		ctx := newRequest("/clear_table", asJSON, `{"topic":"t"}`)
		ctx.Request.Header.Set("Content-Encoding", encoding)
		if r := serve(t, h, ctx); r.json.Code != want {
			t.Errorf("Content-Encoding %q: %d %s", encoding, r.status, r.body)
		}
	}
}

func TestMethodsAndPaths(t *testing.T) {
	tests := []struct {
		method, target string
		status         int
	}{
		{"POST", "/clear_table", 200},
		{"POST", "/socket/clear_table/", 200},
		{"GET", "/clear_table", 405},
		{"HEAD", "/clear_table", 405},
		{"PUT", "/clear_table", 405},
		{"OPTIONS", "/clear_table", 405},
		{"TRACE", "/clear_table", 405},
		{"TRACE", "/", 405},
		{"CONNECT", "127.0.0.1:80", 405},
		{"POST", "/", 404},
		{"GET", "/", 404},
		{"OPTIONS", "*", 404},
		{"POST", "/clear_table2", 404},
		{"POST", "/Clear_Table", 404},
		{"POST", "/socket/socket/clear_table", 404},
		{"POST", "/socketclear_table", 404},
		{"POST", "/clear_table//", 404},
		{"POST", "/v1/clear_table", 404},
		{"POST", "/../../etc/passwd", 404},  // row 38
		{"POST", "//clear_table", 404},      // row 38
		{"POST", "/x/../clear_table", 404},  // row 38
		{"POST", "/%2f../clear_table", 404}, // row 38
		{"POST", "/clear%5ftable", 404},     // row 38
		{"POST", "/clear_table%00", 404},    // row 38
		{"POST", "/%ff%fe", 404},            // row 38
		{"POST", "/clear_table#fragment", 404},
		{"POST", "/clear_table?" + strings.Repeat("q", 7000), 200}, // row 38
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.target[:min(len(tt.target), 30)], func(t *testing.T) {
			h, publisher := newHandler(t, pushhttp.Config{})
			ctx := newRequest(tt.target, asJSON, `{"topic":"t"}`)
			ctx.Request.Header.SetMethod(tt.method)
			r := serve(t, h, ctx)
			if r.status != tt.status {
				t.Errorf("got %d %s, want %d", r.status, r.body, tt.status)
			}
			if allow := r.header.Get("Allow"); (allow == "POST") != (tt.status == 405) {
				t.Errorf("Allow: %q", allow)
			}
			if pushed := publisher.taken() != nil; pushed != (tt.status == 200) {
				t.Errorf("pushed: %v", pushed)
			}
		})
	}
}

// TestLimits asks for each limit at the bound and one beyond.
func TestLimits(t *testing.T) {
	nested := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	list := func(item string, n int) string { return strings.TrimSuffix(strings.Repeat(item+",", n), ",") }
	device := func(uid, data string) string { return `{"type":"rider","uid":` + uid + `,"data":` + data + `}` }
	padded := func(n int) string { s := device("1", "1"); return s + strings.Repeat(" ", n-len(s)) }
	tests := []struct {
		name        string
		cfg         pushhttp.Config
		path        string
		contentType string
		at, beyond  string
		code        pushhttp.Code
	}{
		{"body", pushhttp.Config{MaxBody: 100}, "/device_push", asJSON, padded(100), padded(101), pushhttp.CodeBodyTooLarge},
		{"body by default", pushhttp.Config{}, "/device_push", asJSON, padded(1 << 20), padded(1<<20 + 1), pushhttp.CodeBodyTooLarge},
		{"data", pushhttp.Config{MaxData: 8}, "/device_push", asJSON, device("1", ` "123456" `), device("1", `"1234567"`), pushhttp.CodeDataTooLarge},
		{"data by default", pushhttp.Config{}, "/device_push", asJSON, device("1", `"`+strings.Repeat("x", 480<<10-2)+`"`), device("1", `"`+strings.Repeat("x", 480<<10-1)+`"`), pushhttp.CodeDataTooLarge},
		{"data of client_push", pushhttp.Config{MaxData: 13}, "/client_push", asJSON, `{"clients":["h5"],"title":"a"}`, `{"clients":["h5"],"title":"ab"}`, pushhttp.CodeDataTooLarge},
		{"data of topic_push", pushhttp.Config{MaxData: 2}, "/topic_push", asJSON, `{"type":"h5","topic":"t","data":12}`, `{"type":"h5","topic":"t","data":123}`, pushhttp.CodeDataTooLarge},
		{"data of print_push", pushhttp.Config{MaxData: 2}, "/print_push", asJSON, `{"id":"t","data":12}`, `{"id":"t","data":123}`, pushhttp.CodeDataTooLarge},
		{"data of a form", pushhttp.Config{MaxData: 9}, "/device_push", asForm, `type=rider&uid=1&data[a]=b`, `type=rider&uid=1&data[a]=bc`, pushhttp.CodeDataTooLarge},
		{"depth", pushhttp.Config{MaxDepth: 4}, "/device_push", asJSON, device("1", nested(3)), device("1", nested(4)), pushhttp.CodeSyntax},
		{"depth by default", pushhttp.Config{}, "/device_push", asJSON, device("1", nested(511)), device("1", nested(512)), pushhttp.CodeSyntax},
		{"depth of a form", pushhttp.Config{MaxDepth: 4}, "/device_push", asForm, `type=rider&uid=1&data[a][b][c]=1`, `type=rider&uid=1&data[a][b][c][d]=1`, pushhttp.CodeSyntax},
		{"depth of a form by default", pushhttp.Config{}, "/device_push", asForm, `type=rider&uid=1&data` + strings.Repeat("[a]", 511) + `=1`, `type=rider&uid=1&data` + strings.Repeat("[a]", 512) + `=1`, pushhttp.CodeSyntax},
		{"uids in an array", pushhttp.Config{MaxUIDs: 3}, "/device_push", asJSON, device("[1,2,3]", "1"), device("[1,2,3,4]", "1"), pushhttp.CodeTooManyUIDs},
		{"uids in a comma list", pushhttp.Config{MaxUIDs: 3}, "/device_push", asJSON, device(`"1,2,3"`, "1"), device(`"1,1,1,1"`, "1"), pushhttp.CodeTooManyUIDs},
		{"uids in a form", pushhttp.Config{MaxUIDs: 3}, "/device_push", asForm, `type=rider&uid[]=1&uid[]=2,3&data=x`, `type=rider&uid[]=1&uid[]=2,3&uid[]=4&data=x`, pushhttp.CodeTooManyUIDs},
		{"row 117: uids by default", pushhttp.Config{}, "/device_push", asJSON, device("["+list("7", 100_000)+"]", "1"), device("["+list("7", 100_001)+"]", "1"), pushhttp.CodeTooManyUIDs},
		{"clients", pushhttp.Config{MaxClients: 2}, "/client_push", asJSON, `{"title":"t","clients":["h5","h5"]}`, `{"title":"t","clients":["h5","h5","h5"]}`, pushhttp.CodeInvalid},
		{"clients by default", pushhttp.Config{}, "/client_push", asJSON, `{"title":"t","clients":[` + list(`"h5"`, 100) + `]}`, `{"title":"t","clients":[` + list(`"h5"`, 101) + `]}`, pushhttp.CodeInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, publisher := newHandler(t, tt.cfg)
			if r := serve(t, h, newRequest(tt.path, tt.contentType, tt.at)); r.status != 200 {
				t.Errorf("at the bound: %d %s", r.status, r.body)
			}
			if n := len(publisher.taken()); n != 1 {
				t.Errorf("at the bound: %d pushes", n)
			}
			if r := serve(t, h, newRequest(tt.path, tt.contentType, tt.beyond)); r.json.Code != tt.code {
				t.Errorf("beyond: %d %s, want code %d", r.status, r.body, tt.code)
			}
			if calls := publisher.taken(); calls != nil {
				t.Errorf("beyond: pushed all the same")
			}
		})
	}
}

func TestConfig(t *testing.T) {
	publisher := &recorder{}
	for _, cfg := range []pushhttp.Config{
		{},
		{Publisher: publisher, MaxBody: -1},
		{Publisher: publisher, MaxData: -1},
		{Publisher: publisher, MaxUIDs: -1},
		{Publisher: publisher, MaxClients: -1},
		{Publisher: publisher, MaxDepth: -1},
		{Publisher: publisher, MaxDepth: pushhttp.HighestDepth + 1},
		{Publisher: publisher, Keys: []pushhttp.Key{pushhttp.NewKey("a", "secret"), pushhttp.NewKey("b", "")}},
	} {
		if _, err := pushhttp.New(cfg); err == nil {
			t.Errorf("accepted: %+v", cfg)
		} else if got := fmt.Sprint(err); !strings.HasPrefix(got, pushhttp.ErrConfig.Error()) {
			t.Errorf("the error is %q", got)
		}
	}
}
