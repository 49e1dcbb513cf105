package egress

import (
	"strings"
	"testing"
)

func TestRulesAreRead(t *testing.T) {
	good := "10.0.0.0/8, 10.1.2.3, 10.0.0.0/8:443, ::1\tfd00::/8\n[::1]:80,[fd00::/8]:1-65535,[::1] host, " +
		"Host.Example.COM., *.example.com:8000-8010 :25, a_b.c-d:1"
	rs, err := ParseRules(good)
	if err != nil {
		t.Fatal(err)
	}
	if len(rs) != 13 {
		t.Errorf("%d rules: %v", len(rs), rs)
	}
	again, err := ParseRules(rs.String())
	if err != nil || again.String() != rs.String() {
		t.Errorf("%q is read again as %q (%v)", rs, again, err)
	}
	if rs, err := ParseRules(" , "); err != nil || len(rs) != 0 {
		t.Errorf("%v, %v", rs, err)
	}
}

func TestBadRules(t *testing.T) {
	for entry, want := range map[string]string{
		"10.0.0.1/8":          "must be a network: 10.0.0.0/8",
		"10.0.0.0/33":         "must be an address",
		"::ffff:10.0.0.1":     "must be written as IPv4: 10.0.0.1",
		"::ffff:10.0.0.0/104": "must be written as IPv4",
		"fe80::1%eth0":        "must",
		"10.0.0":              "must be an address",
		"2130706433":          "must be an address",
		"*":                   "must be an address",
		"*.":                  "must be an address",
		"a.*.b":               "must be an address",
		"*a.b":                "must be an address",
		".example.com":        "must be an address",
		"http://a":            "must",
		"a/b":                 "must be an address",
		"a..b":                "must be an address",
		":":                   "must be an address",
		"a:":                  "must be an address",
		"a:0":                 "must have a port",
		"a:65536":             "must have a port",
		"a:9-8":               "must have a port",
		"a:http":              "must have a port",
		"[::1":                "must be an address",
		"[]:80":               "must be an address",
		"[::1]80":             "must be an address",
		"münchen.de":          "must be an address",
	} {
		if rs, err := ParseRules(entry); err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), entry) {
			t.Errorf("%q: %v, %v, want %q", entry, rs, err, want)
		}
	}
	if _, err := ParseRules(strings.Repeat(":1 ", MaxRules)); err != nil {
		t.Error(err)
	}
	if _, err := ParseRules(strings.Repeat(":1 ", MaxRules+1)); err == nil {
		t.Error("there is no limit")
	}
}

// An allow list may not promise what it cannot open.
func TestHopelessAllow(t *testing.T) {
	for entry, want := range map[string]string{
		"169.254.169.254":    "cloud metadata, which nothing opens",
		"169.254.169.254:80": "nothing opens",
		"fd00:ec2::/64":      "nothing opens",
		"0.0.0.0/8":          "nothing opens",
		"224.0.0.1":          "nothing opens",
		"169.254.0.0/16":     "one by one",
		"fe80::/64":          "one by one",
		"169.254.7.7":        "",
		"0.0.0.0/0":          "",
		"::/0":               "",
		"10.0.0.0/8":         "",
		"fd00::/8":           "",
		"host:80":            "",
		"1.1.1.1":            "",
	} {
		_, err := ParseAllow(entry)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", entry, err, want)
		}
	}
	if _, err := ParseAllow("bad:"); err == nil {
		t.Error("a bad rule was taken")
	}
}

func FuzzParseRules(f *testing.F) {
	for _, seed := range []string{"10.0.0.0/8:1-2", "[::1]:80", "*.a", ":1", "[[:", "a,b c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rs, err := ParseRules(text)
		if err != nil {
			return
		}
		if again, err := ParseRules(rs.String()); err != nil || again.String() != rs.String() {
			t.Errorf("%q is printed as %q, which is read as %q (%v)", text, rs, again, err)
		}
	})
}
