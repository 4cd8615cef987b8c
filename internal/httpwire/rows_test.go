package httpwire_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"outrider/internal/httpwire"
)

// row is a bad (or odd) input of RELIABILITY.md §2, by its number there.
type row struct {
	row    int
	name   string
	input  string
	status int // of the refusal; 0: not refused
	given  int // if not 0: the refusal comes with this byte and not later
	bodies []string
}

// tlsClientHello is the beginning of one: record header, handshake header, version, and random bytes.
const tlsClientHello = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 \r\n\r\n"

const (
	line = "GET / HTTP/1.1\r\n"
	host = "Host: h\r\n"
)

// rowsOfHead are the rows 11 to 39 that a head decides. (11, 12, 13 and 19's deadline are the loop's.)
func rowsOfHead() []row {
	noise := make([]byte, 4<<10)
	random := rand.NewChaCha8([32]byte{14})
	_, _ = random.Read(noise)
	return []row{
		{row: 14, name: "random bytes", input: string(noise), status: 400},
		{row: 15, name: "TLS ClientHello", input: tlsClientHello, status: 400, given: 1},
		{row: 16, name: "HTTP/2 preface", input: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", status: 400, given: len("PRI *")},
		{row: 17, name: "no version", input: "GET /\r\n\r\n", status: 400, given: len("GET /\r")},
		{row: 18, name: "HTTP 9.9", input: "GET / HTTP/9.9\r\n" + host + "\r\n", status: 505, given: len("GET / HTTP/9")},
		{row: 18, name: "HTTP 1.2", input: "GET / HTTP/1.2\r\n" + host + "\r\n", status: 505},
		{row: 18, name: "HTTP 0.9", input: "GET / HTTP/0.9\r\n" + host + "\r\n", status: 505},
		{row: 18, name: "HTTP 1.10", input: "GET / HTTP/1.10\r\n" + host + "\r\n", status: 400},
		{row: 18, name: "no number", input: "GET / HTTP/x.1\r\n" + host + "\r\n", status: 400},
		{row: 18, name: "lower case", input: "GET / http/1.1\r\n" + host + "\r\n", status: 400},
		{row: 18, name: "another protocol", input: "GET / RTSP/1.0\r\n" + host + "\r\n", status: 400},
		{row: 19, name: "1 MB target", input: "GET /" + strings.Repeat("a", 1<<20), status: 414, given: 8 << 10},
		{row: 20, name: "1 MB value", input: line + "A: " + strings.Repeat("a", 1<<20), status: 431, given: 8 << 10},
		{row: 20, name: "1 MB name", input: line + strings.Repeat("a", 1<<20), status: 431, given: len(line) + 257},
		{
			row: 21, name: "100 000 headers", input: line + strings.Repeat("a:1\r\n", 100_000), status: 431,
			given: len(line) + 100*len("a:1\r\n") + 1,
		},
		{row: 22, name: "NUL in a value", input: line + host + "X-A: a\x00b\r\n\r\n", status: 400, given: len(line + host + "X-A: a\x00")},
		{row: 23, name: "CR in a value", input: line + host + "X-A: a\rb\r\n\r\n", status: 400, given: len(line + host + "X-A: a\rb")},
		{row: 24, name: "space before the colon", input: post("Content-Length : 2\r\n", "{}"), status: 400},
		{row: 24, name: "tab before the colon", input: post("Content-Length\t: 2\r\n", "{}"), status: 400},
		{row: 25, name: "space before the first header", input: line + " Host: h\r\n\r\n", status: 400, given: len(line) + 1},
		{row: 25, name: "folded line", input: line + host + "X-A: a\r\n b\r\n\r\n", status: 400},
		{row: 25, name: "folded line, tab", input: line + host + "X-A: a\r\n\tb\r\n\r\n", status: 400},
		{row: 26, name: "LF only", input: "GET / HTTP/1.1\nHost: h\n\n", status: 400, given: len("GET / HTTP/1.1\n")},
		{row: 26, name: "LF after a header", input: line + "Host: h\n\r\n", status: 400},
		{row: 26, name: "LF in a name", input: line + host + "X-A\n: b\r\n\r\n", status: 400},
		{row: 26, name: "LF as the blank line", input: line + host + "\n", status: 400},
		{row: 26, name: "CR as the blank line", input: line + host + "\rGET / HTTP/1.1\r\n", status: 400},
		{row: 26, name: "CR without LF after the version", input: "GET / HTTP/1.1\rHost: h\r\n\r\n", status: 400},
		{row: 26, name: "blank line first", input: "\r\n" + line + host + "\r\n", status: 400, given: 1},
		{row: 27, name: "NUL in the method", input: "PO\x00ST / HTTP/1.1\r\n" + host + "\r\n", status: 400, given: len("PO\x00")},
		{row: 27, name: "colon in the method", input: "PO:ST / HTTP/1.1\r\n" + host + "\r\n", status: 400},
		{row: 27, name: "no method", input: " / HTTP/1.1\r\n" + host + "\r\n", status: 400},
		{row: 27, name: "endless method", input: strings.Repeat("A", 1<<20), status: 501, given: 25},
		{row: 28, name: "CONNECT", input: "CONNECT a:80 HTTP/1.1\r\n" + host + "\r\n", status: 405, given: len("CONNECT ")},
		{row: 28, name: "TRACE", input: "TRACE / HTTP/1.1\r\n" + host + "\r\n", status: 405, given: len("TRACE ")},
		{row: 28, name: "authority form", input: "GET a:80 HTTP/1.1\r\n" + host + "\r\n", status: 400},
		{row: 28, name: "asterisk form", input: "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", status: 400},
		{row: 29, name: "both lengths", input: post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), status: 400},
		{row: 29, name: "both lengths, other order", input: post("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", "0\r\n\r\n"), status: 400},
		{row: 29, name: "both lengths, zero", input: post("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", "0\r\n\r\n"), status: 400},
	}
}

// rowsOfFraming are rows 30 and 31: the headers that say where a body ends.
func rowsOfFraming() (rows []row) {
	lengths := []string{
		"", "+2", "-1", "0x2", "2, 2", "2,2", "2 2", "2;", "2.0", "1e1", "\u00b2", "12345678901234567890123", "9223372036854775807",
	}
	for _, v := range lengths {
		rows = append(rows, row{row: 30, name: "length " + v, input: post("Content-Length: "+v+"\r\n", "{}"), status: 400})
	}
	for _, pair := range [][2]string{{"2", "3"}, {"2", "2"}, {"2", ""}, {"0", "0"}} {
		headers := "Content-Length: " + pair[0] + "\r\ncontent-length: " + pair[1] + "\r\n"
		rows = append(rows, row{row: 30, name: fmt.Sprint("two lengths ", pair), input: post(headers, "{}"), status: 400})
	}
	codings := map[string]int{
		"xchunked": 501, "chunked, identity": 501, "identity": 501, "gzip, chunked": 501, "chunked,": 501, "chunked;q=1": 501, "\"chunked\"": 501,
		"": 501, "chun\u212aed": 501, // the Kelvin sign, which folds to k
		"\x0bchunked": 400, "chunked\x0b": 400, "chunked\x00": 400,
	}
	for v, status := range codings {
		rows = append(rows, row{row: 31, name: "coding " + v, input: post("Transfer-Encoding: "+v+"\r\n", "0\r\n\r\n"), status: status})
	}
	return append(
		rows,
		row{row: 31, name: "coding, space before the colon", input: post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), status: 400},
		row{row: 31, name: "coding twice", input: post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), status: 400},
		row{row: 31, name: "coding folded", input: post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), status: 501},
		row{row: 31, name: "coding in 1.0", input: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", status: 400},
		row{row: 31, name: "coding in capitals", input: post("TRANSFER-ENCODING: CHUNKED\r\n", "1\r\na\r\n0\r\n\r\n"), bodies: []string{"a"}},
	)
}

// rowsOfBody are the rows that the body decides, and those about good requests.
func rowsOfBody() []row {
	sorted := make([]string, 3)
	var pipelined strings.Builder
	for i := range sorted {
		sorted[i] = fmt.Sprintf(`{"n":%d}`, i)
		pipelined.WriteString(post(fmt.Sprintf("Content-Length: %d\r\n", len(sorted[i])), sorted[i]))
	}
	get := func(target string) string { return "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n" }
	return []row{
		{row: 32, name: "LF in an extension", input: chunked("2;\nxx\r\n{}\r\n0\r\n\r\n"), status: 400, given: len(chunked("2;\n"))},
		{row: 32, name: "CR in an extension", input: chunked("2;a\rb\r\n{}\r\n0\r\n\r\n"), status: 400, given: len(chunked("2;a\rb"))},
		{row: 32, name: "size overflow", input: chunked("10000000000000002\r\n{}\r\n0\r\n\r\n"), status: 400, given: len(chunked("1000000000000000"))},
		{row: 32, name: "negative size", input: chunked("-2\r\n{}\r\n0\r\n\r\n"), status: 400, given: len(chunked("-"))},
		{row: 32, name: "signed size", input: chunked("+2\r\n{}\r\n0\r\n\r\n"), status: 400},
		{row: 32, name: "prefixed size", input: chunked("0x2\r\n{}\r\n0\r\n\r\n"), status: 400},
		{row: 32, name: "no size", input: chunked("\r\n{}\r\n0\r\n\r\n"), status: 400},
		{row: 32, name: "extension without a size", input: chunked(";a\r\n0\r\n\r\n"), status: 400},
		{row: 32, name: "space behind the size", input: chunked("2 \r\n{}\r\n0\r\n\r\n"), status: 400},
		{row: 32, name: "space before the size", input: chunked(" 2\r\n{}\r\n0\r\n\r\n"), status: 400},
		{row: 32, name: "LF behind the size", input: chunked("2\n{}\r\n0\r\n\r\n"), status: 400},
		{row: 32, name: "no CR LF behind the data", input: chunked("2\r\n{}0\r\n\r\n"), status: 400, given: len(chunked("2\r\n{}0"))},
		{row: 32, name: "LF behind the data", input: chunked("2\r\n{}\n0\r\n\r\n"), status: 400},
		{row: 32, name: "CR behind the data", input: chunked("2\r\n{}\r0\r\n\r\n"), status: 400},
		{row: 32, name: "forbidden trailer", input: chunked("0\r\nContent-Length: 9\r\n\r\n"), status: 400, given: len(chunked("0\r\nContent-Length:"))},
		{row: 32, name: "endless extension", input: chunked("2;" + strings.Repeat("a", 1<<20)), status: 400, given: len(chunked("2;")) + 4<<10 + 1},
		{row: 32, name: "endless trailers", input: chunked("0\r\n" + strings.Repeat("a:b\r\n", 1<<16)), status: 400},
		{row: 33, name: "one-byte chunks", input: chunked(strings.Repeat("1\r\na\r\n", 60_000) + "0\r\n\r\n"), bodies: []string{strings.Repeat("a", 60_000)}},
		{row: 34, name: "good chunks", input: chunked("5\r\n{\"a\":\r\n02;x=\"y\"\r\n1}\r\n0\r\nX-T: v\r\n\r\n"), bodies: []string{`{"a":1}`}},
		{row: 35, name: "three in a segment", input: pipelined.String(), bodies: sorted},
		{row: 35, name: "chunked, then another", input: chunked("1\r\na\r\n0\r\n\r\n") + get("/"), bodies: []string{"a", ""}},
		{row: 36, name: "expectation without its body", input: post("Expect: 100-continue\r\nContent-Length: 2\r\n", ""), bodies: []string{""}},
		{row: 37, name: "byte by byte", input: post("Content-Length: 2\r\n", "{}"), bodies: []string{"{}"}},
		{row: 38, name: "dots", input: get("/../../etc/passwd"), bodies: []string{""}},
		{row: 38, name: "two slashes", input: get("//device_push"), bodies: []string{""}},
		{row: 38, name: "escapes", input: get("/%2f..%00%ff%fe%zz%"), bodies: []string{""}},
		{row: 38, name: "raw bytes", input: get("/\xff\xfe?\xc3\xa9={\"|\\"), bodies: []string{""}},
		{row: 38, name: "8 KB query", input: get("/?" + strings.Repeat("a", 8<<10)), status: 414, given: 8 << 10},
		{row: 38, name: "fragment", input: get("/a#b"), status: 400},
		{row: 39, name: "64 KB cookie", input: line + host + "Cookie: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", status: 431, given: 8 << 10},
		{row: 39, name: "7 KB cookie", input: line + host + "Cookie: " + strings.Repeat("a", 7<<10) + "\r\n\r\n", bodies: []string{""}},
	}
}

func rows() []row { return append(append(rowsOfHead(), rowsOfFraming()...), rowsOfBody()...) }

func TestRows(t *testing.T) {
	for _, r := range rows() {
		t.Run(fmt.Sprintf("%d %s", r.row, r.name), func(t *testing.T) {
			got := checkCuts(t, r.input)
			if got.Status != r.status {
				t.Fatalf("refused with %d %q, want %d", got.Status, got.Reason, r.status)
			}
			if r.given != 0 && got.Given != r.given {
				t.Errorf("refused (%s) after %d bytes, want %d", got.Reason, got.Given, r.given)
			}
			if r.status != 0 { // row 29: never two answers, so no request before the refusal either
				if len(got.Requests) > 0 && got.Requests[0].Complete {
					t.Errorf("refused only after %+v", got.Requests[0])
				}
				return
			}
			if len(got.Requests) != len(r.bodies) {
				t.Fatalf("got %d requests, want %d", len(got.Requests), len(r.bodies))
			}
			for i, want := range r.bodies {
				if string(got.Requests[i].Body) != want {
					t.Errorf("body %d is %.100q, want %.100q", i, got.Requests[i].Body, want)
				}
			}
		})
	}
}

// A flood of bad requests must cost no garbage either.
func TestRowsDoNotAllocate(t *testing.T) {
	for _, r := range rows() {
		var (
			head  httpwire.Head
			input = []byte(r.input)
		)
		allocs := testing.AllocsPerRun(10, func() { exchange(&head, input) })
		if allocs != 0 {
			t.Errorf("row %d %s: %v allocations", r.row, r.name, allocs)
		}
	}
}

// exchange reads one request with its body and throws it away.
func exchange(head *httpwire.Head, src []byte) {
	n, err := head.Parse(src, httpwire.Limits{})
	if n == 0 || err != nil {
		return
	}
	body := httpwire.NewBody(head)
	for src = src[n:]; ; {
		_, n, done, err := body.Next(src)
		src = src[n:]
		if done || err != nil || len(src) == 0 {
			return
		}
	}
}
