package fleet

import (
	"bytes"
	"errors"
	"strconv"
)

var errResponse = errors.New("fleet: not an HTTP response that a client here can read")

// maxHead bounds the head of a response.
const maxHead = 16 << 10

// response is an HTTP/1.1 response with a Content-Length. Servers of Engine.IO
// know how long a payload is, so there is no chunked one.
type response struct {
	status int
	binary bool // the body is application/octet-stream
	head   []byte
	body   []byte
}

// parseResponse reads the response at the start of p and returns its length, 0
// when it is not all there.
func parseResponse(p []byte) (resp response, n int, err error) {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 {
		if len(p) > maxHead {
			return response{}, 0, errResponse
		}
		return response{}, 0, nil
	}
	if resp.head = p[:end+2]; len(resp.head) < len("HTTP/1.1 200") || !bytes.HasPrefix(resp.head, []byte("HTTP/1.1 ")) {
		return response{}, 0, errResponse
	}
	if resp.status, err = strconv.Atoi(string(resp.head[9:12])); err != nil {
		return response{}, 0, errResponse
	}
	n, size := end+4, 0
	if value := resp.header("content-length"); value != nil {
		if size, err = strconv.Atoi(string(value)); err != nil || size < 0 || size > maxMessage {
			return response{}, 0, errResponse
		}
	} else if resp.header("transfer-encoding") != nil {
		return response{}, 0, errResponse
	}
	if len(p) < n+size {
		return response{}, 0, nil
	}
	resp.body = p[n : n+size]
	resp.binary = bytes.Equal(resp.header("content-type"), []byte("application/octet-stream"))
	return resp, n + size, nil
}

// header returns the value of the first field of that name, which is in lower
// case, or nil.
func (r *response) header(name string) []byte {
	_, lines, _ := bytes.Cut(r.head, []byte("\r\n"))
	for len(lines) > 0 {
		var line []byte
		line, lines, _ = bytes.Cut(lines, []byte("\r\n"))
		if len(line) > len(name) && line[len(name)] == ':' && bytes.EqualFold(line[:len(name)], []byte(name)) {
			return bytes.TrimSpace(line[len(name)+1:])
		}
	}
	return nil
}

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
func (r *response) switched() bool {
	return r.status == 101 && bytes.Equal(r.header("sec-websocket-accept"), []byte(handshakeAnswer))
}
