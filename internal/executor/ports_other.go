//go:build !linux

package executor

import "syscall"

// anyPort has nothing to change here.
func anyPort(_, _ string, _ syscall.RawConn) error { return nil }
