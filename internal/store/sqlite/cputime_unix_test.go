//go:build unix

package sqlite

import (
	"testing"

	"golang.org/x/sys/unix"
)

// cpuTime returns the processor time of this process in nanoseconds. On a
// shared machine it says more than the time on the wall.
func cpuTime(b *testing.B) int64 {
	var use unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return use.Utime.Nano() + use.Stime.Nano()
}
