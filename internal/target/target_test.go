package target

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestHosts: each line is one host, and no two lines are the same.
func TestHosts(t *testing.T) {
	t.Parallel()
	seen := make(map[Host]string)
	for want, spellings := range map[string][]string{
		"http://a.x:80": {
			"http://A.x/1", "http://a.x:80/2", "http://a.X", "HTTP://a.x", "Http://A.X:80?q", "http://a.x:",
			"http://a.x:/", "http://a.x:080/",
			"http://a.x:00080", "http://a.x#f", "http://a.x:80#f", "http://a.x/%zz", "http://a.x?@b", "http://a.x/@b:1",
		},
		"https://a.x:443":  {"https://a.x", "https://A.x:443/", "HTTPS://a.x:0443"},
		"http://a.x:443":   {"http://a.x:443", "http://a.x:0443/"},
		"https://a.x:80":   {"https://a.x:80/"},
		"http://a.x.:80":   {"http://a.x.", "http://A.X.:80/"},
		"http://b.a.x:80":  {"http://b.a.x/"},
		"http://a_b.x:81":  {"http://a_b.x:81", "http://A_b.x:081"},
		"http://a.x:54321": {"http://a.x:54321/", "http://a.x:054321/"},
		"http://a.x:65535": {"http://a.x:65535"},
		"http://127.0.0.1:80": {"http://127.0.0.1", "http://127.0.0.1:80/", "http://[::ffff:127.0.0.1]",
			"http://[::FFFF:7f00:1]:80/", "http://[0:0:0:0:0:ffff:7f00:0001]"},
		"http://[::1]:80":   {"http://[::1]", "http://[0:0:0:0:0:0:0:1]/", "http://[0::0001]:80"},
		"http://[::1]:8080": {"http://[::1]:8080", "http://[::0:1]:8080/"},
		"http://[2001:db8::1]:80": {
			"http://[2001:DB8::1]/", "http://[2001:db8:0:0::1]", "http://[2001:0db8::0.0.0.1]:80",
			"http://[2001:db8:0000::1]:080",
		},
		"http://[fe80::1]:80":        {"http://[fe80::1]", "http://[FE80::0:1]:80"},
		"http://[fe80::1%25eth0]:80": {"http://[fe80::1%25eth0]", "http://[FE80::1%25eth0]:80/x"},
		"http://[fe80::1%25ETH0]:80": {"http://[fe80::1%25ETH0]"},
		"http://xn--mnchen-3ya.de:80": {"http://münchen.de/", "http://MÜNCHEN.de:80", "http://XN--MNCHEN-3YA.DE/",
			"http://mu\u0308nchen.de", "http://münchen。de"},
		"https://xn--mnchen-3ya.de:443":    {"https://münchen.de?x=ü"},
		"http://xn--fa-hia.de:80":          {"http://faß.de"},
		"http://fass.de:80":                {"http://fass.de"},
		"http://xn--h1alffa9f.xn--p1ai:80": {"http://россия.рф", "http://РОССИЯ.рф"},
		"": {
			"", "a.x", "//a.x", "ftp://a.x", "http:/a.x", "http://", "http:///x", "http://?x", "https://:80",
			"mailto:a@a.x",
			"http://u@a.x/", "http://u:p@a.x", "http://@a.x", "http://a.x@b.x", "http://%75@a.x",
			"http://%61.x", "http://a%2ex", "http://m%C3%BCnchen.de", "http://127%E3%80%820.0.1", "http://a%00.x",
			"http://a%25", "http://a.x%25eth0",
			"http://a.x:0", "http://a.x:65536", "http://a.x:99999", "http://a.x:8a", "http://a.x:-1", "http://a.x:1:2",
			"http://a.x:８０",
			"http://[a.x]", "http://[127.0.0.1]", "http://::1/", "http://[::1", "http://[::1]x", "http://[]",
			"http://[::g]", "http://[fe80::1%eth0]",
			"http://a b", "http://a\r\nb", "http://a\x00", "http://a\\b", "http://\xff", "http://ü\xff", "http://<a>",
			"http://]", "http://a]b", "http://\uFFFD.de", "http://[fe80::1%25a%20b]",
		},
	} {
		for _, raw := range spellings {
			got := Of(raw)
			if got.String() != want {
				t.Errorf("%q is at %q, want %q", raw, got, want)
			}
			if parsed, err := Parse(raw); parsed.Host != got || (err != nil) != (want == "") {
				t.Errorf("%q: parsed as %q, error %v", raw, parsed.Host, err)
			}
		}
		if other, there := seen[Of(spellings[0])]; there {
			t.Errorf("%s and %s are one host", spellings[0], other)
		}
		seen[Of(spellings[0])] = spellings[0]
	}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]struct {
		name, addr, label, header string
		port                      uint16
		secure                    bool
	}{
		"http://Example.com":         {"example.com", "", "example.com:80", "Example.com", 80, false},
		"https://Example.com.":       {"example.com.", "", "example.com.:443", "Example.com.", 443, true},
		"HTTP://Example.com:08080/x": {"example.com", "", "example.com:8080", "Example.com:08080", 8080, false},
		"http://example.com:?x":      {"example.com", "", "example.com:80", "example.com", 80, false},
		"http://127.0.0.1:81":        {"127.0.0.1", "127.0.0.1", "127.0.0.1:81", "127.0.0.1:81", 81, false},
		"http://[2001:DB8:0::1]:81": {"2001:db8::1", "2001:db8::1", "[2001:db8::1]:81",
			"[2001:DB8:0::1]:81", 81, false},
		"https://[::1]":                {"::1", "::1", "[::1]:443", "[::1]", 443, true},
		"http://[::ffff:127.0.0.1]":    {"127.0.0.1", "127.0.0.1", "127.0.0.1:80", "[::ffff:127.0.0.1]", 80, false},
		"http://[fe80::1%25eth0]:8080": {"fe80::1", "fe80::1%eth0", "[fe80::1]:8080", "[fe80::1]:8080", 8080, false},
		"http://[fe80::1%25a%25b]":     {"fe80::1", "fe80::1%a%b", "[fe80::1]:80", "[fe80::1]:80", 80, false},
		"http://münchen.de:81/ü": {"xn--mnchen-3ya.de", "", "xn--mnchen-3ya.de:81",
			"xn--mnchen-3ya.de:81", 81, false},
	} {
		parsed, err := Parse(raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		var addr netip.Addr
		if want.addr != "" {
			addr = netip.MustParseAddr(want.addr)
		}
		got := parsed.Host.Endpoint()
		if got != (Endpoint{want.secure, want.name, addr, want.port}) || got.Label() != want.label ||
			parsed.Header != want.header {
			t.Errorf("%s: %+v, label %s, header %s", raw, got, got.Label(), parsed.Header)
		}
	}
	var none Host
	if e := none.Endpoint(); e != (Endpoint{}) || none.String() != "" || none.WithoutPort() != "" {
		t.Errorf("the zero Host is at %+v", e)
	}
}

func TestCut(t *testing.T) {
	for raw, want := range map[string]Parts{
		"http://A.x:80/p?q#f":  {"http://A.x:80", "A.x:80", "/p?q", false},
		"HTTPS://a?q/x":        {"HTTPS://a", "a", "?q/x", true},
		"http://a#/x":          {"http://a", "a", "", false},
		"http://u:p@[::1]:1//": {"http://u:p@[::1]:1", "u:p@[::1]:1", "//", false},
	} {
		if got, ok := Cut(raw); !ok || got != want {
			t.Errorf("%s: %+v", raw, got)
		}
	}
	for _, raw := range []string{"", "http:", "http://", "http:///x", "https://?", "ftp://a", "a.x/http://b"} {
		if got, ok := Cut(raw); ok {
			t.Errorf("%s: %+v", raw, got)
		}
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = Cut("https://hooks.example.com/v1/ring?tower=north") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestASCII(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"http://münchen.de/ü?ü":   "http://xn--mnchen-3ya.de/ü?ü",
		"HTTPS://Bücher.de:81?ü":  "HTTPS://xn--bcher-kva.de:81?ü",
		"http://127。0。0。1/":       "http://127.0.0.1/",
		"http://A.x/ü":            "http://A.x/ü",
		"http://ü@münchen.de/":    "http://ü@münchen.de/",
		"http://m%C3%BCnchen.de/": "http://m%C3%BCnchen.de/",
		"http://a／b.x":            "http://a／b.x", // a slash once it is folded: it must not become one
		"http://a＠b.x":            "http://a＠b.x",
		"http://a：80":             "http://a：80",
		"http://ü\uFFFD.x":        "http://ü\uFFFD.x",
		"münchen.de":              "münchen.de",
		"ftp://münchen.de":        "ftp://münchen.de",
	} {
		if got := ASCII(raw); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

// check is what holds for any text.
func check(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, raw string,
) {
	t.Helper()
	parsed, err := Parse(raw)
	if (err == nil) != (parsed.Host != Host{}) {
		t.Fatalf("%q: Host %q, error %v", raw, parsed.Host, err)
	}
	if fast, ok := plain(raw); ok && fast != parsed.Host || Of(raw) != parsed.Host {
		t.Fatalf("%q is at %q, and at %q to the fast reading (%v)", raw, parsed.Host, fast, ok)
	}
	if text := parsed.Host.String(); err == nil {
		again, err := Parse(text)
		if err != nil || again.Host != parsed.Host || again.Header != parsed.Host.Endpoint().Label() {
			t.Fatalf("%q is at %q, which is at %q, error %v", raw, text, again.Host, err)
		}
	}
	u, notURL := url.Parse(raw)
	if Fault(raw) == "" && strings.HasPrefix(u.Scheme, "http") && err != nil {
		t.Fatalf("%q is accepted, and not parsed: %v", raw, err)
	}
	if notURL == nil && err == nil && (u.Host == "" || !sameName(u.Hostname(), parsed.Host.Endpoint())) {
		t.Fatalf("%q is at %q, and package url reads %q", raw, parsed.Host, u.Host)
	}
	if p, ok := Cut(raw); ok && notURL == nil && u.User == nil && u.Host != "" && !strings.Contains(p.Authority, "%") &&
		p.Authority != u.Host {
		t.Fatalf("%q: cut to %q, and package url reads %q", raw, p.Authority, u.Host)
	}
}

func sameName(name string, e Endpoint) bool {
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.Zone() == e.Addr.Zone() && addr.WithZone("").Unmap() == e.Addr.WithZone("")
	}
	return !isASCII(name) || strings.EqualFold(name, e.Name)
}

// pieces of URLs, put together in any order that is nearly right.
var pieces = struct{ schemes, users, hosts, ports, rests []string }{
	[]string{"http://", "https://", "HTTP://", "hTTps://", "http:/", "ftp://", ""},
	[]string{"", "", "", "", "u@", "u:p@", "%40@", "@"},
	[]string{
		"a.x", "A.x", "a.x.", "a_b", "a-b.c", "127.0.0.1", "127.1", "0x7f.1", "[::1]", "[::FFFF:127.0.0.1]",
		"[fe80::1%25e0]", "[fe80::1%25E]",
		"[1.2.3.4]", "[", "]", "::1", "ü.de", "%C3%BC.de", "%61", "a%2e", "xn--tda.de", "XN--tda.DE", "", ".", "a..b",
		"a!", "*.a", "a\\b", "a b",
		"１.2.3.4", "1。2.3.4", "a\xff", "xn--", "ü\u200d.x",
	},
	[]string{"", "", ":", ":80", ":443", ":080", ":8080", ":65535", ":65536", ":0", ":00", ":000080", ":a", ":8 0",
		":+80", ":1:2", ":54321", ":99999"},
	[]string{"", "/", "/x?y#z", "?", "#", "/%zz", "/ü", "\\x", "/@", ";", "//", "?://"},
}

func TestProperties(t *testing.T) {
	t.Parallel()
	for _, scheme := range pieces.schemes {
		for _, user := range slices.Compact(slices.Clone(pieces.users)) {
			for _, host := range pieces.hosts {
				for _, port := range slices.Compact(slices.Clone(pieces.ports)) {
					for _, rest := range pieces.rests {
						check(t, scheme+user+host+port+rest)
					}
				}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		host := rapid.StringMatching(`[a-zA-Z0-9.:_%\[\]ü-]{0,12}`).Draw(t, "host")
		check(t, rapid.SampledFrom(pieces.schemes).Draw(t, "scheme")+host+
			rapid.SampledFrom(pieces.rests).Draw(t, "rest"))
	})
}

func FuzzTarget(f *testing.F) {
	for _, host := range pieces.hosts {
		f.Add("http://" + host + "/x")
		f.Add("https://" + host + ":8080?x")
	}
	f.Fuzz(func(t *testing.T, raw string) { check(t, raw) })
}

// A Host costs a start as much as it did: BenchmarkOf for each job.
func BenchmarkOf(b *testing.B) {
	for name, raw := range map[string]string{
		"plain": "http://127.0.0.1:4444/ok?customer=17&job=9", "no port": "https://hooks.example.com/v1/ring",
		"capitals": "https://Hooks.example.com/v1/ring",
	} {
		keep := Of(raw)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if Of(raw) != keep {
					b.Fatal("another host")
				}
			}
		})
	}
}
