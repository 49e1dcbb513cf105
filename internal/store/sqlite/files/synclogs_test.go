package files

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSyncLogs: syncLogs accepts the logs of both kinds of files, and a folder without
// any. A log that cannot be opened is an error, because later commits would be based on
// its content.
func TestSyncLogs(t *testing.T) {
	dir := t.TempDir()
	if err := SyncLogs(dir); err != nil {
		t.Fatalf("an empty folder: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "history"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"jobs.db-wal", "history/2026-03-09.db-wal"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("frames"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := SyncLogs(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "history", "2026-03-10.db-wal"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := SyncLogs(dir); err == nil {
		t.Error("a log that is no file was passed over")
	}
}
