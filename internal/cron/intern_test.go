package cron

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"
)

func TestParseInterns(t *testing.T) {
	a := mustParse(t, "0 15 10 * * *", "Europe/Berlin", DST{})
	b := mustParse(t, strings.Clone("0 15 10 * * *"), "Europe/Berlin", DST{Gap: GapAfter})
	if a != b {
		t.Error("equal arguments, two schedules")
	}
	for _, other := range []*Schedule{
		mustParse(t, "0 15 10 * * ?", "Europe/Berlin", DST{}),
		mustParse(t, "0 15 10 * * *", "Europe/Paris", DST{}),
		mustParse(t, "0 15 10 * * *", "Europe/Berlin", DST{Gap: GapSkip}),
		mustParse(t, "0 15 10 * * *", "Europe/Berlin", DST{Fold: FoldBoth}),
	} {
		if a == other {
			t.Errorf("%q in %s %+v is taken for another", other, other.Zone(), other.dst)
		}
	}
	if mustParse(t, "@daily", "", DST{}) != mustParse(t, "@daily", "UTC", DST{}) {
		t.Error("no zone and UTC differ")
	}
	if a.String() != "0 15 10 * * *" || a.Zone() != "Europe/Berlin" || a.Location().String() != "Europe/Berlin" {
		t.Errorf("%s in %s", a, a.Zone())
	}
}

// TestInternedSchedulesAreCollected: a schedule that nobody holds leaves the table.
func TestInternedSchedulesAreCollected(t *testing.T) {
	const text = "0 17 3 5 7 ?"
	held := func() bool {
		_, ok := interned.Load(key{text, "UTC", DST{GapAfter, FoldFirst}})
		return ok
	}
	func() {
		s := mustParse(t, text, "", DST{})
		if runtime.GC(); !held() {
			t.Fatal("a schedule in use was collected")
		}
		runtime.KeepAlive(s)
	}()
	for i := 0; held(); i++ {
		if i == 1000 {
			t.Fatal("still in the table after 1000 collections")
		}
		runtime.GC() // cleanups run on a goroutine of their own: give it turns until it has come by
		runtime.Gosched()
	}
	if s := mustParse(t, text, "", DST{}); s.String() != text {
		t.Errorf("parsed again: %v", s)
	}
}

// TestParseConcurrently: goroutines that ask for the same get the same, while others ask for something else.
func TestParseConcurrently(t *testing.T) {
	const workers = 8
	var got [workers]*Schedule
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range 200 {
				if i%50 == 0 {
					runtime.GC()
				}
				if _, err := Parse("0 "+itoa(i%60)+" * * * *", "Asia/Tokyo", DST{}); err != nil {
					t.Error(err)
				}
			}
			got[w], _ = Parse("0 0 7 * * *", "Asia/Tokyo", DST{})
			got[w].Next(0, Binding{})
		})
	}
	wg.Wait()
	for _, s := range got {
		if s == nil || s != got[0] {
			t.Fatal("two schedules for one text")
		}
	}
}

// TestParseKeepsNoCaller: neither the schedule nor the table holds on to the request that text and zone were cut from.
func TestParseKeepsNoCaller(t *testing.T) {
	request := strings.Clone("0 18 3 5 7 ?|Africa/Nairobi|and a megabyte more")
	text, rest, _ := strings.Cut(request, "|")
	zone, _, _ := strings.Cut(rest, "|")
	s := mustParse(t, text, zone, DST{})
	if within(s.text, request) || within(s.clock.zone.name, request) {
		t.Error("the schedule holds the request")
	}
	interned.Range(func(k, _ any) bool {
		if k := k.(key); within(k.text, request) || within(k.zone, request) {
			t.Error("the table holds the request")
		}
		return true
	})
	for name := range zones.byName {
		if within(name, request) {
			t.Error("the zones hold the request")
		}
	}
}

// within reports whether a string is a part of the memory of another.
func within(part, whole string) bool {
	at, start := uintptr(unsafe.Pointer(unsafe.StringData(part))), uintptr(unsafe.Pointer(unsafe.StringData(whole)))
	return at >= start && at < start+uintptr(len(whole))
}
