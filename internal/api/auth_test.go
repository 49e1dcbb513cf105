package api

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

const key1, key2 = "first-key-0123456789", "second-key-0123456789"

func TestKeys(t *testing.T) {
	var h http.Handler
	for _, tc := range []struct {
		name, header string
		status       int
	}{
		{"no header", "", 401},
		{"first key", "Authorization: Bearer " + key1, 200},
		{"second key", "Authorization: Bearer " + key2, 200},
		{"scheme in another case", "Authorization: bearer " + key1, 200},
		{"space around the key", "Authorization: Bearer  " + key1 + " ", 200},
		{"wrong key", "Authorization: Bearer wrong", 401},
		{"prefix of a key", "Authorization: Bearer " + key1[:10], 401},
		{"key and more", "Authorization: Bearer " + key1 + "x", 401},
		{"both keys", "Authorization: Bearer " + key1 + "," + key2, 401},
		{"empty key", "Authorization: Bearer ", 401},
		{"no scheme", "Authorization: " + key1, 401},
		{"another scheme", "Authorization: Basic " + key1, 401},
		{"key in another header", "X-Api-Key: " + key1, 401},
	} {
		// One of its own: wrong keys are counted.
		h = newAPI(t, newFixture(t), func(c *Config) { c.Keys = ring(t, newFixture(t), key1, key2) })
		var header []string
		if tc.header != "" {
			header = []string{tc.header}
		}
		for _, path := range []string{"/", "/jobs", "/docs", "/openapi.json", "/metrics", "/observability/health"} {
			res := call(t, h, "GET", path, "", header...)
			if res.StatusCode != tc.status {
				t.Errorf("%s, %s: %d, want %d", tc.name, path, res.StatusCode, tc.status)
			}
			if tc.status == 401 {
				res.problem(t, 401)
				if !strings.HasPrefix(res.Header.Get("WWW-Authenticate"), "Bearer ") {
					t.Errorf("%s: WWW-Authenticate %q", tc.name, res.Header.Get("WWW-Authenticate"))
				}
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if res := call(t, h, "GET", path, ""); res.StatusCode != 200 {
			t.Errorf("%s without a key: %d", path, res.StatusCode)
		}
	}
}

func TestUnknownPathsNeedAKeyToo(t *testing.T) {
	h := newAPI(t, newFixture(t), func(c *Config) { c.Keys = ring(t, newFixture(t), key1) })
	for _, path := range []string{"/nope", "/healthz/../jobs", "/healthz%2F", "/HEALTHZ", "/readyz/x",
		"/healthz//jobs", "//jobs"} {
		call(t, h, "GET", path, "").problem(t, 401)
	}
}

// at gives a request the local address that net/http would have set.
func at(r *http.Request, addr string) *http.Request {
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		panic(err)
	}
	if tcp.IP.IsLoopback() {
		r.RemoteAddr = "127.0.0.1:4711"
	}
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(tcp)))
}

func TestHostOnLoopback(t *testing.T) {
	without := newAPI(t, newFixture(t))
	with := newAPI(t, newFixture(t), func(c *Config) { c.Keys = ring(t, newFixture(t), key1) })
	for _, tc := range []struct {
		local, host string
		keys        []string
		status      int
	}{
		{"127.0.0.1:3000", "127.0.0.1:3000", nil, 200},
		{"127.0.0.1:3000", "localhost:3000", nil, 200},
		{"127.0.0.1:3000", "localhost", nil, 200},
		{"127.0.0.1:3000", "LocalHost.:3000", nil, 200},
		{"127.0.0.1:3000", "belfry.localhost:3000", nil, 200},
		{"127.0.0.1:3000", "127.8.9.1", nil, 200},
		{"[::1]:3000", "[::1]:3000", nil, 200},
		{"[::1]:3000", "[::1]", nil, 200},
		{"127.0.0.1:3000", "evil.example:3000", nil, 421},
		{"127.0.0.1:3000", "127.0.0.1.evil.example", nil, 421},
		{"127.0.0.1:3000", "localhost.evil.example", nil, 421},
		{"127.0.0.1:3000", "notlocalhost", nil, 421},
		{"127.0.0.1:3000", "10.0.0.1", nil, 421},
		{"127.0.0.1:3000", "", nil, 421},
		{"[::1]:3000", "[2001:db8::1]:3000", nil, 421},
		{"10.0.0.1:3000", "scheduler.internal", nil, 200},             // bound elsewhere: the operator said so
		{"127.0.0.1:3000", "scheduler.internal", []string{key1}, 200}, // a page has no key
	} {
		h := without
		if tc.keys != nil {
			h = with
		}
		r := at(httptest.NewRequest("GET", "/jobs", nil), tc.local)
		r.Host = tc.host
		if tc.keys != nil {
			r.Header.Set("Authorization", "Bearer "+tc.keys[0])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tc.status {
			t.Errorf("%s reached as %q: %d, want %d", tc.local, tc.host, w.Code, tc.status)
		}
	}
}

func TestSenderOf(t *testing.T) {
	for _, tc := range []struct {
		server, client, header string
		want                   sender
	}{
		{"127.0.0.1:3000", "127.0.0.1:4711", "", onMachine},
		{"[::1]:3000", "[::1]:4711", "", onMachine},
		{"[::ffff:127.0.0.1]:3000", "127.0.0.1:4711", "", onMachine},
		{"127.0.0.1:3000", "192.0.2.7:0", "", behindProxy}, // as the PROXY protocol of a trusted proxy says
		{"127.0.0.1:3000", "127.0.0.1:4711", "Via", behindProxy},
		{"127.0.0.1:3000", "127.0.0.1:4711", "X-Forwarded-For", behindProxy},
		{"10.0.0.1:3000", "127.0.0.1:4711", "", elsewhere},
		{"10.0.0.1:3000", "192.0.2.7:4711", "Via", elsewhere},
		{"/run/belfry.sock", "@", "", onSocket},
		{"/run/belfry.sock", "", "", onSocket},
		{"/run/belfry.sock", "@", "X-Real-Ip", behindProxy},
		{"", "127.0.0.1:4711", "", elsewhere},
	} {
		r := httptest.NewRequest("GET", "/jobs", nil)
		r.RemoteAddr = tc.client
		if tc.header != "" {
			r.Header.Set(tc.header, "192.0.2.7")
		}
		var server net.Addr = &net.UnixAddr{Name: tc.server, Net: "unix"}
		if ap, err := netip.ParseAddrPort(tc.server); err == nil {
			server = net.TCPAddrFromAddrPort(ap)
		}
		if tc.server != "" {
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, server))
		}
		if got := senderOf(r); got != tc.want {
			t.Errorf("%s from %s with %q: %v, want %v", tc.server, tc.client, tc.header, got, tc.want)
		}
	}
}

// TestProbesOnLoopback: a balancer asks by HTTP/1.0 without a Host, or by a name of
// its own.
func TestProbesOnLoopback(t *testing.T) {
	h := newAPI(t, newFixture(t))
	for _, tc := range []struct {
		method, path, host string
		minor, status      int
	}{
		{"GET", "/healthz", "", 0, 200}, {"HEAD", "/healthz", "", 0, 200}, {"OPTIONS", "/healthz", "", 0, 204},
		{"GET", "/readyz", "", 0, 200},
		{"GET", "/healthz", "belfry.internal", 1, 200}, {"GET", "/readyz", "10.0.0.1:3000", 1, 200},
		{"GET", "/healthz?verbose&t=1", "lb", 1, 200},
		{"GET", "/", "", 0, 200}, {"OPTIONS", "/", "", 0, 204}, {"GET", "/jobs", "", 0, 200},
		{"GET", "/jobs", "", 1, 421},
		{"GET", "/observability/health", "belfry.internal", 0, 421}, {"GET", "/jobs", "evil.example", 0, 421},
	} {
		r := at(httptest.NewRequest(tc.method, tc.path, nil), "127.0.0.1:3000")
		r.Host, r.ProtoMinor = tc.host, tc.minor
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != tc.status {
			t.Errorf("%s %s of %q by HTTP/1.%d: %d, want %d: %s", tc.method, tc.path, tc.host, tc.minor, w.Code,
				tc.status, w.Body)
		}
	}
}

func TestOtherOriginsChangeNothing(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	for _, tc := range []struct {
		name, header string
		status       int
	}{
		{"a program", "X-None: 1", 201},
		{"the page itself", "Sec-Fetch-Site: same-origin", 201},
		{"the address bar", "Sec-Fetch-Site: none", 201},
		{"another site", "Sec-Fetch-Site: cross-site", 403},
		{"another port of the host", "Sec-Fetch-Site: same-site", 403},
		{"its own origin", "Origin: http://example.com", 201},
		{"another origin", "Origin: http://evil.example", 403},
		{"a sandboxed page", "Origin: null", 403},
	} {
		f.clear(t)
		res := call(t, h, "POST", "/jobs", minimal, tc.header)
		if res.StatusCode != tc.status || f.count(t) != map[int]int{201: 1, 403: 0}[tc.status] {
			t.Errorf("%s: %d with %d jobs, want %d", tc.name, res.StatusCode, f.count(t), tc.status)
		}
		if tc.status == 403 {
			res.problem(t, 403)
		}
		if res := call(t, h, "GET", "/jobs", "", tc.header); res.StatusCode != 200 ||
			res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: reading %d, CORS %q", tc.name, res.StatusCode, res.Header.Get("Access-Control-Allow-Origin"))
		}
	}
}
