package files

import (
	"errors"
	"os"
	"path/filepath"
)

// SyncLogs makes durable what the last process had written but not synced when it was
// killed. This process reads those commits from the page cache and builds on them: the
// watermark moves past their facts. After a power cut the later write must not be there
// without the earlier ones.
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
