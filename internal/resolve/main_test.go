package resolve

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func addrs(texts ...string) []netip.Addr {
	all := make([]netip.Addr, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParseAddr(text)
	}
	return all
}

var (
	errServers = &net.DNSError{Err: misbehaving, Name: "x.test", IsTemporary: true}
	errAbsent  = &net.DNSError{Err: "no such host", Name: "x.test", IsNotFound: true}
	errSilent  = &net.DNSError{Err: "i/o timeout", Name: "x.test", IsTimeout: true}
)

// zone is what a lookup in a test finds. It counts.
type zone struct {
	mu     sync.Mutex
	answer func(name string) (Answer, error)
	takes  time.Duration
	asked  map[string]int
	order  []string
	now    int
	most   int // under way at a time
}

func newZone(takes time.Duration, answer func(name string) (Answer, error)) *zone {
	return &zone{answer: answer, takes: takes, asked: map[string]int{}}
}

func (z *zone) set(takes time.Duration, answer func(name string) (Answer, error)) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.takes, z.answer = takes, answer
}

func (z *zone) lookup(ctx context.Context, name string) (Answer, error) {
	z.mu.Lock()
	z.asked[name]++
	z.order = append(z.order, name)
	z.now++
	z.most = max(z.most, z.now)
	takes, answer := z.takes, z.answer
	z.mu.Unlock()
	defer func() {
		z.mu.Lock()
		defer z.mu.Unlock()
		z.now--
	}()
	select {
	case <-time.After(takes):
		return answer(name)
	case <-ctx.Done():
		return Answer{}, &net.DNSError{Err: "i/o timeout", Name: name, IsTimeout: true}
	}
}

func (z *zone) count(name string) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.asked[name]
}

func (z *zone) total() (n, most int) {
	z.mu.Lock()
	defer z.mu.Unlock()
	return len(z.order), z.most
}

// always answers with the same for each name.
func always(ttl time.Duration, texts ...string) func(string) (Answer, error) {
	return func(string) (Answer, error) { return Answer{Addrs: addrs(texts...), TTL: ttl}, nil }
}

func never(err error) func(string) (Answer, error) {
	return func(string) (Answer, error) { return Answer{}, err }
}

const keepFor = 6 * time.Minute

// virtual runs a test with a resolver in virtual time.
func virtual(t *testing.T, z *zone, test func(t *testing.T, r *Resolver, m *telemetry.Names)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer cancel()
		m := telemetry.NewNames()
		test(t, New(ctx, Config{KeepFor: keepFor, Metrics: m, Lookup: z.lookup}), m)
	})
}

// wantAddrs resolves a name, and wants an address after that much waiting.
func wantAddrs(t *testing.T, r *Resolver, name, want string, wait time.Duration) {
	t.Helper()
	begun := time.Now()
	got, err := r.Resolve(t.Context(), name)
	if err != nil || len(got) == 0 || got[0].String() != want {
		t.Errorf("%s: %v, %v, want %s", name, got, err, want)
	}
	if waited := time.Since(begun); waited != wait {
		t.Errorf("%s: the call waited for %v, want %v", name, waited, wait)
	}
}

func wantError(t *testing.T, r *Resolver, name string, want error, wait time.Duration) {
	t.Helper()
	begun := time.Now()
	got, err := r.Resolve(t.Context(), name)
	if !errors.Is(err, want) || got != nil {
		t.Errorf("%s: %v, %v, want %v", name, got, err, want)
	}
	if waited := time.Since(begun); waited != wait {
		t.Errorf("%s: the call waited for %v, want %v", name, waited, wait)
	}
}

// sizes returns how many names are remembered, wait in line and are looked up.
func (r *Resolver) sizes() (names, waiting, underWay int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.names), r.line.length(), r.line.underWay
}

func (r *Resolver) knows(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.names[name] != nil
}
