package cron

import (
	"runtime"
	"sync"
	"weak"
)

// key is what makes two schedules the same.
type key struct {
	text, zone string
	dst        DST
}

// interned maps a key to a weak.Pointer[Schedule] for each schedule in use. A million
// jobs with one text share one Schedule. When the last job no longer references it, the
// schedule and its entry are removed.
var interned sync.Map

// intern stores a fresh schedule, unless another goroutine was faster: then that one's is used.
func intern(k key, s *Schedule) *Schedule {
	p := weak.Make(s)
	for {
		old, loaded := interned.LoadOrStore(k, p)
		if !loaded {
			break
		}
		if first := old.(weak.Pointer[Schedule]).Value(); first != nil {
			return first
		}
		if interned.CompareAndSwap(k, old, p) {
			break
		}
	}
	// Only the entry that is still this schedule's is removed: a successor may have taken its place.
	runtime.AddCleanup(s, func(k key) { interned.CompareAndDelete(k, p) }, k)
	return s
}
