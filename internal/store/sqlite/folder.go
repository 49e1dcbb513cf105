package sqlite

import (
	"errors"
	"os"
	"path/filepath"
)

// makeFolder makes a folder, and those above it that are missing, and saves
// their names: SQLite syncs the folder that its files are in, but a folder is
// itself a name in the one above, and would be lost with all that is in it.
func makeFolder(path string) error {
	above := filepath.Dir(path)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		// Whoever made it may have been killed before it was saved. If it may
		// not be saved by this user, it was not this user who made it.
		_ = syncFolder(above)
		return nil
	}
	if _, err := os.Stat(above); errors.Is(err, os.ErrNotExist) {
		if err := makeFolder(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	return syncFolder(above)
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
