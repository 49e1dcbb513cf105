//go:build !linux

package clock

import "time"

// SleepFine sleeps for d. On this system it is no finer than time.Sleep.
func SleepFine(d time.Duration) { time.Sleep(d) }
