// Package http1 reads the HTTP/1.1 responses that a load harness gets: those
// whose length is in their head.
package http1

import (
	"bytes"
	"errors"
	"strconv"
)

// ErrResponse is what Parse returns for what is no such response.
var ErrResponse = errors.New("http1: not a response with a Content-Length")

// Bounds of a response.
const (
	MaxHead = 16 << 10
	MaxBody = 16 << 20
)

// Response aliases what was parsed.
type Response struct {
	Status int
	Body   []byte
	head   []byte
}

// Parse reads the response at the start of p and returns its length, 0 when it
// is not all there. A server of Engine.IO or of the push API knows how long its
// answer is, so there is no chunked one; a response without a length, such as
// 101, has no body.
func Parse(p []byte) (resp Response, n int, err error) {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 || end > MaxHead {
		if len(p) > MaxHead {
			return Response{}, 0, ErrResponse
		}
		return Response{}, 0, nil
	}
	resp.head = p[:end+2]
	version, rest, ok := bytes.Cut(resp.head, []byte(" "))
	if !ok || string(version) != "HTTP/1.1" || len(rest) < 3 {
		return Response{}, 0, ErrResponse
	}
	if resp.Status, err = strconv.Atoi(string(rest[:3])); err != nil || resp.Status < 100 {
		return Response{}, 0, ErrResponse
	}
	n, size := end+4, 0
	switch length := resp.Header("content-length"); {
	case length != nil:
		if size, err = strconv.Atoi(string(length)); err != nil || size < 0 || size > MaxBody {
			return Response{}, 0, ErrResponse
		}
	case resp.Header("transfer-encoding") != nil:
		return Response{}, 0, ErrResponse
	}
	if len(p) < n+size {
		return Response{}, 0, nil
	}
	resp.Body = p[n : n+size]
	return resp, n + size, nil
}

// Header returns the value of the first field of that name, which is given in
// lower case, or nil.
func (r *Response) Header(name string) []byte {
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
