package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// openPaths are for probes that hold no key. They tell only whether the
// process lives and is ready.
var openPaths = map[string]bool{"/healthz": true, "/readyz": true}

// guard decides who may come in.
//
// With keys: whoever holds one. Without, the server is bound to loopback and
// whoever reaches it may come in, except web pages: a browser on the same
// machine is the one program there that runs other people's code. Two checks
// keep it out. The Host header must be a loopback name or address, because a
// page can point its own name at 127.0.0.1 (DNS rebinding). And a change that
// comes from another origin is refused, by Sec-Fetch-Site or Origin, which a
// page cannot set.
type guard struct {
	keys   [][sha256.Size]byte
	origin *http.CrossOriginProtection
}

func newGuard(keys []string) *guard {
	g := &guard{origin: http.NewCrossOriginProtection()}
	for _, key := range keys {
		g.keys = append(g.keys, sha256.Sum256([]byte(key)))
	}
	return g
}

// admits returns nil or the refusal.
func (g *guard) admits(r *http.Request) *Problem {
	if len(g.keys) == 0 && onLoopback(r) && !loopbackHost(r.Host) {
		return kindMisdirected.field("Host", "must be localhost or a loopback address while no API key is set", r.Host)
	}
	if g.origin.Check(r) != nil {
		return kindForbidden.problem("A page of another origin may not change anything here.")
	}
	if len(g.keys) == 0 || openPaths[r.URL.Path] {
		return nil
	}
	return g.checkKey(r.Header.Get("Authorization"))
}

// checkKey compares with every key, in constant time, so that the time of a
// refusal tells nothing about the keys.
func (g *guard) checkKey(header string) *Problem {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return kindUnknownKey.problem("Send Authorization: Bearer KEY.").
			with("WWW-Authenticate", `Bearer realm="belfry"`)
	}
	got := sha256.Sum256([]byte(strings.TrimSpace(token)))
	found := 0
	for i := range g.keys {
		found |= subtle.ConstantTimeCompare(got[:], g.keys[i][:])
	}
	if found == 1 {
		return nil
	}
	return kindUnknownKey.problem("The key is not one of this server's.").
		with("WWW-Authenticate", `Bearer realm="belfry", error="invalid_token"`)
}

// onLoopback reports whether the request reached a loopback address of this
// machine.
func onLoopback(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	ap, err := netip.ParseAddrPort(addr.String())
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

func loopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}
