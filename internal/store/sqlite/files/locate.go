package files

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// mostLinks bounds a chain of symbolic links, as systems do.
const mostLinks = 40

// realPath returns the absolute path of a file without links, as the system would
// resolve it: ".." after a link is the parent of the link's target. The file and the
// folders above it need not exist yet, and the last part of the path may be a link to
// a file that does not exist.
func realPath(path string) (string, error) {
	for range mostLinks {
		found, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Abs(found)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		target, err := os.Readlink(path)
		if err != nil { // it is no link: nothing is there
			return realPathOfNew(path)
		}
		if !filepath.IsAbs(target) { // not Join, which would drop a ".." after a link
			target = folderOf(path) + string(filepath.Separator) + target
		}
		path = target
	}
	return "", fmt.Errorf("%s: too many links", path)
}

// realPathOfNew is realPath of a file that does not exist, by its folder.
func realPathOfNew(path string) (string, error) {
	folder := folderOf(path)
	if folder == path {
		return filepath.Abs(path)
	}
	found, err := realPath(folder)
	return filepath.Join(found, filepath.Base(path)), err
}

// folderOf is filepath.Dir that leaves the folder as it is written.
func folderOf(path string) string {
	end := len(path) - 1
	for end >= 0 && os.IsPathSeparator(path[end]) {
		end--
	}
	for end >= 0 && !os.IsPathSeparator(path[end]) {
		end--
	}
	if end < 0 {
		return cmp.Or(filepath.VolumeName(path), ".")
	}
	if trimmed := strings.TrimRightFunc(path[:end], isSeparator); trimmed != "" {
		return trimmed
	}
	return path[:end+1]
}

func isSeparator(r rune) bool { return r < utf8.RuneSelf && os.IsPathSeparator(uint8(r)) }

// Locate finds where the database really is. Its lock, its log, its history and
// its key lie beside the real file, however it is named: two names of one
// database must meet in one lock. The error says what is in the way of that.
func Locate(given string) (path string, err error) {
	path, err = realPath(given)
	if err != nil {
		return "", CannotOpen(given, err)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", CannotOpen(path, err)
	case info.IsDir():
		return "", domain.Unavailable(nil, "%s is a folder: name the file in it, as in %s", path,
			filepath.Join(path, "jobs.db"))
	case !info.Mode().IsRegular():
		return "", domain.Unavailable(nil, "%s is not a regular file: jobs are kept in one", path)
	case hardLinks(info) > 1:
		return "", domain.Unavailable(nil, "%s has %d names (hard links): each would have a log and a "+
			"history of its own. "+
			"Remove the other names; cp makes a copy", path, hardLinks(info))
	case isMountPoint(path):
		return "", domain.Unavailable(nil, "%s is mounted as a single file: its log and its history would not "+
			"be beside it. "+
			"Mount its folder instead", path)
	}
	return path, checkLinkFolder(given, path)
}

// checkLinkFolder returns an error when an earlier Belfry, which did not follow
// links, has left a part of this database beside the link.
func checkLinkFolder(given, path string) error {
	link, err := filepath.Abs(given)
	if err != nil || link == path {
		return err
	}
	if !InUse(link + ".lock") { // it has never run by this name
		return nil
	}
	lock, err := tryLock(link + ".lock")
	switch {
	case err != nil:
		return domain.Unavailable(err, "cannot lock %s", link)
	case lock == nil:
		return domain.Unavailable(nil, "%s is in use by %s, by the name of %s", path, lockOwner(link+".lock"), link)
	}
	_ = lock.Unlock()
	var moves []string
	for _, name := range []string{HistoryFolder, KeyFile} {
		old, now := filepath.Join(filepath.Dir(link), name), filepath.Join(filepath.Dir(path), name)
		if InUse(old) && !isSame(old, now) {
			if InUse(now) {
				return domain.Unavailable(nil, "%s is a link to %s, and beside both there is a %s: put the files "+
					"that belong to this database "+
					"into %s, and move %s away", link, path, name, now, old)
			}
			moves = append(moves, fmt.Sprintf("mv %s %s", old, now))
		}
	}
	if len(moves) > 0 {
		return domain.Unavailable(nil, "%s is a link to %s, and a part of this database lies beside the link: move "+
			"it beside the real file, "+
			"and start again: %s", link, path, strings.Join(moves, "; "))
	}
	return nil
}

// InUse reports whether there is a file, or a folder with something in it.
func InUse(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return err == nil
	}
	entries, err := os.ReadDir(path)
	return err != nil || len(entries) > 0
}

// isSame reports whether two paths lead to the same file.
func isSame(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// CannotOpen words an error of Open.
func CannotOpen(path string, err error) error {
	if _, ok := errors.AsType[*domain.Error](err); ok {
		return err
	}
	if errors.Is(err, fs.ErrPermission) {
		return domain.Unavailable(err, "cannot open %s: the folder or a file in it is not writable", path)
	}
	return domain.Unavailable(err, "cannot open %s", path)
}
