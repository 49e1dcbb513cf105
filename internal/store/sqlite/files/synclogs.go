package files

import (
	"errors"
	"os"
	"path/filepath"
)

// SyncLogs makes durable what the last process had written and not yet synced
// when it was killed. Its commits are read back from memory of the system, and
// what is built on them (the watermark moves past facts) must not survive a
// power cut that they do not.
func SyncLogs(folder string) error {
	logs, err := filepath.Glob(filepath.Join(folder, HistoryFolder, "*.db"+LogSuffix))
	own, ownErr := filepath.Glob(filepath.Join(folder, "*.db"+LogSuffix))
	if err := errors.Join(err, ownErr); err != nil {
		return err
	}
	for _, path := range append(logs, own...) {
		if err := syncFile(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
