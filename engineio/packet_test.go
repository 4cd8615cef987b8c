package engineio_test

import (
	"bytes"
	"encoding"
	"testing"
	"unicode/utf8"

	"outrider/engineio"
)

var _ encoding.TextAppender = engineio.Packet{}

// PROTOCOL.md 1.4.
func TestTypesAreWireDigits(t *testing.T) {
	for i, want := range []string{"open", "close", "ping", "pong", "message", "upgrade", "noop", "type 7"} {
		if got := engineio.Type(i).String(); got != want {
			t.Errorf("Type(%d) is %q, want %q", i, got, want)
		}
	}
	if engineio.Message != 4 || engineio.Noop != 6 {
		t.Error("types are not the digits of the wire")
	}
	if got := engineio.Revision3.String() + engineio.Revision4.String(); got != "34" {
		t.Errorf("revisions are %q, want 3 and 4 as EIO has them", got)
	}
}

func TestPacketText(t *testing.T) {
	for _, c := range []struct {
		wire string
		want engineio.Packet
	}{
		{`0{"sid":"x"}`, text(engineio.Open, `{"sid":"x"}`)},
		{"1", text(engineio.Close, "")},
		{"2probe", text(engineio.Ping, "probe")},
		{"3probe", text(engineio.Pong, "probe")},
		{"4", message("")},
		{"4hello", message("hello")},
		{"4é😀", message("é😀")},
		{"4b", message("b")},
		{"4\x00\x1e", message("\x00\x1e")},
		{"5", text(engineio.Upgrade, "")},
		{"6", text(engineio.Noop, "")},
	} {
		p, err := engineio.ParsePacket([]byte(c.wire))
		compareError(t, err, nil)
		comparePackets(t, packets(p), packets(c.want))
		out, err := p.AppendText([]byte("before "))
		compareError(t, err, nil)
		if string(out) != "before "+c.wire {
			t.Errorf("%q comes back as %q", c.wire, out)
		}
	}
}

// RELIABILITY.md 2, row 59.
func TestParsePacketErrors(t *testing.T) {
	for _, wire := range []string{
		"", "7", "9", "z", "/", ":", "a123", "{", "b", "bAA==", "b4AA==", "\xff", "\xc3\xa9", "4\xff", "4\xc3", "4\xed\xa0\x80", "2\xe2\x82",
	} {
		p, err := engineio.ParsePacket([]byte(wire))
		compareError(t, err, engineio.ErrPacket)
		comparePackets(t, packets(p), packets(engineio.Packet{}))
	}
}

func TestAppendTextErrors(t *testing.T) {
	for _, p := range packets(blob(1), text(7, "x"), text(255, "")) {
		out, err := p.AppendText([]byte("before"))
		compareError(t, err, engineio.ErrPacket)
		if string(out) != "before" {
			t.Errorf("%s left %q behind", show(packets(p)), out)
		}
	}
}

// PROTOCOL.md 1.6, last paragraph.
func TestParseWebSocket(t *testing.T) {
	for _, c := range []struct {
		rev    engineio.Revision
		wire   string
		binary bool
		want   engineio.Packet
		err    error
	}{
		{rev: 4, wire: "4hello", want: message("hello")},
		{rev: 4, wire: "\x01\x02\x03", binary: true, want: blob(1, 2, 3)},
		{rev: 4, wire: "", binary: true, want: blob()},
		{rev: 4, wire: "bAQID", want: blob(1, 2, 3)},
		{rev: 4, wire: "b", want: blob()},
		{rev: 4, wire: "bAQI", err: engineio.ErrPacket},
		{rev: 4, wire: "", err: engineio.ErrPacket},
		{rev: 3, wire: "4hello", want: message("hello")},
		{rev: 3, wire: "\x04\x01\x02\x03", binary: true, want: blob(1, 2, 3)},
		{rev: 3, wire: "\x04", binary: true, want: blob()},
		{rev: 3, wire: "\x02", binary: true, want: engineio.Packet{Type: engineio.Ping, Binary: true}},
		{rev: 3, wire: "\x07", binary: true, err: engineio.ErrPacket},
		{rev: 3, wire: "4\x01", binary: true, err: engineio.ErrPacket},
		{rev: 3, wire: "", binary: true, err: engineio.ErrPacket},
		{rev: 3, wire: "b4AQID", want: blob(1, 2, 3)},
		{rev: 3, wire: "b", err: engineio.ErrPacket},
		{rev: 3, wire: "b7AQID", err: engineio.ErrPacket},
		{rev: 3, wire: "bAQID", err: engineio.ErrPacket},
	} {
		p, err := engineio.ParseWebSocket(c.rev, []byte(c.wire), c.binary)
		compareError(t, err, c.err)
		comparePackets(t, packets(p), packets(c.want))
	}
}

func TestPacketAllocs(t *testing.T) {
	wire, dst := []byte("4hello, é😀"), make([]byte, 0, 64)
	allocs(t, 0, func() {
		p, err := engineio.ParsePacket(wire)
		if err != nil {
			t.Fatal(err)
		}
		dst, _ = p.AppendText(dst[:0])
	})
	allocs(t, 0, func() { engineio.ParsePacket(wire[:0]) })
	allocs(t, 0, func() { engineio.ParseWebSocket(3, wire, false) })
	allocs(t, 0, func() { engineio.ParseWebSocket(4, wire, true) })
}

func FuzzParsePacket(f *testing.F) {
	for _, wire := range []string{"", "4hello", "2probe", "9", "z", "\xff", "b####", "4é😀", "4\xed\xa0\x80"} {
		f.Add([]byte(wire))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		p, err := engineio.ParsePacket(wire)
		good := len(wire) > 0 && wire[0] >= '0' && wire[0] <= '6' && utf8.Valid(wire)
		if good != (err == nil) {
			t.Fatalf("%q: error %v", wire, err)
		}
		if err != nil {
			compareError(t, err, engineio.ErrPacket)
			return
		}
		out, err := p.AppendText(nil)
		if err != nil || !bytes.Equal(out, wire) {
			t.Fatalf("%q comes back as %q, %v", wire, out, err)
		}
	})
}

func FuzzParseWebSocket(f *testing.F) {
	f.Add("4hello", false, false)
	f.Add("bAQID", false, false)
	f.Add("b4AQID", false, true)
	f.Add("\x04\x01\x02\x03", true, true)
	f.Add("b####", false, false)
	f.Fuzz(func(t *testing.T, wire string, binary, old bool) {
		rev := engineio.Revision4
		if old {
			rev = engineio.Revision3
		}
		if !binary && !utf8.ValidString(wire) {
			t.Skip() // the frame reader lets no such text through
		}
		var p engineio.Packet
		var err error
		boundedAlloc(t, len(wire), func() { p, err = engineio.ParseWebSocket(rev, []byte(wire), binary) })
		if err != nil {
			compareError(t, err, engineio.ErrPacket)
			return
		}
		if p.Type > engineio.Noop || len(p.Data) > len(wire) || binary && !p.Binary {
			t.Fatalf("%q parsed to %s", wire, show(packets(p)))
		}
	})
}

func BenchmarkParsePacket(b *testing.B) {
	wire := append([]byte{'4'}, bytes.Repeat([]byte("x"), 128)...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := engineio.ParsePacket(wire); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendPacket(b *testing.B) {
	p := message(string(bytes.Repeat([]byte("x"), 128)))
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = p.AppendText(buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}
