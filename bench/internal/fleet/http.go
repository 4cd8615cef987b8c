package fleet

import (
	"bytes"
	"strconv"

	"outrider/bench/internal/http1"
)

// The key of every handshake, and what a server must make of it (RFC 6455
// §1.3). It guards against caches, of which there is none here.
const (
	handshakeKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	handshakeAnswer = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// appendRequest appends the start of a request line, up to and including the
// query's sid.
func (f *Fleet) appendRequest(dst []byte, method string, c *client, transport string) []byte {
	dst = append(append(dst, method...), ' ')
	dst = append(append(dst, f.cfg.Path...), "?EIO="...)
	dst = append(dst, '0'+c.profileOf().Revision)
	dst = append(append(dst, "&transport="...), transport...)
	if c.long != nil && c.long.sid != "" {
		dst = append(append(dst, "&sid="...), c.long.sid...)
	}
	return dst
}

func (f *Fleet) appendHost(dst []byte, client int) []byte {
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	return append(f.target(client).AppendTo(dst), "\r\n"...)
}

// appendUpgrade appends the handshake of a WebSocket, with the fields that
// the ws package of Node sends.
func (f *Fleet) appendUpgrade(dst []byte, i int, c *client) []byte {
	dst = f.appendHost(f.appendRequest(dst, "GET", c, "websocket"), i)
	return append(dst, "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "+handshakeKey+
		"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"...)
}

func (f *Fleet) appendPoll(dst []byte, i int, c *client) []byte {
	return append(f.appendHost(f.appendRequest(dst, "GET", c, "polling"), i), "Accept: */*\r\nConnection: keep-alive\r\n\r\n"...)
}

func (f *Fleet) appendPost(dst []byte, i int, c *client, body []byte) []byte {
	dst = f.appendHost(f.appendRequest(dst, "POST", c, "polling"), i)
	dst = append(dst, "Accept: */*\r\nContent-type: text/plain;charset=UTF-8\r\nConnection: keep-alive\r\nContent-Length: "...)
	dst = append(strconv.AppendInt(dst, int64(len(body)), 10), "\r\n\r\n"...)
	return append(dst, body...)
}

// switched checks the answer to the handshake of a WebSocket.
func switched(resp http1.Response) bool {
	return resp.Status == 101 && bytes.Equal(resp.Header("sec-websocket-accept"), []byte(handshakeAnswer))
}
