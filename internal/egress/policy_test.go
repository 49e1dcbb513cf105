package egress

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// newPolicy returns a policy that knows the addresses of no machine.
func newPolicy(t testing.TB, mode Mode, allow, deny string) *Policy {
	t.Helper()
	a, err := ParseRules(allow)
	if err != nil {
		t.Fatal(err)
	}
	d, err := ParseRules(deny)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Config{Mode: mode, Allow: a, Deny: d, Local: func() ([]netip.Addr, error) { return nil, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *Policy) at(addr string, port uint16) error {
	return p.CheckAddr(addr, netip.AddrPortFrom(netip.MustParseAddr(addr), port))
}

// ranges has the first and the last address of every range, and what each is.
var ranges = []struct {
	first, last string
	firm        firmness
	words       string
}{
	{"0.0.0.0", "0.255.255.255", never, "unspecified"},
	{"10.0.0.0", "10.255.255.255", byMode, "private"},
	{"100.64.0.0", "100.127.255.255", byMode, "carrier-grade"},
	{"100.100.100.200", "100.100.100.200", never, "metadata"},
	{"127.0.0.0", "127.255.255.255", byMode, "loopback"},
	{"168.63.129.16", "168.63.129.16", never, "metadata"},
	{"169.254.0.0", "169.254.255.255", byExact, "link-local"},
	{"169.254.169.254", "169.254.169.254", never, "metadata"},
	{"169.254.170.2", "169.254.170.2", never, "metadata"},
	{"172.16.0.0", "172.31.255.255", byMode, "private"},
	{"192.0.0.0", "192.0.0.191", byMode, "reserved"},
	{"192.0.0.192", "192.0.0.192", never, "metadata"},
	{"192.0.0.193", "192.0.0.255", byMode, "reserved"},
	{"192.0.2.0", "192.0.2.255", byMode, "documentation"},
	{"192.88.99.0", "192.88.99.255", byMode, "tunnel"},
	{"192.168.0.0", "192.168.255.255", byMode, "private"},
	{"198.18.0.0", "198.19.255.255", byMode, "benchmarks"},
	{"198.51.100.0", "198.51.100.255", byMode, "documentation"},
	{"203.0.113.0", "203.0.113.255", byMode, "documentation"},
	{"224.0.0.0", "239.255.255.255", never, "multicast"},
	{"240.0.0.0", "255.255.255.254", byMode, "reserved"},
	{"255.255.255.255", "255.255.255.255", never, "broadcast"},
	{"::", "::", never, "unspecified"},
	{"::1", "::1", byMode, "loopback"},
	{"::2:0:0:1", "::fff:ffff:ffff:ffff:ffff", byMode, "reserved"},
	{"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", byMode, "NAT64"},
	{"100::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", byMode, "reserved"},
	{"2001:0:101:101::fefe:fefe", "2001:0:101:101:ffff:ffff:f7f7:f7f7", byMode, "tunnel"},
	{"2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", byMode, "benchmarks"},
	{"2001:3::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", byMode, "reserved"},
	{"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", byMode, "documentation"},
	{"2002:101:101::", "2002:101:101:ffff:ffff:ffff:ffff:ffff", byMode, "tunnel"},
	{"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", byMode, "documentation"},
	{"4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", byMode, "reserved"},
	{"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", byMode, "unique local"},
	{"fd00:ec2::", "fd00:ec2:ffff:ffff:ffff:ffff:ffff:ffff", never, "metadata"},
	{"fd00:42::42", "fd00:42::42", never, "metadata"},
	{"fd20:ce::254", "fd20:ce::254", never, "metadata"},
	{"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", byExact, "link-local"},
	{"fe80::a9fe:a9fe", "fe80::a9fe:a9fe", never, "metadata"},
	{"fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", byMode, "site-local"},
	{"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", never, "multicast"},
}

// public is just outside of the ranges.
var public = []string{
	"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
	"168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
	"191.255.255.255",
	"192.0.1.0", "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0",
	"198.17.255.255", "198.20.0.0",
	"198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
	"2000::", "2001:200::", "2001:db7:ffff::", "2001:db9::", "2003::", "3ffe:ffff::", "3fff:1000::", "2606:4700::1111",
	"64:ff9b::101:101",
}

func TestRanges(t *testing.T) {
	open, shut := newPolicy(t, Private, "", ""), newPolicy(t, Public, "", "")
	for _, r := range ranges {
		for _, addr := range []string{r.first, r.last} {
			err := shut.at(addr, 80)
			if err == nil || !strings.Contains(err.Error(), r.words) {
				t.Errorf("public, %s: %v, want %q", addr, err, r.words)
			}
			if err := open.at(addr, 80); (err != nil) != (r.firm != byMode) {
				t.Errorf("private, %s: %v", addr, err)
			}
			if r.firm != byMode && err.Error() != open.at(addr, 80).Error() {
				t.Errorf("%s: the modes differ in words", addr)
			}
		}
	}
	for _, addr := range public {
		if err := errors.Join(open.at(addr, 80), shut.at(addr, 443)); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

// embeddings are IPv6 addresses that lead to an IPv4 one.
var embeddings = map[string]func(v4 [4]byte) netip.Addr{
	"mapped":     func(v [4]byte) netip.Addr { return at(netip.MustParseAddr("::ffff:0:0"), 12, v[:]...) },
	"compatible": func(v [4]byte) netip.Addr { return at(netip.MustParseAddr("::"), 12, v[:]...) },
	"translated": func(v [4]byte) netip.Addr { return at(netip.MustParseAddr("::ffff:0:0:0"), 12, v[:]...) },
	"NAT64":      func(v [4]byte) netip.Addr { return at(netip.MustParseAddr("64:ff9b::"), 12, v[:]...) },
	"6to4":       func(v [4]byte) netip.Addr { return at(netip.MustParseAddr("2002::1"), 2, v[:]...) },
	"Teredo server": func(v [4]byte) netip.Addr {
		return at(netip.MustParseAddr("2001::ffff:f7f7:f7f7"), 4, v[:]...)
	},
	"Teredo client": func(v [4]byte) netip.Addr {
		return at(netip.MustParseAddr("2001:0:101:101::"), 12, ^v[0], ^v[1], ^v[2], ^v[3])
	},
	"ISATAP":         func(v [4]byte) netip.Addr { return at(netip.MustParseAddr("2003::5efe:0:0"), 12, v[:]...) },
	"ISATAP, global": func(v [4]byte) netip.Addr { return at(netip.MustParseAddr("2003::200:5efe:0:0"), 12, v[:]...) },
	"local NAT64 /48": func(v [4]byte) netip.Addr {
		return at(netip.MustParseAddr("64:ff9b:1::"), 6, v[0], v[1], 0, v[2], v[3])
	},
	"local NAT64 /56": func(v [4]byte) netip.Addr {
		return at(netip.MustParseAddr("64:ff9b:1::"), 7, v[0], 0, v[1], v[2], v[3])
	},
	"local NAT64 /64": func(v [4]byte) netip.Addr { return at(netip.MustParseAddr("64:ff9b:1::"), 9, v[:]...) },
	"local NAT64 /96": func(v [4]byte) netip.Addr { return at(netip.MustParseAddr("64:ff9b:1:5::"), 12, v[:]...) },
}

// at returns the address with bytes from a place on.
func at(a netip.Addr, place int, bytes ...byte) netip.Addr {
	b := a.As16()
	copy(b[place:], bytes)
	return netip.AddrFrom16(b)
}

// An IPv4 address that nothing opens is not reached by another spelling, and
// in public mode neither is a private one.
func TestEmbeddedAddresses(t *testing.T) {
	everything := "0.0.0.0/0, ::/0, *.example.com, :1-65535"
	for name, embed := range embeddings {
		for _, v4 := range []string{"169.254.169.254", "100.100.100.200", "168.63.129.16", "169.254.1.1"} {
			a := embed(netip.MustParseAddr(v4).As4())
			for _, p := range []*Policy{newPolicy(t, Private, "", ""), newPolicy(t, Public, everything, "")} {
				if err := p.CheckAddr("x.example.com", netip.AddrPortFrom(a, 80)); err == nil ||
					!strings.Contains(err.Error(), v4) {
					t.Errorf("%s of %s, %s: %v", name, v4, a, err)
				}
			}
		}
		for _, v4 := range []string{"10.1.2.3", "127.0.0.1", "192.168.7.7"} {
			a := embed(netip.MustParseAddr(v4).As4())
			if err := newPolicy(t, Public, "", "").at(a.String(), 80); err == nil {
				t.Errorf("%s of %s, %s: allowed", name, v4, a)
			}
			if err := newPolicy(t, Private, "", v4).at(a.String(), 80); err == nil &&
				!strings.HasPrefix(name, "local NAT64") {
				t.Errorf("%s of %s, %s: the deny list does not see it", name, v4, a)
			}
		}
	}
	ok := newPolicy(t, Public, "10.0.0.0/8", "")
	if err := ok.at("64:ff9b::a01:203", 80); err != nil {
		t.Errorf("a translator's form of what is allowed: %v", err)
	}
	if err := ok.at("2002:a01:203::1", 80); err == nil {
		t.Error("a tunnel to what is allowed is allowed")
	}
}

// A local NAT64 with a /96 has zeros where a /48 would have the address.
func TestLocalNAT64IsUsableWhenAllowed(t *testing.T) {
	p := newPolicy(t, Public, "64:ff9b:1::/48", "")
	if err := p.at("64:ff9b:1::5db8:d822", 443); err != nil {
		t.Error(err)
	}
	if err := newPolicy(t, Private, "", "").at("64:ff9b:1::5db8:d822", 443); err != nil {
		t.Error(err)
	}
}

func TestListsDecide(t *testing.T) {
	for name, tc := range map[string]struct {
		mode              Mode
		allow, deny, host string
		addr              string
		port              uint16
		want              string // part of the refusal; empty: allowed
	}{
		"public refuses": {Public, "", "", "a.test", "10.0.0.1", 80,
			"10.0.0.1 is a private address (10.0.0.0/8), and egress is public"},
		"a network opens":              {Public, "10.0.0.0/24", "", "a.test", "10.0.0.1", 80, ""},
		"another network does not":     {Public, "10.0.1.0/24", "", "a.test", "10.0.0.1", 80, "private"},
		"an address opens":             {Public, "10.0.0.1", "", "10.0.0.1", "10.0.0.1", 80, ""},
		"a name opens":                 {Public, "hook.internal", "", "Hook.Internal.", "10.0.0.1", 80, ""},
		"another name does not":        {Public, "hook.internal", "", "evil-hook.internal", "10.0.0.1", 80, "private"},
		"names below":                  {Public, "*.internal", "", "a.b.internal", "10.0.0.1", 80, ""},
		"the name itself is not below": {Public, "*.internal", "", "internal", "10.0.0.1", 80, "private"},
		"a suffix is not below":        {Public, "*.internal", "", "x-internal", "10.0.0.1", 80, "private"},
		"a port opens":                 {Public, ":8080", "", "a.test", "10.0.0.1", 8080, ""},
		"another port does not":        {Public, ":8080", "", "a.test", "10.0.0.1", 8081, "private"},
		"both must hold":               {Public, "10.0.0.0/8:8000-8010", "", "a.test", "10.0.0.1", 8011, "private"},
		"both hold":                    {Public, "10.0.0.0/8:8000-8010", "", "a.test", "10.0.0.1", 8010, ""},
		"IPv6 with a port":             {Public, "[fd00::/8]:443", "", "a.test", "fd12::1", 443, ""},
		"mapped IPv6 is IPv4":          {Public, "10.0.0.0/8", "", "a.test", "::ffff:10.0.0.1", 443, ""},
		"a zone does not hide": {Private, "", "fd00::/8", "a.test", "fd12::1%eth0", 443,
			`[fd12::1]:443 is denied by "fd00::/8"`},
		"deny goes over allow": {Public, "10.0.0.0/8", "10.9.0.0/16", "a.test", "10.9.0.1", 80,
			`10.9.0.1:80 is denied by "10.9.0.0/16"`},
		"deny holds in private mode": {Private, "", "10.0.0.0/8", "a.test", "10.9.0.1", 80, "denied"},
		"deny holds for the public":  {Private, "", "1.1.1.1", "a.test", "1.1.1.1", 80, "denied"},
		"a denied name":              {Private, "", "*.evil.test", "x.evil.test", "1.1.1.1", 80, "denied"},
		"a denied port":              {Private, "", ":25", "a.test", "1.1.1.1", 25, `1.1.1.1:25 is denied by ":25"`},
		"link-local by its address":  {Public, "169.254.7.7", "", "a.test", "169.254.7.7", 80, ""},
		"link-local in private mode": {Private, "169.254.7.7:80", "", "a.test", "169.254.7.7", 80, ""},
		"link-local, another port":   {Private, "169.254.7.7:80", "", "a.test", "169.254.7.7", 81, "link-local"},
		"link-local not by its network": {Public, "0.0.0.0/0", "", "a.test", "169.254.7.7", 80,
			"169.254.7.7 is a link-local address (169.254.0.0/16), which egress_allow opens one by one"},
		"link-local not by a name": {Public, "a.test", "", "a.test", "169.254.7.7", 80, "link-local"},
		"metadata by nothing": {Public, "0.0.0.0/0, a.test, :80, 169.254.169.254", "", "a.test",
			"169.254.169.254", 80, "169.254.169.254 is an address of cloud metadata, which is never called"},
		"unspecified by nothing": {Public, "0.0.0.0/0, 0.0.0.0", "", "a.test", "0.0.0.0", 80, "unspecified"},
	} {
		err := newPolicy(t, tc.mode, tc.allow, tc.deny).CheckAddr(tc.host,
			netip.AddrPortFrom(netip.MustParseAddr(tc.addr), tc.port))
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
		if _, refusal := errors.AsType[*Refusal](err); err != nil && !refusal {
			t.Errorf("%s: the error is a %T", name, err)
		}
	}
}

func TestNames(t *testing.T) {
	p := newPolicy(t, Private, "", "evil.test, *.bad.test:8443, :25, 10.0.0.0/8")
	for target, want := range map[string]bool{
		"evil.test 80": true, "EVIL.test. 443": true, "a.evil.test 80": false, "bad.test 8443": false,
		"a.bad.test 8443": true,
		"a.bad.test 443":  false, "good.test 25": true, "good.test 26": false,
	} {
		host, port, _ := strings.Cut(target, " ")
		n, _, _ := parsePorts(port)
		if err := p.CheckName(host, n); (err != nil) != want {
			t.Errorf("%s: %v", target, err)
		}
	}
}

// Belfry does not call itself, whatever is allowed.
func TestOwnAddress(t *testing.T) {
	local := []netip.Addr{netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("fd12::5%eth0"),
		netip.MustParseAddr("93.184.216.34")}
	for name, tc := range map[string]struct {
		own     string
		refused []string
		open    []string
	}{
		"loopback": {
			"127.0.0.1:3000",
			[]string{"127.0.0.1:3000", "[::ffff:127.0.0.1]:3000", "[64:ff9b::7f00:1]:3000", "[64:ff9b:1::7f00:1]:3000"},
			[]string{"127.0.0.1:3001", "127.0.0.2:3000", "[::1]:3000", "10.0.0.5:3000"},
		},
		"one address": {"[::ffff:10.0.0.5]:3000", []string{"10.0.0.5:3000"},
			[]string{"127.0.0.1:3000", "10.0.0.6:3000"}},
		"all of them": {
			"0.0.0.0:3000",
			[]string{"127.0.0.1:3000", "127.8.8.8:3000", "[::1]:3000", "10.0.0.5:3000", "[fd12::5]:3000",
				"93.184.216.34:3000", "[2002:a00:5::1]:3000"},
			[]string{"127.0.0.1:3001", "10.0.0.6:3000", "1.1.1.1:3000"},
		},
		"all of them, IPv6": {"[::]:3000", []string{"127.0.0.1:3000", "[::1]:3000", "10.0.0.5:3000"},
			[]string{"10.0.0.6:3000"}},
		"nowhere": {"", nil, []string{"127.0.0.1:3000", "127.0.0.1:0"}},
	} {
		allow, err := ParseRules("0.0.0.0/0, ::/0, a.test, :3000")
		if err != nil {
			t.Fatal(err)
		}
		cfg := Config{Mode: Public, Allow: allow, Local: func() ([]netip.Addr, error) { return local, nil }}
		if tc.own != "" {
			cfg.Own = netip.MustParseAddrPort(tc.own)
		}
		p, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range tc.refused {
			if err := p.CheckAddr("a.test", netip.MustParseAddrPort(to)); err == nil ||
				!strings.Contains(err.Error(), "is where Belfry itself listens") {
				t.Errorf("%s: %s: %v", name, to, err)
			}
		}
		for _, to := range tc.open {
			if err := p.CheckAddr("a.test", netip.MustParseAddrPort(to)); err != nil {
				t.Errorf("%s: %s: %v", name, to, err)
			}
		}
	}
}

// What cannot be known is refused.
func TestUnknownInterfaces(t *testing.T) {
	p, err := New(Config{
		Mode: Private, Own: netip.MustParseAddrPort("0.0.0.0:3000"),
		Local: func() ([]netip.Addr, error) { return nil, errors.New("no netlink") },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.at("10.0.0.6", 3000); err == nil || !strings.Contains(err.Error(), "no netlink") {
		t.Error(err)
	}
	if err := p.at("10.0.0.6", 3001); err != nil {
		t.Error(err)
	}
}

func TestMachineHasLoopback(t *testing.T) {
	local, err := interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range local {
		if a.IsLoopback() {
			return
		}
	}
	t.Errorf("no loopback address among %v", local)
}

func TestModes(t *testing.T) {
	for _, mode := range []Mode{"", "PUBLIC", "open"} {
		if _, err := New(Config{Mode: mode}); err == nil {
			t.Errorf("mode %q was taken", mode)
		}
	}
}

func TestURLs(t *testing.T) {
	p := newPolicy(t, Public, "10.7.0.0/16", "evil.test, :25")
	for raw, want := range map[string]string{
		"http://169.254.169.254/latest/":       "metadata",
		"http://[::ffff:a9fe:a9fe]/":           "metadata",
		"https://10.0.0.1/":                    "private",
		"https://10.7.0.1/":                    "",
		"http://[fe80::1%25eth0]/":             "link-local",
		"http://evil.test/":                    `evil.test:80 is denied by "evil.test"`,
		"HTTPS://evil.test/":                   "evil.test:443 is denied",
		"http://good.test:25/":                 "denied",
		"http://localhost:8080/":               "loopback",
		"http://LOCALHOST./":                   "loopback",
		"http://x.localhost/":                  "loopback",
		"http://example.com/":                  "",
		"http://metadata.google.internal/":     "", // DNS will tell
		"http://93.184.216.34:8080/":           "",
		"http://[2606:4700::1111]:8080/x?y=:1": "",
		"::not a url":                          "",
	} {
		err := p.CheckURL(raw)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", raw, err, want)
		}
	}
}

// Whatever else is set: what Public allows, Private allows; a deny list never
// opens, an allow list never shuts.
func TestModesAndListsAreMonotone(t *testing.T) {
	lists := []string{"", "10.0.0.0/8", "0.0.0.0/0", "::/0", "a.test", "*.test:80", ":80", "fd00::/8, 127.0.0.1"}
	rapid.Check(t, func(t *rapid.T) {
		var a netip.Addr
		if rapid.Bool().Draw(t, "v4") {
			a = netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "addr")))
		} else {
			a = netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "addr")))
		}
		if name := rapid.SampledFrom([]string{"", "NAT64", "6to4", "mapped"}).Draw(t, "disguise"); name != "" &&
			a.Is4() {
			a = embeddings[name](a.As4())
		}
		to := netip.AddrPortFrom(a, rapid.SampledFrom([]uint16{80, 443}).Draw(t, "port"))
		allow, deny := rapid.SampledFrom(lists).Draw(t, "allow"), rapid.SampledFrom(lists).Draw(t, "deny")
		ar, _ := ParseRules(allow)
		dr, _ := ParseRules(deny)
		judge := func(c Config) bool {
			c.Local = func() ([]netip.Addr, error) { return nil, nil }
			p, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			return p.CheckAddr("x.test", to) == nil
		}
		shut := judge(Config{Mode: Public, Allow: ar, Deny: dr})
		if shut && !judge(Config{Mode: Private, Allow: ar, Deny: dr}) {
			t.Fatalf("%s: public allows it, private does not", to)
		}
		if shut && !judge(Config{Mode: Public, Allow: ar}) {
			t.Fatalf("%s: the deny list opens it", to)
		}
		if judge(Config{Mode: Public}) && !judge(Config{Mode: Public, Allow: ar}) {
			t.Fatalf("%s: the allow list shuts it", to)
		}
	})
}

// TestGuessedReadings: whether a range is refused in an address of several readings
// is a property of its kind, and not of the text that describes it.
func TestGuessedReadings(t *testing.T) {
	p := newPolicy(t, Private, "", "")
	for _, s := range spans {
		addr := s.prefix.Addr()
		for _, tc := range []struct {
			guessed, want bool
		}{
			{false, s.firm != byMode}, {true, s.whenGuessed},
		} {
			if err := p.always(form{addr: addr, guessed: tc.guessed}, addr, 80); (err != nil) != tc.want {
				t.Errorf("%s, guessed %t: %v, want refused %t", addr, tc.guessed, err, tc.want)
			}
		}
	}
	for _, s := range []string{"169.254.169.254", "169.254.1.1"} {
		if at, _ := spanOf(netip.MustParseAddr(s)); !at.whenGuessed {
			t.Errorf("%s is open in an address of a local NAT64", s)
		}
	}
}
