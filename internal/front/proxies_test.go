package front

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

var testProxies = Proxies{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("2001:db8::/32"),
}

func TestClient(t *testing.T) {
	long := strings.Repeat("10.0.0.9, ", maxHops)
	for _, tc := range []struct {
		name, peer string
		headers    []string
		want       string
	}{
		{"no header", "10.0.0.1", nil, "10.0.0.1"},
		{"one proxy", "10.0.0.1", []string{"X-Forwarded-For: 192.0.2.7"}, "192.0.2.7"},
		{"not a proxy", "192.0.2.9", []string{"X-Forwarded-For: 192.0.2.7"}, "192.0.2.9"},
		{"a forged address before it", "10.0.0.1", []string{"X-Forwarded-For: 1.2.3.4, 192.0.2.7"}, "192.0.2.7"},
		{"a forged proxy before it", "10.0.0.1", []string{"X-Forwarded-For: 10.0.0.9, 192.0.2.7"}, "192.0.2.7"},
		{"two proxies", "10.0.0.1", []string{"X-Forwarded-For: 192.0.2.7, 10.0.0.2"}, "192.0.2.7"},
		{"two headers", "10.0.0.1", []string{"X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: 192.0.2.7"}, "192.0.2.7"},
		{"two headers, two proxies", "10.0.0.1", []string{"X-Forwarded-For: 192.0.2.7", "X-Forwarded-For: 10.0.0.2"},
			"192.0.2.7"},
		{"proxies alone", "10.0.0.1", []string{"X-Forwarded-For: 10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"an empty header", "10.0.0.1", []string{"X-Forwarded-For: "}, "10.0.0.1"},
		{"no address", "10.0.0.1", []string{"X-Forwarded-For: unknown"}, "10.0.0.1"},
		{"no address behind a proxy", "10.0.0.1", []string{"X-Forwarded-For: 1.2.3.4, x, 10.0.0.2"}, "10.0.0.2"},
		{"an empty item", "10.0.0.1", []string{"X-Forwarded-For: 1.2.3.4,,10.0.0.2"}, "10.0.0.2"},
		{"with a port", "10.0.0.1", []string{"X-Forwarded-For: 192.0.2.7:4711"}, "192.0.2.7"},
		{"IPv6", "10.0.0.1", []string{"X-Forwarded-For: 2001:db9::7"}, "2001:db9::7"},
		{"IPv6 with a port", "10.0.0.1", []string{"X-Forwarded-For: [2001:db9::7]:4711"}, "2001:db9::7"},
		{"IPv6 with a zone", "10.0.0.1", []string{"X-Forwarded-For: fe80::7%eth0"}, "fe80::7"},
		{"IPv4 in IPv6", "::ffff:10.0.0.1", []string{"X-Forwarded-For: ::ffff:192.0.2.7"}, "192.0.2.7"},
		{"a proxy with IPv6", "2001:db8::1", []string{"X-Forwarded-For: 192.0.2.7, 2001:db8::2"}, "192.0.2.7"},
		{"too many proxies", "10.0.0.1", []string{"X-Forwarded-For: 192.0.2.7, " + long + "10.0.0.8"}, "10.0.0.9"},
		{"Forwarded", "10.0.0.1", []string{"Forwarded: for=192.0.2.7;proto=https"}, "192.0.2.7"},
		{"Forwarded, IPv6", "10.0.0.1", []string{`Forwarded: proto=https;FOR="[2001:db9::7]:4711"`}, "2001:db9::7"},
		{"Forwarded, two", "10.0.0.1", []string{"Forwarded: for=1.2.3.4, for=192.0.2.7, for=10.0.0.2"}, "192.0.2.7"},
		{"Forwarded, hidden", "10.0.0.1", []string{"Forwarded: for=1.2.3.4, for=_hidden"}, "10.0.0.1"},
		{"Forwarded without for", "10.0.0.1", []string{"Forwarded: for=1.2.3.4, by=10.0.0.1"}, "10.0.0.1"},
		{"Forwarded, a comma in quotes", "10.0.0.1", []string{`Forwarded: for=1.2.3.4;x=", for=10.0.0.2"`}, "1.2.3.4"},
		{"both, the same", "10.0.0.1", []string{"X-Forwarded-For: 192.0.2.7", "Forwarded: for=192.0.2.7"}, "192.0.2.7"},
		{"both, different", "10.0.0.1", []string{"X-Forwarded-For: 192.0.2.7", "Forwarded: for=1.2.3.4"}, "10.0.0.1"},
		{"other headers", "10.0.0.1", []string{"X-Real-Ip: 192.0.2.7", "Cf-Connecting-Ip: 192.0.2.7"}, "10.0.0.1"},
	} {
		h := http.Header{}
		for _, line := range tc.headers {
			name, value, _ := strings.Cut(line, ": ")
			h.Add(name, value)
		}
		if got := testProxies.Client(netip.MustParseAddr(tc.peer).Unmap(), h); got.String() != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
		peer := netip.MustParseAddr(tc.peer)
		if got := Proxies(nil).Client(peer, h); got != peer {
			t.Errorf("%s, without proxies: %s", tc.name, got)
		}
	}
}

// TestWithClient: what follows sees one address.
func TestWithClient(t *testing.T) {
	for peer, want := range map[string]string{
		"10.0.0.1:4711": "192.0.2.7:0", "[::ffff:10.0.0.1]:4711": "192.0.2.7:0", "192.0.2.9:4711": "192.0.2.9:4711",
		"@": "@", "": "",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = peer
		r.Header.Set("X-Forwarded-For", "192.0.2.7")
		if r = testProxies.withClient(r); r.RemoteAddr != want {
			t.Errorf("from %q: %q, want %q", peer, r.RemoteAddr, want)
		}
	}
}

func TestForwardedBy(t *testing.T) {
	for name, want := range map[string]bool{
		"X-Forwarded-For": true, "X-Forwarded-Host": true, "X-Forwarded-Proto": true, "X-Forwarded-Prefix": true,
		"X-Forwarded": true, "Forwarded": true, "Forwarded-For": true, "Via": true, "X-Real-IP": true,
		"X-Real-Port":      true,
		"CF-Connecting-IP": true, "CF-Ray": true, "CDN-Loop": true, "True-Client-IP": true, "X-Client-IP": true,
		"X-Cluster-Client-IP": true, "Fastly-Client-IP": true, "Fly-Client-IP": true, "X-Azure-ClientIP": true,
		"X-Envoy-External-Address": true, "X-Amzn-Trace-Id": true, "X-Original-Host": true, "X-Original-URL": true,
		"Tailscale-User-Login": true, "X-ARR-LOG-ID": true, "WL-Proxy-Client-IP": true,
		"X-Request-Id": false, "User-Agent": false, "Origin": false, "Authorization": false, "X-Forward": false,
		"Traceparent": false, "Connection": false, "Viable": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(name, "x")
		if got := ForwardedBy(r); (got != "") != want || want && !strings.EqualFold(got, name) {
			t.Errorf("%s: %q", name, got)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Proto, r.ProtoMinor = "HTTP/1.0", 0
	if ForwardedBy(r) == "" {
		t.Error("what nginx makes by default counts as a request of a program")
	}
	if r.Host = ""; ForwardedBy(r) != "" {
		t.Error("a probe by HTTP/1.0, without a host, counts as forwarded")
	}
}
