package httpwire

import "bytes"

// maxMethod is longer than any registered method; RFC 9112 §3 asks for 501 beyond what a server knows.
const maxMethod = 24

// requestLine reads the request line with its CR LF; 0 = incomplete.
func (h *Head) requestLine(src []byte) (n int, err *Error) {
	method, err := h.method(src)
	if method == 0 || err != nil {
		return 0, err
	}
	target, err := h.target(src[method:])
	if target == 0 || err != nil {
		return 0, err
	}
	version, err := h.version(src[method+target:])
	if version == 0 || err != nil {
		return 0, err
	}
	return method + target + version, nil
}

// method reads the method and the space behind it.
func (h *Head) method(src []byte) (n int, err *Error) {
	n = span(src, tokenByte)
	switch {
	case n > maxMethod:
		return 0, errMethodLength
	case n == len(src):
		return 0, nil
	case n == 0, src[n] != ' ':
		return 0, errMethod
	}
	h.Method = src[:n]
	switch string(h.Method) {
	case "CONNECT", "TRACE":
		return 0, errMethodRefused
	}
	return n + 1, nil
}

// target reads the target and the space behind it. Its first byte already tells an HTTP/2 preface ("PRI * HTTP/2.0") and every
// other form that is not ours. It may hold any other byte but control bytes and '#' (a fragment never travels; readers differ about
// it): browsers escape bytes over 0x7f, other clients do not, and to us they mean nothing.
func (h *Head) target(src []byte) (n int, err *Error) {
	if len(src) > 0 && src[0] != '/' && lower(src[0]) != 'h' {
		return 0, errTarget
	}
	text, _, whole := bytes.Cut(src, []byte(" "))
	switch {
	case indexControl(text) >= 0 || bytes.IndexByte(text, '\t') >= 0 || bytes.IndexByte(text, '#') >= 0:
		return 0, errTarget
	case !whole:
		return 0, nil
	}
	h.Target = text
	origin := text
	if text[0] != '/' {
		if origin, err = originForm(text); err != nil {
			return 0, err
		}
	}
	h.Path, h.RawQuery, _ = bytes.Cut(origin, []byte("?"))
	if len(h.Path) == 0 { // http://host?query
		h.Path = h.Target[bytes.IndexByte(h.Target, '/'):][:1]
	}
	return len(text) + 1, nil
}

// originForm cuts scheme and authority off an absolute target.
func originForm(target []byte) ([]byte, *Error) {
	scheme := bytes.IndexByte(target, ':')
	if scheme < 0 || !equalFold(target[:scheme], "http") && !equalFold(target[:scheme], "https") {
		return nil, errTarget
	}
	rest, ok := bytes.CutPrefix(target[scheme+1:], []byte("//"))
	if !ok {
		return nil, errTarget
	}
	host := span(rest, hostByte)
	if host == 0 || host < len(rest) && rest[host] != '/' && rest[host] != '?' {
		return nil, errTarget
	}
	return rest[host:], nil
}

// version reads the version and the line's end, byte by byte: what cannot become "HTTP/1.0" or "HTTP/1.1" is refused at the byte
// that says so.
func (h *Head) version(src []byte) (n int, err *Error) {
	const form = "HTTP/1.x\r\n"
	for i, c := range src[:min(len(src), len(form))] {
		switch {
		case c == form[i]:
		case i == len("HTTP/1.") && (c == '0' || c == '1'):
			h.Proto = c - '0'
		case i == len("HTTP/1.") || i == len("HTTP/"):
			if isDigit(c) {
				return 0, errVersionRefused
			}
			return 0, errVersion
		case i == len(form)-1:
			return 0, errBareCR
		case i == len(form)-2 && c == '\n':
			return 0, errBareLF
		default:
			return 0, errVersion
		}
	}
	if len(src) < len(form) {
		return 0, nil
	}
	return len(form), nil
}
