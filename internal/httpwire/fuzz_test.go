package httpwire_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"outrider/internal/httpwire"
)

// FuzzHead holds Parse against itself on every prefix of the input, and the request it accepts, with its body, against net/http:
// what we accept net/http must accept, with the same method, target, headers and body, and the same bytes left for the next request.
func FuzzHead(f *testing.F) {
	for _, r := range rows() {
		if len(r.input) <= 4<<10 {
			f.Add([]byte(r.input))
		}
	}
	f.Add([]byte(pollingGET))
	f.Add([]byte(webSocketGET))
	f.Add([]byte("POST http://h/p?q HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nab"))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		var h httpwire.Head
		n, err := h.Parse(data, httpwire.Limits{})
		checkPrefixes(t, data, n, err)
		if allocs := testing.AllocsPerRun(3, func() { exchange(&h, data) }); allocs != 0 {
			t.Errorf("%v allocations", allocs)
		}
		if !bytes.Equal(data, before) {
			t.Error("Parse changed its input")
		}
		if n > 0 {
			checkNetHTTP(t, data)
		}
	})
}

// checkPrefixes checks that a head is refused or accepted with the byte that says so, and that no byte behind it matters.
func checkPrefixes(t *testing.T, data []byte, n int, err error) {
	var h httpwire.Head
	decided := false
	for i := range len(data) {
		got, bad := h.Parse(data[:i], httpwire.Limits{})
		switch {
		case got == 0 && bad == nil && !decided:
		case got == n && bad == err && (got == i || decided || bad != nil):
			decided = true
		default:
			t.Fatalf("%d bytes: Parse = %d, %v; all: %d, %v", i, got, bad, n, err)
		}
	}
}

func checkNetHTTP(t *testing.T, data []byte) {
	var h httpwire.Head
	n, _ := h.Parse(data, httpwire.Limits{})
	in := bufio.NewReaderSize(bytes.NewReader(data), 64<<10)
	req, err := http.ReadRequest(in)
	if err != nil {
		// These it judges and we leave to those whom they concern.
		_, bad := url.ParseRequestURI(string(h.Target))
		if bad == nil && h.Count("Trailer") == 0 {
			t.Fatalf("accepted what net/http refuses: %v", err)
		}
		return
	}
	defer func() { _ = req.Body.Close() }()
	if req.Method != string(h.Method) || req.RequestURI != string(h.Target) || req.ProtoMinor != int(h.Proto) || req.Close == h.KeepAlive {
		t.Fatalf("net/http read %s %s %s close %v, we %+v", req.Method, req.RequestURI, req.Proto, req.Close, newRequest(&h))
	}
	if chunked := req.ContentLength < 0; chunked != h.Chunked || !chunked && req.ContentLength != max(h.ContentLength, 0) {
		t.Fatalf("net/http has length %d, we %d, chunked %v", req.ContentLength, h.ContentLength, h.Chunked)
	}
	checkHeaders(t, &h, req)

	body, used, done, err := feed(httpwire.NewBody(&h), data[n:])
	want, theirs := io.ReadAll(req.Body)
	switch {
	case done && theirs != nil:
		t.Fatalf("accepted a body that net/http refuses: %v", theirs)
	case err != nil, !done:
		return
	}
	rest := data[n+used:]
	left, _ := io.ReadAll(in)
	if !bytes.Equal(body, want) || !bytes.Equal(rest, left) {
		t.Fatalf("body %q and %q behind it; net/http has %q and %q", body, rest, want, left)
	}
}

func checkHeaders(t *testing.T, h *httpwire.Head, req *http.Request) {
	ours := http.Header{}
	for _, header := range h.Headers {
		key := textproto.CanonicalMIMEHeaderKey(string(header.Name))
		ours[key] = append(ours[key], string(header.Value))
	}
	for key, values := range ours {
		switch key {
		case "Host", "Content-Length", "Transfer-Encoding", "Trailer": // net/http takes these out
		default:
			if got := req.Header[key]; strings.Join(got, "\n") != strings.Join(values, "\n") {
				t.Fatalf("header %s: we have %q, net/http %q", key, values, got)
			}
		}
	}
	for key := range req.Header {
		if _, ok := ours[key]; !ok && key != "Cache-Control" { // which it makes of Pragma
			t.Fatalf("header %s: only net/http has it", key)
		}
	}
}

// FuzzBody holds the chunk decoder, fed in two parts and byte by byte, against a decoder that is slow and easy to read.
func FuzzBody(f *testing.F) {
	for _, r := range rowsOfBody() {
		if _, wire, ok := strings.Cut(r.input, "chunked\r\n\r\n"); ok && len(wire) <= 4<<10 {
			f.Add([]byte(wire), uint16(3))
		}
	}
	f.Add([]byte("a;x\r\n0123456789\r\n00\r\nX: y\r\nContent-Lengths:\r\n\r\nNEXT"), uint16(20))
	f.Fuzz(func(t *testing.T, wire []byte, cut uint16) {
		body := httpwire.NewBody(mustParse(t, chunked("")))
		data, used, done, err := feed(body, wire)
		want, length, ok := slowChunked(wire)
		if ok != done || ok && (!bytes.Equal(data, want) || used != length) {
			t.Fatalf("got %q, used %d, done %v, %v\nwant %q, %d, good %v", data, used, done, err, want, length, ok)
		}
		at := int(cut) % (len(wire) + 1)
		for _, parts := range [][][]byte{{wire[:at], wire[at:]}, slices.Collect(slices.Chunk(wire, 1))} {
			again, usedAgain, doneAgain, errAgain := feed(body, parts...)
			if !bytes.Equal(again, data) || usedAgain != used || doneAgain != done || errAgain != err {
				t.Fatalf("in %d parts: %q, used %d, done %v, %v\nwhole: %q, %d, %v, %v",
					len(parts), again, usedAgain, doneAgain, errAgain, data, used, done, err)
			}
		}
	})
}

var (
	sizeLine    = regexp.MustCompile(`^([0-9A-Fa-f]{1,15})(?:;([^\x00-\x08\x0a-\x1f\x7f]*))?\r\n`)
	trailerLine = regexp.MustCompile("^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[^\\x00-\\x08\\x0a-\\x1f\\x7f]*\\r\\n")
	notTrailer  = regexp.MustCompile(`^(?i:authorization|connection|content-(encoding|length|range|type)|cookie|expect|host|` +
		`proxy-authorization|te|trailer|transfer-encoding|upgrade)$`)
)

// slowChunked decodes a chunked body that is whole and good; length is its own on the wire.
func slowChunked(wire []byte) (data []byte, length int, ok bool) {
	rest, extra := wire, 0
	for {
		m := sizeLine.FindSubmatch(rest)
		if m == nil {
			return nil, 0, false
		}
		rest = rest[len(m[0]):]
		extra += len(m[2])
		size, _ := strconv.ParseInt(string(m[1]), 16, 64)
		if size == 0 {
			break
		}
		if int64(len(rest)) < size || !bytes.HasPrefix(rest[size:], []byte("\r\n")) {
			return nil, 0, false
		}
		data = append(data, rest[:size]...)
		rest = rest[size+2:]
	}
	for m := trailerLine.FindSubmatch(rest); m != nil; m = trailerLine.FindSubmatch(rest) {
		if notTrailer.Match(m[1]) {
			return nil, 0, false
		}
		extra += len(m[0]) - len("\r\n")
		rest = rest[len(m[0]):]
	}
	if !bytes.HasPrefix(rest, []byte("\r\n")) || extra > 4096 {
		return nil, 0, false
	}
	return data, len(wire) - len(rest) + 2, true
}
