package target

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/idna"
)

// Ports of URLs that name none.
const (
	httpPort  = 80
	httpsPort = 443
)

// Parts is a URL cut where its path begins. All are parts of the URL's own memory.
type Parts struct {
	Origin    string // scheme://authority
	Authority string // the host, as the user wrote it
	Path      string // path and query; may be empty or begin with '?'
	Secure    bool   // https
}

// Cut splits a URL where its path begins. It checks the scheme and finds the end of the
// authority, but does not check the authority. It fails if there is no authority, or if
// the scheme is neither http nor https.
func Cut(raw string) (p Parts, ok bool) {
	n := len("http://")
	switch {
	case hasPrefixFold(raw, "http://"):
	case hasPrefixFold(raw, "https://"):
		n, p.Secure = len("https://"), true
	default:
		return p, false
	}
	end := n
	for end < len(raw) && raw[end] != '/' && raw[end] != '?' && raw[end] != '#' {
		end++
	}
	p.Origin, p.Authority = raw[:end], raw[n:end]
	p.Path, _, _ = strings.Cut(raw[end:], "#")
	return p, p.Authority != ""
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// Target is what a URL says of where a call goes.
type Target struct {
	Host   Host
	Header string // the value of the Host header: the host as the user wrote it, in ASCII and without a zone
}

// Errors of Parse. They go on from "the target is refused: ".
var errHost = errors.New("the URL names no valid host")

// Parse reads the start of a URL, up to its path; the rest may be missing and is not
// checked. The error says why the URL cannot be called.
func Parse(raw string) (Target, error) {
	p, ok := Cut(ASCII(raw))
	if !ok {
		return Target{}, errHost
	}
	u, err := url.Parse(p.Origin)
	if err != nil {
		return Target{}, errHost
	}
	host, err := identify(u, p.Authority)
	if err != nil {
		return Target{}, err
	}
	t := Target{host, strings.TrimSuffix(p.Authority, ":")}
	if strings.Contains(p.Authority, "%") { // a zone means nothing to the peer (RFC 6874, section 4)
		t.Header = host.Endpoint().Label()
	}
	return t, nil
}

// Of returns the Host of a URL, or the zero Host if Parse would fail. A plain URL is read
// without parsing it.
func Of(raw string) Host {
	if host, ok := plain(raw); ok {
		return host
	}
	t, _ := Parse(raw) // the zero Host says so
	return t.Host
}

// identify returns the Host of a parsed URL, whose authority was written so.
func identify(u *url.URL, authority string) (Host, error) {
	name := u.Hostname()
	brackets := strings.HasPrefix(u.Host, "[")
	addr, notAddr := netip.ParseAddr(name)
	switch {
	case name == "" || u.User != nil || !httpguts.ValidHostHeader(u.Host) || !isASCII(name):
		return Host{}, errHost
	case brackets != (notAddr == nil && addr.Is6()) || notAddr != nil && strings.ContainsAny(name, "[]:"):
		return Host{}, errHost
	case !brackets && strings.Contains(authority, "%"): // what it hides would be read in more than one way
		return Host{}, errHost
	}
	port := uint64(httpPort)
	if u.Scheme == "https" {
		port = httpsPort
	}
	if digits := u.Port(); digits != "" {
		var err error
		if port, err = strconv.ParseUint(digits, 10, 16); err != nil || port == 0 {
			return Host{}, fmt.Errorf("the URL has a bad port %q", digits)
		}
	}
	if notAddr == nil {
		return textOf(u.Scheme, addressText(addr), uint16(port)), nil
	}
	return textOf(u.Scheme, strings.ToLower(name), uint16(port)), nil
}

// addressText returns an address as it is written in a URL, without brackets. The case of
// a zone is kept: names of network links may differ in nothing else.
func addressText(addr netip.Addr) string {
	if zone := addr.Zone(); zone != "" {
		return addr.WithZone("").String() + "%25" + url.PathEscape(zone)
	}
	return addr.Unmap().String()
}

// ASCII returns the URL with its host in the form in which it is looked up: a name in
// another script in its xn-- form. A URL whose host has no such form is returned
// unchanged, as is one that needs a closer look (a user name, brackets, an encoded byte).
func ASCII(raw string) string {
	p, ok := Cut(raw)
	if !ok || isASCII(p.Authority) || strings.ContainsAny(p.Authority, "@[]%\uFFFD") || !utf8.ValidString(p.Authority) {
		return raw
	}
	name, port, hasPort := strings.Cut(p.Authority, ":")
	host, err := idna.Lookup.ToASCII(name)
	if err != nil || host == "" {
		return raw
	}
	if hasPort {
		host += ":" + port
	}
	start := len(p.Origin) - len(p.Authority)
	return raw[:start] + host + raw[len(p.Origin):]
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
