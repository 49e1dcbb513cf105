package resolve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

const aLookup = 50 * time.Millisecond

// A lookup is shared by those who wait for it, and its outcome is used until it runs out.
func TestLookupsAreShared(t *testing.T) {
	z := newZone(aLookup, func(name string) (Answer, error) {
		switch name {
		case "bad.test":
			return Answer{}, errServers
		case "none.test":
			return Answer{TTL: 10 * time.Second}, errAbsent
		case "empty.test":
			return Answer{}, nil
		}
		return Answer{Addrs: addrs("::ffff:192.0.2.1"), TTL: time.Minute}, nil
	})
	virtual(t, z, func(t *testing.T, r *Resolver, _ *telemetry.Names) {
		burst := func(name string, want int) {
			t.Helper()
			var wg sync.WaitGroup
			for range 1000 {
				wg.Go(func() {
					got, err := r.Resolve(t.Context(), name)
					if name == "good.test" && (err != nil || !slices.Equal(got, addrs("192.0.2.1"))) {
						t.Errorf("%v, %v", got, err)
					}
					if name != "good.test" && err == nil {
						t.Errorf("%s: no error", name)
					}
				})
			}
			wg.Wait()
			if n := z.count(name); n != want {
				t.Errorf("%s: %d lookups, want %d", name, n, want)
			}
		}
		for i, name := range []string{"good.test", "bad.test", "none.test", "empty.test"} {
			burst(name, 1)
			burst(name, 1)
			if i == 3 && !isNotFound(r, name) {
				t.Error("a name without an address is absent")
			}
		}
		time.Sleep(minRetry) // the failure is no longer remembered, nor the absence without a TTL
		burst("bad.test", 2)
		burst("empty.test", 2)
		burst("none.test", 1)
		time.Sleep(10 * time.Second)
		burst("none.test", 2)
		burst("good.test", 1)
	})
}

func isNotFound(r *Resolver, name string) bool {
	_, err := r.Resolve(context.Background(), name)
	dns, ok := errors.AsType[*net.DNSError](err)
	return ok && dns.IsNotFound
}

// A name in use is looked up ahead of the end of its answer, and no call waits for that.
func TestNamesInUseAreRefreshed(t *testing.T) {
	z := newZone(aLookup, always(10*time.Second, "192.0.2.1"))
	virtual(t, z, func(t *testing.T, r *Resolver, m *telemetry.Names) {
		wantAddrs(t, r, "a.test", "192.0.2.1", aLookup)
		for i := range 600 { // five minutes
			if i == 300 {
				z.set(aLookup, always(10*time.Second, "192.0.2.2"))
			}
			time.Sleep(500 * time.Millisecond)
			want := "192.0.2.1"
			if i >= 300+19 { // it has moved, and the last answer has run out
				want = "192.0.2.2"
			}
			if i < 300 || i >= 300+19 {
				wantAddrs(t, r, "a.test", want, 0)
			}
		}
		if n := z.count("a.test"); n < 300/9 || n > 300/6+1 {
			t.Errorf("%d lookups in 300 s, want one every 6 to 9 s", n)
		}
		if n := testutil.ToFloat64(m.Stale); n != 0 {
			t.Errorf("addresses past their TTL were used %v times", n)
		}
		used := z.count("a.test")
		time.Sleep(keptFor(10*time.Second, keepFor) + 20*time.Second) // not in use any more
		unused := z.count("a.test")
		if n := unused - used; n > maxUnused*10/6 {
			t.Errorf("%d lookups after the last use", n)
		}
		time.Sleep(time.Hour)
		if n := z.count("a.test"); n != unused {
			t.Errorf("%d lookups of a name that is not in use", n-unused)
		}
		wantAddrs(t, r, "a.test", "192.0.2.2", aLookup) // known, but its TTL has passed
	})
}

// A thousand names, each called once a second, through name servers that take 50 ms: once
// they are known no call waits, ever.
func TestThousandNamesInUse(t *testing.T) {
	const names = 1000 / fewerNames
	for _, ttl := range []time.Duration{time.Second, 7 * time.Second, time.Minute} {
		seconds := 10 + 2*int(ttl.Seconds())
		z := newZone(aLookup, always(ttl, "192.0.2.1"))
		virtual(t, z, func(t *testing.T, r *Resolver, m *telemetry.Names) {
			var wg sync.WaitGroup
			for i := range names {
				wg.Go(func() { wantFound(t, r, fmt.Sprintf("h%d.test", i)) })
			}
			wg.Wait()
			begun := time.Now()
			for second := range seconds {
				for i := range names {
					time.Sleep(
						time.Until(begun.Add(time.Duration(second)*time.Second + time.Duration(i)*time.Second/names)))
					wantAddrs(t, r, fmt.Sprintf("h%d.test", i), "192.0.2.1", 0)
				}
			}
			if n, most := z.total(); n > int(names*(float64(seconds)/(aheadFrom*ttl.Seconds())+2)) ||
				most > maxUnderWay {
				t.Errorf("TTL %v: %d lookups, %d at a time", ttl, n, most)
			}
			if n := testutil.ToFloat64(m.Stale); ttl > time.Second && n > 0 {
				t.Errorf("TTL %v: addresses past their TTL were used %v times", ttl, n)
			}
		})
	}
}

// Names that were asked for together are not refreshed together.
func TestRefreshesAreSpread(t *testing.T) {
	const names = 1000
	z := newZone(aLookup, always(time.Minute, "192.0.2.1"))
	virtual(t, z, func(t *testing.T, r *Resolver, _ *telemetry.Names) {
		var wg sync.WaitGroup
		begun := time.Now()
		for i := range names {
			wg.Go(func() { _, _ = r.Resolve(t.Context(), fmt.Sprintf("h%d.test", i)) })
		}
		wg.Wait()
		for _, want := range []struct {
			at          time.Duration
			least, most int
		}{{30 * time.Second, 0, 0}, {45 * time.Second, 300, 700}, {56 * time.Second, names, names}} {
			time.Sleep(want.at - time.Since(begun))
			if n, _ := z.total(); n-names < want.least || n-names > want.most {
				t.Errorf("%d refreshes after %v, want %d to %d", n-names, want.at, want.least, want.most)
			}
		}
	})
}

// While no name server answers the last addresses are used, for an hour after their TTL. No
// call to a name in use waits.
func TestOutage(t *testing.T) {
	for what, takes := range map[string]time.Duration{"silent": time.Hour, "failing": aLookup} {
		t.Run(what, func(t *testing.T) {
			z := newZone(aLookup, always(time.Minute, "192.0.2.1"))
			virtual(t, z, func(t *testing.T, r *Resolver, m *telemetry.Names) {
				wantAddrs(t, r, "a.test", "192.0.2.1", aLookup)
				begun := time.Now()
				z.set(takes, never(errServers))
				for time.Since(begun) < time.Minute+maxStale-time.Second {
					wantAddrs(t, r, "a.test", "192.0.2.1", 0)
					time.Sleep(time.Second)
				}
				if n := testutil.ToFloat64(m.Stale); n < 3590 || n > 3600 {
					t.Errorf("addresses past their TTL were used %v times", n)
				}
				if n := z.count("a.test"); n > 60+3600/15 {
					t.Errorf("%d lookups in the outage", n)
				}
				o, ok := r.Outage("a.test")
				if since := o.Since.Sub(begun); !ok || o.Err == nil || since < 36*time.Second ||
					since > 65*time.Second {
					t.Errorf("outage %+v after %v, %v", o, since, ok)
				}
				if w := r.Warning(); !strings.Contains(w, "a.test cannot be looked up since ") {
					t.Errorf("warning %q", w)
				}
				time.Sleep(2 * time.Second) // the hour is over
				_, err := r.Resolve(t.Context(), "a.test")
				if err == nil {
					t.Error("addresses are used after an hour")
				}
				if w := r.Warning(); w != "" {
					t.Errorf("warning %q", w)
				}
				z.set(aLookup, always(time.Minute, "192.0.2.2"))
				time.Sleep(maxRetry + lookupTimeout)
				if got, err := r.Resolve(t.Context(), "a.test"); err != nil || !slices.Equal(got, addrs("192.0.2.2")) {
					t.Errorf("%v, %v", got, err)
				}
				if _, ok := r.Outage("a.test"); ok {
					t.Error("the outage is over")
				}
			})
		})
	}
}

// A name that was not in use is looked up first, for a moment.
func TestKnownNameWaitsForAMoment(t *testing.T) {
	z := newZone(aLookup, always(time.Second, "192.0.2.1"))
	virtual(t, z, func(t *testing.T, r *Resolver, m *telemetry.Names) {
		wantAddrs(t, r, "a.test", "192.0.2.1", aLookup)
		time.Sleep(10 * time.Minute)
		z.set(time.Hour, never(errServers))
		wantAddrs(t, r, "a.test", "192.0.2.1", staleWait)
		if o, ok := r.Outage("a.test"); !ok || o.Err != nil || time.Since(o.Since) != staleWait {
			t.Errorf("outage %+v, %v", o, ok)
		}
		wantAddrs(t, r, "a.test", "192.0.2.1", 0) // the same lookup, which has taken long enough
		time.Sleep(lookupTimeout)
		wantAddrs(t, r, "a.test", "192.0.2.1", 0) // it has failed
		if n := testutil.ToFloat64(m.Stale); n != 3 {
			t.Errorf("addresses past their TTL were used %v times", n)
		}
		time.Sleep(10 * time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		if got, err := r.Resolve(ctx, "a.test"); err != nil || got[0] != addrs("192.0.2.1")[0] {
			t.Errorf("%v, %v", got, err)
		}
		if waited := time.Since(begun); waited != time.Second/2 {
			t.Errorf("a call that has a second waited for %v", waited)
		}
		time.Sleep(10 * time.Minute)
		z.set(aLookup, always(time.Minute, "192.0.2.2")) // it answers, and has moved
		wantAddrs(t, r, "a.test", "192.0.2.2", aLookup)
		time.Sleep(10 * time.Minute)
		z.set(aLookup, never(errServers)) // it fails at once
		wantAddrs(t, r, "a.test", "192.0.2.2", aLookup)
	})
}

// From an authoritative no on the old addresses are not used.
func TestAbsenceEndsAddresses(t *testing.T) {
	z := newZone(aLookup, always(10*time.Second, "192.0.2.1"))
	virtual(t, z, func(t *testing.T, r *Resolver, _ *telemetry.Names) {
		wantAddrs(t, r, "a.test", "192.0.2.1", aLookup)
		z.set(aLookup, func(string) (Answer, error) { return Answer{TTL: 20 * time.Second}, errAbsent })
		time.Sleep(10 * time.Second)
		wantError(t, r, "a.test", errAbsent, 0) // by the refresh
		time.Sleep(time.Minute)
		z.set(aLookup, never(errServers))
		wantError(t, r, "a.test", errServers, aLookup)
		if _, ok := r.Outage("a.test"); ok || r.Warning() != "" {
			t.Error("there is no address to use")
		}
	})
}

// A failure of a name that never had an address is remembered for longer each time.
func TestFailuresAreRemembered(t *testing.T) {
	z := newZone(aLookup, never(errServers))
	virtual(t, z, func(t *testing.T, r *Resolver, _ *telemetry.Names) {
		for i, seconds := range []int{1, 2, 4, 8, 16, 30, 30} {
			wantError(t, r, "a.test", errServers, aLookup)
			if n := z.count("a.test"); n != i+1 {
				t.Errorf("%d lookups, want %d", n, i+1)
			}
			time.Sleep(time.Duration(seconds)*time.Second - time.Millisecond)
			wantError(t, r, "a.test", errServers, 0)
			time.Sleep(time.Millisecond)
		}
		z.set(aLookup, always(time.Minute, "192.0.2.1"))
		wantAddrs(t, r, "a.test", "192.0.2.1", aLookup)
	})
}

// A call does not wait beyond its own time; the lookup continues for the next one.
func TestCallEndsBeforeTheLookup(t *testing.T) {
	z := newZone(8*time.Second, always(time.Minute, "192.0.2.1"))
	virtual(t, z, func(t *testing.T, r *Resolver, _ *telemetry.Names) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := r.Resolve(ctx, "a.test")
		if dns, ok := errors.AsType[*net.DNSError](err); !ok || !dns.IsTimeout || dns.Err != "timeout" {
			t.Errorf("error %v", err)
		}
		wantAddrs(t, r, "a.test", "192.0.2.1", 3*time.Second)
		if n := z.count("a.test"); n != 1 {
			t.Errorf("%d lookups", n)
		}
	})
}

// Prepare looks a name up so that a call does not wait, and does not do so for a name
// that is known.
func TestPrepare(t *testing.T) {
	z := newZone(aLookup, always(10*time.Second, "192.0.2.1"))
	virtual(t, z, func(t *testing.T, r *Resolver, _ *telemetry.Names) {
		for range 3 {
			r.Prepare("a.test")
		}
		time.Sleep(aLookup / 2)
		wantAddrs(t, r, "a.test", "192.0.2.1", aLookup/2)
		r.Prepare("a.test")
		time.Sleep(time.Second)
		if n := z.count("a.test"); n != 1 {
			t.Errorf("%d lookups, want 1", n)
		}
		time.Sleep(time.Hour) // not in use
		n := z.count("a.test")
		r.Prepare("a.test")
		time.Sleep(time.Second / 2)
		wantAddrs(t, r, "a.test", "192.0.2.1", 0)
		if z.count("a.test") != n+1 {
			t.Errorf("%d lookups, want %d", z.count("a.test"), n+1)
		}
		z.set(aLookup, never(errAbsent))
		r.Prepare("none.test")
		time.Sleep(time.Second / 2)
		r.Prepare("none.test") // the refusal is remembered
		wantError(t, r, "none.test", errAbsent, 0)
		if z.count("none.test") != 1 {
			t.Errorf("%d lookups, want 1", z.count("none.test"))
		}
	})
}

// A name that is prepared, and waits in line for it, takes the next turn when a call
// needs it.
func TestCallBeforeItsPreparation(t *testing.T) {
	const names = 40 * maxUnderWay
	z := newZone(aLookup, always(time.Minute, "192.0.2.1"))
	virtual(t, z, func(t *testing.T, r *Resolver, _ *telemetry.Names) {
		for i := range names {
			r.Prepare(fmt.Sprintf("h%d.test", i))
		}
		wantAddrs(t, r, fmt.Sprintf("h%d.test", names-1), "192.0.2.1", 2*aLookup)
	})
}

// A name that was not in use when it should have been refreshed is refreshed at its next
// use, and that does not wait.
func TestRefreshAtTheNextUse(t *testing.T) {
	z := newZone(aLookup, always(time.Minute, "192.0.2.1"))
	virtual(t, z, func(t *testing.T, r *Resolver, _ *telemetry.Names) {
		wantAddrs(t, r, "a.test", "192.0.2.1", aLookup)
		r.mu.Lock()
		r.names["a.test"].used = time.Now().Add(-time.Hour)
		r.mu.Unlock()
		time.Sleep(55 * time.Second)
		if n := z.count("a.test"); n != 1 {
			t.Fatalf("%d lookups, want 1", n)
		}
		wantAddrs(t, r, "a.test", "192.0.2.1", 0)
		time.Sleep(aLookup)
		synctest.Wait()
		if n := z.count("a.test"); n != 2 {
			t.Errorf("%d lookups, want 2", n)
		}
	})
}

// When the context ends, lookups end, and nothing is refreshed any more.
func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		z := newZone(aLookup, always(10*time.Second, "192.0.2.1"))
		r := New(ctx, Config{KeepFor: keepFor, Lookup: z.lookup})
		wantAddrs(t, r, "a.test", "192.0.2.1", aLookup)
		z.set(time.Hour, never(errServers))
		for i := range 2 * maxUnderWay {
			r.Prepare(fmt.Sprintf("h%d.test", i))
		}
		cancel()
		synctest.Wait()
		n, _ := z.total()
		time.Sleep(time.Minute)
		again, _ := z.total()
		if _, waiting, underWay := r.sizes(); again != n || underWay+waiting != 0 {
			t.Errorf("%d lookups after the end, %d under way, %d waiting", again-n, underWay, waiting)
		}
	})
}
