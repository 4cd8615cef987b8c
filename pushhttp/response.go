package pushhttp

import (
	"math"
	"strconv"

	"github.com/mailru/easyjson"
	"github.com/mailru/easyjson/jwriter"
	"github.com/valyala/fasthttp"
)

//go:generate go tool easyjson -no_std_marshalers response.go

// answer is the body of the answer to a push that was handled.
//
//easyjson:json
type answer struct {
	Code    Code    `json:"code"`
	Message string  `json:"message"`
	Result  outcome `json:"result"`
}

// outcome is what an answer says of the push.
//
//easyjson:json
type outcome struct {
	ID      pushID `json:"id"`
	Matched int    `json:"matched"`
	Written int    `json:"written"`
	Offline int    `json:"offline"`
}

// problem is the body of the answer to a request that was refused.
//
//easyjson:json
type problem struct {
	Code      Code   `json:"code"`
	Message   string `json:"message"`
	RequestID pushID `json:"request_id"`
}

func (o *outcome) set(r Result) { o.Matched, o.Written, o.Offline = r.Matched, r.Written, r.Offline }

// refuse answers that a request was not handled.
func (h *Handler) refuse(ctx *fasthttp.RequestCtx, r *refusal) {
	h.writeProblem(ctx, r)
	if unread(ctx, r) {
		linger(ctx)
	}
}

// writeProblem writes the answer to a request that was not handled. Nothing
// that came with the request goes into the header of an answer.
func (h *Handler) writeProblem(ctx *fasthttp.RequestCtx, r *refusal) {
	header := &ctx.Response.Header
	header.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
	switch r.code.Status() {
	case fasthttp.StatusUnauthorized:
		header.Set(fasthttp.HeaderWWWAuthenticate, `Bearer realm="outrider"`)
	case fasthttp.StatusMethodNotAllowed:
		header.Set(fasthttp.HeaderAllow, fasthttp.MethodPost)
	}
	if r.retryAfter > 0 {
		seconds := math.Ceil(r.retryAfter.Seconds())
		header.Set(fasthttp.HeaderRetryAfter, strconv.Itoa(int(seconds)))
	}
	if r.hangUp {
		ctx.SetConnectionClose()
	}
	h.writeJSON(ctx, new(jwriter.Writer), r.code.Status(), &problem{
		Code: r.code, Message: r.message, RequestID: h.ids.next(),
	})
}

// writeJSON answers with body. The writer's memory is the caller's again afterwards.
func (h *Handler) writeJSON(ctx *fasthttp.RequestCtx, w *jwriter.Writer, status int, body easyjson.Marshaler) {
	body.MarshalEasyJSON(w)
	text, err := w.BuildBytes()
	if err != nil {
		panic("pushhttp: answer: " + err.Error()) // ids and integers can always be encoded
	}
	ctx.SetStatusCode(status)
	ctx.Response.Header.SetContentType("application/json; charset=utf-8")
	ctx.Response.SetBody(text)
	w.Buffer.Buf = text[:0]
}
