package app

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// The kernel's table of open files is made for as many as there may be, and none
// of them is left open.
func TestReserveFiles(t *testing.T) {
	size := func() (n int) {
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(status), "FDSize:")
		if _, err := fmt.Sscan(rest, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	files := func() int {
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(open)
	}
	want := min(2*size(), int(raiseOpenFiles(0)))
	before := files()
	reserveFiles(want)
	if got := size(); got < want {
		t.Errorf("a table of %d files, want %d", got, want)
	}
	if after := files(); after > before {
		t.Errorf("%d files open, %d before", after, before)
	}
	reserveFiles(math.MaxInt32) // more than may be open
	reserveFiles(0)             // unknown
}
