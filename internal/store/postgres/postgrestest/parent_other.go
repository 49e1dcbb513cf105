//go:build unix && !linux

package postgrestest

import "syscall"

// endWithParent has nothing to set: elsewhere a test that is killed leaves its server behind.
func endWithParent(*syscall.SysProcAttr) {}
