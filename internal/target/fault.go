package target

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Fault says what is wrong with an http or https URL as a target, or returns "". It is
// stricter than [Parse]: a URL that can be read in more than one way is refused when a
// job is created.
func Fault(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		if strings.Contains(raw, "@") {
			return "must be a URL, without a user name or password: send an Authorization header"
		}
		return "must be a URL: " + strings.TrimPrefix(err.Error(), "parse ")
	}
	switch {
	case u.Hostname() == "":
		return "must name a host, as in https://example.com/hook"
	case u.User != nil:
		return "must not hold a user name or password: send an Authorization header"
	case strings.Contains(raw, "#"):
		return "must not hold a fragment (#...): it would not be sent"
	case !httpguts.ValidHostHeader(u.Host):
		return "must name a valid host"
	}
	if msg := hostFault(u.Hostname(), strings.HasPrefix(u.Host, "[")); msg != "" {
		return msg
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "must have a port from 1 to 65535"
		}
	} else if strings.HasSuffix(u.Host, ":") {
		return "must have a port after the colon"
	}
	if _, err := Parse(raw); err != nil {
		return "must name a valid host"
	}
	return ""
}

// Limits of a host name (RFC 1035, section 2.3.4).
const (
	maxHostLength  = 253
	maxLabelLength = 63
)

// hostFault says what is wrong with the host of a URL, or returns "". It accepts host
// names and addresses in their usual form only. Some forms are read differently by
// different programs (2130706433, 0x7f.1 and 127.1 are all 127.0.0.1 to some): such a
// host could be judged as one and called as another. The host is passed with its
// percent-encoding decoded, so that nothing is hidden in it.
func hostFault(host string, brackets bool) string {
	addr, err := netip.ParseAddr(host)
	switch {
	case err == nil && addr.Is4() && brackets:
		return "must not have brackets around an IPv4 address"
	case err == nil && addr.Zone() != "" && !addr.IsLinkLocalUnicast():
		return "must not hold a zone: only a link-local address has one"
	case err == nil:
		return ""
	case brackets:
		return "must have an IPv6 address between the brackets"
	}
	name := strings.TrimSuffix(host, ".")
	if len(name) > maxHostLength {
		return "must name a host of at most 253 characters"
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if !validLabel(label) {
			return "must name a valid host: labels of 1 to 63 letters, digits, - and _ (a name in another script in " +
				"its xn-- form)"
		}
	}
	if numeric(labels[len(labels)-1]) {
		return "must name a host, or an address in its usual form, as in 127.0.0.1 or [::1]: a name does not " +
			"end in a number"
	}
	return ""
}

func validLabel(label string) bool {
	if label == "" || len(label) > maxLabelLength || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		c := label[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// numeric reports whether a label is a number to programs that read addresses as
// inet_aton does: decimal, octal, or hexadecimal after 0x.
func numeric(label string) bool {
	digits := "0123456789"
	if rest, hex := strings.CutPrefix(strings.ToLower(label), "0x"); hex {
		label, digits = rest, "0123456789abcdef"
	}
	return strings.Trim(strings.ToLower(label), digits) == ""
}
