package pushhttp_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"outrider/pushhttp"
)

// TestHostileHTTP is RELIABILITY.md §2 rows 14 to 39 and the fasthttp rows of
// §1, on the push API's own listener. Each request carries a push; where it is
// refused nothing is pushed, there is at most one answer, and the connection
// is closed, so that nothing behind it is taken for a request.
func TestHostileHTTP(t *testing.T) {
	const (
		line    = "POST /clear_table HTTP/1.1\r\n"
		host    = "Host: 127.0.0.1\r\n"
		second  = "POST /clear_table HTTP/1.1\r\nHost: smuggled\r\nContent-Length: 36\r\n\r\n" + clearTable
		length  = "Content-Length: 36\r\n"
		coding  = "Transfer-Encoding: chunked\r\n"
		inChunk = "24\r\n" + clearTable + "\r\n0\r\n\r\n"
	)
	random := make([]byte, 4096)
	_, _ = rand.Read(random)
	tests := []struct {
		name, request string
		statuses      string // any of these; "closed" is no answer
	}{
		{"row 14: random bytes", string(random) + "\r\n\r\n", "400 431 closed"},
		{"row 15: TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400"},
		{"row 16: HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"},
		{"row 17: HTTP/0.9", "GET /\r\n\r\n", "400"},
		{"row 18: HTTP/9.9", "POST /clear_table HTTP/9.9\r\n" + host + length + "\r\n" + clearTable, "400 505"},
		{"row 19: 1 MB URI", "POST /" + strings.Repeat("u", 1<<20) + " HTTP/1.1\r\n" + host + "\r\n", "431 414 400 closed"},
		{"row 20: 1 MB value", line + host + "X: " + strings.Repeat("v", 1<<20) + "\r\n\r\n", "431 closed"},
		{"row 21: 100,000 fields", line + host + strings.Repeat("a:1\r\n", 100_000) + "\r\n", "431 closed"},
		{"row 21: 101 fields", line + host + length + strings.Repeat("a:1\r\n", 99) + "\r\n" + clearTable, "431"},
		{"row 22: NUL in a value", line + host + length + "X: a\x00b\r\n\r\n" + clearTable, "400"},
		{"row 23: bare CR in a value", line + host + length + "X: a\rb\r\n\r\n" + clearTable, "400"},
		{"row 24: space before the colon", line + host + "Content-Length : 36\r\n\r\n" + clearTable, "400"},
		{"row 25: space before the first field", line + " " + host + length + "\r\n" + clearTable, "400"},
		{"folded line", line + host + "X: a\r\n b\r\n" + length + "\r\n" + clearTable, "400"},
		{"folded length", line + host + "Content-Length:\r\n 36\r\n\r\n" + clearTable, "400"},
		{"space in a name", line + host + length + "X Y: 1\r\n\r\n" + clearTable, "400"},
		{"no name", line + host + length + ": 1\r\n\r\n" + clearTable, "400"},
		{"no colon", line + host + length + "X\r\n\r\n" + clearTable, "400"},
		{"row 26: a line ends with LF only", line + host + "X: 1\n" + length + "\r\n" + clearTable, "400"},
		{"row 27: NUL in the method", "PO\x00ST /clear_table HTTP/1.1\r\n" + host + length + "\r\n" + clearTable, "400"},
		{"control byte in the target", "POST /clear_\x01table HTTP/1.1\r\n" + host + length + "\r\n" + clearTable, "400"},
		{"no Host", line + length + "\r\n" + clearTable, "400"},
		{"two Hosts", line + host + host + length + "\r\n" + clearTable, "400"},
		{"row 29: length and coding", line + host + length + coding + "\r\n" + inChunk, "400"},
		{"row 29: coding and length", line + host + coding + "Content-Length: 4\r\n\r\n" + inChunk + second, "400"},
		{"row 29: length and identity", line + host + length + "Transfer-Encoding: identity\r\n\r\n" + clearTable, "400"},
		{"row 30: two lengths", line + host + length + "Content-Length: 37\r\n\r\n" + clearTable, "400"},
		{"row 30: two equal lengths", line + host + length + length + "\r\n" + clearTable, "400"},
		{"row 30: list", line + host + "Content-Length: 36, 36\r\n\r\n" + clearTable, "400"},
		{"row 30: +36", line + host + "Content-Length: +36\r\n\r\n" + clearTable, "400"},
		{"row 30: -1", line + host + "Content-Length: -1\r\n\r\n" + clearTable, "400"},
		{"row 30: 0x24", line + host + "Content-Length: 0x24\r\n\r\n" + clearTable, "400"},
		{"row 30: 23 digits", line + host + "Content-Length: 12345678901234567890123\r\n\r\n" + clearTable, "400"},
		{"row 30: empty length", line + host + "Content-Length:\r\n\r\n" + clearTable, "400"},
		{"row 31: xchunked", line + host + "Transfer-Encoding: xchunked\r\n\r\n" + inChunk, "400 501"},
		{"row 31: chunked, identity", line + host + "Transfer-Encoding: chunked, identity\r\n\r\n" + inChunk, "400 501"},
		{"row 31: identity", line + host + "Transfer-Encoding: identity\r\n\r\n" + second, "400 501"},
		{"row 31: gzip, chunked", line + host + "Transfer-Encoding: gzip, chunked\r\n\r\n" + inChunk, "400 501"},
		{"row 31: vertical tab", line + host + "Transfer-Encoding: \vchunked\r\n\r\n" + inChunk, "400 501"},
		{"row 31: space before the colon", line + host + "Transfer-Encoding : chunked\r\n\r\n" + inChunk, "400 501"},
		{"row 31: coding twice", line + host + coding + coding + "\r\n" + inChunk, "400 501"},
		{"coding in HTTP/1.0", "POST /clear_table HTTP/1.0\r\n" + host + coding + "\r\n" + inChunk, "400"},
		{"row 32: LF in a chunk extension", line + host + coding + "\r\n2;\nxx\r\n{}\r\n0\r\n\r\n", "400"},
		{"row 32: size overflows", line + host + coding + "\r\nffffffffffffffffff\r\n" + clearTable, "400"},
		{"row 32: size of 2^63", line + host + coding + "\r\n8000000000000000\r\n" + clearTable, "400 413"},
		{"row 32: negative size", line + host + coding + "\r\n-24\r\n" + clearTable + "\r\n0\r\n\r\n", "400"},
		{"row 32: no size", line + host + coding + "\r\n\r\n" + clearTable + "\r\n0\r\n\r\n", "400"},
		{"row 32: size in decimal with x", line + host + coding + "\r\n0x24\r\n" + clearTable + "\r\n0\r\n\r\n", "400"},
		{"row 32: no CR LF behind a chunk", line + host + coding + "\r\n24\r\n" + clearTable + "0\r\n\r\n", "400"},
		{"row 32: LF behind a chunk", line + host + coding + "\r\n24\r\n" + clearTable + "\n0\r\n\r\n", "400"},
		{"row 32: LF behind the size", line + host + coding + "\r\n24\n" + clearTable + "\r\n0\r\n\r\n", "400"},
		{"fasthttp PR 2043: length in a trailer", line + host + coding + "\r\n24\r\n" + clearTable + "\r\n0\r\nContent-Length: 9\r\n\r\n", "400"},
		{"coding in a trailer", line + host + coding + "\r\n24\r\n" + clearTable + "\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
		{"broken trailer", line + host + coding + "\r\n24\r\n" + clearTable + "\r\n0\r\nX Y\r\n\r\n", "400"},
		{"row 39: 64 kB cookie", line + host + length + "Cookie: " + strings.Repeat("c", 64<<10) + "\r\n\r\n" + clearTable, "431 closed"},
	}
	h, publisher := newHandler(t, pushhttp.Config{})
	address := start(t, h, pushhttp.ServerConfig{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := dial(t, address)
			go func() { _, _ = io.WriteString(p, tt.request) }() // the server need not read it all
			if got := firstStatus(p); !strings.Contains(" "+tt.statuses+" ", " "+got+" ") {
				t.Errorf("answered %s, want %s", got, tt.statuses)
			}
			if calls := publisher.taken(); calls != nil {
				t.Errorf("pushed %q", calls)
			}
		})
	}
	t.Run("the next caller is served", func(t *testing.T) {
		p := dial(t, address)
		p.send(post("/clear_table", clearTable))
		if r := p.reply(); r.status != 200 {
			t.Errorf("got %d %s", r.status, r.body)
		}
	})
}

// firstStatus returns the status of the only answer on a connection, or
// "closed" if it is closed without one.
func firstStatus(p *peer) string {
	response, err := http.ReadResponse(p.r, nil)
	if err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return "nothing"
		}
		return "closed"
	}
	_, _ = io.Copy(io.Discard, response.Body)
	if !response.Close {
		return fmt.Sprint(response.StatusCode, " and stays open")
	}
	if rest, _ := io.ReadAll(p.r); len(rest) > 0 {
		return fmt.Sprintf("%d and then %q", response.StatusCode, rest)
	}
	return fmt.Sprint(response.StatusCode)
}

// TestAccepted is what looks odd and is right.
func TestAccepted(t *testing.T) {
	for name, request := range map[string]string{
		"100 fields":           "POST /clear_table HTTP/1.1\r\nHost: a\r\nContent-Length: 36\r\n" + strings.Repeat("a:1\r\n", 98) + "\r\n" + clearTable,
		"chunk extension":      "POST /clear_table HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n24;a=b\r\n" + clearTable + "\r\n0\r\n\r\n",
		"harmless trailer":     "POST /clear_table HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n24\r\n" + clearTable + "\r\n0\r\nX: 1\r\n\r\n",
		"HTTP/1.0":             "POST /clear_table HTTP/1.0\r\nContent-Length: 36\r\n\r\n" + clearTable,
		"empty line in front":  "\r\nPOST /clear_table HTTP/1.1\r\nHost: a\r\nContent-Length: 36\r\n\r\n" + clearTable,
		"no space after colon": "POST /clear_table HTTP/1.1\r\nhost:a\r\ncontent-length:36\r\ncontent-type:application/json\r\n\r\n" + clearTable,
		"tab after colon":      "POST /clear_table HTTP/1.1\r\nHost:\ta\r\nContent-Length:\t36\t\r\n\r\n" + clearTable,
		"absolute target":      "POST http://a/clear_table HTTP/1.1\r\nHost: a\r\nContent-Length: 36\r\n\r\n" + clearTable,
	} {
		t.Run(name, func(t *testing.T) {
			h, publisher := newHandler(t, pushhttp.Config{})
			p := dial(t, start(t, h, pushhttp.ServerConfig{}))
			p.send(request)
			if r := p.reply(); r.status != 200 {
				t.Errorf("got %d %s", r.status, r.body)
			}
			if calls := publisher.taken(); len(calls) != 1 {
				t.Errorf("pushed %q", calls)
			}
		})
	}
}

// TestDeadlines is rows 11 to 13, and what the row says of LF-only heads.
func TestDeadlines(t *testing.T) {
	const timeout = 200 * time.Millisecond
	h, _ := newHandler(t, pushhttp.Config{})
	address := start(t, h, pushhttp.ServerConfig{ReadTimeout: timeout, IdleTimeout: timeout})
	for name, tt := range map[string]struct {
		request string
		code    pushhttp.Code
	}{
		"row 12: body does not come":      {"POST /clear_table HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n123456789", pushhttp.CodeTimeout},
		"no byte of the body comes":       {"POST /clear_table HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", pushhttp.CodeTimeout},
		"chunk does not come":             {"POST /clear_table HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n24\r\n{", pushhttp.CodeTimeout},
		"head does not come":              {"POST /clear_table HTTP/1.1\r\nHost:", pushhttp.CodeTimeout},
		"row 26: head with LF-only lines": {"POST /clear_table HTTP/1.1\nHost: a\nContent-Length: 36\n\n" + clearTable, pushhttp.CodeTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			p := dial(t, address)
			p.send(tt.request)
			if r := p.reply(); r.json.Code != tt.code {
				t.Errorf("got %d %s", r.status, r.body)
			}
			p.ended()
		})
	}
	t.Run("row 11: head comes line by line", func(t *testing.T) {
		p := dial(t, address)
		p.send("POST /clear_table HTTP/1.1\r\nHost: a\r\n")
		tick := time.NewTicker(timeout / 10)
		defer tick.Stop()
		began := time.Now()
		go func() {
			for range tick.C {
				if _, err := io.WriteString(p, "a: b\r\n"); err != nil {
					return
				}
			}
		}()
		if r := p.reply(); r.json.Code != pushhttp.CodeTimeout {
			t.Errorf("got %d %s", r.status, r.body)
		}
		if took := time.Since(began); took > 10*timeout {
			t.Errorf("took %v", took)
		}
		p.Close()
	})
	t.Run("row 13: idle connection", func(t *testing.T) {
		p := dial(t, address)
		p.send(post("/clear_table", clearTable))
		if r := p.reply(); r.status != 200 {
			t.Errorf("got %d %s", r.status, r.body)
		}
		p.ended()
	})
	t.Run("silent connection", func(t *testing.T) {
		p := dial(t, address)
		_, err := p.r.ReadByte()
		for err == nil { // an answer that says so is allowed
			_, err = p.r.ReadByte()
		}
		if !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
}
