//go:build unix

package front

import (
	"syscall"
	"testing"
)

// openFiles is how many connections this process can hold both ends of.
func openFiles(t *testing.T, want int) int {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	return min(want, (int(limit.Cur)-500)/2)
}
