package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/store"
)

// Same returns an error unless the file at the path is the known one.
func Same(path string, known fs.FileInfo) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, Gone(path, err)
	case !os.SameFile(known, info):
		return nil, Replaced(path)
	}
	return info, nil
}

// Cut says that somebody has cut off a database, or has written a shorter
// file onto it.
func Cut(path string) error {
	return &store.GoneError{Path: path, Problem: "was cut off or overwritten by another program: it is " +
		"shorter than it was",
		Advice: "stop Belfry, restore a backup and start it; " + untilThen}
}

const untilThen = "nothing is sent and no change is taken until then"

// Gone words that a file cannot be found at its path any more. It names
// the folder when that is gone with all that is in it.
func Gone(path string, cause error) error {
	e := &store.GoneError{Path: path, Problem: "is gone", Advice: "put the same file back (a copy is another one), " +
		"or stop Belfry, restore a backup and start it; " + untilThen}
	if !errors.Is(cause, fs.ErrNotExist) {
		e.Problem = "cannot be looked at"
		e.Advice = reasonOf(cause) + "; " + untilThen
		return e
	}
	for folder := filepath.Dir(path); folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		e.Path = folder
	}
	switch {
	case e.Path != path:
		e.Advice = "put the same folder back (a copy is another one), or stop Belfry, restore a backup and " +
			"start it; " + untilThen
	case strings.HasSuffix(path, LogSuffix), strings.HasSuffix(path, MemorySuffix): // it can be mended
		e.Advice = "Belfry puts it back if it can; otherwise stop Belfry (SIGTERM, no kill), which saves what it " +
			"held, and start it; " + untilThen
	}
	return e
}

// Replaced says that another file has taken the place of one that is open.
func Replaced(path string) error {
	return &store.GoneError{Path: path, Problem: "is not the file that is open: another one has taken its place",
		Advice: "put the first one back, or stop Belfry and start it to go on with the new one; " + untilThen}
}

// reasonOf drops the path from an error about a file.
func reasonOf(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	return err.Error()
}
