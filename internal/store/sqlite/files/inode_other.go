//go:build !linux

package files

import "io"

// isMountPoint is not known here.
func isMountPoint(string) bool { return false }

// lockInode does nothing here: the lock file is the lock.
func lockInode(string) (io.Closer, error) { return nil, nil }
