package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// bootTime returns the time since boot, sleep included, or zero.
func bootTime() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
