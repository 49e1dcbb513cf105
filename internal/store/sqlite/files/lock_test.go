package files

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// The file itself is locked, whatever happens to the lock file.
func TestInodeIsLocked(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is the lock file alone")
	}
	path := filepath.Join(t.TempDir(), "jobs.db")
	first, err := lockInode(path)
	must(t, err)
	if _, err := lockInode(path); err == nil || !strings.Contains(err.Error(), "is in use by another process") {
		t.Errorf("a second lock: error %v", err)
	}
	must(t, first.Close())
	second, err := lockInode(path)
	must(t, err, second.Close())
}
