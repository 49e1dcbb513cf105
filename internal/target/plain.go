package target

import (
	"strings"
	"unique"
)

// plain is a fast Parse for a URL that begins with the text of its Host, possibly without
// the default port: a lower-case scheme, and a name or IPv4 address in lower case. It
// saves parsing millions of URLs at a start with as many jobs.
func plain(raw string) (host Host, ok bool) {
	port, start := ":80", len("http://")
	switch {
	case strings.HasPrefix(raw, "http://"):
	case strings.HasPrefix(raw, "https://"):
		port, start = ":443", len("https://")
	default:
		return Host{}, false
	}
	end := start
	for end < len(raw) && plainByte[raw[end]] {
		end++
	}
	if end == start {
		return Host{}, false
	}
	name := end
	if end < len(raw) && raw[end] == ':' {
		if end += plainPort(raw[end+1:]); end == name {
			return Host{}, false
		}
		port = ""
	}
	if end < len(raw) && raw[end] != '/' && raw[end] != '?' && raw[end] != '#' {
		return Host{}, false
	}
	if port == "" {
		return Host{unique.Make(raw[:end])}, true
	}
	return Host{unique.Make(raw[:end] + port)}, true
}

// plainPort returns how long a port is with the colon before it: a number from 1
// to 65535 that does not begin with a zero, or 0 for any other text.
func plainPort(digits string) int {
	n := 0
	for n < len(digits) && digits[n] >= '0' && digits[n] <= '9' {
		n++
	}
	if n == 0 || n > 5 || digits[0] == '0' || n == 5 && digits[:n] > "65535" {
		return 0
	}
	return 1 + n
}

var plainByte = func() (is [256]bool) {
	for c := range is {
		is[c] = c == '-' || c == '.' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z'
	}
	return is
}()
