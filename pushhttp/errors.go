package pushhttp

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/valyala/fasthttp"
)

// Code says in an answer why a request was refused. Codes are stable; the
// messages that go with them are for people and may change. The first three
// digits are the HTTP status.
type Code int

// The codes of answers.
const (
	CodeOK Code = 0 // handled, whether or not anybody was connected

	CodeHTTP    Code = 40000 // the request is not well-formed HTTP, or its body did not arrive whole
	CodeSyntax  Code = 40001 // the body is neither a JSON object nor a form
	CodeMissing Code = 40002 // a field that the endpoint needs is missing
	CodeInvalid Code = 40003 // a field has a value that it cannot have

	CodeNoKey       Code = 40100 // an API key is needed
	CodeWrongKey    Code = 40101 // the API key is not known
	CodeNotLocal    Code = 40102 // no key is configured, and the request comes from elsewhere
	CodeCrossOrigin Code = 40103 // no key is configured, and the request comes from another site's page

	CodeNotFound         Code = 40400 // no such path
	CodeMethodNotAllowed Code = 40500 // the endpoints take POST only
	CodeTimeout          Code = 40800 // the request did not arrive in time

	CodeBodyTooLarge Code = 41300 // the body is over Config.MaxBody
	CodeDataTooLarge Code = 41301 // data is over Config.MaxData
	CodeTooManyUIDs  Code = 41302 // there are more uids than Config.MaxUIDs

	CodeMediaType       Code = 41500 // the body is of a type that the endpoints do not read
	CodeContentEncoding Code = 41501 // the body is compressed
	CodeTooManyRequests Code = 42900 // the Limiter said no
	CodeHeadTooLarge    Code = 43100 // request line and header fields are too long or too many

	CodeInternal    Code = 50000 // a fault of the gateway; what was pushed is not known
	CodeUnavailable Code = 50300 // no pushes are taken at present
)

// Status returns the HTTP status that goes with c.
func (c Code) Status() int {
	if c == CodeOK {
		return fasthttp.StatusOK
	}
	return int(c) / 100
}

// refusal is why a request is not handled. It is complete before anything is
// pushed.
type refusal struct {
	code       Code
	message    string
	retryAfter time.Duration // for the Retry-After field, if not zero
	hangUp     bool          // the connection cannot be used any further
}

func (r *refusal) Error() string { return r.message }

func refuse(code Code, format string, args ...any) *refusal {
	return &refusal{code: code, message: fmt.Sprintf(format, args...)}
}

// hangUp is refuse for a request after which it is not known where the next one begins.
func hangUp(code Code, format string, args ...any) *refusal {
	r := refuse(code, format, args...)
	r.hangUp = true
	return r
}

// later is refuse for a request that may come again after a while.
func later(code Code, message string, after time.Duration) *refusal {
	return &refusal{code: code, message: message, retryAfter: after}
}

// invalid refuses the value of a field.
func invalid(field, format string, args ...any) *refusal {
	return refuse(CodeInvalid, "%s: %s", field, fmt.Sprintf(format, args...))
}

// missing refuses a request that lacks a field.
func missing(field string) *refusal { return refuse(CodeMissing, "%s: is missing", field) }

// quote shows a piece of a request in a message: quoted, on one line, and short.
func quote(b []byte) string {
	const longest = 40
	if len(b) <= longest {
		return strconv.Quote(string(b))
	}
	end := longest
	for end > longest-utf8.UTFMax && !utf8.RuneStart(b[end]) {
		end--
	}
	return strconv.Quote(string(b[:end])) + "…"
}
