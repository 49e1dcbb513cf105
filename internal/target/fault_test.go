package target

import (
	"strings"
	"testing"
)

// TestOddHosts: a host is a name or an address in its usual form.
func TestOddHosts(t *testing.T) {
	t.Parallel()
	label := strings.Repeat("a", maxLabelLength)
	for host, want := range map[string]string{
		"example.com": "", "EXAMPLE.com.": "", "localhost": "", "a_b-c.internal": "", "xn--mnchen-3ya.de": "",
		"1a": "", "a.1b.c": "",
		"127.0.0.1": "", "[::1]": "", "[fe80::1%25eth0]": "", "[::ffff:127.0.0.1]": "",
		"[2001:db8::1]:8080": "", "0xg": "",
		label + ".de": "", strings.Repeat(label+".", 3) + label[:61]: "",

		// Numbers that some read as an address.
		"2130706433": "in its usual form", "0x7f000001": "in its usual form", "017700000001": "in its usual form",
		"0":     "in its usual form",
		"127.1": "in its usual form", "127.0.1": "in its usual form", "0x7f.1": "in its usual form",
		"0x7f.0x0.0x0.0x1": "in its usual form",
		"0177.0.0.1":       "in its usual form", "127.000.000.001": "in its usual form",
		"127.0.0.1.":  "in its usual form",
		"127.0.0.256": "in its usual form",
		"1.2.3.4.5":   "in its usual form", "example.com.0X1F": "in its usual form", "a.0x": "in its usual form",
		"a.08": "in its usual form",

		// Dots, digits and letters of other scripts, plain and encoded.
		"127。0。0。1": "must name a valid host", "127．0．0．1": "must name a valid host",
		"１２７.0.0.1": "must name a valid host",
		"①②⑦.0.0.1": "must name a valid host", "münchen.de": "must name a valid host",
		"example.com\u00ad":                 "must name a valid host",
		"127%E3%80%820%E3%80%820%E3%80%821": "must name a valid host", "%31%32%37.0.0.1": "must be a URL",
		"127%2e0.0.1": "must be a URL",
		"a%00b":       "must be a URL", "a%0d%0ab": "must be a URL", "a%25b": "must name a valid host",
		"a%25": "must name a valid host",

		// User names, and what is meant to look like one.
		"good.com@127.0.0.1": "user name", "good.com:80@127.0.0.1": "user name", "@127.0.0.1": "user name",
		":@127.0.0.1":          "user name",
		"good.com\\@127.0.0.1": "must be a URL", "good.com\\": "must be a URL", "good.com%5c@127.0.0.1": "user name",

		// Brackets and zones.
		"[127.0.0.1]": "must", "[::1": "must be a URL", "::1": "must", "[::1]x": "must be a URL", "[]": "must",
		"[a.test]":   "must",
		"[::1%25lo]": "only a link-local address", "[::g]": "must",

		// Labels.
		"a..b": "must name a valid host", ".a": "must name a valid host", "a..": "must name a valid host",
		"-a.de": "must name a valid host",
		"a-.de": "must name a valid host", "a!b": "must name a valid host", "a,b": "must name a valid host",
		"a;b": "must name a valid host",
		"a=b": "must name a valid host", "*.a": "must name a valid host", "a~": "must name a valid host",
		"$a":           "must name a valid host",
		label + "a.de": "must name a valid host", strings.Repeat(label+".", 3) + label[:62]: "at most 253",
		".": "must name a valid host",
	} {
		for _, scheme := range []string{"http://", "https://"} {
			got := Fault(scheme + host + "/hook")
			if want == "" && got != "" || want != "" && !strings.Contains(got, want) {
				t.Errorf("%s%s: %q, want %q", scheme, host, got, want)
			}
		}
	}
}
