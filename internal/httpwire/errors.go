package httpwire

import "net/http"

// Error is a request that must be refused. Status is the answer's code; Reason is a short constant text for logs and for the
// answer: it never contains bytes of the request. After an Error the connection's framing is unknown: answer and close.
type Error struct {
	Status int
	Reason string
}

func (e *Error) Error() string { return "httpwire: " + e.Reason }

// AppendResponse appends the whole answer to the refused request: it announces the close and has no body.
func (e *Error) AppendResponse(dst []byte) []byte {
	dst = AppendStatus(dst, e.Status)
	if e.Status == http.StatusMethodNotAllowed {
		dst = AppendHeader(dst, "Allow", "GET, HEAD, POST, OPTIONS")
	}
	dst = AppendHeader(dst, "Connection", "close")
	dst = AppendContentLength(dst, 0)
	return AppendEnd(dst)
}

// The refusals are made once, so that refusing a flood of bad requests allocates nothing.
var (
	errMethod         = &Error{http.StatusBadRequest, "malformed method"}
	errMethodLength   = &Error{http.StatusNotImplemented, "method too long"}
	errMethodRefused  = &Error{http.StatusMethodNotAllowed, "method not allowed"}
	errTarget         = &Error{http.StatusBadRequest, "malformed request target"}
	errTargetLength   = &Error{http.StatusRequestURITooLong, "request line too long"}
	errVersion        = &Error{http.StatusBadRequest, "malformed HTTP version"}
	errVersionRefused = &Error{http.StatusHTTPVersionNotSupported, "HTTP version not supported"}

	errBareCR     = &Error{http.StatusBadRequest, "CR without LF"}
	errBareLF     = &Error{http.StatusBadRequest, "LF without CR"}
	errFold       = &Error{http.StatusBadRequest, "header line begins with a space"}
	errName       = &Error{http.StatusBadRequest, "malformed header name"}
	errNameLength = &Error{http.StatusRequestHeaderFieldsTooLarge, "header name too long"}
	errNameSpace  = &Error{http.StatusBadRequest, "space before the colon of a header"}
	errValue      = &Error{http.StatusBadRequest, "control byte in a header value"}
	errHeadLength = &Error{http.StatusRequestHeaderFieldsTooLarge, "request head too long"}
	errHeaders    = &Error{http.StatusRequestHeaderFieldsTooLarge, "too many headers"}

	errHost          = &Error{http.StatusBadRequest, "malformed Host"}
	errHostMissing   = &Error{http.StatusBadRequest, "missing Host"}
	errHostTwice     = &Error{http.StatusBadRequest, "more than one Host"}
	errLength        = &Error{http.StatusBadRequest, "malformed Content-Length"}
	errLengthTwice   = &Error{http.StatusBadRequest, "more than one Content-Length"}
	errCoding        = &Error{http.StatusNotImplemented, "unknown Transfer-Encoding"}
	errCodingTwice   = &Error{http.StatusBadRequest, "more than one Transfer-Encoding"}
	errCodingVersion = &Error{http.StatusBadRequest, "Transfer-Encoding with HTTP/1.0"}
	errFraming       = &Error{http.StatusBadRequest, "Content-Length and Transfer-Encoding together"}

	errChunkSize   = &Error{http.StatusBadRequest, "malformed chunk size"}
	errChunkExt    = &Error{http.StatusBadRequest, "control byte in a chunk extension"}
	errChunkEnd    = &Error{http.StatusBadRequest, "chunk does not end with CR LF"}
	errChunkExtra  = &Error{http.StatusBadRequest, "chunk extensions and trailers too long"}
	errTrailer     = &Error{http.StatusBadRequest, "malformed trailer"}
	errTrailerName = &Error{http.StatusBadRequest, "trailer field that may not be one"}
	errBodyRefused = &Error{http.StatusBadRequest, "body was refused before"}
)
