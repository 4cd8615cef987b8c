package ledger_test

import (
	"reflect"
	"testing"

	"outrider/bench/internal/fleet"
	"outrider/bench/internal/ledger"
)

// someRecords are one of each event.
func someRecords() (all []ledger.Record) {
	for e := ledger.Opened; e <= ledger.Ended; e++ {
		r := ledger.Record{Event: e, At: 1e9 - int64(e), Client: 1<<40 + uint64(e)}
		switch e {
		case ledger.Claimed:
			r.Device, r.Exclusive, r.Addresses = 3, true, ledger.AddressesOf(2, fleet.MerchantPOS, 9, 1<<33)
		case ledger.Closed:
			r.Notice = 25e9
		case ledger.Received:
			r.Number = 1 << 62
		case ledger.Pushed:
			r.Client, r.Number, r.Addresses = 0, 5, []ledger.Address{ledger.GroupOf(255, fleet.Show)}
			r.Answer = ledger.Answer{At: r.At, Status: 200, Matched: -1, Written: 1 << 30}
		case ledger.Ended:
			r.Client, r.Number = 0, 77
		}
		all = append(all, r)
	}
	return all
}

// TestRecord: each comes back as it was, in few bytes.
func TestRecord(t *testing.T) {
	var w, rd ledger.Codec
	var text []byte
	for _, want := range someRecords() {
		text = w.Append(text[:0], &want)
		var got ledger.Record
		n, err := rd.Parse(text, &got)
		if err != nil || n != len(text) || !reflect.DeepEqual(got, want) {
			t.Errorf("%d of %d bytes, %v: %+v, want %+v", n, len(text), err, got, want)
		}
	}
	next := ledger.Record{Event: ledger.Received, At: 1e9 + 2e6, Client: 1<<40 + 5000, Number: 80}
	w.Append(nil, &ledger.Record{Event: ledger.Received, At: 1e9, Client: 1 << 40, Number: 70})
	if text = w.Append(nil, &next); len(text) > 9 {
		t.Errorf("a receipt takes %d bytes", len(text))
	}
}

// FuzzRecord: what can be read is written and read as the same.
func FuzzRecord(f *testing.F) {
	var w ledger.Codec
	for _, r := range someRecords() {
		f.Add(w.Append(nil, &r))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		var c, again, back ledger.Codec
		var r, same ledger.Record
		n, err := c.Parse(p, &r)
		if err != nil {
			return
		}
		if n < 2 || n > len(p) || len(r.Addresses) > 8 {
			t.Fatalf("%d bytes of %d, %d addresses", n, len(p), len(r.Addresses))
		}
		text := again.Append(nil, &r)
		if len(text) > 256 {
			t.Fatalf("%d bytes are too long to be read", len(text))
		}
		if _, err := back.Parse(text, &same); err != nil || !reflect.DeepEqual(r, same) {
			t.Errorf("%v: %+v, was %+v", err, same, r)
		}
	})
}
