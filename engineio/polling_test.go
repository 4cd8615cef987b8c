package engineio_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"

	"outrider/engineio"
)

const (
	textType   = "text/plain; charset=UTF-8"
	binaryType = "application/octet-stream"
	postText   = "Content-Type: text/plain;charset=UTF-8"
	postBinary = "Content-Type: application/octet-stream"
	postForm   = "Content-Type: application/x-www-form-urlencoded"
)

// TestPayloads sends each form of payload to an echo server, and has what
// comes back.
func TestPayloads(t *testing.T) {
	for _, tt := range []struct {
		name, query, header, body string
		got                       []engineio.Packet
		contentType, answer       string
	}{
		{
			"text/4", "EIO=4", postText, "4hello",
			packets(message("hello")), textType, "4hello",
		},
		{
			"several/4", "EIO=4", postText, "4test1\x1e4test2\x1e4test3",
			packets(message("test1"), message("test2"), message("test3")), textType, "4test1\x1e4test2\x1e4test3",
		},
		{
			"binary/4", "EIO=4", postText, "4hello\x1ebAQIDBA==",
			packets(message("hello"), blob(1, 2, 3, 4)), textType, "4hello\x1ebAQIDBA==",
		},
		{
			"b64/4", "EIO=4&b64=1", "X: y", "bAQIDBA==",
			packets(blob(1, 2, 3, 4)), textType, "bAQIDBA==",
		},
		{
			"unicode/4", "EIO=4", postText, "4é😀世界",
			packets(message("é😀世界")), textType, "4é😀世界",
		},
		{
			"empty message/4", "EIO=4", postText, "4\x1eb",
			packets(message(""), blob()), textType, "4\x1eb",
		},
		{
			"text/3", "EIO=3&b64=1", postText, "6:4hello",
			packets(message("hello")), textType, "6:4hello",
		},
		{
			"several/3", "EIO=3&b64=1", postText, "6:4test16:4test26:4test3",
			packets(message("test1"), message("test2"), message("test3")), textType, "6:4test16:4test26:4test3",
		},
		{
			"b64/3", "EIO=3&b64=1", postText, "6:4hello10:b4AQIDBA==",
			packets(message("hello"), blob(1, 2, 3, 4)), textType, "6:4hello10:b4AQIDBA==",
		},
		{
			"binary answer/3", "EIO=3", postText, "6:4hello10:b4AQIDBA==",
			packets(message("hello"), blob(1, 2, 3, 4)), binaryType, "\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04",
		},
		{
			"text only/3", "EIO=3", postText, "6:4hello",
			packets(message("hello")), textType, "6:4hello",
		},
		{
			"utf-16/3", "EIO=3", postText, "4:4é😀2:4x",
			packets(message("é😀"), message("x")), textType, "4:4é😀2:4x",
		},
		{
			"binary post/3", "EIO=3", postBinary, "\x00\x03\xff4é\x01\x04\xff\x04\x01\x02\x03",
			packets(message("é"), blob(1, 2, 3)), binaryType, "\x00\x03\xff4é\x01\x04\xff\x04\x01\x02\x03",
		},
		{
			"binary post, b64/3", "EIO=3&b64=1", postBinary, "\x01\x04\xff\x04\x01\x02\x03",
			packets(blob(1, 2, 3)), textType, "6:b4AQID",
		},
		{
			"jsonp/4", "EIO=4&j=12", postForm, "d=" + url.QueryEscape(`4a "b"\n`+`\\n`),
			packets(message("a \"b\"\n\\n")), textType, `___eio[12]("4a \"b\"\n\\n");`,
		},
		{
			"jsonp/3", "EIO=3&j=0&b64=1", postForm, "d=" + url.QueryEscape("2:4\u2028"),
			packets(message("\u2028")), textType, `___eio[0]("2:4\u2028");`,
		},
		{
			"jsonp binary/3", "EIO=3&j=0", postForm, "d=" + url.QueryEscape("10:b4AQIDBA=="),
			packets(blob(1, 2, 3, 4)), textType, `___eio[0]("10:b4AQIDBA==");`,
		},
		{
			"ignored/4", "EIO=4", postText, "0\x1e5\x1e6\x1e4x",
			packets(message("x")), textType, "4x",
		},
		{
			"empty payload/3", "EIO=3", postText, "0:2:4x",
			packets(message("x")), textType, "2:4x",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, engineio.Config{Loops: 1}, nil)
			p := s.poll(tt.query)
			a := p.post(tt.body, tt.header).is(t, 200, "ok")
			if got := a.Header.Get("Content-Type"); got != "text/html" {
				t.Errorf("POST answered with Content-Type %q", got)
			}
			comparePackets(t, s.rec.got(t, 0, len(tt.got)), tt.got)
			a = s.dial().get(p.query+"&j=99&b64=0", "User-Agent: x;MSIE 9").is(t, 200, tt.answer)
			for name, want := range map[string]string{
				"Content-Type": tt.contentType, "Cache-Control": "no-store", "X-XSS-Protection": "0",
			} {
				if got := a.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if a.ContentLength != int64(len(tt.answer)) {
				t.Errorf("Content-Length %d of %d bytes", a.ContentLength, len(tt.answer))
			}
		})
	}
}

// TestBadPayloads: what is before the bad packet is delivered, the POST is
// answered with "ok", and the session ends.
func TestBadPayloads(t *testing.T) {
	for _, tt := range []struct {
		query, header, body string
		good                int
	}{
		{"EIO=4", postText, "", 0},
		{"EIO=4", postText, "abc", 0},
		{"EIO=4", postText, "9", 0},
		{"EIO=4", postText, "\xff", 0},
		{"EIO=4", postText, "4\xff", 0},
		{"EIO=4", postText, "b####", 0},
		{"EIO=4", postText, "4a\x1e4b\x1e7\x1e4c", 2},
		{"EIO=4", postText, "4a\x1e", 1},
		{"EIO=4", postText, "4a\x1e\x1e4b", 1},
		{"EIO=4", postText, strings.Repeat("\x1e", 900_000), 0},
		{"EIO=3", postText, "", 0},
		{"EIO=3", postText, "4hello", 0},
		{"EIO=3", postText, "99999999999:4", 0},
		{"EIO=3", postText, "-1:4", 0},
		{"EIO=3", postText, "x:y", 0},
		{"EIO=3", postText, "1e9:4", 0},
		{"EIO=3", postText, "3:4", 0},
		{"EIO=3", postText, "3:4é", 0},
		{"EIO=3", postText, "2:4😀", 0},
		{"EIO=3", postText, "2:4a2:4b1:", 2},
		{"EIO=3", postText, "2:4ajunk", 1},
		{"EIO=3", postText, "4:b4##", 0},
		{"EIO=3", postBinary, "\x00" + strings.Repeat("\x09", 400) + "\xff4", 0},
		{"EIO=3", postBinary, "\x00\xff4", 0},
		{"EIO=3", postBinary, "\x02\x02\xff4x", 0},
		{"EIO=3", postBinary, "\x01\x02\xff\x09x", 0},
		{"EIO=3", postBinary, "\x00\x02\xff4a\x00\x09\xff4b", 1},
		{"EIO=3", postBinary + "; charset=binary", "\x00\x02\xff4a", 0},
		{"EIO=3&j=1", postForm, "d=zzz", 0},
	} {
		t.Run(fmt.Sprintf("%s/%.20q", tt.query, tt.body), func(t *testing.T) {
			s := serve(t, engineio.Config{Loops: 1, Workers: 1}, nil)
			p := s.poll(tt.query)
			p.deliver(tt.body, tt.header)
			if got := s.rec.ended(t, 0); got != engineio.ReasonParseError {
				t.Errorf("reason %q", got)
			}
			if got := s.rec.got(t, 0, tt.good); len(got) != tt.good {
				t.Errorf("%d messages were delivered, want %d", len(got), tt.good)
			}
			p.gone()
		})
	}
}

// TestEmptyForm: a form without the field d delivers nothing, which is no
// error.
func TestEmptyForm(t *testing.T) {
	s := serve(t, engineio.Config{}, nil)
	p := s.poll("EIO=4&j=0")
	p.deliver("x=4abc", postForm)
	p.deliver("", postForm)
	p.deliver("d=4abc", postForm)
	if got := p.receive(); got != `___eio[0]("4abc");` {
		t.Errorf("poll brought %q", got)
	}
}

// TestBinaryPost4: revision 4 has no binary payloads.
func TestBinaryPost4(t *testing.T) {
	s := serve(t, engineio.Config{}, nil)
	p := s.poll("EIO=4")
	p.waits(s.rec.session(t, 0))
	p.post("4abc", postBinary).is(t, 400, "")
	if got := p.finish(); got != "1" {
		t.Errorf("the waiting poll brought %q", got)
	}
	p.gone()
	if got := s.rec.ended(t, 0); got != engineio.ReasonTransportError {
		t.Errorf("reason %q", got)
	}
}

// TestMaxPackets: a payload may have as many packets as the bound says, and
// not one more.
func TestMaxPackets(t *testing.T) {
	for _, tt := range []struct{ query, packet, separator, end string }{
		{"EIO=4", "4x", "\x1e", "1"}, {"EIO=3", "2:4x", "", "1:1"},
	} {
		s := serve(t, engineio.Config{MaxPackets: 100}, &recorder{})
		p := s.poll(tt.query)
		p.deliver(tt.packet + strings.Repeat(tt.separator+tt.packet, 99))
		s.rec.got(t, 0, 100)
		p.waits(s.rec.session(t, 0))
		p.deliver(tt.packet + strings.Repeat(tt.separator+tt.packet, 100))
		if got := p.finish(); got != tt.end {
			t.Errorf("poll brought %q", got)
		}
		if got := s.rec.ended(t, 0); got != engineio.ReasonParseError || len(s.rec.got(t, 0, 200)) != 200 {
			t.Errorf("reason %q", got)
		}
		p.gone()
	}
}

// TestCompression: answers from the bound on are compressed for those who
// take gzip.
func TestCompression(t *testing.T) {
	for _, tt := range []struct {
		query     string
		threshold int // of the configuration
		size      int // of the body
		accept    string
		zipped    bool
	}{
		{"EIO=4", 0, 1023, "gzip", false},
		{"EIO=4", 0, 1024, "gzip", true},
		{"EIO=4", 0, 1025, "gzip, deflate, br", true},
		{"EIO=4", 0, 2000, "deflate, GZIP;q=0.5", true},
		{"EIO=4", 0, 2000, "deflate", false},
		{"EIO=4", 0, 2000, "", false},
		{"EIO=4", 0, 2000, "gzip;q=0, identity", false},
		{"EIO=4", 0, 2000, "deflate, gzip; q=0.000", false},
		{"EIO=4", 0, 2000, "xgzip", false},
		{"EIO=4", 10, 9, "gzip", false},
		{"EIO=4", 10, 10, "gzip", true},
		{"EIO=4", -1, 200_000, "gzip", false},
		{"EIO=4", 0, 200_000, "gzip", true},
		{"EIO=3", 0, 1024, "gzip", true},
		{"EIO=4&j=1", 0, 1023, "gzip", false},
		{"EIO=4&j=1", 0, 1024, "gzip", true},
	} {
		t.Run(fmt.Sprintf("%s/%d/%s", tt.query, tt.size, tt.accept), func(t *testing.T) {
			s := serve(t, engineio.Config{CompressionThreshold: tt.threshold}, nil)
			p := s.poll(tt.query)
			overhead := map[string]int{"EIO=4": 1, "EIO=3": len("1020:4"), "EIO=4&j=1": len(`___eio[1]("4");`)}[tt.query]
			session := s.rec.session(t, 0)
			if err := session.Send([]byte(strings.Repeat("x", tt.size-overhead)), false); err != nil {
				t.Fatal(err)
			}
			a := s.dial().get(p.query, "Accept-Encoding: "+tt.accept)
			body := a.body
			if zipped := a.Header.Get("Content-Encoding") == "gzip"; zipped != tt.zipped {
				t.Fatalf("compressed: %t, want %t", zipped, tt.zipped)
			}
			if tt.zipped {
				z, err := gzip.NewReader(strings.NewReader(a.body))
				if err != nil {
					t.Fatal(err)
				}
				plain, err := io.ReadAll(z)
				if err != nil {
					t.Fatal(err)
				}
				body = string(plain)
				if a.Header.Get("Vary") != "Accept-Encoding" {
					t.Errorf("Vary: %q", a.Header.Get("Vary"))
				}
			}
			if len(body) != tt.size {
				t.Errorf("body of %d bytes, want %d", len(body), tt.size)
			}
		})
	}
}

// TestAnswerAtOnce: a poll that waits is answered with the first message; what
// comes after it is one payload for the next.
func TestAnswerAtOnce(t *testing.T) {
	for query, want := range map[string][2]string{
		"EIO=4": {"4a", "4b\x1e4c\x1ebAQ=="},
		"EIO=3": {"2:4a", "\x00\x02\xff4b\x00\x02\xff4c\x01\x02\xff\x04\x01"},
	} {
		s := serve(t, engineio.Config{}, &recorder{})
		p := s.poll(query)
		session := s.rec.session(t, 0)
		p.start()
		if !settles(session.Writable) {
			t.Fatal("the GET has not arrived")
		}
		for _, m := range []string{"a", "b", "c"} {
			if err := session.Send([]byte(m), false); err != nil {
				t.Error(err)
			}
		}
		if session.Writable() {
			t.Error("writable though no poll waits")
		}
		_ = session.SendFrame(engineio.BinaryFrame([]byte{1}))
		if got := p.finish(); got != want[0] {
			t.Errorf("the waiting poll brought %q", got)
		}
		if got := p.receive(); got != want[1] {
			t.Errorf("the next poll brought %q", got)
		}
	}
}
