package engineio_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"outrider/engineio"
)

// PROTOCOL.md 1.6. Both directions: what these are encoded to, and what they decode to.
var payload3Cases = []struct {
	name   string
	wire   string
	binary bool
	b64    bool
	want   []engineio.Packet
}{
	{"text", "6:4hello", false, false, packets(message("hello"))},
	{"units", "4:4é😀", false, false, packets(message("é😀"))},
	{"units of many", "4:4é😀2:4x7:4привет1:6", false, false, packets(
		message("é😀"), message("x"), message("привет"), text(engineio.Noop, ""))},
	{"text although binary is possible", "1:11:6", false, false, packets(text(engineio.Close, ""), text(engineio.Noop, ""))},
	{"empty", "0:", false, false, nil},
	{"base64", "10:b4AQIDBA==", false, true, packets(blob(1, 2, 3, 4))},
	{"base64 and text", "6:4hello6:b4AQID2:b46:2probe", false, true, packets(
		message("hello"), blob(1, 2, 3), blob(), text(engineio.Ping, "probe"))},
	{"binary", "\x01\x04\xff\x04\x01\x02\x03", true, false, packets(blob(1, 2, 3))},
	{"binary with text", "\x00\x03\xff4\xc3\xa9\x01\x04\xff\x04\x01\x02\x03", true, false, packets(message("é"), blob(1, 2, 3))},
	{
		"binary with a long text", "\x00\x01\x02\x01\xff4" + strings.Repeat("é", 60) + "\x01\x01\xff\x04", true, false,
		packets(message(strings.Repeat("é", 60)), blob()),
	},
}

func TestPayload3(t *testing.T) {
	for _, c := range payload3Cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := collect(engineio.Payload3([]byte(c.wire), c.binary))
			compareError(t, err, nil)
			comparePackets(t, got, c.want)
			out, binary := engineio.AppendPayload3([]byte("before "), got, c.b64)
			if string(out) != "before "+c.wire || binary != c.binary {
				t.Errorf("it comes back as %q, binary %t", out, binary)
			}
		})
	}
}

// What decodes although no encoder of ours writes it.
func TestPayload3Lenient(t *testing.T) {
	for _, c := range []struct {
		name   string
		wire   string
		binary bool
		want   []engineio.Packet
	}{
		{"empty packets between others", "0:2:4a0:2:4b0:", false, packets(message("a"), message("b"))},
		{"zeros before the length", "000000002:4a", false, packets(message("a"))},
		{"nothing, binary", "", true, nil},
		{"text only, binary", "\x00\x01\xff2\x00\x02\xff4x", true, packets(text(engineio.Ping, ""), message("x"))},
		{"base64 inside binary", "\x00\x06\xffb4AQID", true, packets(blob(1, 2, 3))},
		{"digits as other kinds of length", "\x01\x00\x00\x02\xff\x04\xff", true, packets(blob(0xff))},
		{"base64 in lines", "8:b4AQ\r\nID", false, packets(blob(1, 2, 3))},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := collect(engineio.Payload3([]byte(c.wire), c.binary))
			compareError(t, err, nil)
			comparePackets(t, got, c.want)
		})
	}
}

// RELIABILITY.md 2, rows 56, 57 and 59.
func TestPayload3TextErrors(t *testing.T) {
	for _, c := range []struct {
		wire string
		want []engineio.Packet
		err  error
	}{
		{wire: "", err: engineio.ErrPayload},
		{wire: ":", err: engineio.ErrPayload},
		{wire: ":4", err: engineio.ErrPayload},
		{wire: "1", err: engineio.ErrPayload},
		{wire: "123456789", err: engineio.ErrPayload},
		{wire: "!", err: engineio.ErrPayload},
		{wire: "1aa", err: engineio.ErrPayload},
		{wire: "x:y", err: engineio.ErrPayload},
		{wire: "-1:4", err: engineio.ErrPayload},
		{wire: "+1:4", err: engineio.ErrPayload},
		{wire: " 1:4", err: engineio.ErrPayload},
		{wire: "1e0:4", err: engineio.ErrPayload},
		{wire: "1.0:4", err: engineio.ErrPayload},
		{wire: "0x1:4", err: engineio.ErrPayload},
		{wire: "1e9:4", err: engineio.ErrPayload},
		{wire: "٣:4ab", err: engineio.ErrPayload},
		{wire: "3:4", err: engineio.ErrPayload},
		{wire: "1:", err: engineio.ErrPayload},
		{wire: "99999999999:4", err: engineio.ErrPayload},
		{wire: "999999999:4", err: engineio.ErrPayload},
		{wire: "18446744073709551617:4", err: engineio.ErrPayload},
		{wire: strings.Repeat("0", 900_000) + "1:4", err: engineio.ErrPayload},
		{wire: "5:4é😀", err: engineio.ErrPayload}, // bytes would be enough, units are not
		{wire: "3:4é😀", err: engineio.ErrPayload}, // in the middle of 😀
		{wire: "8:4привет", err: engineio.ErrPayload},
		{wire: "2:4a1", want: packets(message("a")), err: engineio.ErrPayload},
		{wire: "2:4ajunk", want: packets(message("a")), err: engineio.ErrPayload},
		{wire: "2:4a\n", want: packets(message("a")), err: engineio.ErrPayload},
		{wire: "2:4a9:4b2:4c", want: packets(message("a")), err: engineio.ErrPayload},
		{wire: "2:4a1:72:4c", want: packets(message("a")), err: engineio.ErrPacket},
		{wire: "1:z", err: engineio.ErrPacket},
		{wire: "1:b", err: engineio.ErrPacket},
		{wire: "2:b7", err: engineio.ErrPacket},
		{wire: "6:b4####", err: engineio.ErrPacket},
		{wire: "5:b4AQI", err: engineio.ErrPacket},
		{wire: "2:4\xc3(", err: engineio.ErrPacket},
		{wire: "2:4\xff", err: engineio.ErrPacket},
		{wire: "2:4\xe2\x82", err: engineio.ErrPacket},
		{wire: "2:4\xed\xa0\x80", err: engineio.ErrPacket},
		{wire: "3:4\x80a", err: engineio.ErrPacket},
		{wire: "2:4\xf8", err: engineio.ErrPacket},
		{wire: "2:4a\x80", want: packets(message("a")), err: engineio.ErrPayload},
		{wire: "2:4é\x80\x802:4b", want: packets(message("é")), err: engineio.ErrPayload},
		{wire: "0:\x80", err: engineio.ErrPayload},
	} {
		got, err := collect(engineio.Payload3([]byte(c.wire), false))
		if err == nil {
			t.Fatalf("%.40q: no error", c.wire)
		}
		compareError(t, err, c.err)
		comparePackets(t, got, c.want)
	}
}

func TestPayload3BinaryErrors(t *testing.T) {
	for _, c := range []struct {
		wire string
		want []engineio.Packet
		err  error
	}{
		{wire: "\x02\x01\xff4", err: engineio.ErrPayload},
		{wire: "2:4a", err: engineio.ErrPayload},
		{wire: "\x00", err: engineio.ErrPayload},
		{wire: "\x00\xff4", err: engineio.ErrPayload},
		{wire: "\x00\x01", err: engineio.ErrPayload},
		{wire: "\x000001\xff4", err: engineio.ErrPayload}, // characters where numbers belong
		{wire: "\x00\x0a\xff4", err: engineio.ErrPayload},
		{wire: "\x00\xfe\xff4", err: engineio.ErrPayload},
		{wire: "\x01" + strings.Repeat("\x09", 400) + "\xff\x04", err: engineio.ErrPayload},
		{wire: "\x01" + strings.Repeat("\x00", 9) + "\x01\xff\x04", err: engineio.ErrPayload},
		{wire: "\x01\x05\xff\x04\x01", err: engineio.ErrPayload},
		{wire: "\x01\x00\xff", err: engineio.ErrPacket},
		{wire: "\x00\x00\xff", err: engineio.ErrPacket},
		{wire: "\x01\x02\xff4\x01", err: engineio.ErrPacket}, // the digit where the number belongs
		{wire: "\x00\x02\xff\x044", err: engineio.ErrPacket},
		{wire: "\x00\x02\xff4\xff", err: engineio.ErrPacket},
		{wire: "\x00\x02\xff4a\x00", want: packets(message("a")), err: engineio.ErrPayload},
		{wire: "\x00\x02\xff4a\x01\x01\xff\x07\x00\x01\xff4", want: packets(message("a")), err: engineio.ErrPacket},
	} {
		got, err := collect(engineio.Payload3([]byte(c.wire), true))
		if err == nil {
			t.Fatalf("%.40q: no error", c.wire)
		}
		compareError(t, err, c.err)
		comparePackets(t, got, c.want)
	}
}

func TestPayload3Stop(t *testing.T) {
	for _, c := range []struct {
		wire   string
		binary bool
	}{{"2:4a2:4b!", false}, {"\x00\x02\xff4a\x00\x02\xff4b!", true}} {
		n := 0
		for range engineio.Payload3([]byte(c.wire), c.binary) {
			if n++; n == 2 {
				break
			}
		}
		if n != 2 {
			t.Errorf("%q: %d packets, want 2", c.wire, n)
		}
	}
}

func TestPayload3Allocs(t *testing.T) {
	many := []byte(strings.Repeat("1:6", 300_000)) // CVE-2020-36048
	if got := testing.AllocsPerRun(1, func() {
		if drain(engineio.Payload3(many, false)) != 300_000 {
			t.Error("packets are missing")
		}
	}); got != 0 {
		t.Errorf("%v allocations for 300,000 packets", got)
	}
	for _, c := range payload3Cases {
		want := 0.0
		if c.b64 {
			want = 1
		}
		wire := []byte(c.wire)
		allocs(t, want, func() { drain(engineio.Payload3(wire, c.binary)) })
		dst := make([]byte, 0, 256)
		allocs(t, 0, func() { dst, _ = engineio.AppendPayload3(dst[:0], c.want, c.b64) })
	}
}

func FuzzPayload3Text(f *testing.F) {
	for _, c := range payload3Cases {
		f.Add([]byte(c.wire))
	}
	for _, wire := range []string{
		"", "99999999999:4", "-1:4", "x:y", "1e9:4", "3:4", "3:4é😀", "2:4\xff", "0:0:1:4", "6:b4####", "8:b4A\nQI\rD", "5:4\U0010ffff\uffff",
	} {
		f.Add([]byte(wire))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		want, good := referencePayload3(body)
		got := fuzzPayload3(t, body, false, want, good)
		again, binary := engineio.AppendPayload3(nil, got, true)
		if binary {
			t.Fatal("a binary payload for a peer that cannot read it")
		}
		compareSecond(t, again, false, got)
	})
}

func FuzzPayload3Binary(f *testing.F) {
	for _, c := range payload3Cases {
		f.Add([]byte(c.wire))
	}
	for _, wire := range []string{"", "\x00\x00\xff", "\x01\x00\xff", "\x01\x02\xff4\x01", "\x00\x06\xffb4AQID", "\x01\x09\x09\x09\xff"} {
		f.Add([]byte(wire))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		want, good := referencePayload3Binary(body)
		got := fuzzPayload3(t, body, true, want, good)
		again, binary := engineio.AppendPayload3(nil, got, false)
		compareSecond(t, again, binary, got)
	})
}

// fuzzPayload3 decodes body and holds the outcome against the reference's.
func fuzzPayload3(t *testing.T, body []byte, binary bool, want []engineio.Packet, good bool) []engineio.Packet {
	before := bytes.Clone(body)
	boundedAlloc(t, len(body), func() { drain(engineio.Payload3(body, binary)) })
	got, err := collect(engineio.Payload3(body, binary))
	if !bytes.Equal(body, before) {
		t.Fatal("the decoder wrote into the body")
	}
	if good != (err == nil) {
		t.Fatalf("%q: error %v, the reference says good=%t", body, err, good)
	}
	comparePackets(t, got, want)
	return got
}

// compareSecond decodes what the decoded packets were encoded to.
func compareSecond(t *testing.T, body []byte, binary bool, want []engineio.Packet) {
	got, err := collect(engineio.Payload3(body, binary))
	compareError(t, err, nil)
	comparePackets(t, got, want)
}

func BenchmarkPayload3(b *testing.B) {
	ascii := message(`2["message","{\"order\":12345678,\"status\":\"assigned\"}"]`)
	cyrillic := message(`2["message","заказ назначен, курьер в пути к вам"]`)
	for _, c := range []struct {
		name   string
		packet engineio.Packet
	}{{"text=ascii", ascii}, {"text=cyrillic", cyrillic}, {"binary", blob(make([]byte, 64)...)}} {
		ps := slices.Repeat(packets(c.packet), 5)
		body, binary := engineio.AppendPayload3(nil, ps, false)
		b.Run(c.name+"/decode", func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if drain(engineio.Payload3(body, binary)) != 5 {
					b.Fatal("packets are missing")
				}
			}
		})
		b.Run(c.name+"/encode", func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				body, _ = engineio.AppendPayload3(body[:0], ps, false)
			}
		})
	}
}

// The time of hostile payloads must grow with their length and no faster: compare the ns/op of the sizes.
func BenchmarkPayload3Hostile(b *testing.B) {
	for _, c := range []struct{ name, unit string }{{"noops", "1:6"}, {"empty", "0:"}, {"emoji", "3:4😀"}} {
		for _, size := range []int{10_000, 100_000, 1_000_000} {
			body := bytes.Repeat([]byte(c.unit), size/len(c.unit))
			b.Run(c.name+"/size="+sizeName(size), func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				for b.Loop() {
					drain(engineio.Payload3(body, false))
				}
			})
		}
	}
}

func sizeName(n int) string {
	if n >= 1_000_000 {
		return "1M"
	}
	return map[int]string{10_000: "10k", 100_000: "100k"}[n]
}
