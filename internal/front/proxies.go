package front

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxHops is how many proxies a request may have passed. A chain has one to three;
// beyond the limit the address that was reached counts. Without it a head of
// 16 KiB would hold 8,000 addresses.
const maxHops = 16

// Proxies are the networks of the proxies whose word about their clients counts. Without
// any, a header says nothing about where a request comes from.
type Proxies []netip.Prefix

// Trusts reports whether an address is that of a proxy.
func (p Proxies) Trusts(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(a) })
}

// Client returns the address from which a request comes: the peer of the connection, or,
// as far as it is a proxy, the one that the proxy names. Each proxy appends the address
// of its own peer, so the last address that is not a proxy's is the client's; what is
// before it has been written by the client.
//
// If there are both X-Forwarded-For and Forwarded, and they do not name the same client,
// one of them has come from the client past a proxy that writes only the other one. Then
// neither counts.
func (p Proxies) Client(peer netip.Addr, h http.Header) netip.Addr {
	if !p.Trusts(peer) {
		return peer
	}
	usual, standard := h.Values("X-Forwarded-For"), h.Values("Forwarded")
	switch {
	case len(standard) == 0:
		return p.last(peer, usual, listed)
	case len(usual) == 0:
		return p.last(peer, standard, forwardedFor)
	}
	client := p.last(peer, usual, listed)
	if client != p.last(peer, standard, forwardedFor) {
		return peer
	}
	return client
}

// last goes through a list from its end, as long as each address is a proxy's. What is
// no address ends it: the proxy that wrote it does not say who its peer was.
func (p Proxies) last(at netip.Addr, lines []string, read func(item string) string) netip.Addr {
	hops := 0
	for _, line := range slices.Backward(lines) {
		for line != "" {
			rest, item := "", line
			if i := strings.LastIndexByte(line, ','); i >= 0 {
				rest, item = line[:i], line[i+1:]
			}
			line = rest
			next, ok := address(read(item))
			if hops++; !ok || hops > maxHops {
				return at
			}
			if at = next; !p.Trusts(at) {
				return at
			}
		}
	}
	return at
}

// sayTLS reports whether a proxy says that the client has come over TLS. Where several say something
// else, one of them has: the client's own word can only make the client's own cookies stricter.
func (p Proxies) sayTLS(peer netip.Addr, h http.Header) bool {
	if !p.Trusts(peer) {
		return false
	}
	for _, line := range h.Values("X-Forwarded-Proto") {
		for item := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(item), "https") {
				return true
			}
		}
	}
	for _, line := range h.Values("Forwarded") {
		for element := range strings.SplitSeq(line, ",") {
			for pair := range strings.SplitSeq(element, ";") {
				name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
				if strings.EqualFold(name, "proto") && strings.EqualFold(strings.Trim(value, `"`), "https") {
					return true
				}
			}
		}
	}
	return false
}

// tlsKey marks the context of a request whose client has come over TLS, as a proxy says.
type tlsKey struct{}

// OverTLS reports whether the client has come over TLS: to this server, or to a trusted proxy.
func OverTLS(r *http.Request) bool { return r.TLS != nil || r.Context().Value(tlsKey{}) != nil }

// listed reads an item of X-Forwarded-For.
func listed(item string) string { return strings.TrimSpace(item) }

// forwardedFor reads the client in an element of Forwarded (RFC 7239, section 4). A
// comma or a semicolon within quotes belongs to an extension that nobody uses for
// addresses: such an element is read as if it named no client.
func forwardedFor(element string) string {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(name, "for") {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// address reads an address with or without a port, IPv6 with or without brackets.
func address(text string) (netip.Addr, bool) {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return a.Unmap().WithZone(""), err == nil
}

// signs are the headers that only a proxy writes, in canonical form, except for those
// with one of signPrefixes.
var signs = []string{
	"Forwarded", "Forwarded-For", "Via", "Client-Ip", "True-Client-Ip", "Cdn-Loop", "Proxy-Client-Ip",
	"Wl-Proxy-Client-Ip", "Fastly-Client-Ip", "Fly-Client-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Remote-Addr",
	"X-Remote-Ip", "X-Originating-Ip", "X-Proxyuser-Ip", "X-Varnish", "X-Amzn-Trace-Id", "X-Cloud-Trace-Context",
	"X-Nginx-Proxy", "X-Forward-For", "X-Forwarded",
}

// signPrefixes begin the names of other such headers: X-Forwarded-For, X-Real-Ip,
// Cf-Connecting-Ip, X-Envoy-External-Address and the like.
var signPrefixes = []string{
	"X-Forwarded-", "X-Real-", "X-Original-", "Cf-", "X-Envoy-", "X-Azure-", "X-Appengine-", "X-Arr-", "Tailscale-",
}

// ForwardedBy returns the name of a header by which a request shows that a proxy has
// forwarded it, or "". A request of HTTP/1.0 that names a host counts too: nginx makes
// it, without any header, unless it is told otherwise; nobody else does by now.
func ForwardedBy(r *http.Request) string {
	by := ""
	for name := range r.Header {
		if slices.Contains(signs, name) ||
			slices.ContainsFunc(signPrefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			if by == "" || name < by { // the same one each time
				by = name
			}
		}
	}
	if by != "" {
		return by
	}
	if r.Host != "" && !r.ProtoAtLeast(1, 1) {
		return "HTTP/1.0"
	}
	return ""
}

// withClient puts the address from which a request comes in the place of its peer's, so
// that all that follows sees one address, and notes whether the client has come over TLS.
func (p Proxies) withClient(r *http.Request) *http.Request {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r
	}
	if p.sayTLS(peer.Addr(), r.Header) {
		r = r.WithContext(context.WithValue(r.Context(), tlsKey{}, true))
	}
	if client := p.Client(peer.Addr(), r.Header); client != peer.Addr() {
		r.RemoteAddr = netip.AddrPortFrom(client, 0).String() // its port is not known
	}
	return r
}
