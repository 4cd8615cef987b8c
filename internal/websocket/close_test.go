package websocket_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"outrider/internal/websocket"
)

func TestAppendClose(t *testing.T) {
	longest := strings.Repeat("r", 123)
	tests := []struct {
		name   string
		code   ws.StatusCode
		reason string
		want   string
	}{
		{"no status", 0, "dropped", "\x88\x00"},
		{"no status received", ws.StatusNoStatusRcvd, "", "\x88\x00"},
		{"abnormal closure", ws.StatusAbnormalClosure, "", "\x88\x00"},
		{"code", ws.StatusNormalClosure, "", "\x88\x02\x03\xe8"},
		{"code and reason", ws.StatusMessageTooBig, "too big", "\x88\x09\x03\xf1too big"},
		{"longest reason", ws.StatusGoingAway, longest, "\x88\x7d\x03\xe9" + longest},
		{"reason too long", ws.StatusGoingAway, longest + "r", "\x88\x7d\x03\xe9" + longest},
		{"reason too long, cut between characters", ws.StatusGoingAway, longest[:121] + "€", "\x88\x7b\x03\xe9" + longest[:121]},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// The capacity holds what an earlier user left behind: none of it may get into the frame (CVE-2026-45736).
			dst := append(make([]byte, 0, 512), "before"...)
			for i := range dst[:cap(dst)][len(dst):] {
				dst[:cap(dst)][len(dst)+i] = 0xDB
			}
			if got := websocket.AppendClose(dst, tt.code, tt.reason); string(got) != "before"+tt.want {
				t.Errorf("AppendClose = %q, want %q", got, "before"+tt.want)
			}
		})
	}
}

func TestAppendPong(t *testing.T) {
	for _, payload := range []string{"", "ping", strings.Repeat("\xfe", 125)} {
		got := websocket.AppendPong([]byte("before"), []byte(payload))
		want := ws.MustCompileFrame(ws.NewPongFrame([]byte(payload)))
		if string(got) != "before"+string(want) {
			t.Errorf("AppendPong(%q) = %q, want %q", payload, got, want)
		}
	}
}

func TestParseClose(t *testing.T) {
	tests := []struct {
		payload string
		code    ws.StatusCode
		reason  string
		fault   ws.StatusCode
	}{
		{"", ws.StatusNoStatusRcvd, "", 0},
		{"\x03\xe8", ws.StatusNormalClosure, "", 0},
		{"\x03\xe9bye", ws.StatusGoingAway, "bye", 0},
		{"\x13\x87", 4999, "", 0},
		{"\x13\x88", 0, "", ws.StatusProtocolError},
		{"\x03", 0, "", ws.StatusProtocolError},
		{"\x03\xed", 0, "", ws.StatusProtocolError},
		{"\x03\xe8\xff", 0, "", ws.StatusInvalidFramePayloadData},
	}
	for _, tt := range tests {
		code, reason, err := websocket.ParseClose([]byte(tt.payload))
		if code != tt.code || reason != tt.reason {
			t.Errorf("ParseClose(%q) = %d, %q", tt.payload, code, reason)
		}
		var got ws.StatusCode
		if fault, ok := errors.AsType[*websocket.Error](err); ok {
			got = fault.Code
		}
		if got != tt.fault || (err != nil) != (tt.fault != 0) {
			t.Errorf("ParseClose(%q) fails with %v, want %d", tt.payload, err, tt.fault)
		}
	}
}

// TestCloseRoundTrip: all codes that AppendClose sends with a payload, and the Reader accepts, come back.
func TestCloseRoundTrip(t *testing.T) {
	for code := range ws.StatusCode(5000) {
		frame := websocket.AppendClose(nil, code, "reason")
		got, reason, err := websocket.ParseClose(frame[2:])
		switch {
		case err != nil:
		case len(frame) == 2 && got == ws.StatusNoStatusRcvd:
		case got != code || reason != "reason" || !bytes.Equal(frame, websocket.AppendClose(nil, got, reason)):
			t.Errorf("code %d comes back as %d, %q", code, got, reason)
		}
	}
}
