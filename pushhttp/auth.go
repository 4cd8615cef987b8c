package pushhttp

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/netip"

	"github.com/valyala/fasthttp"
)

// Key is an API key as the gateway keeps it: by name and hash, without the
// secret.
type Key struct {
	Name string            // for the Limiter; need not be unique
	Hash [sha256.Size]byte // SHA-256 of the secret
}

// NewKey returns the key for a secret. An empty secret gives a Key that New refuses.
func NewKey(name, secret string) Key {
	if secret == "" {
		return Key{Name: name}
	}
	return Key{Name: name, Hash: sha256.Sum256([]byte(secret))}
}

func (k Key) isZero() bool { return k.Hash == [sha256.Size]byte{} }

// authorise decides whether a request may push, and in whose name.
func (h *Handler) authorise(ctx *fasthttp.RequestCtx) (key string, r *refusal) {
	if len(h.cfg.Keys) == 0 {
		return "", checkLocal(ctx)
	}
	secret := presentedKey(&ctx.Request.Header)
	if len(secret) == 0 {
		return "", refuse(CodeNoKey, "an API key is needed, as Authorization: Bearer or X-API-Key")
	}
	hash := sha256.Sum256(secret)
	found := -1
	for i := range h.cfg.Keys { // all of them: the time says nothing of which fits
		if subtle.ConstantTimeCompare(hash[:], h.cfg.Keys[i].Hash[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return "", refuse(CodeWrongKey, "the API key is not known")
	}
	return h.cfg.Keys[found].Name, nil
}

// presentedKey returns the secret that a request brings, X-API-Key first.
func presentedKey(header *fasthttp.RequestHeader) []byte {
	if secret := peek(header, "X-Api-Key"); len(secret) > 0 {
		return secret
	}
	scheme, secret, _ := bytes.Cut(peek(header, fasthttp.HeaderAuthorization), []byte(" "))
	if !equalFold(scheme, "bearer") {
		return nil
	}
	return bytes.TrimSpace(secret)
}

// peek is header.Peek for a name in canonical form.
func peek(header *fasthttp.RequestHeader, name string) []byte {
	return header.PeekCanonical([]byte(name))
}

// proxyFields are what reverse proxies add. Behind one, every peer is local.
var proxyFields = [...]string{
	fasthttp.HeaderXForwardedFor, fasthttp.HeaderForwarded, fasthttp.HeaderXForwardedHost,
	fasthttp.HeaderXForwardedProto, "X-Real-Ip", fasthttp.HeaderVia,
}

// checkLocal lets in what comes from a program on this machine: by the address
// of the peer, which cannot be forged on an open connection. No header field
// makes a request local, but some show that it is not: those that a proxy adds,
// and those with which a browser says that another site's page asks. A page may
// reach this machine also by a name of its own that it lets point here (DNS
// rebinding), so a browser must have been told a name that only means here.
func checkLocal(ctx *fasthttp.RequestCtx) *refusal {
	if !isLoopback(ctx.RemoteAddr()) {
		return refuse(CodeNotLocal, "no API key is configured: only programs on the gateway's own machine are served")
	}
	header := &ctx.Request.Header
	for _, name := range proxyFields {
		if len(peek(header, name)) > 0 {
			return refuse(CodeNotLocal, "no API key is configured: requests that come through a proxy (%s) are not served", name)
		}
	}
	if !fromBrowser(header) {
		return nil
	}
	if !sameOrigin(header) || !isLocalName(header.Host()) {
		return refuse(CodeCrossOrigin, "no API key is configured: pages of other sites may not push")
	}
	return nil
}

func isLoopback(addr net.Addr) bool {
	switch a := addr.(type) {
	case *net.TCPAddr:
		return a.AddrPort().Addr().Unmap().IsLoopback()
	case nil:
		return false
	}
	peer, err := netip.ParseAddrPort(addr.String())
	return err == nil && peer.Addr().Unmap().IsLoopback()
}

// fromBrowser reports whether a page made the request. All browsers of the
// last years say Origin with each POST.
func fromBrowser(header *fasthttp.RequestHeader) bool {
	return len(peek(header, fasthttp.HeaderOrigin)) > 0 || len(peek(header, "Sec-Fetch-Site")) > 0
}

// sameOrigin reports whether the page that made the request was served from
// where the request goes.
func sameOrigin(header *fasthttp.RequestHeader) bool {
	switch site := peek(header, "Sec-Fetch-Site"); string(site) {
	case "", "same-origin", "none":
	default:
		return false
	}
	origin := peek(header, fasthttp.HeaderOrigin)
	if len(origin) == 0 {
		return true
	}
	_, host, ok := bytes.Cut(origin, []byte("://"))
	return ok && bytes.EqualFold(host, header.Host())
}

// isLocalName reports whether a Host field names this machine in itself, not
// by way of a resolver: an address of the loopback network or localhost.
func isLocalName(host []byte) bool {
	name := string(host)
	if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	}
	if len(name) > 1 && name[0] == '[' && name[len(name)-1] == ']' {
		name = name[1 : len(name)-1]
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.Unmap().IsLoopback()
	}
	b := bytes.ToLower([]byte(name))
	b = bytes.TrimSuffix(b, []byte("."))
	return string(b) == "localhost" || bytes.HasSuffix(b, []byte(".localhost"))
}
