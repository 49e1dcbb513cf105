package run

import (
	"net/url"
	"strings"
	"unique"
)

// HostKey is scheme://host:port of a target: the unit of fairness.
type HostKey = unique.Handle[string]

// splitTarget takes the host from a URL. Most URLs begin with their host's key, or
// with the key but for its port: of those only the rest is kept, as one key serves
// all jobs of a host.
func splitTarget(target string) (host HostKey, rest string, f form) {
	origin, port, ok := plainOrigin(target)
	if !ok {
		return hostOf(target), target, formWhole
	}
	// A copy: a part of the text would keep all of it in memory.
	rest = strings.Clone(target[len(origin):])
	if port {
		return unique.Make(origin), rest, formPort
	}
	return unique.Make(origin + ":" + defaultPort(origin[:strings.IndexByte(origin, ':')])), rest, formNoPort
}

// plainOrigin returns the start of a URL up to its path, if that is plain: a
// lower-case scheme and name or IPv4 address, with or without a port. It spares
// a start with millions of jobs as many URLs to parse.
func plainOrigin(target string) (origin string, port, ok bool) {
	scheme, rest, found := strings.Cut(target, "://")
	if !found || scheme != "http" && scheme != "https" {
		return "", false, false
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		authority = rest[:end]
	}
	name, digits, port := strings.Cut(authority, ":")
	if !consists(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") || port && !consists(digits, "0123456789") {
		return "", false, false
	}
	return target[:len(scheme)+len("://")+len(authority)], port, true
}

// consists reports whether a text has letters and no others than these.
func consists(text, letters string) bool {
	return text != "" && strings.Trim(text, letters) == ""
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// hostOf returns the host of a valid target.
func hostOf(target string) HostKey {
	u, err := url.Parse(target)
	if err != nil {
		return unique.Make(target)
	}
	port := u.Port()
	if port == "" {
		port = defaultPort(u.Scheme)
	}
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return unique.Make(u.Scheme + "://" + host + ":" + port)
}
