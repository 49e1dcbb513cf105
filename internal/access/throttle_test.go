package access

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

func addr(n uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b)
}

func TestGuessingIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := NewThrottle(clock.System{})
		guesser, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
		began, tried := time.Now(), 0
		for time.Since(began) < time.Hour {
			if wait := throttle.Wait(guesser); wait > 0 {
				if wait > time.Second {
					t.Fatalf("a wait of %s", wait)
				}
				time.Sleep(wait)
				continue
			}
			throttle.Failed(guesser)
			tried++
		}
		if tried < 3_000 || tried > FailureBurst+3_601 {
			t.Errorf("%d guesses in an hour", tried)
		}
		if throttle.Wait(other) != 0 {
			t.Error("another address has to wait too")
		}
		time.Sleep(time.Minute)
		if throttle.Wait(guesser) != 0 {
			t.Error("it is not forgiven")
		}
	})
}

// TestManyAddresses fails from a million addresses: the memory is bounded, and
// they do not get more guesses together than the table has room for.
func TestManyAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := NewThrottle(clock.System{})
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		tried := 0
		for i := range uint32(1_000_000) {
			if a := addr(i); throttle.Wait(a) == 0 {
				throttle.Failed(a)
				tried++
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if len(throttle.known.byAddr) > maxAddresses {
			t.Errorf("%d addresses are kept", len(throttle.known.byAddr))
		}
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
			t.Errorf("the heap grew by %d bytes", grown)
		}
		if tried > maxAddresses+FailureBurst {
			t.Errorf("%d guesses", tried)
		}
		// One that failed before the flood stays counted through it.
		known := addr(0)
		for range FailureBurst {
			throttle.Failed(known)
		}
		for i := range uint32(20_000) {
			throttle.Failed(addr(1<<24 + i))
		}
		if throttle.Wait(known) == 0 {
			t.Error("a flood of other addresses has dropped it")
		}
		time.Sleep(time.Minute)
		throttle.Failed(addr(1 << 30))
		if len(throttle.known.byAddr) != 1 {
			t.Errorf("%d addresses are kept after a minute of peace", len(throttle.known.byAddr))
		}
	})
}

// TestGuessingAtOnce: a thousand guesses at the same moment are no more than one
// after the other.
func TestGuessingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := NewThrottle(clock.System{})
		var told atomic.Int64
		var guesses sync.WaitGroup
		for range 1_000 {
			guesses.Go(func() {
				if throttle.Failed(addr(1)) == 0 {
					told.Add(1)
				}
			})
		}
		guesses.Wait()
		if n := told.Load(); n != FailureBurst {
			t.Errorf("%d were told, want %d", n, FailureBurst)
		}
		if wait := throttle.Failed(addr(1)); wait <= 0 || wait > time.Second {
			t.Errorf("a wait of %s", wait)
		}
	})
}

func TestWhatIsOneAddress(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8::1", "2001:db8::ffff", true},
		{"2001:db8:0:1::1", "2001:db8:0:2::1", false},
		{"fe80::1%eth0", "fe80::1%eth1", true},
	} {
		if same := group(netip.MustParseAddr(tc.a)) == group(netip.MustParseAddr(tc.b)); same != tc.same {
			t.Errorf("%s and %s: %v", tc.a, tc.b, same)
		}
	}
	if group(netip.Addr{}) != (netip.Addr{}) {
		t.Error("no address is one")
	}
}
