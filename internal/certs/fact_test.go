package certs

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/target"
)

// What is recorded of a host is what its last handshake showed: verified, refused, not
// verified, resumed.
func TestFacts(t *testing.T) {
	t.Parallel()
	root := testRoot(t)
	middleEnds := time.Now().Add(30 * day).UTC().Truncate(time.Second)
	middle := root.Below(t, "middle", until(middleEnds))
	cert := middle.Issue(t, func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: "the hook"} })
	s := serve(t, &tls.Config{Certificates: []tls.Certificate{cert}})
	f := newClient(FixedRoots(root.Pool()))
	to, skip := f.to(s), f.under(s, "hook.test", true)
	host := to.peer.Host
	fact := func() Fact {
		t.Helper()
		got, ok := f.Facts().Of(host)
		if all := f.Facts().All(); !ok || len(all) != 1 || !all[0].SeenAt.Equal(got.SeenAt) {
			t.Fatalf("%d facts, %t", len(all), ok)
		}
		return got
	}
	if _, ok := f.Facts().Of(host); ok || len(f.Facts().All()) > 0 {
		t.Error("a fact without a handshake")
	}

	mustDial(t, s, skip, false)
	got := fact()
	if !got.Unchecked || got.Fault != "" || got.Issuer != "middle" || !got.Expires.Equal(cert.Leaf.NotAfter) {
		t.Errorf("not verified: %+v", got)
	}
	mustDial(t, s, to, false)
	got = fact()
	want := Fact{
		Host: host, Subject: "the hook", Names: []string{"hook.test", "127.0.0.1"}, Issuer: "middle",
		NotBefore: cert.Leaf.NotBefore, NotAfter: cert.Leaf.NotAfter, Expires: middleEnds, SeenAt: got.SeenAt,
		Version: "TLS 1.3",
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("verified\n got %+v\nwant %+v", got, want)
	}
	f.clock.Step(time.Hour)
	mustDial(t, s, to, true)
	if now := fact(); !now.Resumed || now.SeenAt.Sub(got.SeenAt) < time.Hour {
		t.Errorf("resumed: %+v", now)
	}
	mustDial(t, s, skip, true)
	if now := fact(); now.Unchecked || !now.Expires.Equal(middleEnds) {
		t.Errorf("a job that skips the verification has changed the result of others: %+v", now)
	}

	expired := root.Issue(t, until(time.Now().Add(-time.Minute)))
	s.use(&tls.Config{Certificates: []tls.Certificate{expired}, MaxVersion: tls.VersionTLS12})
	if _, err := dial(t, s, to); err == nil {
		t.Fatal("it is expired")
	}
	got = fact()
	if !strings.HasPrefix(got.Fault, "the certificate of hook.test expired on ") || got.Version != "TLS 1.2" ||
		!got.NotAfter.Equal(expired.Leaf.NotAfter) || got.Issuer != "root" {
		t.Errorf("expired: %+v", got)
	}
	s.use(&tls.Config{Certificates: []tls.Certificate{root.Issue(t, nil)}})
	mustDial(t, s, to, false)
	if got := fact(); got.Fault != "" {
		t.Errorf("renewed: %+v", got)
	}
}

// A handshake that does not come as far as the certificate leaves no fact.
func TestNoFact(t *testing.T) {
	t.Parallel()
	s := serve(t, &tls.Config{Certificates: []tls.Certificate{testRoot(t).Issue(t, nil)},
		MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	f := newClient(FixedRoots(nil))
	if _, err := dial(t, s, f.to(s)); err == nil || len(f.Facts().All()) > 0 {
		t.Errorf("%v; %+v", err, f.Facts().All())
	}
	f.counts.want(t, "handshakes", f.counts.handshakes, 0, 0, 1)
}

// noted records a certificate of a host without a handshake.
func noted(f *Facts, i int, from, until, now time.Time) target.Host {
	host := target.Of(fmt.Sprintf("https://h%d.test/", i))
	f.note(shown{host: host, now: now, window: validity{until: until}, state: tls.ConnectionState{
		PeerCertificates: []*x509.Certificate{{NotBefore: from, NotAfter: until, Raw: fmt.Append(nil, i, until)}}}})
	return host
}

func TestFactsAreBoundedAndSorted(t *testing.T) {
	t.Parallel()
	f, now := newFacts(), time.Unix(1_800_000_000, 0)
	for i := range maxFacts + 50 {
		noted(f, i, now, now.Add(time.Duration(i*7919%maxFacts)*time.Hour), now)
	}
	all := f.All()
	if len(all) != maxFacts || !slices.IsSortedFunc(all, func(a, b Fact) int { return a.Expires.Compare(b.Expires) }) {
		t.Errorf("%d facts", len(all))
	}
	if _, ok := f.Of(target.Of("https://h49.test/")); ok {
		t.Error("one of the oldest is there")
	}
	if n := len(f.First(now)); n != MaxFirst {
		t.Errorf("the first %d", n)
	}
}

func TestNamesAreBounded(t *testing.T) {
	t.Parallel()
	many := make([]string, 300)
	for i := range many {
		many[i] = strings.Repeat("x", 300)
	}
	names, more := namesOf(&x509.Certificate{DNSNames: many, IPAddresses: []net.IP{net.IPv4zero}})
	if len(names) != maxNames || more != 296 || len(names[0]) > maxNameBytes+3 {
		t.Errorf("%d names, %d more", len(names), more)
	}
	names, more = namesOf(&x509.Certificate{DNSNames: many[:2], IPAddresses: []net.IP{net.IPv4zero, net.IPv6loopback}})
	if strings.Join(names[2:], " ") != "0.0.0.0 ::1" || more != 0 {
		t.Errorf("%v, %d more", names, more)
	}
	for _, tc := range []struct {
		name pkix.Name
		want string
	}{
		{pkix.Name{CommonName: "a", Organization: []string{"b"}}, "a"}, {pkix.Name{Organization: []string{"b"}}, "b"},
		{pkix.Name{Country: []string{"CH"}}, "C=CH"}, {pkix.Name{}, "without a name"},
	} {
		if got := nameOf(tc.name); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}

// TestLevel: 21 and 7 days before the expiry; for certificates that live for less than
// 84 days, in the last quarter and the last twelfth.
func TestLevel(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for _, tc := range []struct {
		life, rest, seen time.Duration // seen: how long ago
		unchecked        bool
		want             Level
	}{
		{life: 90 * day, rest: 22 * day, want: LevelNone},
		{life: 90 * day, rest: 21*day + 1, want: LevelNone},
		{life: 90 * day, rest: 21 * day, want: LevelSoon},
		{life: 90 * day, rest: 7*day + 1, want: LevelSoon},
		{life: 90 * day, rest: 7 * day, want: LevelUrgent},
		{life: 90 * day, rest: 0, want: LevelUrgent},
		{life: 398 * day, rest: 21 * day, want: LevelSoon},
		{life: 398 * day, rest: 22 * day, want: LevelNone},
		{life: 48 * day, rest: 13 * day, want: LevelNone},
		{life: 48 * day, rest: 12 * day, want: LevelSoon},
		{life: 48 * day, rest: 4 * day, want: LevelUrgent},
		{life: 6 * day, rest: 2 * day, want: LevelNone},
		{life: 6 * day, rest: 36 * time.Hour, want: LevelSoon},
		{life: 6 * day, rest: 12 * time.Hour, want: LevelUrgent},
		{life: 2 * time.Hour, rest: time.Hour, want: LevelNone},
		{life: 90 * day, rest: -1, seen: 0, want: LevelExpired},
		{life: 90 * day, rest: -time.Hour, seen: time.Minute, want: LevelExpired},
		{life: 90 * day, rest: -time.Hour, seen: 2 * time.Hour, want: LevelNone}, // it may be renewed
		{life: 90 * day, rest: 6 * day, seen: 34 * day, want: LevelUrgent},
		{life: 90 * day, rest: 6 * day, seen: 36 * day, want: LevelNone}, // the host is not called any more
		{life: 90 * day, rest: -10 * day, seen: 0, unchecked: true, want: LevelNone},
	} {
		expires := now.Add(tc.rest)
		f := Fact{NotBefore: expires.Add(-tc.life), NotAfter: expires, Expires: expires, SeenAt: now.Add(-tc.seen),
			Unchecked: tc.unchecked}
		if got := f.Level(now); got != tc.want {
			t.Errorf("%+v: level %d", tc, got)
		}
	}
}

// Each host is reported once for each level, and again when the next certificate comes to its end.
func TestRising(t *testing.T) {
	t.Parallel()
	f, now := newFacts(), time.Unix(1_800_000_000, 0)
	see := func(i int, rest time.Duration) { noted(f, i, now.Add(rest-90*day), now.Add(rest), now) }
	rising := func() string {
		var hosts []string
		for _, fact := range f.Rising(now) {
			hosts = append(hosts, fact.Host.Endpoint().Name)
		}
		return strings.Join(hosts, " ")
	}
	expect := func(want, warning string) {
		t.Helper()
		if got := rising(); got != want {
			t.Errorf("rising: %q, want %q", got, want)
		}
		if got := rising(); got != "" {
			t.Errorf("again: %q", got)
		}
		if got := f.Warning(now); got != warning {
			t.Errorf("\nwarning %q\nwant    %q", got, warning)
		}
	}
	see(1, 30*day)
	see(2, 20*day)
	see(3, 5*day)
	expect("h3.test h2.test", "the certificate of https://h3.test:443 expires in 5 days, on 2027-01-20T08:00:00Z; "+
		"the certificate of https://h2.test:443 expires in 20 days, on 2027-02-04T08:00:00Z")
	see(3, 90*day) // renewed
	now = now.Add(14 * day)
	expect("h2.test h1.test", "the certificate of https://h2.test:443 expires in 6 days, on 2027-02-04T08:00:00Z; "+
		"the certificate of https://h1.test:443 expires in 16 days, on 2027-02-14T08:00:00Z")
	now = now.Add(7 * day)
	noted(f, 2, now.Add(-91*day), now.Add(-day), now.Add(-time.Minute)) // it was not renewed
	expect("h2.test", "the certificate of https://h2.test:443 expired on 2027-02-04T08:00:00Z, 24 hours ago; "+
		"the certificate of https://h1.test:443 expires in 9 days, on 2027-02-14T08:00:00Z")
	see(2, 90*day)
	for i := range 10 {
		see(i+100, 6*day)
	}
	rising()
	if got := f.Warning(now); strings.Count(got, ";") != maxShown || !strings.HasSuffix(got, "; and 6 more") {
		t.Errorf("warning %q", got)
	}
}

// A text about an authority that expires before the certificate of the host says so.
func TestAuthorityExpires(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	f := Fact{Host: target.Of("https://h.test/"), NotAfter: now.Add(80 * day), Expires: now.Add(10 * day), SeenAt: now,
		NotBefore: now.Add(-10 * day)}
	want := "an authority in the chain of https://h.test:443 expires in 10 days, on 2027-01-25T08:00:00Z"
	if got := f.Text(now); got != want || f.Level(now) != LevelSoon {
		t.Errorf("%q, level %d", got, f.Level(now))
	}
}

// Certificates of the server itself have the same levels.
func TestOwn(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for rest, want := range map[time.Duration]struct {
		level Level
		text  string
	}{
		22 * day: {LevelNone, ""},
		20 * day: {LevelSoon, "the client certificate bank expires in 20 days, on 2027-02-04T08:00:00Z"},
		7 * day:  {LevelUrgent, "the client certificate bank expires in 7 days, on 2027-01-22T08:00:00Z"},
		-3 * day: {LevelExpired, "the client certificate bank expired on 2027-01-12T08:00:00Z, 3 days ago"},
	} {
		cert := &x509.Certificate{NotBefore: now.Add(rest - 90*day), NotAfter: now.Add(rest)}
		if level, text := Own("the client certificate bank", cert, now); level != want.level || text != want.text {
			t.Errorf("%s: level %d, %q", rest, level, text)
		}
	}
}
