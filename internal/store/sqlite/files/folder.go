package files

import (
	"errors"
	"os"
	"path/filepath"
)

// MakeFolder makes a folder, and those above it that are missing, and saves
// their names: SQLite syncs the folder that its files are in, but a folder is
// itself a name in the one above, and would be lost with all that is in it.
func MakeFolder(path string) error {
	above := filepath.Dir(path)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		// The process that created the folder may have been killed before it was synced.
		// If this user is not allowed to sync it, another user created it.
		_ = SyncFolder(above)
		return nil
	}
	if _, err := os.Stat(above); errors.Is(err, os.ErrNotExist) {
		if err := MakeFolder(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	return SyncFolder(above)
}

// SyncFolder makes durable which names a folder has.
func SyncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Create makes an empty file that only its owner may read. SQLite gives
// the log files beside it the same mode.
func Create(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// Remove deletes a database and its log files and makes that durable.
func Remove(path string) error {
	for _, suffix := range []string{"", LogSuffix, MemorySuffix} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return SyncFolder(filepath.Dir(path))
}
