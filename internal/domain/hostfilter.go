package domain

import (
	"strings"

	"github.com/belfry-scheduler/belfry/internal/target"
)

// HostFilter selects targets by their host. A part that is zero selects any; the zero filter
// selects every target.
type HostFilter struct {
	Scheme string // http or https
	Name   string // in lower case, or an address without brackets
	Port   uint16
}

// ParseHostFilter reads a host as it is in a URL: name, name:port, scheme://name or
// scheme://name:port. The name is compared in the form in which it is called: in lower case,
// and in another script as xn--. An empty text is the zero filter.
func ParseHostFilter(text string) (HostFilter, error) {
	if text == "" {
		return HostFilter{}, nil
	}
	wrong := InvalidAs(FieldFormat, "host", "must be a host as in a URL: api.example.com, api.example.com:8443 or "+
		"https://api.example.com", text)
	url, bare := text, !strings.Contains(text, "://")
	if bare {
		if strings.Count(text, ":") > 1 && !strings.HasPrefix(text, "[") { // an address of IPv6
			url = "[" + text + "]"
		}
		url = "http://" + url
	}
	parts, ok := target.Cut(target.ASCII(url))
	t, err := target.Parse(url)
	if !ok || err != nil || parts.Path != "" && parts.Path != "/" {
		return HostFilter{}, wrong
	}
	e := t.Host.Endpoint()
	f := HostFilter{Name: e.Name}
	if !bare {
		f.Scheme, _, _ = strings.Cut(t.Host.String(), "://")
	}
	afterBracket := parts.Authority[strings.LastIndexByte(parts.Authority, ']')+1:]
	if _, port, named := strings.Cut(afterBracket, ":"); named && port != "" {
		f.Port = e.Port
	}
	return f, nil
}

// Matches reports whether the URL of a target is of the filter's hosts. One that names no host
// is of none.
func (f HostFilter) Matches(api string) bool {
	if f == (HostFilter{}) {
		return true
	}
	return f.MatchesHost(target.Of(api))
}

// MatchesHost is Matches of the host of a URL, as [target.Of] returns it.
func (f HostFilter) MatchesHost(host target.Host) bool {
	if f == (HostFilter{}) {
		return true
	}
	if host == (target.Host{}) {
		return false
	}
	e := host.Endpoint()
	return f.Name == e.Name && (f.Port == 0 || f.Port == e.Port) &&
		(f.Scheme == "" || (f.Scheme == "https") == e.Secure)
}

// HostOf returns scheme, name and port of the host that a URL calls, or "".
func HostOf(api string) string { return target.Of(api).String() }

// HostName returns the name that a [HostFilter] of the URL's host has, or "".
func HostName(api string) string { return target.Of(api).Endpoint().Name }
