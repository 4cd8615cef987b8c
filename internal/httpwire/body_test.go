package httpwire_test

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"outrider/internal/httpwire"
)

// feed gives the parts to a body and returns what came out of it, and how many bytes it took.
func feed(body httpwire.Body, parts ...[]byte) (data []byte, used int, done bool, err error) {
	for _, src := range append(parts, nil) {
		for more := true; more; more = len(src) > 0 {
			var (
				run []byte
				n   int
			)
			run, n, done, err = body.Next(src)
			data, used, src = append(data, run...), used+n, src[n:]
			if done || err != nil {
				return data, used, done, err
			}
		}
	}
	return data, used, done, err
}

// decode reads the body behind a head.
func decode(t *testing.T, head, wire string) (data string, used int, done bool, err error) {
	t.Helper()
	run, used, done, err := feed(httpwire.NewBody(mustParse(t, head)), []byte(wire))
	return string(run), used, done, err
}

func TestBodyLimits(t *testing.T) {
	head := chunked("")
	extra := func(n int) string { return strings.Repeat("e", n) }
	for _, c := range []struct {
		name, input string
		status      int
	}{
		{"size digits", "000000000000001\r\na\r\n0\r\n\r\n", 0},
		{"size digits+1", "0000000000000001\r\na\r\n0\r\n\r\n", 400},
		{"extension", "1;" + extra(4096) + "\r\na\r\n0\r\n\r\n", 0},
		{"extension+1", "1;" + extra(4097) + "\r\na\r\n0\r\n\r\n", 400},
		{"extensions together", "1;" + extra(4000) + "\r\na\r\n1;" + extra(96) + "\r\na\r\n0\r\n\r\n", 0},
		{"extensions together+1", "1;" + extra(4000) + "\r\na\r\n1;" + extra(97) + "\r\na\r\n0\r\n\r\n", 400},
		{"trailer", "0\r\na:" + extra(4094) + "\r\n\r\n", 0},
		{"trailer+1", "0\r\na:" + extra(4095) + "\r\n\r\n", 400},
		{"trailer name", "0\r\n" + extra(4095) + ":\r\n\r\n", 0},
		{"trailer name+1", "0\r\n" + extra(4096) + ":\r\n\r\n", 400},
		{"extension and trailer+1", "0;" + extra(4000) + "\r\na:" + extra(95) + "\r\n\r\n", 400},
	} {
		if _, n, done, err := decode(t, head, c.input); status(t, err) != c.status || done != (c.status == 0) || done && n != len(c.input) {
			t.Errorf("%s: consumed %d of %d, done %v, %v", c.name, n, len(c.input), done, err)
		}
	}
}

func TestTrailers(t *testing.T) {
	for _, c := range []struct {
		trailers string
		status   int
	}{
		{"", 0},
		{"X: y\r\n", 0},
		{"x:\r\ny:\t z \r\n", 0},
		{"Content-Lengths: 1\r\n", 0},
		{"Content-Lengt: 1\r\n", 0},
		{"xHost: 1\r\n", 0},
		{"t: e\r\n", 0},
		{strings.Repeat("n", 260) + "host: x\r\n", 0},
		{"Content-Length: 1\r\n", 400},
		{"cOnTeNt-LeNgTh:1\r\n", 400},
		{"X: y\r\nTransfer-Encoding: chunked\r\n", 400},
		{"Host: h\r\n", 400},
		{"TE: x\r\n", 400},
		{"Authorization: x\r\n", 400},
		{": y\r\n", 400},
		{"X : y\r\n", 400},
		{" X: y\r\n", 400},
		{"X: y\r\n z\r\n", 400},
		{"X\r\n", 400},
		{"X: a\x00\r\n", 400},
		{"X: a\rb\r\n", 400},
		{"X: a\n", 400},
		{"\n", 400},
		{"GET / HTTP/1.1\r\n", 400},
	} {
		input := chunked("0\r\n" + c.trailers + "\r\n")
		if got := checkCuts(t, input); got.Status != c.status {
			t.Errorf("%q: %d %s, want %d", c.trailers, got.Status, got.Reason, c.status)
		}
	}
}

// What is behind the end is the next request's, whatever the body's form, and a body that is done or refused stays so.
func TestBodyEnd(t *testing.T) {
	for _, c := range []struct{ head, wire, want string }{
		{post("", ""), "", ""},
		{post("Content-Length: 0\r\n", ""), "", ""},
		{post("Content-Length: 3\r\n", ""), "abc", "abc"},
		{chunked(""), "3\r\nabc\r\n0\r\n\r\n", "abc"},
		{chunked(""), "A\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
		{chunked(""), "a\r\n0123456789\r\n000\r\nX: y\r\n\r\n", "0123456789"},
	} {
		data, n, done, err := decode(t, c.head, c.wire+"NEXT")
		if data != c.want || n != len(c.wire) || !done || err != nil {
			t.Errorf("%q: got %q, consumed %d, done %v, %v", c.wire, data, n, done, err)
		}
	}
	var empty httpwire.Body
	if data, n, done, err := empty.Next([]byte("NEXT")); len(data)+n != 0 || !done || err != nil {
		t.Errorf("the zero Body: %q, %d, %v, %v", data, n, done, err)
	}
	refused := httpwire.NewBody(mustParse(t, chunked("")))
	for _, wire := range []string{"x\r\n", "0\r\n\r\n"} {
		if data, n, done, err := refused.Next([]byte(wire)); status(t, err) != 400 || len(data)+n != 0 || done {
			t.Errorf("a refused Body: %q, %d, %v, %v", data, n, done, err)
		}
	}
}

// The largest announcements cost nothing and do not overflow.
func TestBodyAnnouncesMuch(t *testing.T) {
	lengths := map[string]string{
		post("Content-Length: 999999999999999999\r\n", ""): "",
		chunked(""): "fffffffffffffff\r\n",
	}
	for head, size := range lengths {
		data, n, done, err := decode(t, head, size+"abcdef")
		if data != "abcdef" || n != len(size)+6 || done || err != nil {
			t.Errorf("got %q, consumed %d, done %v, %v", data, n, done, err)
		}
	}
}

func TestBodyAliases(t *testing.T) {
	src := []byte("5\r\nhello\r\n0\r\n\r\n")
	body := httpwire.NewBody(mustParse(t, chunked("")))
	data, _, _, err := body.Next(src)
	if err != nil || string(data) != "hello" {
		t.Fatalf("Next = %q, %v", data, err)
	}
	if &data[0] != &src[3] {
		t.Error("data does not alias src")
	}
	if _ = append(data, '!'); src[8] != '\r' {
		t.Error("appending to data writes over what follows it")
	}
}

// A connection keeps a Body while a request's body comes in.
func TestBodyIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(httpwire.Body{}); size > 16 {
		t.Errorf("a Body is %d bytes, want at most 16", size)
	}
}

func ExampleBody() {
	src := []byte("POST /engine.io/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n4hello\r\n7\r\n, world\r\n0\r\n\r\n")
	var head httpwire.Head
	n, err := head.Parse(src, httpwire.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	body := httpwire.NewBody(&head)
	for done := false; !done; {
		src = src[n:]
		var data []byte
		if data, n, done, err = body.Next(src); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%q\n", data)
	}
	// Output:
	// "4hello"
	// ", world"
	// ""
}
