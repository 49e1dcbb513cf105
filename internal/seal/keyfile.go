package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// maxKeyFileBytes bounds a key file: some 700 keys.
const maxKeyFileBytes = 32 << 10

const fileHead = `# Encryption keys of Belfry, for the secrets in the database beside this file.
# The first one seals, the others open what was sealed before. Keep a copy in
# another place than the copies of the database: without this file the secrets
# are lost.
`

// ReadFile reads a key file: a key on each line, the one that seals first; lines
// that begin with # say something to people. A file that others than its owner
// may read is refused. The error of a missing file is [fs.ErrNotExist].
func ReadFile(path string) ([]Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %04o: others may read it; chmod 600 it", path, info.Mode().Perm())
	}
	if info.Size() > maxKeyFileBytes {
		return nil, fmt.Errorf("%s has %d bytes: it is no key file", path, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	keys, err := parseFile(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

func parseFile(text string) ([]Key, error) {
	var keys []Key
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) { // a byte order mark
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		k, err := ParseKey(line)
		if err != nil {
			return nil, fmt.Errorf("the key on line %d %w", number, err)
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, errors.New("holds no key")
	}
	return keys, nil
}

// WriteFile puts keys into a file that only its owner may read, in place of the
// one that is there. After a crash, or a power cut, the file is the old one or
// the new one.
func WriteFile(path string, keys ...Key) (err error) {
	var text bytes.Buffer
	text.WriteString(fileHead)
	for _, k := range keys {
		text.WriteString(k.Reveal() + "\n")
	}
	next := path + ".new" // one name: what a crash leaves is overwritten, not added to
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text.Bytes())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	if err := os.Rename(next, path); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a new name in a folder survive a power cut.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" { // where a folder cannot be synced
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
