package socketio_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/mailru/easyjson/jlexer"

	"outrider/engineio"
	"outrider/socketio"
)

// parse returns the arguments of an event.
func parse(t testing.TB, text string, attachments ...[]byte) *socketio.Args {
	t.Helper()
	p, err := socketio.Parse([]byte(text), socketio.Limits{Attachments: 10, AckDigits: 15, Namespace: 100, Depth: 512})
	if err != nil {
		t.Fatal(err)
	}
	return p.Args(attachments...)
}

// checkArgs checks the arguments of a packet that was accepted.
func checkArgs(t *testing.T, p *socketio.Parsed) {
	t.Helper()
	attachments := make([][]byte, p.Attachments)
	args := p.Args(attachments...)
	if p.Data == nil {
		return
	}
	var want []json.RawMessage
	if err := json.Unmarshal(p.Data, &want); err != nil {
		t.Fatal(err)
	}
	if args.Len() != len(want)-1 {
		t.Fatalf("%s: %d arguments", p.Data, args.Len())
	}
	for i := range args.Len() {
		if !bytes.Equal(args.Arg(i), want[i+1]) {
			t.Fatalf("%s: argument %d is %s", p.Data, i, args.Arg(i))
		}
		args.Binary(i)
	}
	if _, _, err := socketio.EncodeEvent(engineio.Revision3, "/", "passed on", args.Values()...); err != nil {
		t.Fatalf("%s: cannot be passed on: %v", p.Data, err)
	}
}

func TestArgs(t *testing.T) {
	args := parse(t, `2["message",1,"2",{"3":[true]}]`)
	for i, want := range []string{`1`, `"2"`, `{"3":[true]}`} {
		if got := string(args.Arg(i)); got != want {
			t.Errorf("argument %d is %s, want %s", i, got, want)
		}
	}
	if args.Len() != 3 || args.Arg(3) != nil || args.Arg(-1) != nil || args.Attachment(0) != nil || args.Attachment(-1) != nil {
		t.Error("bounds")
	}
	if n := parse(t, `2["message"]`).Len(); n != 0 {
		t.Errorf("%d arguments of an event without", n)
	}
}

func TestManyArgs(t *testing.T) {
	for n := range 12 {
		var text strings.Builder
		text.WriteString(`2["m"`)
		for i := range n {
			text.WriteString("," + strconv.Itoa(i))
		}
		args := parse(t, text.String()+"]")
		if args.Len() != n {
			t.Errorf("%d arguments, want %d", args.Len(), n)
		}
		for i := range n {
			if got := string(args.Arg(i)); got != strconv.Itoa(i) {
				t.Errorf("argument %d of %d is %s", i, n, got)
			}
		}
		if args.Arg(n) != nil {
			t.Error("one more than there are")
		}
	}
}

type login struct {
	UID  json.Number `json:"uid"`
	Kind string      `json:"kind"`
}

// fast has an easyjson decoder.
type fast struct{ text string }

func (f *fast) UnmarshalEasyJSON(in *jlexer.Lexer) { f.text = "easy:" + string(in.Raw()) }

func TestBind(t *testing.T) {
	args := parse(t, `2["set_connect",{"uid":1234567890123456789,"kind":"rider"},"x",5]`)
	var l login
	if err := args.Bind(0, &l); err != nil || l.UID != "1234567890123456789" || l.Kind != "rider" {
		t.Errorf("%+v, %v", l, err)
	}
	var f fast
	if err := args.Bind(0, &f); err != nil || f.text != `easy:{"uid":1234567890123456789,"kind":"rider"}` {
		t.Errorf("%+v, %v", f, err)
	}
	if s, err := socketio.Arg[string](args, 1); err != nil || s != "x" {
		t.Errorf("%q, %v", s, err)
	}
	if n, err := socketio.Arg[int](args, 2); err != nil || n != 5 {
		t.Errorf("%d, %v", n, err)
	}
	if raw, err := socketio.Arg[json.RawMessage](args, 2); err != nil || string(raw) != "5" {
		t.Errorf("%s, %v", raw, err)
	}
	var argErr *socketio.ArgumentError
	if _, err := socketio.Arg[int](args, 1); !errors.As(err, &argErr) || argErr.Index != 1 {
		t.Errorf("a string as a number: %v", err)
	}
	if _, err := socketio.Arg[int](args, 3); !errors.Is(err, socketio.ErrNoArgument) {
		t.Errorf("beyond the last: %v", err)
	}
}

func TestBinaryArgs(t *testing.T) {
	one, two, three := []byte{1}, []byte{2, 2}, []byte{3}
	args := parse(t, `53-["up",{"_placeholder":true,"num":1},{"name":"a","file":{"num":0,"_placeholder":true},"more":[{"_placeholder":true,"num":2}]},"x"]`, one, two, three)
	if data, ok := args.Binary(0); !ok || !bytes.Equal(data, two) {
		t.Errorf("Binary(0): %v, %v", data, ok)
	}
	for _, i := range []int{1, 2, 3, -1} {
		if data, ok := args.Binary(i); ok {
			t.Errorf("Binary(%d): %v", i, data)
		}
	}
	if data, err := socketio.Arg[[]byte](args, 0); err != nil || !bytes.Equal(data, two) {
		t.Errorf("%v, %v", data, err)
	}
	upload, err := socketio.Arg[struct {
		Name string
		File socketio.Placeholder
		More []socketio.Placeholder
	}](args, 1)
	if err != nil || upload.File != 0 || upload.More[0] != 2 || !bytes.Equal(args.Attachment(int(upload.More[0])), three) {
		t.Errorf("%+v, %v", upload, err)
	}
	if _, err := socketio.Arg[socketio.Placeholder](args, 2); err == nil {
		t.Error("a string as a placeholder")
	}
	text, attachments, err := socketio.EncodeEvent(engineio.Revision4, "/", "back", args.Values()...)
	want := `53-["back",{"_placeholder":true,"num":0},{"name":"a","file":{"num":1,"_placeholder":true},"more":[{"_placeholder":true,"num":2}]},"x"]`
	if err != nil || text != want || fmt.Sprint(attachments) != fmt.Sprint([][]byte{two, one, three}) {
		t.Errorf("passed on as\n%s %v\nwant\n%s", text, attachments, want)
	}
}

// TestPassOn: events come back byte for byte, as the protocol's suite compares them.
func TestPassOn(t *testing.T) {
	for _, test := range []struct{ in, out string }{
		{`2["message",1,"2",{"3":[true]}]`, `2["message",1,"2",{"3":[true]}]`},
		{`2["message",1.50, {"a" : 12345678901234567890 ,"b":"\u00e9"}]`, `2["message",1.50,{"a" : 12345678901234567890 ,"b":"\u00e9"}]`},
		{
			`52-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`,
			`52-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`,
		},
	} {
		args := parse(t, test.in, []byte{1, 2, 3}, []byte{4, 5, 6})
		if test.in[0] == '2' {
			args = parse(t, test.in)
		}
		text, _, err := socketio.EncodeEvent(engineio.Revision4, "/", "message", args.Values()...)
		if err != nil || text != test.out {
			t.Errorf("%s came back as %s, %v", test.in, text, err)
		}
	}
}
