package access

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// TestAllowances: each address has its own, which comes back with time.
func TestAllowances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAddresses(10, 5)
		one, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
		if a.Known(one) != nil {
			t.Error("an address that did nothing is known")
		}
		take := func(from netip.Addr) (n int) {
			for a.Of(from, time.Now()).AllowN(time.Now(), 1) {
				n++
			}
			return n
		}
		if n := take(one); n != 5 {
			t.Errorf("%d at once, want 5", n)
		}
		if n := take(other); n != 5 {
			t.Errorf("%d at once by another address, want 5", n)
		}
		time.Sleep(200 * time.Millisecond)
		if n := take(one); n != 2 {
			t.Errorf("%d after 200 ms, want 2", n)
		}
		if a.Known(one) == nil || a.Known(one) == a.Known(other) {
			t.Error("they share one")
		}
	})
}

// TestAddressesAreBounded fills the table. Who is in it keeps his place, nobody
// else gets one until there is room, and the table is not searched for each who
// asks.
func TestAddressesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAddresses(1, 2)
		for i := range uint32(maxAddresses) {
			if a.Full() || a.Of(addr(i), time.Now()) == nil {
				t.Fatalf("full after %d", i)
			}
			a.Known(addr(i)).AllowN(time.Now(), 2)
		}
		if !a.Full() {
			t.Error("it is not full")
		}
		for i := range uint32(100_000) {
			if a.Of(addr(1<<24+i), time.Now()) != nil {
				t.Fatal("there was room for one more")
			}
		}
		if l := a.Of(addr(7), time.Now()); l == nil || l.AllowN(time.Now(), 1) {
			t.Error("a flood of other addresses has given one its allowance back")
		}
		if n := len(a.byAddr); n != maxAddresses {
			t.Errorf("%d addresses", n)
		}
		time.Sleep(time.Second) // one of two is back: none is dropped
		a.Known(addr(7)).AllowN(time.Now(), 1)
		time.Sleep(time.Second)
		if a.Of(addr(1<<30), time.Now()) == nil {
			t.Error("no room although all but one have their allowance back")
		}
		if n := len(a.byAddr); n != 2 || a.Known(addr(7)) == nil {
			t.Errorf("%d addresses are kept, want the one that is short of its allowance and the new one", n)
		}
	})
}
