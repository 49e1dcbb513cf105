//go:build unix

package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"golang.org/x/sys/unix"
)

const (
	// maxSocketPath is the longest path of a socket that every system takes, whose
	// limits are 104 (macOS) and 108 bytes. The socket is made in a folder beside it,
	// whose name has up to socketSuffix bytes.
	maxSocketPath = 100
	socketSuffix  = len("/.b1234567890/s")

	// How long another start may hold the folder. It takes a millisecond.
	lockTries = 100
	lockPause = 20 * time.Millisecond

	socketTimeout = time.Second // for a server that is alive to take a connection
)

// socketListener is a unix socket. Closing it removes the file, if it is still the one
// that was made.
type socketListener struct {
	*net.UnixListener

	path   string
	file   fs.FileInfo
	remove sync.Once
}

// Addr implements net.Listener: the path under which the socket is found.
func (l *socketListener) Addr() net.Addr { return &net.UnixAddr{Name: l.path, Net: "unix"} }

// Close implements net.Listener.
func (l *socketListener) Close() error {
	l.remove.Do(func() {
		if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.file) {
			_ = os.Remove(l.path) // a socket that stays is replaced by the next start
		}
	})
	return l.UnixListener.Close()
}

// listenSocket makes a socket that only the user of this process may connect to, or says
// in one line why it cannot. The socket is made in a folder that nobody else may enter, and
// moved to its place when it has its mode: so there is no moment in which others may
// connect, and one that a crash has left is replaced in one step. Meanwhile the folder is
// locked against another start.
func listenSocket(ctx context.Context, path string) (net.Listener, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	folder := filepath.Dir(path)
	if max(len(path), len(folder)+socketSuffix) > maxSocketPath {
		return nil, fmt.Errorf("the path of the unix socket %s is too long for the system: choose one with at most %d "+
			"characters, of which the folder has at most %d", path, maxSocketPath, maxSocketPath-socketSuffix)
	}
	unlock, err := lockFolder(ctx, folder)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on the unix socket %s: %w", path, err)
	}
	defer unlock()
	if err := replaceable(ctx, path); err != nil {
		return nil, err
	}
	l, err := placeSocket(path)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on the unix socket %s: %w", path, err)
	}
	return l, nil
}

// lockFolder waits until no other start is at work in a folder.
func lockFolder(ctx context.Context, folder string) (unlock func(), err error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, reason(err)
	}
	for range lockTries {
		if err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
			return func() { _ = f.Close() }, nil // which ends the lock
		}
		if !errors.Is(err, unix.EWOULDBLOCK) || !clock.Wait(ctx, lockPause) {
			break
		}
	}
	return nil, errors.Join(fmt.Errorf("its folder is locked: %w", err), f.Close())
}

// replaceable returns an error unless there is nothing at a path, or a socket on which
// nobody listens any more.
func replaceable(ctx context.Context, path string) error {
	there, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case there.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is in the way of the unix socket: it is no socket, so it is not replaced", path)
	}
	conn, err := (&net.Dialer{Timeout: socketTimeout}).DialContext(ctx, "unix", path)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil
	case err == nil:
		_ = conn.Close() // nothing was sent
		return fmt.Errorf("the unix socket %s is already in use: stop the other program or choose another path", path)
	}
	return fmt.Errorf("it is not known whether the unix socket %s is in use, so it is not replaced: %w", path, err)
}

// placeSocket makes a socket and moves it to its place.
func placeSocket(path string) (_ net.Listener, err error) {
	folder, err := os.MkdirTemp(filepath.Dir(path), ".b") // mode 0700
	if err != nil {
		return nil, reason(err)
	}
	defer func() { _ = os.RemoveAll(folder) }() // it is empty
	made := filepath.Join(folder, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	out := &socketListener{UnixListener: l, path: path}
	if err = os.Chmod(made, 0o600); err == nil {
		if out.file, err = os.Lstat(made); err == nil {
			err = os.Rename(made, path)
		}
	}
	if err != nil {
		return nil, errors.Join(reason(err), l.Close())
	}
	return out, nil
}
