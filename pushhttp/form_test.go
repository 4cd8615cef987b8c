package pushhttp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"outrider/pushhttp"
)

// TestForm holds what a form's fields become against what PHP (parse_str and
// json_encode with unescaped slashes and Unicode) makes of them.
func TestForm(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"http_build_query", "type=rider&uid=1&data%5Btitle%5D=New+Order&data%5Bitems%5D%5B0%5D%5Bid%5D=5&data%5Bitems%5D%5B0%5D%5Bqty%5D=2&data%5Bitems%5D%5B1%5D%5Bid%5D=6", `{"title":"New Order","items":[{"id":"5","qty":"2"},{"id":"6"}]}`},
		{"jQuery.post", "data%5Btitle%5D=%E6%96%B0%E8%AE%A2%E5%8D%95&data%5Btags%5D%5B%5D=a&data%5Btags%5D%5B%5D=b&data%5Bmatrix%5D%5B0%5D%5B%5D=1&data%5Bmatrix%5D%5B0%5D%5B%5D=2&data%5Bmatrix%5D%5B1%5D%5B%5D=3", `{"title":"新订单","tags":["a","b"],"matrix":[["1","2"],["3"]]}`},
		{"brackets as they are", "data[a][b]=1", `{"a":{"b":"1"}}`},
		{"plain string", "data=hello", `"hello"`},
		{"JSON in a plain string stays a string", `data=%7B%22a%22%3A1%7D`, `"{\"a\":1}"`},
		{"empty string", "data=", `""`},
		{"no value", "data", `""`},
		{"equals signs in the value", "data=a=b==", `"a=b=="`},
		{"value that needs escapes", "data=%22%5C%08%0C%0A%0D%09%00%1F%0B/%7F", `"\"\\\b\f\n\r\t\u0000\u001f\u000b/` + "\x7f" + `"`},
		{"key that needs escapes", "data[%22%0A%E6%96%B0]=1", `{"\"\n新":"1"}`},
		{"plus and %2B", "data=a+b%2Bc", `"a b+c"`},
		{"all values are strings", "data[n]=1&data[b]=true&data[z]=null", `{"n":"1","b":"true","z":"null"}`},
		{"order of fields", "data[z]=1&data[a]=2&data[m]=3", `{"z":"1","a":"2","m":"3"}`},
		{"a key that comes again keeps its place", "data[a]=1&data[b]=2&data[a]=3", `{"a":"3","b":"2"}`},
		{"the last plain value counts", "data=1&data=2", `"2"`},
		{"list from zero", "data[0]=a&data[1]=b", `["a","b"]`},
		{"list not from zero", "data[1]=a&data[2]=b", `{"1":"a","2":"b"}`},
		{"list out of order", "data[1]=a&data[0]=b", `{"1":"a","0":"b"}`},
		{"list with a gap", "data[0]=a&data[2]=b", `{"0":"a","2":"b"}`},
		{"append goes on after an index", "data[5]=a&data[]=b", `{"5":"a","6":"b"}`},
		{"append to a list", "data[]=a&data[]=b&data[2]=c", `["a","b","c"]`},
		{"append objects", "data[][id]=1&data[][id]=2", `[{"id":"1"},{"id":"2"}]`},
		{"mixed keys", "data[0]=a&data[x]=b&data[]=c", `{"0":"a","x":"b","1":"c"}`},
		{"leading zero is a text", "data[00]=a&data[]=b", `{"00":"a","0":"b"}`},
		{"negative index", "data[-5]=a&data[]=b", `{"-5":"a","0":"b"}`},
		{"minus zero is a text", "data[-0]=a", `{"-0":"a"}`},
		{"index beyond 64 bits is a text", "data[99999999999999999999]=a&data[]=b", `{"99999999999999999999":"a","0":"b"}`},
		{"far index costs one node", "data[999999999]=a&data[9223372036854775806]=b", `{"999999999":"a","9223372036854775806":"b"}`},
		{"index 0 written twice", "data[0]=a&data[0]=b", `["b"]`},
		{"row 121: __proto__", "data[__proto__][polluted]=1&data[constructor]=2", `{"__proto__":{"polluted":"1"},"constructor":"2"}`},
		{"bracket in a key", "data[a[b]=1", `{"a[b":"1"}`},
		{"empty pairs", "&&data=1&&", `"1"`},
		{"pairs without a name", "=1&data=1&[a]=2", `"1"`},
		{"unknown fields are ignored", "data=1&x[y]=2&dataa=3&data2[a]=4", `"1"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fields, err := pushhttp.FormFields([]byte(tt.body), 512)
			if err != nil || fields["data"] != tt.want {
				t.Errorf("%s\n got %s, %v\nwant %s", tt.body, fields["data"], err, tt.want)
			}
		})
	}
}

// TestFormFields is about the fields other than data.
func TestFormFields(t *testing.T) {
	tests := []struct{ name, path, body, want string }{
		{"uid", "/device_push", "type=rider&uid=7&data=x", `device rider 7 "x"`},
		{"uid: comma list", "/device_push", "type=rider&uid=1%2C2%2C3&data=x", `device rider 1|2|3 "x"`},
		{"uid: array", "/device_push", "type=rider&uid[]=1&uid[]=2&uid[]=1&data=x", `device rider 1|2 "x"`},
		{"uid: what array_unique leaves", "/device_push", "type=rider&uid[0]=1&uid[2]=2&data=x", `device rider 1|2 "x"`},
		{"topic", "/topic_push", "type=h5&topic=h5_1_5_base_notification&data[a]=1", `topic h5 h5_1_5_base_notification {"a":"1"}`},
		{"clients", "/client_push", "title=Sale&body=Half+price&push_type=1&clients[]=rider&clients[]=app", `client rider|merchant_app {"title":"Sale","body":"Half price","push_type":"1"}`},
		{"clients: what array_filter leaves", "/client_push", "title=t&clients[1]=rider&clients[4]=h5", `client rider|h5 {"title":"t"}`},
		{"id", "/print_push", "id=%2Fsocket%2Fmerchant%23Y9rW7Oq&data=x", `socket /socket/merchant#Y9rW7Oq "x"`},
		{"table", "/clear_table", "topic=h5_1_5_base_notification", `clear h5_1_5_base_notification`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, publisher := newHandler(t, pushhttp.Config{})
			r := serve(t, h, newRequest(tt.path, asForm, tt.body))
			if calls := publisher.taken(); r.status != 200 || len(calls) != 1 || calls[0] != tt.want {
				t.Errorf("%s: %d %s\n got %q\nwant %q", tt.body, r.status, r.body, calls, tt.want)
			}
		})
	}
}

func TestFormRefused(t *testing.T) {
	chains := strings.Repeat("data"+strings.Repeat("[]", 64)+"&", 1000)
	tests := []struct {
		name, path, body string
		code             pushhttp.Code
		message          string
	}{
		{"bad escape in a value", "/device_push", "data=%zz", pushhttp.CodeSyntax, `form field "data" has a % that begins no escape`},
		{"cut escape", "/device_push", "data=%4", pushhttp.CodeSyntax, `has a % that begins no escape`},
		{"bad escape in a name that nobody reads", "/device_push", "x%=1&type=rider&uid=1&data=1", pushhttp.CodeSyntax, `has a % that begins no escape`},
		{"not UTF-8", "/device_push", "data=%FF", pushhttp.CodeSyntax, `form field "data" is not UTF-8`},
		{"not UTF-8, not escaped", "/device_push", "data[\xe6\x96]=1", pushhttp.CodeSyntax, `is not UTF-8`},
		{"bracket does not close", "/device_push", "data[a=1", pushhttp.CodeSyntax, `form field "data[a" has brackets that do not fit`},
		{"text behind a bracket", "/device_push", "data[a]b=1", pushhttp.CodeSyntax, `has brackets that do not fit`},
		{"string and array", "/device_push", "data=1&data[a]=2", pushhttp.CodeSyntax, `form field "data[a]" is a string and an array`},
		{"array and string", "/device_push", "data[a][b]=1&data[a]=2", pushhttp.CodeSyntax, `form field "data[a]" is a string and an array`},
		{"the last index", "/device_push", "data[9223372036854775807]=1", pushhttp.CodeSyntax, `has an index after which there is none`},
		{"after the last index but one", "/device_push", "data[9223372036854775806]=1&data[]=2", pushhttp.CodeSyntax, `has an index after which there is none`},
		{"too many nodes for its length", "/device_push", chains, pushhttp.CodeSyntax, `is one of too many`},
		{"data missing", "/device_push", "type=rider&uid=1", pushhttp.CodeMissing, "data: is missing"},
		{"type is an array", "/device_push", "type[]=rider&uid=1&data=1", pushhttp.CodeInvalid, "type: must be a string, not an array"},
		{"uid is an object", "/device_push", "type=rider&uid[a]=1&data=1", pushhttp.CodeInvalid, "uid: must be an integer or a string, not an object"},
		{"uid is nested", "/device_push", "type=rider&uid[0][0]=1&data=1", pushhttp.CodeInvalid, "uid[0]: must be an integer or a string, not an array"},
		{"uid is empty", "/device_push", "type=rider&uid=&data=1", pushhttp.CodeInvalid, "uid: is empty"},
		{"uid is zero", "/device_push", "type=rider&uid=0&data=1", pushhttp.CodeInvalid, "uid: is zero"},
		{"clients is a string", "/client_push", "title=t&clients=rider", pushhttp.CodeInvalid, "clients: must be an array of strings, not a string"},
		{"title is an array", "/client_push", "title[]=t&clients[]=rider", pushhttp.CodeInvalid, "title: must be a string, a number, a boolean or null, not an array"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, publisher := newHandler(t, pushhttp.Config{})
			r := serve(t, h, newRequest(tt.path, asForm, tt.body))
			if r.json.Code != tt.code || !strings.Contains(r.json.Message, tt.message) {
				t.Errorf("got %d %q, want %d %q", r.json.Code, r.json.Message, tt.code, tt.message)
			}
			if calls := publisher.taken(); calls != nil {
				t.Errorf("pushed all the same: %q", calls)
			}
		})
	}
}

// TestFormWide reaches every entry of an array that is too long to be looked
// through, in an order that no program would write.
func TestFormWide(t *testing.T) {
	const n = 2000
	var body, want strings.Builder
	for i := range n {
		fmt.Fprintf(&body, "data[k%d][a]=%d&data[x]=1&data[%d][a]=%d&", i, i, i, i)
	}
	for i := range n {
		fmt.Fprintf(&body, "data[k%d][b]=%d&data[%d][b]=%d&", i, i, i, i)
	}
	for i := range n {
		fmt.Fprintf(&want, `"k%d":{"a":"%d","b":"%d"},`, i, i, i)
		if i == 0 {
			want.WriteString(`"x":"1",`)
		}
		fmt.Fprintf(&want, `"%d":{"a":"%d","b":"%d"},`, i, i, i)
	}
	fields, err := pushhttp.FormFields([]byte(body.String()), 512)
	if got := strings.TrimSuffix(strings.TrimPrefix(fields["data"], "{"), "}"); err != nil || got != strings.TrimSuffix(want.String(), ",") {
		t.Errorf("%v\n got %.200s\nwant %.200s", err, got, want.String())
	}
}

// TestFormMemory holds the memory for a hostile form against its length.
func TestFormMemory(t *testing.T) {
	hostile := map[string]string{
		"nested": strings.Repeat("data"+strings.Repeat("[]", 500)+"&", 100),
		"wide":   strings.Repeat("data[]&", 15_000),
		"wide texts": func() string {
			var b strings.Builder
			for i := range 12_000 {
				fmt.Fprintf(&b, "data[k%d]&", i)
			}
			return b.String()
		}(),
		"far":      strings.Repeat("data[999999999]&", 6_000),
		"controls": "data=" + strings.Repeat("\x01", 100_000),
	}
	for name, body := range hostile {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _ = pushhttp.FormFields([]byte(body), 512)
			runtime.ReadMemStats(&after)
			allocated := after.TotalAlloc - before.TotalAlloc
			t.Logf("%d bytes allocated for a body of %d", allocated, len(body))
			if allocated > 64<<10+48*uint64(len(body)) {
				t.Error("that is too much")
			}
		})
	}
}

// FuzzForm holds forms against a slow reference that follows PHP's manual.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		"type=rider&uid=1&data[title]=New+Order&data[items][0][id]=5", "data[]=a&data[5]=b&data[]=c", "data[a[b]=1&data[a]b=2",
		"uid[2]=1&uid[1]=2&clients[]=x", "data=%00%22%5C", "data=1&data[a]=2", "data[00]", "data[-5]=1&data[]=2&data[007]=3", "data%5B%5D=%E6%96%B0&&=&a",
		"data[0]=1&data[0]=2&data[9223372036854775807]=3", "data[a]=1&data[b]=2&data[a]=3",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		const depth = 6
		got, err := pushhttp.FormFields(bytes.Clone(body), depth)
		want, ok := referenceForm(string(body), depth)
		if ok != (err == nil) || !maps.Equal(got, want) {
			t.Fatalf("%q:\n got %q, %v\nwant %q, %v", body, got, err, want, ok)
		}
		for name, text := range got {
			if compact, err := pushhttp.Compact([]byte(text), depth); err != nil || string(compact) != text {
				t.Fatalf("%s: %q is not compact JSON: %v", name, text, err)
			}
		}
	})
}

// referenceForm reads a form with maps and strings. ok is false where form
// refuses: it refuses what PHP would repair.
func referenceForm(body string, depth int) (fields map[string]string, ok bool) {
	root := newReference()
	for pair := range strings.SplitSeq(body, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if pair == "" || err1 == nil && name == "" {
			continue
		}
		if err1 != nil || err2 != nil || !utf8.ValidString(name+value) {
			return nil, false
		}
		field, path, _ := strings.Cut(name, "[")
		if !strings.Contains(" type uid topic id clients title body push_type data ", " "+field+" ") || field == "" || strings.Contains(field, " ") {
			continue
		}
		keys := []string{field}
		for strings.Contains(name, "[") && path != "" || strings.HasSuffix(name, "[") && len(keys) == 1 {
			key, rest, closed := strings.Cut(path, "]")
			if !closed || rest != "" && rest[0] != '[' {
				return nil, false
			}
			keys = append(keys, key)
			if path = strings.TrimPrefix(rest, "["); rest == "[" {
				return nil, false
			}
			if rest == "" {
				break
			}
		}
		if len(keys) > depth || !root.set(keys, value) {
			return nil, false
		}
	}
	fields = map[string]string{}
	for _, name := range root.order {
		fields[name] = root.children[name].text(name == "uid" || name == "clients")
	}
	return fields, true
}

// reference is a value of PHP: a string, or an array with its keys in order.
type reference struct {
	value    *string
	children map[string]*reference
	order    []string
	next     int64
}

func newReference() *reference { return &reference{children: map[string]*reference{}} }

func (r *reference) set(keys []string, value string) bool {
	if len(keys) == 0 {
		if len(r.children) > 0 {
			return false
		}
		r.value = &value
		return true
	}
	if r.value != nil {
		return false
	}
	key := keys[0]
	if key == "" {
		if r.next == 1<<63-1 {
			return false
		}
		key = strconv.FormatInt(r.next, 10)
	}
	child := r.children[key]
	if child == nil {
		if i, isIndex := referenceIndex(key); isIndex {
			if i == 1<<63-1 {
				return false
			}
			r.next = max(r.next, i+1)
		}
		child = newReference()
		r.children[key] = child
		r.order = append(r.order, key)
	}
	return child.set(keys[1:], value)
}

func referenceIndex(key string) (int64, bool) {
	i, err := strconv.ParseInt(key, 10, 64)
	return i, err == nil && strconv.FormatInt(i, 10) == key
}

func (r *reference) text(gaps bool) string {
	if r.value != nil {
		return referenceString(*r.value)
	}
	list := true
	for i, key := range r.order {
		index, isIndex := referenceIndex(key)
		list = list && isIndex && (gaps || index == int64(i))
	}
	var parts []string
	for _, key := range r.order {
		text := r.children[key].text(false)
		if !list {
			text = referenceString(key) + ":" + text
		}
		parts = append(parts, text)
	}
	if list {
		return "[" + strings.Join(parts, ",") + "]"
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func referenceString(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	text := strings.TrimSuffix(b.String(), "\n")
	return strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029", `\\`, `\\`).Replace(text)
}
