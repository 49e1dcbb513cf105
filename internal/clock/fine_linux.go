package clock

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// SleepFine sleeps for d, which should be a few milliseconds at most: it keeps
// a thread of the operating system. Go's timers wake by epoll, which counts
// whole milliseconds; this is late by about a tenth of one.
func SleepFine(d time.Duration) {
	if d <= 0 {
		return
	}
	remaining := unix.NsecToTimespec(int64(d))
	for {
		if !errors.Is(unix.Nanosleep(&remaining, &remaining), unix.EINTR) { // Go's scheduler sends signals
			return
		}
	}
}
