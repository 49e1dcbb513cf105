package resolve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// Ten thousand names at one instant keep to the budget, and are served in the order in
// which they came.
func TestManyNamesAtOnce(t *testing.T) {
	const names = 10_000
	z := newZone(aLookup, always(time.Minute, "192.0.2.1"))
	virtual(t, z, func(t *testing.T, r *Resolver, m *telemetry.Names) {
		var wg sync.WaitGroup
		for i := range names {
			wg.Go(func() { wantFound(t, r, fmt.Sprintf("h%d.test", i)) })
			if i%500 == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		if under, waiting := testutil.ToFloat64(m.UnderWay), testutil.ToFloat64(m.Waiting); under !=
			maxUnderWay || waiting != names-maxUnderWay {
			t.Errorf("%v under way, %v waiting", under, waiting)
		}
		begun := time.Now()
		wg.Wait()
		if took, want := time.Since(begun), aLookup*time.Duration((names+maxUnderWay-1)/maxUnderWay); took > want {
			t.Errorf("took %v, want %v", took, want)
		}
		if n, most := z.total(); n != names || most != maxUnderWay {
			t.Errorf("%d lookups, %d at a time", n, most)
		}
		for i, name := range z.order { // groups of 500 came in any order within
			var place int
			_, _ = fmt.Sscanf(name, "h%d.test", &place)
			if d := place - i; d > 600 || d < -600 {
				t.Fatalf("%s was served as number %d", name, i)
			}
		}
		if n := testutil.ToFloat64(m.Lookups.WithLabelValues(telemetry.LookupFound)); n != names {
			t.Errorf("%v lookups are counted", n)
		}
		for i := range names { // they are all known
			wantAddrs(t, r, fmt.Sprintf("h%d.test", i), "192.0.2.1", 0)
		}
	})
}

func wantFound(t *testing.T, r *Resolver, name string) {
	t.Helper()
	if _, err := r.Resolve(t.Context(), name); err != nil {
		t.Error(err)
	}
}

// Name servers that do not answer do not keep other names from being looked up, once
// they are known to be slow.
func TestSilentServersLeaveRoom(t *testing.T) {
	z := newZone(0, nil)
	z.set(lookupTimeout-time.Millisecond, func(name string) (Answer, error) { return Answer{}, errSilent })
	virtual(t, z, func(t *testing.T, r *Resolver, _ *telemetry.Names) {
		var wg sync.WaitGroup
		for i := range 2 * maxUnderWay {
			wg.Go(func() { _, _ = r.Resolve(t.Context(), fmt.Sprintf("dead%d.test", i)) })
		}
		wg.Wait()
		time.Sleep(maxRetry)
		for i := range 2 * maxUnderWay { // again, a part of the budget at most
			r.Prepare(fmt.Sprintf("dead%d.test", i))
		}
		synctest.Wait()
		z.set(aLookup, always(time.Minute, "192.0.2.1"))
		wantAddrs(t, r, "good.test", "192.0.2.1", aLookup)
	})
}

// A call whose name did not get its turn says so.
func TestCallWithoutItsTurn(t *testing.T) {
	z := newZone(time.Hour, never(errSilent))
	virtual(t, z, func(t *testing.T, r *Resolver, _ *telemetry.Names) {
		for i := range maxUnderWay {
			r.Prepare(fmt.Sprintf("dead%d.test", i))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := r.Resolve(ctx, "a.test")
		if dns, ok := errors.AsType[*net.DNSError](err); !ok || !dns.IsTimeout || dns.Err != Crowded {
			t.Errorf("error %v", err)
		}
	})
}

// The name that was unused for longest is dropped, never all of them.
func TestMemoryIsBounded(t *testing.T) {
	z := newZone(0, always(maxTTL, "192.0.2.1"))
	virtual(t, z, func(t *testing.T, r *Resolver, _ *telemetry.Names) {
		name := func(i int) string { return fmt.Sprintf("h%d.test", i) }
		for i := range maxNames {
			wantFound(t, r, name(i))
		}
		wantFound(t, r, name(0)) // in use again
		for i := range 100 {
			wantFound(t, r, name(maxNames+i))
		}
		if names, _, _ := r.sizes(); names != maxNames {
			t.Errorf("%d names, want %d", names, maxNames)
		}
		for i := range 110 {
			if known := r.knows(name(i)); known != (i == 0 || i > 100) {
				t.Errorf("%s known: %v", name(i), known)
			}
		}
		n, _ := z.total()
		wantFound(t, r, name(1))
		if again, _ := z.total(); again != n+1 {
			t.Error("a dropped name is looked up again")
		}
	})
}

// Where every name waits for its lookup, another one is refused, and the memory does not
// grow.
func TestMoreNamesThanCanWait(t *testing.T) {
	z := newZone(time.Second, always(maxTTL, "192.0.2.1"))
	virtual(t, z, func(t *testing.T, r *Resolver, _ *telemetry.Names) {
		for i := range maxNames + 10 {
			r.Prepare(fmt.Sprintf("h%d.test", i))
		}
		_, err := r.Resolve(t.Context(), "one-more.test")
		if dns, ok := errors.AsType[*net.DNSError](err); !ok || dns.Err != Crowded || dns.IsTimeout {
			t.Errorf("error %v", err)
		}
		if names, waiting, _ := r.sizes(); names != maxNames || waiting != maxNames-maxUnderWay {
			t.Errorf("%d names, %d wait", names, waiting)
		}
		time.Sleep(1500 * time.Millisecond) // some are known now, and may be dropped
		wantFound(t, r, "one-more.test")
	})
}
