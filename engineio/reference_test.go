package engineio_test

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"outrider/engineio"
)

// Slow decoders, written from PROTOCOL.md 1.4 to 1.7 sentence by sentence and with other means than the fast ones:
// the fuzz targets hold the fast ones against them. good is false if a bad packet followed those returned.

func referencePayload4(body []byte) (got []engineio.Packet, good bool) {
	for text := range strings.SplitSeq(string(body), "\x1e") {
		p, ok := referencePacket(text, "b")
		if !ok {
			return got, false
		}
		got = append(got, p)
	}
	return got, true
}

// referencePacket decodes a text packet in which base64 follows prefix, or prefix with a digit in place of the 4.
func referencePacket(text, prefix string) (engineio.Packet, bool) {
	if text == "" || !utf8.ValidString(text) {
		return engineio.Packet{}, false
	}
	typ, data := engineio.Message, ""
	coded := text[0] == 'b'
	if coded && prefix == "b" {
		data = text[1:]
	} else {
		if coded {
			text = text[1:]
		}
		digit := -1
		if text != "" {
			digit = strings.IndexByte("0123456", text[0])
		}
		if digit < 0 {
			return engineio.Packet{}, false
		}
		typ, data = engineio.Type(digit), text[1:]
	}
	if !coded {
		return engineio.Packet{Type: typ, Data: []byte(data)}, true
	}
	decoded, err := base64.StdEncoding.DecodeString(data)
	return engineio.Packet{Type: typ, Binary: true, Data: decoded}, err == nil
}

// notUTF8 stands in a list of UTF-16 units for a byte that belongs to no character.
const notUTF8 = -1

func units(body []byte) (list []int) {
	for len(body) > 0 {
		r, width := utf8.DecodeRune(body)
		if r == utf8.RuneError && width == 1 {
			list = append(list, notUTF8)
		} else {
			for _, u := range utf16.Encode([]rune{r}) {
				list = append(list, int(u))
			}
		}
		body = body[width:]
	}
	return list
}

// referencePayload3 decodes the text form by making a list of all units and cutting that.
func referencePayload3(body []byte) (got []engineio.Packet, good bool) {
	all := units(body)
	if len(all) == 0 {
		return nil, false
	}
	for len(all) > 0 {
		var digits strings.Builder
		for len(all) > 0 && '0' <= all[0] && all[0] <= '9' {
			digits.WriteString(string(rune(all[0])))
			all = all[1:]
		}
		if digits.String() == "" || len(digits.String()) > 9 || len(all) == 0 || all[0] != ':' {
			return got, false
		}
		all = all[1:]
		n, err := strconv.Atoi(digits.String())
		if err != nil || n > len(all) {
			return got, false
		}
		text, ok := textOfUnits(all[:n])
		if !ok {
			return got, false
		}
		all = all[n:]
		if n == 0 {
			continue
		}
		p, ok := referencePacket(text, "b4")
		if !ok {
			return got, false
		}
		got = append(got, p)
	}
	return got, true
}

func textOfUnits(list []int) (string, bool) {
	var us []uint16
	for _, u := range list {
		if u == notUTF8 {
			return "", false
		}
		us = append(us, uint16(u))
	}
	if n := len(us); n > 0 && 0xd800 <= us[n-1] && us[n-1] < 0xdc00 {
		return "", false // the other half is in the next packet
	}
	return string(utf16.Decode(us)), true
}

var entry3 = regexp.MustCompile(`(?s)^([\x00\x01])([\x00-\x09]{1,9})\x{ff}`)

// referencePayload3Binary decodes the binary form with a regular expression for what precedes each packet. It looks
// at the bytes as Latin-1, where a character is a byte.
func referencePayload3Binary(body []byte) (got []engineio.Packet, good bool) {
	latin := make([]rune, 0, len(body))
	for _, c := range body {
		latin = append(latin, rune(c))
	}
	for len(latin) > 0 {
		m := entry3.FindStringSubmatch(string(latin[:min(len(latin), 11)]))
		if m == nil {
			return got, false
		}
		digits := strings.Map(func(r rune) rune { return r + '0' }, m[2])
		n, err := strconv.Atoi(digits)
		latin = latin[2+len(digits):]
		if err != nil || n > len(latin) {
			return got, false
		}
		data := make([]byte, 0, n)
		for _, r := range latin[:n] {
			data = append(data, byte(r))
		}
		latin = latin[n:]
		if m[1] == "\x00" {
			p, ok := referencePacket(string(data), "b4")
			if !ok {
				return got, false
			}
			got = append(got, p)
			continue
		}
		if n == 0 || data[0] > 6 {
			return got, false
		}
		got = append(got, engineio.Packet{Type: engineio.Type(data[0]), Binary: true, Data: data[1:]})
	}
	return got, true
}

var (
	percentByte     = regexp.MustCompile(`%[0-9a-fA-F]{2}`)
	escapedNewline  = regexp.MustCompile(`\\?\\n`)
	escapedNewline2 = regexp.MustCompile(`\\\\n`)
)

// referenceJSONPBody decodes in four passes where the fast one has one.
func referenceJSONPBody(form []byte) (payload []byte, ok bool) {
	var values []string
	for field := range strings.SplitSeq(string(form), "&") {
		name, value, _ := strings.Cut(field, "=")
		if name == "d" {
			values = append(values, value)
		}
	}
	if len(values) != 1 {
		return nil, false
	}
	data := []byte(strings.ReplaceAll(values[0], "+", " "))
	data = percentByte.ReplaceAllFunc(data, func(b []byte) []byte {
		plain, err := url.PathUnescape(string(b))
		if err != nil {
			panic(err)
		}
		return []byte(plain)
	})
	data = escapedNewline.ReplaceAllFunc(data, func(b []byte) []byte {
		if len(b) == 3 {
			return b
		}
		return []byte("\n")
	})
	return escapedNewline2.ReplaceAllLiteral(data, []byte(`\n`)), true
}

// jsonpForm is the form that JSONP clients post: newlines escaped, then the text as any form has it.
func jsonpForm(payload []byte) []byte {
	escaped := bytes.ReplaceAll(payload, []byte(`\n`), []byte("\\\n"))
	escaped = bytes.ReplaceAll(escaped, []byte("\n"), []byte(`\n`))
	return []byte("d=" + url.QueryEscape(string(escaped)))
}
