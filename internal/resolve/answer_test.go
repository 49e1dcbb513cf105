package resolve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestKindOf(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want kind
	}{
		{nil, found},
		{errAbsent, absent},
		{fmt.Errorf("wrapped: %w", errAbsent), absent},
		{errServers, failed},
		{errSilent, timeout},
		{context.DeadlineExceeded, timeout},
		{context.Canceled, failed},
		{&net.OpError{Op: "dial", Err: errors.New("connection refused")}, failed},
	} {
		if got := kindOf(tc.err); got != tc.want {
			t.Errorf("%v: %d, want %d", tc.err, got, tc.want)
		}
	}
}

func TestBound(t *testing.T) {
	var many []netip.Addr
	for i := range 4000 {
		many = append(many, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
	}
	many = append(many, netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("::ffff:10.0.0.1"))
	got := bound(many)
	if want := append(slices.Clone(many[:maxPerFamily]), netip.MustParseAddr("2001:db8::1")); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := bound(addrs("::ffff:127.0.0.1")); !slices.Equal(got, addrs("127.0.0.1")) {
		t.Errorf("%v, want the address in its usual form", got)
	}
	if cap(got) > 2*maxPerFamily {
		t.Errorf("room for %d addresses is kept", cap(got))
	}
}

func TestComplete(t *testing.T) {
	known := addrs("10.0.0.1", "2001:db8::1", "10.0.0.2")
	for _, tc := range []struct {
		answer Answer
		want   []netip.Addr
		added  bool
	}{
		{Answer{Addrs: addrs("10.0.0.9")}, addrs("10.0.0.9"), false},
		{Answer{Addrs: addrs("10.0.0.9"), Missing6: true}, addrs("10.0.0.9", "2001:db8::1"), true},
		{Answer{Addrs: addrs("2001:db8::9"), Missing4: true}, addrs("2001:db8::9", "10.0.0.1", "10.0.0.2"), true},
		{Answer{Addrs: addrs("2001:db8::1"), Missing6: true}, addrs("2001:db8::1"), false},
	} {
		if got, added := complete(tc.answer, known); !slices.Equal(got, tc.want) || added != tc.added {
			t.Errorf("%+v: %v, %v, want %v, %v", tc.answer, got, added, tc.want, tc.added)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, tc := range []struct {
		what      string
		got, want time.Duration
	}{
		{"a TTL of zero", useFor(0), minTTL},
		{"a TTL within the bounds", useFor(90 * time.Second), 90 * time.Second},
		{"a TTL of a day", useFor(24 * time.Hour), maxTTL},
		{"a refusal without a TTL", refuseFor(0), defaultRefusal},
		{"a refusal within the bounds", refuseFor(9 * time.Second), 9 * time.Second},
		{"a refusal for an hour", refuseFor(time.Hour), maxRefusal},
		{"the first failure", retryAfter(1), time.Second},
		{"the second", retryAfter(2), 2 * time.Second},
		{"the fifth", retryAfter(5), 16 * time.Second},
		{"the sixth", retryAfter(6), maxRetry},
		{"the millionth", retryAfter(1_000_000), maxRetry},
		{"ahead, the least draw", aheadOf(100*time.Second, 0), 60 * time.Second},
		{"ahead, half", aheadOf(100*time.Second, .5), 75 * time.Second},
		{"in use, a second each", keptFor(time.Second, keepFor), 30 * time.Second},
		{"in use, a minute each", keptFor(time.Minute, keepFor), keepFor},
		{"in use, longer than that", keptFor(10*time.Minute, keepFor), 10 * time.Minute},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %v, want %v", tc.what, tc.got, tc.want)
		}
	}
	if last := aheadOf(100*time.Second, .999999); last >= 90*time.Second || last < 89*time.Second {
		t.Errorf("the greatest draw: %v", last)
	}
}
