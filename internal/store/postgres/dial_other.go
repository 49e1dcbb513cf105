//go:build !linux

package postgres

import (
	"syscall"
	"time"
)

// boundUnanswered does nothing: this system has no such bound.
func boundUnanswered(string, syscall.RawConn, time.Duration) error { return nil }
