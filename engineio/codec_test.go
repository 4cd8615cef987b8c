package engineio_test

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"runtime/metrics"
	"testing"

	"outrider/engineio"
)

// What the codecs' tests share: short ways to write packets, and the ways to look at a decoder from outside.

func text(t engineio.Type, data string) engineio.Packet {
	return engineio.Packet{Type: t, Data: []byte(data)}
}

func message(data string) engineio.Packet { return text(engineio.Message, data) }

func blob(data ...byte) engineio.Packet {
	return engineio.Packet{Type: engineio.Message, Binary: true, Data: data}
}

func packets(ps ...engineio.Packet) []engineio.Packet { return ps }

// collect runs a decoder to its end. The data is copied, as a caller that keeps it has to.
func collect(seq iter.Seq2[engineio.Packet, error]) (got []engineio.Packet, err error) {
	for p, perr := range seq {
		if err != nil {
			panic("engineio: the iteration went on after an error")
		}
		if perr != nil {
			err = perr
			continue
		}
		p.Data = bytes.Clone(p.Data)
		got = append(got, p)
	}
	return got, err
}

// drain runs a decoder to its end without allocating.
func drain(seq iter.Seq2[engineio.Packet, error]) (n int) {
	for range seq {
		n++
	}
	return n
}

func samePacket(a, b engineio.Packet) bool {
	return a.Type == b.Type && a.Binary == b.Binary && bytes.Equal(a.Data, b.Data)
}

// comparePackets fails the test unless got is want.
func comparePackets(t *testing.T, got, want []engineio.Packet) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d packets %s, want %d %s", len(got), show(got), len(want), show(want))
	}
	for i := range got {
		if !samePacket(got[i], want[i]) {
			t.Fatalf("packet %d is %s, want %s", i, show(got[i:i+1]), show(want[i:i+1]))
		}
	}
}

func show(ps []engineio.Packet) string {
	var b bytes.Buffer
	for _, p := range ps {
		fmt.Fprintf(&b, "{%v binary=%t %q}", p.Type, p.Binary, p.Data)
	}
	return b.String()
}

// compareError fails the test unless err is want, which may be nil, and one of the two that peers can cause.
func compareError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
	if err != nil && !errors.Is(err, engineio.ErrPacket) && !errors.Is(err, engineio.ErrPayload) {
		t.Fatalf("error %v has no sentinel", err)
	}
}

// boundedAlloc fails the test if fn allocates more than the bound for hostile input, 64 KiB and 8 times its length.
// The counter is the whole process's and the fuzzer allocates too, so only what is over the bound each time counts.
func boundedAlloc(t *testing.T, input int, fn func()) {
	t.Helper()
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	bound, took := uint64(64<<10+8*input), uint64(0)
	for range 5 {
		metrics.Read(sample)
		before := sample[0].Value.Uint64()
		fn()
		metrics.Read(sample)
		if took = sample[0].Value.Uint64() - before; took <= bound {
			return
		}
	}
	t.Fatalf("%d bytes of input made it allocate %d, over %d", input, took, bound)
}

// allocs fails the test unless fn allocates exactly want times.
func allocs(t *testing.T, want float64, fn func()) {
	t.Helper()
	if got := testing.AllocsPerRun(100, fn); got != want {
		t.Errorf("%v allocations, want %v", got, want)
	}
}
