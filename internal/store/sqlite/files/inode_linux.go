package files

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// isMountPoint reports whether something is mounted on the path. Kernels before
// 5.8 do not tell.
func isMountPoint(path string) bool {
	var stat unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_BASIC_STATS, &stat)
	return err == nil && stat.Attributes&stat.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT != 0
}

// lockedByte is far beyond the bytes that SQLite locks (1 GiB and the next 510),
// and beyond every file.
const lockedByte = 1 << 62

// lockInode locks the database file itself, so that a second process is kept out even
// if somebody has removed the lock file. The lock belongs to the open file and not to
// the process, so it does not interfere with the locks of SQLite. It must be closed
// after SQLite has closed all of its files, because closing any descriptor of a file
// drops SQLite's locks on it.
func lockInode(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Start: lockedByte, Len: 1})
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return nil, errors.Join(domain.Unavailable(nil, "%s is in use by another process: only one may open it", path),
			f.Close())
	}
	return f, nil // a file system without such locks has the lock file
}
