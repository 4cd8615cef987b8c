package httpwire

// maxName is longer than any header's name.
const maxName = 256

// Limits bound a request's head.
type Limits struct {
	MaxHead    int // bytes of the head with its blank line; 0 means 8 KiB
	MaxHeaders int // header lines; 0 means 100
}

func (l Limits) withDefaults() Limits {
	if l.MaxHead == 0 {
		l.MaxHead = 8 << 10
	}
	if l.MaxHeaders == 0 {
		l.MaxHeaders = 100
	}
	return l
}

// Header is one header line: the name as the client wrote it, the value without the white space around it.
type Header struct {
	Name, Value []byte
}

// Head is a request's head. All its slices alias the bytes that were parsed and are good as long as those are. Make one for each
// loop and use it for every request: Parse resets it and keeps the room for the headers. It is not safe for concurrent use.
type Head struct {
	Method   []byte
	Target   []byte // as it came
	Path     []byte // of the target, neither decoded nor cleaned; begins with '/'
	RawQuery []byte // of the target, behind the first '?'; see QueryValue and QueryPairs
	Proto    uint8  // minor version: 0 or 1
	Headers  []Header

	ContentLength int64 // -1 without one
	Chunked       bool
	KeepAlive     bool // the client expects to send another request on the connection
	Upgrade       bool // to WebSocket, by HTTP/1.1 and without a body (whose bytes another reader could take for frames); any method
	Expect100     bool // the client waits for "100 Continue" before it sends the body

	seen seen
}

// Parse reads the head at the beginning of src and returns its length, the blank line included; the bytes stay as they are. It
// returns 0, nil if the head is not complete, and an *Error as soon as src cannot become a good head within the limits: call it
// again with all of the head's bytes whenever some have been added. Fields are meaningful only after a length was returned.
//
// Parse keeps nothing between calls, so that one Head serves all connections of a loop; what a partial head costs is a pass over
// at most MaxHead bytes, about what the system call costs that brought the segment (BenchmarkHeadTrickle).
func (h *Head) Parse(src []byte, lim Limits) (n int, err error) {
	lim = lim.withDefaults()
	full := len(src) >= lim.MaxHead
	if full {
		src = src[:lim.MaxHead]
	}
	*h = Head{Headers: h.Headers[:0], ContentLength: -1}

	line, bad := h.requestLine(src)
	switch {
	case bad != nil:
		return 0, bad
	case line == 0 && full:
		return 0, errTargetLength
	case line == 0:
		return 0, nil
	}
	rest, bad := h.headerLines(src[line:], lim.MaxHeaders)
	switch {
	case bad != nil:
		return 0, bad
	case rest == 0 && full:
		return 0, errHeadLength
	case rest == 0:
		return 0, nil
	}
	if bad := h.finish(); bad != nil {
		return 0, bad
	}
	return line + rest, nil
}

// headerLines reads header lines up to and with the blank line; 0 = incomplete.
func (h *Head) headerLines(src []byte, limit int) (n int, err *Error) {
	for n < len(src) {
		switch src[n] {
		case '\r':
			if n+1 == len(src) {
				return 0, nil
			}
			if src[n+1] != '\n' {
				return 0, errBareCR
			}
			return n + 2, nil
		case '\n':
			return 0, errBareLF
		}
		if len(h.Headers) == limit {
			return 0, errHeaders
		}
		header, size, err := headerLine(src[n:])
		if err != nil || size == 0 {
			return 0, err
		}
		if err := h.note(header); err != nil {
			return 0, err
		}
		h.Headers = append(h.Headers, header)
		n += size
	}
	return 0, nil
}

// headerLine reads one header line with its CR LF; n = 0: incomplete.
func headerLine(src []byte) (h Header, n int, err *Error) {
	colon := span(src[:min(len(src), maxName+1)], tokenByte)
	switch {
	case colon > maxName:
		return h, 0, errNameLength
	case colon == len(src):
		return h, 0, nil
	case colon == 0, src[colon] != ':':
		return h, 0, nameError(src[colon], colon == 0)
	}
	value := src[colon+1:]
	end := indexControl(value)
	switch {
	case end < 0, end == len(value)-1 && value[end] == '\r':
		return h, 0, nil
	case value[end] == '\n':
		return h, 0, errBareLF
	case value[end] != '\r':
		return h, 0, errValue
	case value[end+1] != '\n':
		return h, 0, errBareCR
	}
	return Header{Name: src[:colon], Value: trimSpace(value[:end])}, colon + 1 + end + 2, nil
}

// nameError says what is wrong with a header line whose first byte that is not of a name is c.
func nameError(c byte, first bool) *Error {
	switch {
	case c == '\n':
		return errBareLF
	case isSpace(c) && first:
		return errFold
	case isSpace(c):
		return errNameSpace
	}
	return errName
}

// Get returns the value of the first header with the name, in any case of letters; nil if there is none (an empty value is not
// nil).
func (h *Head) Get(name string) []byte {
	for i := range h.Headers {
		if equalFold(h.Headers[i].Name, name) {
			return h.Headers[i].Value
		}
	}
	return nil
}

// Count returns how many headers have the name, in any case of letters.
func (h *Head) Count(name string) (n int) {
	for i := range h.Headers {
		if equalFold(h.Headers[i].Name, name) {
			n++
		}
	}
	return n
}
