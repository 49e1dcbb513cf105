package domain

import "testing"

func TestHostFilter(t *testing.T) {
	for _, c := range []struct {
		text string
		want HostFilter
	}{
		{"", HostFilter{}},
		{"api.example.com", HostFilter{Name: "api.example.com"}},
		{"API.Example.COM:8443", HostFilter{Name: "api.example.com", Port: 8443}},
		{"https://api.example.com", HostFilter{Scheme: "https", Name: "api.example.com"}},
		{"https://api.example.com/", HostFilter{Scheme: "https", Name: "api.example.com"}},
		{"HTTP://api.example.com:80", HostFilter{Scheme: "http", Name: "api.example.com", Port: 80}},
		{"bücher.example", HostFilter{Name: "xn--bcher-kva.example"}},
		{"127.0.0.1:3000", HostFilter{Name: "127.0.0.1", Port: 3000}},
		{"[2001:DB8::1]:80", HostFilter{Name: "2001:db8::1", Port: 80}},
		{"2001:db8::1", HostFilter{Name: "2001:db8::1"}},
	} {
		got, err := ParseHostFilter(c.text)
		if err != nil || got != c.want {
			t.Errorf("%q: %+v, error %v; want %+v", c.text, got, err, c.want)
		}
	}
	for _, text := range []string{"ftp://example.com", "example.com/path", "a b", "example.com:99999", "http://", ":80",
		"user@example.com", "example.com?x"} {
		if f, err := ParseHostFilter(text); ErrorCode(err) != CodeInvalid {
			t.Errorf("%q: %+v, error %v", text, f, err)
		}
	}
}

// The term that jobs are found by is the name of each filter that selects them.
func TestHostName(t *testing.T) {
	for _, api := range []string{"https://API.example.com/x?y", "http://[2001:DB8::1]:80/", "http://bücher.example",
		"http://localhost:3000"} {
		f, err := ParseHostFilter(HostName(api))
		if err != nil || !f.Matches(api) || f.Name != HostName(api) {
			t.Errorf("%s: %+v, error %v", api, f, err)
		}
	}
	if HostName("not a URL") != "" || (HostFilter{Name: "x"}).Matches("not a URL") || !(HostFilter{}).Matches("x") {
		t.Error("a text that is no URL has a host")
	}
}
