package httpwire_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"outrider/internal/httpwire"
)

func TestAppend(t *testing.T) {
	dst := httpwire.AppendStatus(nil, 200)
	dst = httpwire.AppendHeader(dst, "Content-Type", "text/html")
	dst = httpwire.AppendHeader(dst, "Access-Control-Allow-Origin", []byte("http://a"))
	dst = httpwire.AppendContentLength(dst, 2)
	dst = append(httpwire.AppendEnd(dst), "ok"...)
	const want = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nAccess-Control-Allow-Origin: http://a\r\nContent-Length: 2\r\n\r\nok"
	if string(dst) != want {
		t.Errorf("got %q, want %q", dst, want)
	}
	if got := string(httpwire.AppendContinue(nil)); got != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Errorf("AppendContinue: %q", got)
	}
	if got := string(httpwire.AppendStatus(nil, 599)); got != "HTTP/1.1 599 \r\n" {
		t.Errorf("a status without a text: %q", got)
	}
}

// No value, whoever wrote it, ends its line (fasthttp issue 875; RELIABILITY.md §1).
func TestAppendHeaderInjection(t *testing.T) {
	for c := range 256 {
		value := "a" + string([]byte{byte(c)}) + "b"
		got := string(httpwire.AppendHeader(nil, "X", value))
		want := "X: " + value + "\r\n"
		if c < ' ' && c != '\t' || c == 0x7f {
			want = "X: a b\r\n"
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
	value := []byte("\r\n\r\n\x00Set-Cookie: a")
	if got := string(httpwire.AppendHeader(nil, "X", value)); got != "X: "+strings.Repeat(" ", 5)+"Set-Cookie: a\r\n" {
		t.Errorf("got %q", got)
	}
	if string(value) != "\r\n\r\n\x00Set-Cookie: a" {
		t.Error("AppendHeader changed the value it was given")
	}
}

// Each refusal is a whole answer that closes, and says nothing of what the client sent.
func TestErrorResponse(t *testing.T) {
	for _, r := range rows() {
		if r.status == 0 {
			continue
		}
		got := read(r.input)
		refusal := &httpwire.Error{Status: got.Status, Reason: got.Reason}
		if refusal.Error() != "httpwire: "+got.Reason {
			t.Errorf("row %d %s: %v", r.row, r.name, refusal)
		}
		in := bufio.NewReader(bytes.NewReader(refusal.AppendResponse(nil)))
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != r.status || !answer.Close || answer.ContentLength != 0 {
			t.Errorf("row %d %s: answer %d, close %v, length %d", r.row, r.name, answer.StatusCode, answer.Close, answer.ContentLength)
		}
		if allow := answer.Header.Get("Allow"); (allow != "") != (r.status == http.StatusMethodNotAllowed) {
			t.Errorf("row %d %s: Allow %q", r.row, r.name, allow)
		}
		if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("row %d %s: bytes behind the answer", r.row, r.name)
		}
	}
}
