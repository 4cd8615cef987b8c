package pushhttp

import (
	"bytes"

	"github.com/valyala/fasthttp"
)

const maxHeaderFields = 100

// checkHead refuses what fasthttp lets pass although another reader of the same
// bytes, a proxy in front for instance, could see another request in them
// (RFC 9112 §11.2), and more header fields than a back end needs. It looks at
// the fields as they came; a request that was not read from a connection has none.
//
// fasthttp itself refuses: spaces around names, control characters in values,
// a length that is no number or there twice, a coding other than chunked or
// identity or there twice, broken chunks, line feeds in chunk extensions.
func checkHead(header *fasthttp.RequestHeader) *refusal {
	if version := header.Protocol(); !header.IsHTTP11() && string(version) != "HTTP/1.0" {
		return hangUp(CodeHTTP, "request line: the version must be HTTP/1.1 or HTTP/1.0")
	}
	var hasLength, hasCoding bool
	fields := 0
	for raw := header.RawHeaders(); len(raw) > 0; fields++ {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		raw = rest
		if len(line) == 0 || line[len(line)-1] != '\r' {
			return hangUp(CodeHTTP, "header: a line does not end with CR LF")
		}
		if line = line[:len(line)-1]; len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case line[0] == ' ' || line[0] == '\t':
			return hangUp(CodeHTTP, "header: a line is folded")
		case bytes.IndexByte(name, ' ') >= 0:
			return hangUp(CodeHTTP, "header: a name has a space")
		case equalFold(name, "content-length"):
			hasLength = true
		case equalFold(name, "transfer-encoding"):
			hasCoding = true
			if !equalFold(bytes.TrimSpace(value), "chunked") {
				return hangUp(CodeHTTP, "Transfer-Encoding: must be chunked")
			}
		}
	}
	switch {
	case hasLength && hasCoding:
		return hangUp(CodeHTTP, "Content-Length: must not come with Transfer-Encoding")
	case fields > maxHeaderFields:
		return hangUp(CodeHeadTooLarge, "header: has more than %d fields", maxHeaderFields)
	}
	return nil
}
