package resolve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/resolve/dnstest"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/net/dns/dnsmessage"
)

// lookUp asks a server once, through package net.
func lookUp(t *testing.T, s *dnstest.Server, name string) (Answer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return system(s.Dial)(ctx, name)
}

// TestAnswers has a row for each thing that a name server can say.
func TestAnswers(t *testing.T) {
	s := dnstest.Serve(t)
	both := addrs("192.0.2.1", "192.0.2.2", "2001:db8::1")
	for _, tc := range []struct {
		what   string
		record dnstest.Record
		none   bool // the name does not exist
		want   kind
		addrs  int
		ttl    time.Duration
		miss6  bool
		tcp    bool
	}{
		{what: "addresses", record: dnstest.Record{Addrs: both, TTL: 300}, addrs: 3, ttl: 300 * time.Second},
		{what: "IPv4 only", record: dnstest.Record{Addrs: both[:1], TTL: 30, SOA: 5}, addrs: 1, ttl: 30 * time.Second},
		{what: "IPv6 only", record: dnstest.Record{Addrs: both[2:], TTL: 30, SOA: 5}, addrs: 1, ttl: 30 * time.Second},
		{what: "TTL zero", record: dnstest.Record{Addrs: both[:1]}, addrs: 1},
		{what: "TTL that is none", record: dnstest.Record{Addrs: both[:1], TTL: 1<<31 + 5}, addrs: 1},
		{what: "an alias with a lower TTL", addrs: 1, ttl: 7 * time.Second, record: dnstest.Record{Addrs: both[:1],
			TTL: 300, Aliases: []dnstest.Alias{{Name: "b.test.", TTL: 60}, {Name: "c.other.", TTL: 7}}}},
		{what: "an alias with a higher TTL", addrs: 1, ttl: 60 * time.Second, record: dnstest.Record{Addrs: both[:1],
			TTL: 60, Aliases: []dnstest.Alias{{Name: "b.test.", TTL: 3600}}}},
		{what: "an alias to nothing", want: absent, ttl: 9 * time.Second, record: dnstest.Record{SOA: 9,
			Aliases: []dnstest.Alias{{Name: "b.test.", TTL: 3600}}}},
		{what: "no such name", none: true, want: absent},
		{what: "no such name, with a TTL", record: dnstest.Record{RCode: dnsmessage.RCodeNameError, SOA: 17},
			want: absent, ttl: 17 * time.Second},
		{what: "no address", record: dnstest.Record{SOA: 4}, want: absent, ttl: 4 * time.Second},
		{what: "SERVFAIL", record: dnstest.Record{RCode: dnsmessage.RCodeServerFailure}, want: failed, miss6: true},
		{what: "REFUSED", record: dnstest.Record{RCode: dnsmessage.RCodeRefused}, want: failed, miss6: true},
		{what: "FORMERR", record: dnstest.Record{RCode: dnsmessage.RCodeFormatError}, want: failed, miss6: true},
		{what: "SERVFAIL for IPv6", addrs: 2, ttl: 30 * time.Second, miss6: true,
			record: dnstest.Record{Addrs: both, TTL: 30, RCode6: dnsmessage.RCodeServerFailure}},
		{what: "SERVFAIL for IPv6, no IPv4", want: failed, miss6: true,
			record: dnstest.Record{Addrs: both[2:], TTL: 30, RCode6: dnsmessage.RCodeServerFailure}},
		{what: "REFUSED for IPv6, no IPv4", want: failed, miss6: true,
			record: dnstest.Record{Addrs: both[2:], TTL: 30, RCode6: dnsmessage.RCodeRefused}},
		{what: "truncated", record: dnstest.Record{Addrs: both, TTL: 30, Truncate: true}, addrs: 3,
			ttl: 30 * time.Second, tcp: true},
		{what: "truncated, no address", record: dnstest.Record{SOA: 8, Truncate: true}, want: absent,
			ttl: 8 * time.Second, tcp: true},
	} {
		t.Run(tc.what, func(t *testing.T) {
			name := strings.Map(func(r rune) rune {
				if r == ' ' || r == ',' {
					return '-'
				}
				return r
			}, strings.ToLower(tc.what)) + ".test."
			if !tc.none {
				s.Set(name, tc.record)
			}
			before := s.OverTCP()
			got, err := lookUp(t, s, name)
			if kindOf(err) != tc.want || len(got.Addrs) != tc.addrs || got.TTL != tc.ttl || got.Missing6 != tc.miss6 {
				t.Errorf("%+v, %v", got, err)
			}
			if tcp := s.OverTCP() > before; tcp != tc.tcp {
				t.Errorf("over TCP: %v, want %v", tcp, tc.tcp)
			}
		})
	}
}

// An answer with thousands of addresses costs what a usual one does, from then on.
func TestThousandsOfAddresses(t *testing.T) {
	s := dnstest.Serve(t)
	r := dnstest.Record{TTL: 60}
	for i := range 3000 {
		r.Addrs = append(r.Addrs, netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}))
	}
	s.Set("crowd.test.", r)
	if got, err := lookUp(t, s, "crowd.test."); err != nil || len(got.Addrs) != maxPerFamily || got.TTL != time.Minute {
		t.Errorf("package net got %d addresses, TTL %v, %v", len(got.Addrs), got.TTL, err)
	}
	tcp := s.OverTCP()
	s.Set("few.test.", dnstest.Record{TTL: 60, Addrs: r.Addrs[:40]})
	if got, err := lookUp(t, s, "few.test."); err != nil || len(got.Addrs) != maxPerFamily || s.OverTCP() != tcp {
		t.Errorf("package net got %d addresses over UDP, %v", len(got.Addrs), err)
	}
	x := New(t.Context(), Config{KeepFor: keepFor, Dial: s.Dial})
	got, err := x.Resolve(t.Context(), "crowd.test.")
	if err != nil || len(got) != maxPerFamily || cap(got) > 2*maxPerFamily {
		t.Errorf("%d addresses, room for %d, %v", len(got), cap(got), err)
	}
	for _, a := range got {
		if !slices.Contains(r.Addrs, a) {
			t.Errorf("%v was not among them", a)
		}
	}
}

// TestShorten: what is within the limit, or cannot be read, stays as it is.
func TestShorten(t *testing.T) {
	name := dnsmessage.MustNewName("a.test.")
	pack := func(aliases, addresses int, kind dnsmessage.Type) []byte {
		m := dnsmessage.Message{
			Header:    dnsmessage.Header{ID: 7, Response: true, RecursionAvailable: true},
			Questions: []dnsmessage.Question{{Name: name, Type: kind, Class: dnsmessage.ClassINET}},
		}
		h := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 60}
		for range aliases {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.CNAMEResource{CNAME: name}})
		}
		for i := range addresses {
			r := dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: [4]byte{10, 0, 0, byte(i)}}}
			if kind == dnsmessage.TypeAAAA {
				r.Body = &dnsmessage.AAAAResource{AAAA: [16]byte{0x20, 1, 15: byte(i)}}
			}
			m.Answers = append(m.Answers, r)
		}
		packed, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	for _, kind := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA} {
		for _, tc := range [][3]int{{0, 1, 1}, {2, 16, 18}, {2, 17, 18}, {0, 200, 16}, {40, 0, 40}} {
			var m dnsmessage.Message
			if err := m.Unpack(shorten(pack(tc[0], tc[1], kind))); err != nil || len(m.Answers) != tc[2] || m.ID != 7 ||
				len(m.Questions) != 1 {
				t.Errorf("%d aliases and %d addresses became %d, %v", tc[0], tc[1], len(m.Answers), err)
			}
		}
		long := pack(0, 200, kind)
		broken := append(slices.Clone(long[:len(long)-5]), 0xff, 0xff) // package net would take those before the fault
		var m dnsmessage.Message
		if err := m.Unpack(shorten(broken)); err != nil || len(m.Answers) != maxPerFamily {
			t.Errorf("broken at the end: %d answers, %v", len(m.Answers), err)
		}
	}
	for _, odd := range [][]byte{nil, {1, 2, 3}, make([]byte, 12), pack(0, 3, dnsmessage.TypeA)[:40]} {
		if got := shorten(odd); !slices.Equal(got, odd) {
			t.Errorf("%v became %v", odd, got)
		}
	}
}

// A question whose packet is lost is sent again long before package net does so.
func TestLostPackets(t *testing.T) {
	t.Parallel()
	s := dnstest.Serve(t)
	s.Set("lossy.test.", dnstest.Record{
		Addrs: addrs("192.0.2.1", "2001:db8::1"), TTL: 60,
		Lose: func(n int, kind dnsmessage.Type) bool { return n == 1 && kind == dnsmessage.TypeA },
	})
	begun := time.Now()
	got, err := lookUp(t, s, "lossy.test.")
	if err != nil || len(got.Addrs) != 2 || got.TTL != time.Minute || got.Missing4 {
		t.Errorf("%+v, %v", got, err)
	}
	if took := time.Since(begun); took < firstRepeat || took > 4*time.Second {
		t.Errorf("took %v, want %v", took, firstRepeat)
	}
}

// A slow server is waited for, and its answer to the first question is taken, though it
// was asked again.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	s := dnstest.Serve(t)
	s.Set("slow.test.", dnstest.Record{Addrs: addrs("192.0.2.1"), TTL: 60, Delay: 1500 * time.Millisecond})
	got, err := lookUp(t, s, "slow.test.")
	if err != nil || len(got.Addrs) != 1 || got.TTL != time.Minute {
		t.Errorf("%+v, %v", got, err)
	}
	if n := s.Questions("slow.test."); n < 2 {
		t.Errorf("%d questions, want another one after %v", n, firstRepeat)
	}
}

// When a lookup ends its connections to the name servers end, so that the budget of
// lookups is also one of open files.
func TestConnectionsEndWithTheLookup(t *testing.T) {
	s := dnstest.Serve(t)
	s.Set("silent.test.", dnstest.Record{ // over TCP
		Truncate: true, Lose: func(n int, _ dnsmessage.Type) bool { return n > 1 },
	})
	conns := make(chan net.Conn, 16)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := s.Dial(ctx, network, address)
		if err == nil {
			conns <- c
		}
		return c, err
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	begun := time.Now()
	if _, err := system(dial)(ctx, "silent.test."); kindOf(err) != timeout {
		t.Errorf("error %v", err)
	}
	if s.OverTCP() == 0 {
		t.Fatal("nothing was asked over TCP")
	}
	for range len(conns) {
		for c := <-conns; c.SetWriteDeadline(time.Time{}) == nil; time.Sleep(time.Millisecond) {
			if time.Since(begun) > 4*time.Second { // package net waits for 5 s
				t.Fatal("a connection is open")
			}
		}
	}
}

// Messages that anybody may send to the port are passed over.
func TestForgedMessages(t *testing.T) {
	ask := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{
			{Name: dnsmessage.MustNewName("a.test."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	packed, err := ask.Pack()
	if err != nil {
		t.Fatal(err)
	}
	q, ok := questionOf(packed)
	if !ok || q != (question{7, "a.test.", ipv4}) {
		t.Fatalf("%+v, %v", q, ok)
	}
	answer := func(change func(*dnsmessage.Message)) []byte {
		m := dnsmessage.Message{
			Header:    dnsmessage.Header{ID: 7, Response: true, RecursionAvailable: true},
			Questions: slices.Clone(ask.Questions),
			Answers: []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: ask.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 60},
				Body:   &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}},
			}},
		}
		change(&m)
		packed, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	right := answer(func(*dnsmessage.Message) {})
	for what, message := range map[string][]byte{
		"empty":         {},
		"the question":  packed,
		"cut":           right[:len(right)-3],
		"half a header": right[:7],
		"another id":    answer(func(m *dnsmessage.Message) { m.ID = 8 }),
		"no response":   answer(func(m *dnsmessage.Message) { m.Response = false }),
		"truncated":     answer(func(m *dnsmessage.Message) { m.Truncated = true }),
		"another name": answer(func(m *dnsmessage.Message) {
			m.Questions[0].Name = dnsmessage.MustNewName("b.test.")
		}),
		"another type":       answer(func(m *dnsmessage.Message) { m.Questions[0].Type = dnsmessage.TypeAAAA }),
		"no question":        answer(func(m *dnsmessage.Message) { m.Questions = nil }),
		"knows nothing":      answer(func(m *dnsmessage.Message) { m.Answers, m.RecursionAvailable = nil, false }),
		"SERVFAIL":           answer(func(m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeServerFailure }),
		"a code without use": answer(func(m *dnsmessage.Message) { m.RCode = 14 }),
	} {
		if said, _, _ := read(q, message, false); said != unanswered {
			t.Errorf("%s: %d", what, said)
		}
	}
	if said, ttl, timed := read(q, right, false); said != positive || ttl != time.Minute || !timed {
		t.Errorf("%d, %v, %v", said, ttl, timed)
	}
	upper := answer(func(m *dnsmessage.Message) { m.Questions[0].Name = dnsmessage.MustNewName("A.tEST.") })
	if said, _, _ := read(q, upper, false); said != positive {
		t.Errorf("capitals: %d", said)
	}
}

func FuzzRead(f *testing.F) {
	m := dnsmessage.Message{
		Header: dnsmessage.Header{ID: 7, Response: true, Authoritative: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("a.test."), Type: dnsmessage.TypeA,
			Class: dnsmessage.ClassINET}},
		Answers: []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("a.test."),
				Class: dnsmessage.ClassINET, TTL: 60},
			Body: &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}},
		}},
	}
	packed, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed, true)
	f.Fuzz(func(t *testing.T, message []byte, stream bool) {
		if short := shorten(message); len(short) > len(message) {
			t.Errorf("%d bytes became %d", len(message), len(short))
		}
		said, ttl, timed := read(question{7, "a.test.", ipv4}, message, stream)
		if said < unanswered || ttl < 0 || ttl > 1<<31*time.Second || ttl > 0 && !timed || said == unanswered && timed {
			t.Errorf("%d, %v, %v", said, ttl, timed)
		}
	})
}

// The search list: one name after the other is asked for.
func TestConclude(t *testing.T) {
	ask := func(x *exchanges, name string, r4, r6 reply) {
		for f, r := range []reply{r4, r6} {
			x.asked(question{name: name, family: family(f)})
			if r > unanswered {
				x.mu.Lock()
				x.replies[f] = r
				x.mu.Unlock()
			}
		}
	}
	for _, tc := range []struct {
		what   string
		script func(x *exchanges)
		err    error
		want   kind
	}{
		{"no question: the hosts file", func(*exchanges) {}, nil, found},
		{"no question: no name", func(*exchanges) {}, errAbsent, absent},
		{"no everywhere", func(x *exchanges) {
			ask(x, "a.one.", negative, negative)
			ask(x, "a.", negative, negative)
		}, errAbsent, absent},
		{"a failure, then no", func(x *exchanges) {
			ask(x, "a.one.", unanswered, negative)
			ask(x, "a.", negative, negative)
		}, errAbsent, failed},
		{"no, then a failure", func(x *exchanges) {
			ask(x, "a.one.", negative, negative)
			ask(x, "a.", negative, unanswered)
		}, errAbsent, failed},
		{"a failure, then the next server says no", func(x *exchanges) {
			ask(x, "a.", unanswered, unanswered)
			ask(x, "A.", negative, negative)
		}, errAbsent, absent},
		{"a failure, then addresses", func(x *exchanges) {
			ask(x, "a.one.", unanswered, unanswered)
			ask(x, "a.", positive, negative)
		}, nil, found},
	} {
		x := new(exchanges)
		tc.script(x)
		got, err := x.conclude("a", Answer{Addrs: addrs("192.0.2.1")}, tc.err)
		if kindOf(err) != tc.want || got.Missing4 || tc.want == found && got.Missing6 {
			t.Errorf("%s: %+v, %v", tc.what, got, err)
		}
		if x.name == "" && err == nil && got.TTL != filesTTL {
			t.Errorf("%s: TTL %v", tc.what, got.TTL)
		}
	}
}

// Ten thousand names through a real server, at once.
func TestTenThousandNames(t *testing.T) {
	const names = 10_000 / fewerNames
	s := dnstest.Serve(t)
	s.SetOther(func(name string) (dnstest.Record, bool) {
		var a, b byte
		_, err := fmt.Sscanf(name, "h%d-%d.test.", &a, &b)
		return dnstest.Record{Addrs: []netip.Addr{netip.AddrFrom4([4]byte{127, 1, a, b})}, TTL: 600}, err == nil
	})
	m := telemetry.NewNames()
	r := New(t.Context(), Config{KeepFor: keepFor, Metrics: m, Dial: s.Dial})
	for range 2 {
		var wg sync.WaitGroup
		var wrong atomic.Int64
		for i := range names {
			wg.Go(func() {
				got, err := r.Resolve(t.Context(), fmt.Sprintf("h%d-%d.test.", i>>8, i&255))
				if err != nil || len(got) != 1 || got[0] != netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}) {
					if wrong.Add(1) == 1 {
						t.Errorf("%v, %v", got, err)
					}
				}
			})
		}
		wg.Wait()
		if n := wrong.Load(); n != 0 {
			t.Errorf("%d names were not found", n)
		}
	}
	if n := testutil.ToFloat64(m.Lookups.WithLabelValues(telemetry.LookupFound)); n != names {
		t.Errorf("%v lookups, want %d", n, names)
	}
	if most := s.Most(); most > 2*maxUnderWay {
		t.Errorf("%d questions at a time, want at most %d", most, 2*maxUnderWay)
	}
}

// A name moves when its TTL has passed, and not before.
func TestChangedAddress(t *testing.T) {
	t.Parallel()
	s := dnstest.Serve(t)
	s.SetAddrs("moves.test.", 2, "192.0.2.1")
	r := New(t.Context(), Config{KeepFor: keepFor, Dial: s.Dial})
	begun := time.Now()
	for moved := false; ; time.Sleep(5 * time.Millisecond) {
		got, err := r.Resolve(t.Context(), "moves.test.")
		if err != nil || len(got) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		after := time.Since(begun)
		if got[0] == addrs("192.0.2.2")[0] {
			if !moved || after < 1200*time.Millisecond {
				t.Errorf("moved after %v", after)
			}
			return
		}
		if after > 10*time.Second {
			t.Fatal("the new address is not seen")
		}
		if !moved {
			s.SetAddrs("moves.test.", 2, "192.0.2.2")
			moved = true
		}
	}
}

// A name server that cannot be reached is a failure, not an absence.
func TestUnreachableServer(t *testing.T) {
	refused := errors.New("no route")
	_, err := system(func(context.Context, string, string) (net.Conn, error) { return nil, refused })(
		t.Context(), "a.test.")
	if kindOf(err) != failed {
		t.Errorf("error %v", err)
	}
}

// A want of files says nothing of the name: it is told, and asked again at once when there is one.
func TestOutOfFilesIsNoFaultOfTheName(t *testing.T) {
	s := dnstest.Serve(t)
	s.Set("a.test.", dnstest.Record{Addrs: addrs("192.0.2.1"), TTL: 300})
	var without atomic.Bool
	r := New(t.Context(), Config{KeepFor: keepFor, Dial: func(ctx context.Context, network,
		at string) (net.Conn, error) {
		if without.Load() {
			return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)}
		}
		return s.Dial(ctx, network, at)
	}})
	without.Store(true)
	for range 3 {
		if _, err := r.Resolve(t.Context(), "a.test"); !errors.Is(err, syscall.EMFILE) {
			t.Fatalf("%v, want that there is no file", err)
		}
	}
	if warning := r.Warning(); warning != "" {
		t.Errorf("name servers are blamed: %s", warning)
	}
	without.Store(false)
	if got, err := r.Resolve(t.Context(), "a.test"); err != nil || len(got) != 1 {
		t.Errorf("%v, %v, want its address", got, err)
	}
}
