package httpwire

import (
	"net/http"
	"strconv"
)

// AppendStatus appends the status line.
func AppendStatus(dst []byte, code int) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(code), 10)
	dst = append(dst, ' ')
	dst = append(dst, http.StatusText(code)...)
	return append(dst, "\r\n"...)
}

// AppendHeader appends one header line. The name is the program's own text. The value may be the client's (a reflected Origin):
// control bytes in it are written as spaces, so that no value ever ends its line.
func AppendHeader[V ~string | ~[]byte](dst []byte, name string, value V) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	start := len(dst)
	dst = append(dst, value...)
	for text := dst[start:]; ; {
		i := indexControl(text)
		if i < 0 {
			break
		}
		text[i] = ' '
		text = text[i+1:]
	}
	return append(dst, "\r\n"...)
}

// AppendContentLength appends the header that gives the body's length in bytes.
func AppendContentLength(dst []byte, n int) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, "\r\n"...)
}

// AppendEnd appends the blank line that ends the head.
func AppendEnd(dst []byte) []byte { return append(dst, "\r\n"...) }

// AppendContinue appends the interim answer that a client with Head.Expect100 waits for.
func AppendContinue(dst []byte) []byte { return AppendEnd(AppendStatus(dst, http.StatusContinue)) }
