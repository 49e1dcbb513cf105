//go:build unix

package app

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shortFolder returns a folder whose path leaves room for a socket.
func shortFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "b")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestListenSocket(t *testing.T) {
	dir := shortFolder(t)
	path := filepath.Join(dir, "belfry.sock")
	first, err := listenSocket(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("the socket has the mode %v, %v", info.Mode(), err)
	}
	if _, err := listenSocket(t.Context(), path); err == nil || !strings.Contains(err.Error(), "is already in use") {
		t.Errorf("a second server: %v", err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Fatalf("the second start has removed the socket of the first: %v", err)
	}
	_ = first.(*socketListener).UnixListener.Close() // as a crash does: the file stays
	second, err := listenSocket(t.Context(), path)
	if err != nil {
		t.Fatalf("after a crash: %v", err)
	}
	_ = first.Close() // the late stop of another one
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the socket of the second server is gone: %v", err)
	}
	_ = conn.Close()
	_ = second.Close()
	remaining, err := os.ReadDir(dir)
	if err != nil || len(remaining) > 0 {
		t.Errorf("after the stop there are %v, %v", remaining, err)
	}
	file := filepath.Join(dir, "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for what, wrong := range map[string]string{
		"is no socket": file, "no such file": filepath.Join(dir, "no folder", "x"),
		"too long": filepath.Join(dir, strings.Repeat("x", maxSocketPath)),
	} {
		if _, err := listenSocket(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
