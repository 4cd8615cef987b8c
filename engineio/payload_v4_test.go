package engineio_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"outrider/engineio"
)

// PROTOCOL.md 1.5, and the payloads of the official parser's own tests.
var payload4Cases = []struct {
	name string
	wire string
	want []engineio.Packet
}{
	{"one", "4hello", packets(message("hello"))},
	{"all types", "0\x1e1\x1e2probe\x1e3probe\x1e4test\x1e5\x1e6", packets(
		text(engineio.Open, ""), text(engineio.Close, ""), text(engineio.Ping, "probe"), text(engineio.Pong, "probe"),
		message("test"), text(engineio.Upgrade, ""), text(engineio.Noop, ""))},
	{"binary", "4test\x1ebAQIDBA==", packets(message("test"), blob(1, 2, 3, 4))},
	{"binary first", "bAQID\x1ebAQ==\x1e4x", packets(blob(1, 2, 3), blob(1), message("x"))},
	{"empty binary", "b\x1e4x", packets(blob(), message("x"))},
	{"standard alphabet", "b+/8=", packets(blob(0xfb, 0xff))},
	{"unicode", "4é😀\x1e4\u2028", packets(message("é😀"), message("\u2028"))},
}

func TestPayload4(t *testing.T) {
	for _, c := range payload4Cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := collect(engineio.Payload4([]byte(c.wire)))
			compareError(t, err, nil)
			comparePackets(t, got, c.want)
			if out := engineio.AppendPayload4([]byte("before "), got); string(out) != "before "+c.wire {
				t.Errorf("it comes back as %q", out)
			}
		})
	}
}

// The packets before the bad one are delivered, those after it are not. RELIABILITY.md 2, rows 55 and 59.
func TestPayload4Errors(t *testing.T) {
	for _, c := range []struct {
		wire string
		want []engineio.Packet
	}{
		{"", nil},
		{"\x1e", nil},
		{strings.Repeat("\x1e", 900_000), nil},
		{"{", nil},
		{"{}", nil},
		{`["a123","a456"]`, nil},
		{"abc", nil},
		{"4a\x1e", packets(message("a"))},
		{"4a\x1e\x1e4b", packets(message("a"))},
		{"4a\x1e4b\x1e7\x1e4c", packets(message("a"), message("b"))},
		{"4a\x1e4\xff\x1e4c", packets(message("a"))},
		{"4a\x1e4\xe2\x82\x1e4c", packets(message("a"))},
		{"b####", nil},
		{"bAQI", nil},
		{"bAQ=", nil},
		{"bAQ", nil},
		{"b-_8=", nil},
		{"bA", nil},
		{"b=", nil},
		{"4a\x1ebAQIDBA==4", packets(message("a"))},
	} {
		got, err := collect(engineio.Payload4([]byte(c.wire)))
		compareError(t, err, engineio.ErrPacket)
		comparePackets(t, got, c.want)
	}
}

// A payload's binary packets do not share bytes: a caller may look at two at a time.
func TestPayload4BinaryApart(t *testing.T) {
	var body []byte
	for i := range 3000 {
		body = engineio.AppendPayload4(append(body, separatorIf(i)...), packets(blob(byte(i), byte(i>>8))))
	}
	before := bytes.Clone(body)
	var kept []engineio.Packet
	for p, err := range engineio.Payload4(body) {
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, p)
	}
	for i, p := range kept {
		if !samePacket(p, blob(byte(i), byte(i>>8))) || cap(p.Data) != 2 {
			t.Fatalf("packet %d has become %s, capacity %d", i, show(kept[i:i+1]), cap(p.Data))
		}
	}
	if !bytes.Equal(body, before) {
		t.Error("the decoder wrote into the body")
	}
}

func separatorIf(i int) string {
	if i == 0 {
		return ""
	}
	return "\x1e"
}

func TestPayload4Stop(t *testing.T) {
	n := 0
	for range engineio.Payload4([]byte("4a\x1e4b\x1e\xff")) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d packets, want 2", n)
	}
}

func TestPayload4Allocs(t *testing.T) {
	many := []byte(strings.Repeat("40\x1e", 300_000) + "41") // PROTOCOL.md 1.5; RELIABILITY.md 2, row 59
	if got := testing.AllocsPerRun(1, func() {
		if drain(engineio.Payload4(many)) != 300_001 {
			t.Error("packets are missing")
		}
	}); got != 0 {
		t.Errorf("%v allocations for 300,001 packets", got)
	}
	binary := []byte(strings.Repeat("bAQID\x1e", 500) + "bAQID")
	allocs(t, 1, func() { drain(engineio.Payload4(binary)) })
	dst, ps := make([]byte, 0, 64), packets(message("a"), blob(1, 2), message("b"))
	allocs(t, 0, func() { dst = engineio.AppendPayload4(dst[:0], ps) })
}

func FuzzPayload4(f *testing.F) {
	for _, c := range payload4Cases {
		f.Add([]byte(c.wire))
	}
	for _, wire := range []string{"", "\x1e", "4a\x1e", "b####", "bA\nQ=\r=", "4\xff", "9", "0{}\x1ez"} {
		f.Add([]byte(wire))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		boundedAlloc(t, len(body), func() { drain(engineio.Payload4(body)) })
		got, err := collect(engineio.Payload4(body))
		if !bytes.Equal(body, before) {
			t.Fatal("the decoder wrote into the body")
		}
		want, good := referencePayload4(body)
		comparePackets(t, got, want)
		if err != nil {
			compareError(t, err, engineio.ErrPacket)
		}
		if good != (err == nil) {
			t.Fatalf("%q: error %v, the reference says good=%t", body, err, good)
		}
		if len(got) == 0 {
			return
		}
		again, err := collect(engineio.Payload4(engineio.AppendPayload4(nil, got)))
		compareError(t, err, nil)
		comparePackets(t, again, got)
	})
}

func BenchmarkPayload4(b *testing.B) {
	for _, c := range []struct {
		name   string
		packet engineio.Packet
	}{
		{"text", message(`2["message","{\"order\":12345678,\"status\":\"assigned\"}"]`)},
		{"binary", blob(make([]byte, 64)...)},
	} {
		ps := slices.Repeat(packets(c.packet), 10)
		body := engineio.AppendPayload4(nil, ps)
		b.Run(c.name+"/decode", func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if drain(engineio.Payload4(body)) != 10 {
					b.Fatal("packets are missing")
				}
			}
		})
		b.Run(c.name+"/encode", func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				body = engineio.AppendPayload4(body[:0], ps)
			}
		})
	}
}
