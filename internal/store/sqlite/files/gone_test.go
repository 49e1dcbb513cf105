package files

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGoneErrorSaysWhatToDo(t *testing.T) {
	folder := t.TempDir()
	for path, want := range map[string][]string{
		filepath.Join(folder, "jobs.db"): {folder + "/jobs.db is gone", "put the same file back",
			"restore a backup"},
		filepath.Join(folder, "jobs.db-wal"):       {"jobs.db-wal is gone", "SIGTERM"},
		filepath.Join(folder, "a", "b", "jobs.db"): {folder + "/a is gone", "put the same folder back"},
	} {
		_, err := os.Stat(path)
		got := Gone(path, err).Error()
		for _, words := range want {
			if !strings.Contains(got, words) {
				t.Errorf("%s: %q does not say %q", path, got, words)
			}
		}
	}
	if got := Gone("/x/jobs.db", os.ErrPermission).Error(); !strings.Contains(got,
		"cannot be looked at: permission denied") {
		t.Errorf("no permission: %q", got)
	}
}
